import type { CommandEntry } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

const NAME = { name: '<name>', summary: 'Lower-case letters, digits and hyphens; starts with a letter.' };
const AMOUNTS = [
  { flags: '--per-day <usd>', summary: 'Dollars in any 24 hours, or none.' },
  { flags: '--per-month <usd>', summary: 'Dollars in any 30 days, or none.' },
  { flags: '--total <usd>', summary: 'Dollars for its whole life, or none.' },
  { flags: '--until <day>', summary: 'The last day, in UTC, such as 2027-03-31, or none.' },
] as const;

/** The owner's budgets, which groups of agents share. */
export const budgetCommands = [
  {
    name: 'budgets show',
    group: 'Agents',
    isDefault: true,
    summary: 'Show the budgets as a tree, with what is left of each. Same as budgets.',
    details:
      'A budget is an amount that agents share. What an agent spends counts in its budget and in each one above, and no approval passes one. What a run (purser run) was given counts as used until the run ends.',
    args: [{ name: '[name]', summary: 'One budget and what is in it. Default: all.' }],
    flags: OPENS,
    examples: ['budgets', 'budgets show research --json'],
    load: () => import('./budgetsShow.js'),
  },
  {
    name: 'budgets add',
    group: 'Agents',
    summary: 'Make a budget that agents share.',
    details:
      'What was spent before does not count in it, unless in an earlier budget of the same name. Put agents into it with budgets move --agent.',
    args: [NAME],
    flags: [...AMOUNTS, { flags: '--in <budget>', summary: 'The budget that it is part of.' }, ...OWNS],
    examples: ['budgets add company --per-month 500', 'budgets add research --per-month 100 --in company'],
    load: () => import('./budgetsAdd.js'),
  },
  {
    name: 'budgets set',
    group: 'Agents',
    summary: 'Change a budget’s amounts or its last day. To raise it requires owner authentication.',
    args: [NAME],
    flags: [...AMOUNTS, ...OWNS],
    examples: ['budgets set research --per-month 50', 'budgets set research --until 2027-03-31'],
    load: () => import('./budgetsSet.js'),
  },
  {
    name: 'budgets move',
    group: 'Agents',
    summary: 'Move a budget or an agent into a budget, or out of it.',
    details:
      'The first budget of an agent, or above a budget, only narrows; every other move requires owner authentication. What was spent stays where it was counted.',
    args: [{ name: '[name]', summary: 'The budget to move.' }],
    flags: [
      { flags: '--agent <name>', summary: 'The agent to move, in place of a budget.' },
      { flags: '--to <budget>', summary: 'Where to, or none.' },
      ...OWNS,
    ],
    examples: ['budgets move --agent researcher --to research', 'budgets move research --to none'],
    load: () => import('./budgetsMove.js'),
  },
  {
    name: 'budgets remove',
    group: 'Agents',
    summary: 'Remove a budget with nothing in it. Requires owner authentication.',
    args: [NAME],
    flags: OWNS,
    examples: ['budgets remove research'],
    load: () => import('./budgetsRemove.js'),
  },
] as const satisfies readonly CommandEntry[];
