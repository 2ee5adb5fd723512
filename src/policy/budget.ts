import { budgetChain } from '../money/budget.js';
import type { CapLine } from '../money/cap.js';
import type { UsdMicros } from '../money/unit.js';
import { DAY_SEC, MONTH_SEC } from './limits.js';

/**
 * The owner's budgets, each by its name: amounts that a group of agents shares. They are a tree: what counts in one counts
 * in the one above it too. No approval passes a budget.
 */
export interface Budgets {
  readonly perDayUsdMicros: ReadonlyMap<string, UsdMicros>;
  readonly perMonthUsdMicros: ReadonlyMap<string, UsdMicros>;
  /** For the whole life of the budget. */
  readonly totalUsdMicros: ReadonlyMap<string, UsdMicros>;
  /** The last day in UTC, as `2027-03-31`. */
  readonly untilDays: ReadonlyMap<string, string>;
  /** The budget that one is part of. */
  readonly parents: ReadonlyMap<string, string>;
}

/** Every budget by name, sorted. */
export function budgetNames({ perDayUsdMicros, perMonthUsdMicros, totalUsdMicros }: Budgets): string[] {
  const names = [perDayUsdMicros, perMonthUsdMicros, totalUsdMicros].flatMap((amounts) => [
    ...amounts.keys(),
  ]);
  return [...new Set(names)].sort();
}

/**
 * The lines of a budget and of each above it. `nowMs` is the wall clock: after its last day a budget has room for nothing.
 */
export function budgetLines(budgets: Budgets, name: string, nowMs: number): CapLine[] {
  const names = budgetNames(budgets);
  return (budgetChain(budgets.parents, name) ?? []).flatMap((budget) => {
    const below = names.filter((one) => budgetChain(budgets.parents, one)?.includes(budget));
    const scope = { kind: 'budget', budget, below } as const;
    const line = (key: string, windowSec: number | null, usdMicrosMax: UsdMicros | undefined): CapLine[] =>
      usdMicrosMax === undefined
        ? []
        : [{ name: `budgets.${budget}.${key}`, kind: 'ceiling', scope, windowSec, usdMicrosMax }];
    return [
      ...line('until', null, isOver(budgets.untilDays.get(budget), nowMs) ? 0n : undefined),
      ...line('per_day_usd', DAY_SEC, budgets.perDayUsdMicros.get(budget)),
      ...line('per_month_usd', MONTH_SEC, budgets.perMonthUsdMicros.get(budget)),
      ...line('total_usd', null, budgets.totalUsdMicros.get(budget)),
    ];
  });
}

/** Whether a budget's last day has passed. */
function isOver(until: string | undefined, nowMs: number): boolean {
  return until !== undefined && nowMs >= Date.parse(until) + DAY_SEC * 1000;
}
