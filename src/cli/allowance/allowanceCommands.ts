import type { CommandEntry } from '../command.js';
import { AGENT_FLAG, NETWORK_FLAG, NETWORK_FLAG_ONE, OPENS, OWNS } from '../terminal/flags.js';

const CHOICE = [
  NETWORK_FLAG_ONE,
  { flags: '--asset <symbol>', summary: 'Which token, where a network has several.' },
  { flags: '--yes', summary: 'Skip the confirmation prompt.' },
  AGENT_FLAG,
  ...OWNS,
] as const;

/** What Permit2 may move: for sellers that are paid through it. */
export const allowanceCommands = [
  {
    name: 'allowance list',
    group: 'Fund',
    isDefault: true,
    summary: 'List what Permit2 may move of each token. Same as allowance.',
    details:
      'Some sellers are paid through Permit2, a contract that moves a token for a signature, as far as you allowed it. Each payment still needs its own signature, within your limits.',
    flags: [NETWORK_FLAG, AGENT_FLAG, ...OPENS],
    examples: ['allowance', 'allowance --json'],
    load: () => import('./allowanceList.js'),
  },
  {
    name: 'allowance set',
    group: 'Fund',
    summary: 'Allow Permit2 to move so much of a token. Requires owner authentication.',
    details:
      'No agent can allow anything. It takes the place of what was allowed before, is never more than $1000, and is used up by payments. Your address pays the gas, which is shown first.',
    args: [{ name: '<usd>', summary: 'Amount in dollars, such as 5.' }],
    flags: CHOICE,
    examples: ['allowance set 5 --network base', 'allowance set 5 --network polygon --asset USDC --yes'],
    load: () => import('./allowanceSet.js'),
  },
  {
    name: 'allowance revoke',
    group: 'Fund',
    summary: 'Take back what Permit2 may move of a token. Requires owner authentication.',
    details:
      'What is signed already and still valid then fails. Your address pays the gas, which is shown first.',
    flags: CHOICE,
    examples: ['allowance revoke --network base'],
    load: () => import('./allowanceRevoke.js'),
  },
] as const satisfies readonly CommandEntry[];
