import type { CommandEntry } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

/** The limits, hosts, categories, budgets and networks as one file. */
export const policyCommands = [
  {
    name: 'policy export',
    group: 'Set up',
    summary: 'Print the policy in force: limits, hosts, categories, budgets and networks, as JSON.',
    details:
      'The keys are those of config set, and docs/policy.schema.json is the schema of the file. Keys, agents, RPCs and what else is set are no part of it.',
    examples: ['policy export > policy.json'],
    load: () => import('./policyExport.js'),
  },
  {
    name: 'policy test',
    group: 'Set up',
    summary: 'Show which payments of a time a policy would have asked about or refused.',
    details:
      'The payments of the ledger are judged in their order by what decides live; nothing is asked or moved. What would be refused counts no more; what would be asked about counts as approved. Catalogues, pauses and balances are left out. Exit codes: 0 nothing changes, 3 some would be refused, 4 some would be asked about.',
    flags: [
      { flags: '--policy <file>', summary: 'The policy to try. Default: the one in force.' },
      {
        flags: '--against <time>',
        summary: 'last-month, last-week, or FROM..TO, such as 2026-11-01..2026-12-01 or 30d.. until now.',
      },
      ...OPENS,
    ],
    examples: ['policy test --against last-month', 'policy test --policy policy.json --against 30d..'],
    load: () => import('./policyTest.js'),
  },
  {
    name: 'policy apply',
    group: 'Set up',
    summary: 'Bring the policy of a file in force. What loosens the wallet requires owner authentication.',
    details:
      'All of it or nothing, as config set does it. A setting with a name in its key that the file lacks is removed; any other setting that it lacks stays.',
    args: [{ name: '<file>', summary: 'The policy, as policy export prints it.' }],
    flags: OWNS,
    examples: ['policy apply policy.json'],
    load: () => import('./policyApply.js'),
  },
] as const satisfies readonly CommandEntry[];
