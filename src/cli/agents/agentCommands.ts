import type { CommandFlag, CommandRow } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

const NAME = { name: '<name>', doc: 'Small letters, digits and hyphens, a letter first.' };
const TOKEN_FLAG: CommandFlag = {
  flags: '--token-file <file>',
  doc: 'Write the token into this new file, for you alone to read, and do not show it.',
};

/** The commands about agents. */
export const agentCommands: readonly Omit<CommandRow, 'usage'>[] = [
  {
    name: 'agents list',
    group: 'Agents',
    isDefault: true,
    summary: 'List the agents with their addresses; plain agents does the same.',
    flags: OPENS,
    examples: ['agents'],
    load: () => import('./agentsList.js'),
  },
  {
    name: 'agents add',
    group: 'Agents',
    summary: 'Add an agent with keys, address and token of its own; needs the owner.',
    details:
      'Its money is at its own address, out of reach of the others; its limits are agents.NAME.limits.*, inside the wallet’s. PURSER_AGENT names it to a server on stdio, its token opens purser serve. After ledger rebuild, add brings an agent back with the keys it had.',
    args: [NAME],
    flags: [TOKEN_FLAG, ...OWNS],
    examples: ['agents add researcher', 'agents add researcher --token-file ~/researcher.token --json'],
    load: () => import('./agentsAdd.js'),
  },
  {
    name: 'agents show',
    group: 'Agents',
    summary: 'Show one agent: state, address, money on chain, limits of its own.',
    args: [NAME],
    flags: OPENS,
    examples: ['agents show researcher'],
    load: () => import('./agentsShow.js'),
  },
  {
    name: 'agents suspend',
    group: 'Agents',
    summary: 'Stop one agent at once, in every process; nothing of its is signed or sent.',
    args: [NAME],
    flags: OPENS,
    examples: ['agents suspend researcher'],
    load: () => import('./agentsSuspend.js'),
  },
  {
    name: 'agents resume',
    group: 'Agents',
    summary: 'Let a suspended agent act again; needs the owner.',
    args: [NAME],
    flags: OWNS,
    examples: ['agents resume researcher'],
    load: () => import('./agentsResume.js'),
  },
  {
    name: 'agents rotate',
    group: 'Agents',
    summary: 'Give an agent a new token; the old one opens nothing from then on; needs the owner.',
    args: [NAME],
    flags: [TOKEN_FLAG, ...OWNS],
    examples: ['agents rotate researcher --token-file ~/researcher.token'],
    load: () => import('./agentsRotate.js'),
  },
  {
    name: 'agents remove',
    group: 'Agents',
    summary: 'Bring an agent’s money back and end it for good; its history, name and keys stay its own.',
    details:
      'It is suspended at once; its money goes to the first agent’s address, the way of withdraw, and when the chain shows that, it is removed. While payments are open, or where its money cannot be moved, it stays suspended and you are told what is where; run it again to go on. Needs the owner, but with --leave-money.',
    args: [NAME],
    flags: [
      {
        flags: '--leave-money',
        doc: 'Remove it and leave its money where it is: agents sweep still takes it out.',
      },
      ...OWNS,
    ],
    examples: ['agents remove researcher --factor-file F', 'agents remove researcher --leave-money'],
    load: () => import('./agentsRemove.js'),
  },
];
