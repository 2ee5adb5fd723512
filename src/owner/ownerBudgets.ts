import { SETTINGS, type Config } from '../config/settings.js';
import type { BudgetAction } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import type { Ledger } from '../ledger/ledger.js';
import { budgetChain } from '../money/budget.js';
import type { CapLine } from '../money/cap.js';
import type { UsdMicros } from '../money/unit.js';
import { budgetLines, budgetNames } from '../policy/budget.js';
import { readConfigUnauthenticated } from '../config/configFile.js';
import type { OwnerOptions } from './auth/ownerAuth.js';
import { changeConfigKeys, type ConfigChange, type KeyText } from './ownerConfig.js';

/** What of a budget is named, and how the config has it. */
const FIELDS = [
  ['perDayUsd', 'perDayUsdMicros'],
  ['perMonthUsd', 'perMonthUsdMicros'],
  ['totalUsd', 'totalUsdMicros'],
  ['until', 'untilDays'],
  ['parent', 'parents'],
] as const;

/** From this part of a budget on, its owner is told that little is left. */
const WARN_PERCENT = 80n;

/**
 * Makes a budget, or changes one, all in one step. What makes it larger, or later over, is the owner's; a new one only
 * narrows. Throws `bad_input` where a new one is there already or an old one is not, and as a change of the config does.
 */
export function setBudget(options: OwnerOptions, action: BudgetAction): Promise<readonly ConfigChange[]> {
  const { kind, name } = action;
  const isThere = budgetNames(readConfigUnauthenticated(options.home).budgets).includes(name);
  if (kind === 'addBudget' && isThere)
    throw new WalletError('bad_input', `There is a budget ${name} already.`);
  if (kind === 'setBudget' && !isThere) throw unknownBudget(name);
  const keys = FIELDS.flatMap(([given, field]): KeyText[] => {
    const text = action[given];
    return text === undefined ? [] : [{ key: keyOf(SETTINGS.budgets[field], name), text }];
  });
  if (keys.length === 0)
    throw new WalletError('bad_input', 'A budget needs an amount, or something to change.');
  const what = kind === 'addBudget' ? `Making the budget ${name}` : `Changing the budget ${name}`;
  return changeConfigKeys(options, { what, action }, keys);
}

/** Moves a budget, or an agent, into another budget, `none` for out of all. To be put into one first only narrows. */
export function moveIntoBudget(
  options: OwnerOptions,
  moved: { readonly budget: string } | { readonly agent: string },
  to: string,
): Promise<readonly ConfigChange[]> {
  const parent = to === 'none' ? {} : { to };
  if ('agent' in moved) {
    const { agent } = moved;
    const key = keyOf(SETTINGS.agents.budgets, agent);
    const what =
      to === 'none' ? `Taking ${agent} out of its budget` : `Moving ${agent} into the budget ${to}`;
    return changeConfigKeys(options, { what, action: { kind: 'moveBudget', agent, ...parent } }, [
      { key, text: to },
    ]);
  }
  const { budget: name } = moved;
  const key = keyOf(SETTINGS.budgets.parents, name);
  const what =
    to === 'none' ? `Taking the budget ${name} out of its own` : `Moving the budget ${name} into ${to}`;
  return changeConfigKeys(options, { what, action: { kind: 'moveBudget', name, ...parent } }, [
    { key, text: to },
  ]);
}

/** Takes a budget away. Throws `bad_input` while anything is in it. */
export function removeBudget(options: OwnerOptions, name: string): Promise<readonly ConfigChange[]> {
  const { budgets, agents } = readConfigUnauthenticated(options.home);
  if (!budgetNames(budgets).includes(name)) throw unknownBudget(name);
  const inIt = [...budgets.parents, ...agents.budgets].find(([, place]) => place === name);
  if (inIt !== undefined)
    throw new WalletError('bad_input', `The budget ${name} still has ${inIt[0]} in it.`);
  // Its place and its end go first: while they stand, it needs an amount.
  const keys = [...FIELDS]
    .reverse()
    .filter(([, field]) => budgets[field].has(name))
    .map(([, field]): KeyText => ({ key: keyOf(SETTINGS.budgets[field], name), text: 'none' }));
  const words = { what: `Removing the budget ${name}`, action: { kind: 'removeBudget', name } as const };
  return changeConfigKeys(options, words, keys);
}

function keyOf(setting: { readonly pathOf: (name: string) => readonly string[] }, name: string): string {
  return setting.pathOf(name).join('.');
}

function unknownBudget(name: string): WalletError {
  return new WalletError('bad_input', `There is no budget ${name}.`);
}

/** One amount of a budget, and what came of it. */
export interface BudgetLine {
  readonly line: CapLine;
  /** Spent, on its way, or set aside for a run. */
  readonly usedUsdMicros: UsdMicros;
  readonly leftUsdMicros: UsdMicros;
  /** Whether so much is used that its owner should know. */
  readonly isNearlySpent: boolean;
}

/** A budget of the owner's as it stands. */
export interface BudgetState {
  readonly name: string;
  readonly parent: string | null;
  /** The budgets from the topmost one down to this. */
  readonly path: readonly string[];
  /** The last day in UTC, or null. */
  readonly until: string | null;
  readonly lines: readonly BudgetLine[];
  /** The agents right in it. */
  readonly agents: readonly string[];
}

/** Every budget, each behind the one above it, with what is left. */
export async function budgetStates(ledger: Ledger, config: Config, nowMs: number): Promise<BudgetState[]> {
  const { budgets, agents } = config;
  // No name has a blank.
  const placeOf = (name: string): string => pathOf(budgets, name).join(' ');
  const ordered = budgetNames(budgets).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  return Promise.all(
    ordered.map(async (name) => {
      const lines = budgetLines(budgets, name, nowMs).filter(
        ({ scope }) => scope.kind === 'budget' && scope.budget === name,
      );
      const used = await ledger.usage(lines, nowMs);
      return {
        name,
        parent: budgets.parents.get(name) ?? null,
        path: pathOf(budgets, name),
        until: budgets.untilDays.get(name) ?? null,
        lines: lines.map((line, i) => budgetLine(line, used[i] ?? 0n)),
        agents: [...agents.budgets].flatMap(([agent, of]) => (of === name ? [agent] : [])).sort(),
      };
    }),
  );
}

function pathOf({ parents }: Config['budgets'], name: string): string[] {
  return (budgetChain(parents, name) ?? [name]).reverse();
}

function budgetLine(line: CapLine, usedUsdMicros: UsdMicros): BudgetLine {
  const left = line.usdMicrosMax - usedUsdMicros;
  return {
    line,
    usedUsdMicros,
    leftUsdMicros: left > 0n ? left : 0n,
    isNearlySpent: usedUsdMicros * 100n >= line.usdMicrosMax * WARN_PERCENT,
  };
}
