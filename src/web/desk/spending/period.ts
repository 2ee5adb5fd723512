import { localDay } from '../../../text/localTime.js';
import { midnightOf } from './spendBook.js';

/** How spending over time is cut: into days, into weeks that begin on a Monday, into months. */
export const PERIODS = {
  day: { words: 'Days', count: 30 },
  week: { words: 'Weeks', count: 13 },
  month: { words: 'Months', count: 12 },
} as const;
export type PeriodKind = keyof typeof PERIODS;

/** One of them, by the local days that it begins and ends with. */
export interface Period {
  readonly sinceMs: number;
  readonly from: string;
  readonly to: string;
}

/** The kind of a query; days where it names none. */
export function periodKindOf(query: string | undefined): PeriodKind {
  return query !== undefined && Object.hasOwn(PERIODS, query) ? (query as PeriodKind) : 'day';
}

/** The latest ones, the one that runs now last. */
export function periodsOf(kind: PeriodKind, nowMs: number): Period[] {
  const { count } = PERIODS[kind];
  const starts = Array.from({ length: count + 1 }, (_, i) => startOf(kind, nowMs, i - count + 1));
  return starts.slice(0, count).map((sinceMs, i) => ({
    sinceMs,
    from: localDay(sinceMs),
    to: localDay(midnightOf(starts[i + 1] ?? sinceMs, -1)),
  }));
}

/** Midnight at the beginning of the period of a moment, some periods on or back. */
export function startOf(kind: PeriodKind, ms: number, on = 0): number {
  const at = new Date(ms);
  if (kind === 'day') return midnightOf(ms, on);
  if (kind === 'month') return new Date(at.getFullYear(), at.getMonth() + on, 1).getTime();
  return midnightOf(ms, -((at.getDay() + 6) % 7) + 7 * on);
}
