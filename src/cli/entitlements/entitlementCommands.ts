import type { CommandEntry } from '../command.js';
import { OPENS } from '../terminal/flags.js';

const ID = { name: '<id>', summary: 'As shown by entitlements list, such as ent_….' };

/** The commands about what agents bought ahead. */
export const entitlementCommands = [
  {
    name: 'entitlements list',
    group: 'Look',
    isDefault: true,
    summary: 'List what agents bought and have not used up. Same as entitlements.',
    details:
      'Access tokens, prepaid balances, sign-in sessions and jobs. Each is used before anything new is paid at its place, by the agent that bought it.',
    flags: [
      { flags: '--agent <name>', summary: 'Only this agent’s.' },
      { flags: '--all', summary: 'Also those spent, expired or revoked in the last 30 days.' },
      ...OPENS,
    ],
    examples: ['entitlements', 'entitlements list --all --json'],
    load: () => import('./entitlementsList.js'),
  },
  {
    name: 'entitlements show',
    group: 'Look',
    summary: 'Show one of them: where it is good, what is left, and the payment that bought it.',
    args: [ID],
    flags: OPENS,
    examples: ['entitlements show ent_0123456789abcdef0123'],
    load: () => import('./entitlementsShow.js'),
  },
  {
    name: 'entitlements revoke',
    group: 'Stop and check',
    summary: 'Never use one again. The wallet forgets its secret; what is left of it is lost.',
    args: [ID],
    flags: OPENS,
    examples: ['entitlements revoke ent_0123456789abcdef0123'],
    load: () => import('./entitlementsRevoke.js'),
  },
] as const satisfies readonly CommandEntry[];
