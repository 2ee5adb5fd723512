import type { Config } from '../config/settings.js';
import type { LedgerHead, ReportReader } from '../ledger/ledger.js';
import type { ReportGroup } from '../ledger/books/report.js';
import type { UsdMicros } from '../money/unit.js';

const DAY_MS = 24 * 3600 * 1000;
const MONTH_MS = 30 * DAY_MS;
/** Agents, sellers and days of an overview: more than fit on any screen. */
const GROUPS_MAX = 50;

/** A sum of the whole wallet in one window, against its cap. */
export interface WindowUse {
  readonly name: string;
  readonly usedUsdMicros: UsdMicros;
  readonly maxUsdMicros: UsdMicros;
}

/** What the wallet came to lately, for the owner's eyes. */
export interface Overview {
  readonly frozen: boolean;
  /** The journal's newest entry: two overviews with the same one say the same. */
  readonly seq: number;
  readonly windows: readonly WindowUse[];
  /** Of the last 24 hours, those that spent most first. */
  readonly agents: readonly ReportGroup[];
  readonly sellers: readonly ReportGroup[];
}

/** Reads it; needs no keys. */
export async function readOverview(
  ledger: Pick<ReportReader, 'groupPayments' | 'openBooks'> & { head(): Promise<LedgerHead> },
  { limits }: Pick<Config, 'limits'>,
  nowMs: number,
): Promise<Overview> {
  const today = { sinceMs: nowMs - DAY_MS };
  const [{ frozen, seq }, agents, sellers, day, month] = await Promise.all([
    ledger.head(),
    ledger.groupPayments('by_agent', today, GROUPS_MAX),
    ledger.groupPayments('by_host', today, GROUPS_MAX),
    ledger.openBooks(nowMs - DAY_MS),
    ledger.openBooks(nowMs - MONTH_MS),
  ]);
  const windowUse = (name: string, maxUsdMicros: UsdMicros, books: typeof day): WindowUse => ({
    name,
    usedUsdMicros: (books.capturedUsdMicros + books.heldUsdMicros) as UsdMicros,
    maxUsdMicros,
  });
  return {
    frozen,
    seq,
    windows: [
      windowUse('24 hours', limits.perDayUsdMicros, day),
      windowUse('30 days', limits.perMonthUsdMicros, month),
    ],
    agents: [...agents].sort(byMoney),
    sellers: [...sellers].sort(byMoney),
  };
}

/** Those that spent or hold most first; of the same the latest. */
export function byMoney(a: ReportGroup, b: ReportGroup): number {
  const first = a.capturedUsdMicros + a.heldUsdMicros;
  const second = b.capturedUsdMicros + b.heldUsdMicros;
  return first === second ? b.lastMs - a.lastMs : first > second ? -1 : 1;
}
