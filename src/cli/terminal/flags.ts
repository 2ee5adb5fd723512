import { findNetworkByName } from '../../money/network.js';
import type { CommandFlag } from '../command.js';

/** The CAIP-2 name of a network; a name that is not known stays, for the command to refuse it. */
export function readNetwork(text: string): string {
  return findNetworkByName(text)?.caip2 ?? text;
}

export const JSON_FLAG = {
  flags: '--json',
  summary: 'Print JSON, including errors.',
} as const satisfies CommandFlag;
export const PASSPHRASE_FLAG = {
  flags: '--passphrase-file <file>',
  summary: 'File with the unlock passphrase of a file keystore.',
} as const satisfies CommandFlag;
export const NETWORK_FLAG = {
  flags: '--network <name>',
  summary: 'One network by name, such as base or eip155:8453. Default: all enabled networks.',
  read: readNetwork,
} as const satisfies CommandFlag;
export const NETWORK_FLAG_ONE = {
  flags: '--network <name>',
  summary: 'Network by name, such as base or eip155:8453. Needed only if several are possible.',
  read: readNetwork,
} as const satisfies CommandFlag;
/** Of a command that needs no keys and tells more with them. */
export const UNLOCK_FLAG = {
  flags: '--unlock',
  summary: 'Ask for the unlock passphrase where it is needed, so that the keys prove the addresses.',
} as const satisfies CommandFlag;
export const OPENS = [PASSPHRASE_FLAG, JSON_FLAG] as const satisfies readonly CommandFlag[];
export const FACTOR_FLAG = {
  flags: '--factor-file <file>',
  summary: 'File with the owner passphrase. Default: you type it.',
} as const satisfies CommandFlag;
/** Of a command that changes what opens an encrypted keystore. */
export const NEW_PASSPHRASE_FLAG = {
  flags: '--new-passphrase-file <file>',
  summary: 'File with the new unlock passphrase, where it is changed. Default: you type it, twice.',
} as const satisfies CommandFlag;
/** Of a command that adds a factor. */
export const OWNER_FLAG = {
  flags: '--owner <name>',
  summary: 'Whom it proves, where the wallet has several owners. Default: the first owner.',
} as const satisfies CommandFlag;
/** Of a command that is the owner's. */
export const OWNS = [FACTOR_FLAG, ...OPENS] as const satisfies readonly CommandFlag[];

/** Of a command that pays. */
export const LABEL_FLAG = {
  flags: '--label <pair...>',
  summary: 'A tag for reports, such as team=search. Repeatable.',
} as const satisfies CommandFlag;

/** Of a command that is done as one of the agents. */
export const AGENT_FLAG = {
  flags: '--agent <name>',
  summary: 'Agent name. Default: PURSER_AGENT, or the agent named default.',
} as const satisfies CommandFlag;
