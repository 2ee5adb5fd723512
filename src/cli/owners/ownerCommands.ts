import type { CommandEntry } from '../command.js';
import { NEW_PASSPHRASE_FLAG, OPENS, OWNS } from '../terminal/flags.js';

const PROPOSAL = { name: '<id>', summary: 'A proposal id.' };

/** Several owners, and what they agree on. */
export const ownerCommands = [
  {
    name: 'owners list',
    group: 'Approve',
    isDefault: true,
    summary: 'List the owners, how many a loosening needs, and what waits for a second one. Same as owners.',
    flags: OPENS,
    examples: ['owners'],
    load: () => import('./ownersList.js'),
  },
  {
    name: 'owners quorum',
    group: 'Approve',
    summary: 'Set how many owners a loosening needs: 1 or 2. Requires owner authentication.',
    details:
      'Add a factor of the second owner first, with factor add --owner NAME. With 2, what one owner loosens is proposed, and done once another one confirms it. Keep the recovery phrase: where only one owner is left, it is the way on.',
    args: [{ name: '<owners>', summary: '1 or 2.' }],
    flags: OWNS,
    examples: ['owners quorum 2'],
    load: () => import('./ownersQuorum.js'),
  },
  {
    name: 'owners show',
    group: 'Approve',
    summary: 'Show one proposal in full, with what confirms it.',
    args: [PROPOSAL],
    flags: OPENS,
    examples: ['owners show prp_0123456789abcdef0123'],
    load: () => import('./ownersShow.js'),
  },
  {
    name: 'owners confirm',
    group: 'Approve',
    summary: 'Do what another owner proposed. Requires a factor of yours.',
    details:
      'A proposal holds no secret: a new passphrase, or the connection string of a Lightning wallet, is asked for anew. A channel is added by the same command.',
    args: [PROPOSAL],
    flags: [
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      {
        flags: '--new-factor-file <file>',
        summary: 'File with the new owner passphrase, where one is added.',
      },
      NEW_PASSPHRASE_FLAG,
      ...OWNS,
    ],
    examples: ['owners confirm prp_0123456789abcdef0123'],
    load: () => import('./ownersConfirm.js'),
  },
  {
    name: 'owners withdraw',
    group: 'Approve',
    summary: 'End a proposal. Needs only the unlocked wallet.',
    args: [PROPOSAL],
    flags: OPENS,
    examples: ['owners withdraw prp_0123456789abcdef0123'],
    load: () => import('./ownersWithdraw.js'),
  },
  {
    name: 'owners log',
    group: 'Approve',
    summary: 'Show what owners allowed, proposed and withdrew, and who.',
    flags: [{ flags: '--limit <number>', summary: 'As many at most. Default: 50.' }, ...OPENS],
    examples: ['owners log', 'owners log --limit 500 --json'],
    load: () => import('./ownersLog.js'),
  },
] as const satisfies readonly CommandEntry[];
