import type { CommandEntry, CommandFlag } from '../command.js';
import { NETWORK_FLAG_ONE, OPENS, OWNS } from '../terminal/flags.js';

const NAME = { name: '<name>', summary: 'Lower-case letters, digits and hyphens; starts with a letter.' };
/** Of a command that makes a token. */
export const TOKEN_FLAG = {
  flags: '--token-file <file>',
  summary: 'Write the token to this new file, readable by you only, instead of printing it.',
} as const satisfies CommandFlag;

const FOR_FLAG = '--for <time>';

/** The commands about agents. */
export const agentCommands = [
  {
    name: 'agents list',
    group: 'Agents',
    isDefault: true,
    summary: 'List the agents and their addresses. Same as agents.',
    flags: OPENS,
    examples: ['agents'],
    load: () => import('./agentsList.js'),
  },
  {
    name: 'agents add',
    group: 'Agents',
    summary: 'Add an agent with its own keys, address and token. Requires owner authentication.',
    details:
      'The agent’s money is at its own address, which other agents cannot spend from. Its limits are agents.NAME.limits.*, within the wallet’s limits. On stdio, PURSER_AGENT selects it; at purser serve, its token does. After ledger rebuild, add the same name again to get its keys back.',
    args: [NAME],
    flags: [
      {
        flags: '--template <name>',
        summary: 'Give it the settings of templates.NAME.terms, and at most the time that these name.',
      },
      { flags: FOR_FLAG, summary: 'Let it act for this long only, such as 8h or 7d.' },
      TOKEN_FLAG,
      ...OWNS,
    ],
    examples: [
      'agents add researcher',
      'agents add researcher --token-file ~/researcher.token --json',
      'agents add crawler-1 --template crawler --for 7d',
    ],
    load: () => import('./agentsAdd.js'),
  },
  {
    name: 'agents show',
    group: 'Agents',
    summary: 'Show an agent’s state, addresses, money on chain and own limits.',
    args: [NAME],
    flags: OPENS,
    examples: ['agents show researcher'],
    load: () => import('./agentsShow.js'),
  },
  {
    name: 'agents suspend',
    group: 'Agents',
    summary: 'Stop one agent at once, in every process. Nothing more is signed or sent for it.',
    args: [NAME],
    flags: OPENS,
    examples: ['agents suspend researcher'],
    load: () => import('./agentsSuspend.js'),
  },
  {
    name: 'agents resume',
    group: 'Agents',
    summary: 'Let a suspended agent act again. Requires owner authentication.',
    args: [NAME],
    flags: OWNS,
    examples: ['agents resume researcher'],
    load: () => import('./agentsResume.js'),
  },
  {
    name: 'agents prolong',
    group: 'Agents',
    summary: 'Give an agent whose time is limited more of it. Requires owner authentication.',
    details:
      'Counts from its end, or from the end of today (UTC) if its time is over. To stop it sooner, suspend it.',
    args: [NAME],
    flags: [{ flags: FOR_FLAG, summary: 'How much longer, such as 7d. Required.' }, ...OWNS],
    examples: ['agents prolong crawler-1 --for 7d'],
    load: () => import('./agentsProlong.js'),
  },
  {
    name: 'agents rotate',
    group: 'Agents',
    summary: 'Replace an agent’s token. The old token stops working. Requires owner authentication.',
    args: [NAME],
    flags: [TOKEN_FLAG, ...OWNS],
    examples: ['agents rotate researcher --token-file ~/researcher.token'],
    load: () => import('./agentsRotate.js'),
  },
  {
    name: 'agents remove',
    group: 'Agents',
    summary: 'Move an agent’s money back and remove the agent for good. Its history stays.',
    details:
      'The agent is suspended at once. Its money moves to the first agent’s address, as by withdraw, and once the chain shows that, the agent is removed. While payments are open, or if its money cannot be moved, it stays suspended and the command says what is where; run it again to continue. Requires owner authentication, except with --leave-money. Its name is never given to another agent.',
    args: [NAME],
    flags: [
      {
        flags: '--leave-money',
        summary: 'Remove the agent and leave its money. agents sweep can still move it later.',
      },
      ...OWNS,
    ],
    examples: ['agents remove researcher --factor-file F', 'agents remove researcher --leave-money'],
    load: () => import('./agentsRemove.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Moving money between agents. */
export const agentFundCommands = [
  {
    name: 'agents fund',
    group: 'Fund',
    summary: 'Send money from the first agent’s address to another agent. Requires owner authentication.',
    details:
      'Works like withdraw: no gas where a facilitator supports the network, and no limit applies. On Solana an agent that never received USDC has no token account yet: creating it costs the first agent 0.002 SOL. You can also send its first USDC from an exchange.',
    args: [{ name: '<name>', summary: 'The agent.' }],
    flags: [
      { flags: '--usd <usd>', summary: 'Amount in dollars, such as 5.' },
      NETWORK_FLAG_ONE,
      {
        flags: '--repeat',
        summary: 'Send again although the facilitator reported success. Use only if the money never arrived.',
      },
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      ...OWNS,
    ],
    examples: ['agents fund researcher --usd 5', 'agents fund researcher --usd 5 --network eip155:8453'],
    load: () => import('./agentsFund.js'),
  },
  {
    name: 'agents sweep',
    group: 'Fund',
    summary: 'Move all of an agent’s money to the first agent’s address. Requires owner authentication.',
    details: 'Money held for open payments stays until they are settled. Suspend the agent first.',
    args: [{ name: '<name>', summary: 'The agent. It may be suspended or removed.' }],
    flags: [
      NETWORK_FLAG_ONE,
      {
        flags: '--include-held',
        summary: 'Also take money held for open payments. Those payments then fail.',
      },
      {
        flags: '--repeat',
        summary: 'Send again although the facilitator reported success. Use only if the money never arrived.',
      },
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      ...OWNS,
    ],
    examples: ['agents sweep researcher --yes --factor-file F'],
    load: () => import('./agentsSweep.js'),
  },
] as const satisfies readonly CommandEntry[];
