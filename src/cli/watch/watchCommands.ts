import type { CommandEntry } from '../command.js';
import { AGENT_FLAG, JSON_FLAG, NETWORK_FLAG, OPENS } from '../terminal/flags.js';

/** What there is. */
export const balanceCommands = [
  {
    name: 'status',
    group: 'Look',
    summary: 'Show the wallet at a glance: money, spending, what waits. Same as purser alone in a terminal.',
    details: 'Asks for nothing. What is locked is said.',
    flags: [JSON_FLAG],
    examples: ['status', 'status --json'],
    load: () => import('./status.js'),
  },
  {
    name: 'balance',
    group: 'Look',
    summary: 'Show what is on chain, held and spendable, and what is left of each limit.',
    flags: [
      NETWORK_FLAG,
      AGENT_FLAG,
      { flags: '--watch', summary: 'Show it anew every five seconds, until Ctrl-C.' },
      ...OPENS,
    ],
    examples: ['balance', 'balance --watch', 'balance --json'],
    load: () => import('./balance.js'),
  },
  {
    name: 'top',
    group: 'Look',
    summary:
      'Watch what agents spend, live: limits, agents, sellers, the newest payments. Keys: f freezes, q ends.',
    details: 'Asks for nothing. Where the wallet is locked it shows what the ledger says without keys.',
    flags: [],
    examples: ['top'],
    load: () => import('./top.js'),
  },
] as const satisfies readonly CommandEntry[];
