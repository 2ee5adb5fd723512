import { expect, test } from 'vitest';
import { PERIODS, periodsOf, startOf, type PeriodKind } from './period.js';
import { daysOf } from './window.js';

const NOON = new Date(2026, 2, 31, 12).getTime();

test.each(Object.keys(PERIODS) as PeriodKind[])(
  'cuts time into one %s after the other, without a gap, the last one running now',
  (kind) => {
    const periods = periodsOf(kind, NOON);
    expect(periods).toHaveLength(PERIODS[kind].count);
    for (const [i, { sinceMs, to }] of periods.entries()) {
      const next = periods[i + 1]?.sinceMs ?? startOf(kind, NOON, 1);
      expect(startOf(kind, next - 1)).toBe(sinceMs);
      expect(new Date(next - 1).getDate()).toBe(Number(to.slice(8)));
    }
    expect(startOf(kind, NOON)).toBe(periods.at(-1)?.sinceMs);
  },
);

test('begins weeks on a Monday, and months on their first day', () => {
  expect(periodsOf('week', NOON).at(-1)).toMatchObject({ from: '2026-03-30', to: '2026-04-05' });
  expect(periodsOf('month', NOON).at(-1)).toMatchObject({ from: '2026-03-01', to: '2026-03-31' });
  expect(periodsOf('month', NOON)[0]).toMatchObject({ from: '2025-04-01' });
});

test('has yesterday end before today begins', () => {
  expect(daysOf('yesterday', NOON)).toEqual({ from: '2026-03-30', to: '2026-03-30' });
  expect(daysOf('week', NOON)).toEqual({ from: '2026-03-25', to: '2026-03-31' });
});
