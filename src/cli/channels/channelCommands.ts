import type { CommandEntry } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

/** The commands about deposits with sellers. */
export const channelCommands = [
  {
    name: 'channels list',
    group: 'Look',
    isDefault: true,
    summary: 'List the deposits that calls are paid out of: what is in, signed and left. Same as channels.',
    details:
      'A session of MPP, and batch-settlement of x402, pay each call out of a deposit with its seller. A deposit counts whole against every limit until it is closed; limits.deposit_usd says how large one may be before you are asked.',
    flags: [{ flags: '--all', summary: 'Also those closed in the last 30 days.' }, ...OPENS],
    examples: ['channels', 'channels list --all --json'],
    load: () => import('./channelsList.js'),
  },
  {
    name: 'channels close',
    group: 'Stop and check',
    summary: 'Close a deposit, and get back what its seller has not earned. Requires owner authentication.',
    details:
      'The seller is asked to close it, which costs nothing. Where it does not, the chain is asked, whose fee the address pays: on Tempo less than 2 cents, elsewhere gas. 15 minutes later, or after the time that the seller named, the same command brings the rest back.',
    args: [{ name: '<id>', summary: 'As shown by channels list, such as ent_….' }],
    flags: OWNS,
    examples: ['channels close ent_0123456789abcdef0123'],
    load: () => import('./channelsClose.js'),
  },
] as const satisfies readonly CommandEntry[];
