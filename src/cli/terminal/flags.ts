import type { CommandFlag } from '../command.js';

export const JSON_FLAG: CommandFlag = { flags: '--json', doc: 'Print JSON, including errors.' };
export const PASSPHRASE_FLAG: CommandFlag = {
  flags: '--passphrase-file <file>',
  doc: 'File with the unlock passphrase of a file keystore.',
};
export const NETWORK_FLAG: CommandFlag = {
  flags: '--network <caip2>',
  doc: 'One network by its CAIP-2 name, such as eip155:8453. Default: all enabled networks.',
};
export const NETWORK_FLAG_ONE: CommandFlag = {
  flags: '--network <caip2>',
  doc: 'Network by its CAIP-2 name. Needed only if several are possible.',
};
export const OPENS: readonly CommandFlag[] = [PASSPHRASE_FLAG, JSON_FLAG];
export const FACTOR_FLAG: CommandFlag = {
  flags: '--factor-file <file>',
  doc: 'File with the owner passphrase. Default: you type it.',
};
/** Of a command that is the owner's. */
export const OWNS: readonly CommandFlag[] = [FACTOR_FLAG, ...OPENS];

/** Of a command that is done as one of the agents. */
export const AGENT_FLAG: CommandFlag = {
  flags: '--agent <name>',
  doc: 'Agent name. Default: PURSER_AGENT, or the agent named default.',
};
