import { expect, test } from 'vitest';
import { budgetLines, type Budgets } from './budget.js';

const T0 = Date.parse('2027-03-31T12:00:00Z');
const budgets: Budgets = {
  perDayUsdMicros: new Map([['research', 5n]]),
  perMonthUsdMicros: new Map([
    ['company', 500n],
    ['research', 100n],
  ]),
  totalUsdMicros: new Map([['field', 7n]]),
  untilDays: new Map([['research', '2027-03-31']]),
  parents: new Map([
    ['field', 'research'],
    ['research', 'company'],
  ]),
};

test('a budget bounds by each of its amounts, and so does each one above it; none can be approved past', () => {
  const lines = budgetLines(budgets, 'field', T0);
  expect(lines.map(({ name, windowSec, usdMicrosMax }) => [name, windowSec, usdMicrosMax])).toEqual([
    ['budgets.field.total_usd', null, 7n],
    ['budgets.research.per_day_usd', 86_400, 5n],
    ['budgets.research.per_month_usd', 2_592_000, 100n],
    ['budgets.company.per_month_usd', 2_592_000, 500n],
  ]);
  expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(['ceiling']));
  expect(lines.at(-1)?.scope).toEqual({
    kind: 'budget',
    budget: 'company',
    below: ['company', 'field', 'research'],
  });
});

test('after its last day a budget, and all below it, have room for nothing', () => {
  const names = (nowMs: number): string[] => budgetLines(budgets, 'field', nowMs).map(({ name }) => name);
  expect(names(Date.parse('2027-03-31T23:59:59.999Z'))).not.toContain('budgets.research.until');
  const over = budgetLines(budgets, 'field', Date.parse('2027-04-01T00:00:00Z'));
  expect(over.find(({ name }) => name === 'budgets.research.until')?.usdMicrosMax).toBe(0n);
});
