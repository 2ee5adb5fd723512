import type { CommandEntry } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

const ID = { name: '<id>', summary: 'As shown by commitments list, such as pay_….' };

/** The commands about promises to pay in each period. */
export const commitmentCommands = [
  {
    name: 'commitments list',
    group: 'Look',
    isDefault: true,
    summary: 'List the subscriptions: what each may take, how often, until when. Same as commitments.',
    details:
      'A subscription lets its seller take an amount in each period, which the chain holds it to. It counts against every limit by what the window of the limit can see taken, until it has ended; limits.commitment_usd says above what you are asked first.',
    flags: [{ flags: '--all', summary: 'Also those that ended in the last 30 days.' }, ...OPENS],
    examples: ['commitments', 'commitments list --all --json'],
    load: () => import('./commitmentsList.js'),
  },
  {
    name: 'commitments show',
    group: 'Look',
    summary: 'Show one subscription and everything that was taken by it.',
    args: [ID],
    flags: OPENS,
    examples: ['commitments show pay_0123456789abcdef0123'],
    load: () => import('./commitmentsShow.js'),
  },
  {
    name: 'commitments cancel',
    group: 'Stop and check',
    summary: 'End a subscription on its chain, so that nothing more is taken. Requires owner authentication.',
    details:
      'The seller is not asked: the chain takes its key back, for a fee of less than 2 cents that the address pays. What was taken before does not come back.',
    args: [ID],
    flags: OWNS,
    examples: ['commitments cancel pay_0123456789abcdef0123'],
    load: () => import('./commitmentsCancel.js'),
  },
] as const satisfies readonly CommandEntry[];
