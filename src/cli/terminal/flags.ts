import type { CommandFlag } from '../command.js';

export const JSON_FLAG: CommandFlag = { flags: '--json', doc: 'Print JSON, errors too.' };
export const PASSPHRASE_FLAG: CommandFlag = {
  flags: '--passphrase-file <file>',
  doc: 'File with the passphrase of the encrypted keystore.',
};
export const NETWORK_FLAG: CommandFlag = {
  flags: '--network <caip2>',
  doc: 'One network by its CAIP-2 name, such as eip155:8453; all enabled ones unless given.',
};
export const NETWORK_FLAG_ONE: CommandFlag = {
  flags: '--network <caip2>',
  doc: 'Which network, by its CAIP-2 name; needed only where several come into question.',
};
export const OPENS: readonly CommandFlag[] = [PASSPHRASE_FLAG, JSON_FLAG];
export const FACTOR_FLAG: CommandFlag = {
  flags: '--factor-file <file>',
  doc: 'File with the owner passphrase; else it is typed.',
};
/** Of a command that is the owner's. */
export const OWNS: readonly CommandFlag[] = [FACTOR_FLAG, ...OPENS];

/** Of a command that is done as one of the agents. */
export const AGENT_FLAG: CommandFlag = {
  flags: '--agent <name>',
  doc: 'Which agent of the wallet; the one that PURSER_AGENT names, or default, unless given.',
};
