import type { UsdMicros } from '../../money/unit.js';
import type { AttemptState } from '../attempts/attempt.js';
import type { Payment } from '../attempts/payment.js';
import type { AnyAttempt } from '../attempts/withdrawal.js';

/** Which payments a report covers; absent means any. Times are ms, `untilMs` excluded. */
export interface ReportFilter {
  readonly agent?: string;
  readonly paymentId?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly host?: string;
  /** Beside a host, its port: "443" unless its URLs name another. */
  readonly port?: string;
  readonly state?: AttemptState;
  /** Those alone that were paid for and brought nothing. */
  readonly undelivered?: true;
  /** In small letters: those alone whose URL, payee, transaction, id, reason or labels have it somewhere. */
  readonly words?: string;
  /** Payments of agents, or what the owner took out; both unless given. Only {@link ReportReader.listAttempts} looks at it. */
  readonly kind?: 'payment' | 'withdrawal';
}

/** Payments of a report, newest first, and where the next page begins. */
export interface ReportPage {
  readonly payments: readonly Payment[];
  readonly nextCursor: string | null;
}

/** The same of payments and withdrawals together. */
export interface AttemptPage {
  readonly attempts: readonly AnyAttempt[];
  readonly nextCursor: string | null;
}

/** Totals of one host, day, session, category or agent. */
export interface ReportGroup {
  readonly key: string;
  readonly payments: number;
  readonly capturedUsdMicros: UsdMicros;
  /** Money that can still move. */
  readonly heldUsdMicros: UsdMicros;
  /** How many of them brought what was bought. */
  readonly delivered: number;
  /** What was captured for those that brought nothing: {@link UNDELIVERED}. */
  readonly lostUsdMicros: UsdMicros;
  /** How many of those there are. */
  readonly lost: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Two totals as one, under the key of the first. */
export function addGroups(a: ReportGroup, b: Omit<ReportGroup, 'key'>): ReportGroup {
  return {
    key: a.key,
    payments: a.payments + b.payments,
    capturedUsdMicros: a.capturedUsdMicros + b.capturedUsdMicros,
    heldUsdMicros: a.heldUsdMicros + b.heldUsdMicros,
    delivered: a.delivered + b.delivered,
    lost: a.lost + b.lost,
    lostUsdMicros: a.lostUsdMicros + b.lostUsdMicros,
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
  };
}

/** Totals of one stretch of time at one place of one agent's, filed under one category: what all groups are added up of. */
export interface SpendCell extends Omit<ReportGroup, 'key'> {
  readonly agent: string;
  readonly host: string;
  readonly origin: string;
  /** As it was filed when it was paid: `uncategorised` and `imported` where it has none. */
  readonly category: string;
  /** When the stretch begins, ms. */
  readonly startMs: number;
}

/** A span of time in ms, `untilMs` excluded, cut into stretches that begin at multiples of `stretchMs`. */
export interface SpendSpan {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly stretchMs: number;
}

/** What changed behind an entry of the journal. */
export interface ChangedSince {
  /** The newest entry now. */
  readonly seq: number;
  /** When each payment was opened that changed, ms; one that changed twice is there once. */
  readonly openedMs: readonly number[];
  /** Whether the owner set ledger time back: payments were moved, and where they stood before nobody knows. */
  readonly isRebased: boolean;
}

/** Days are of UTC. */
export type ReportGrouping = 'by_host' | 'by_day' | 'by_session' | 'by_category' | 'by_agent';

/** The books of the whole wallet at one moment. */
export interface OpenBooks {
  /** Of payments alone: a withdrawal is the owner's own money that is moved. */
  readonly heldUsdMicros: UsdMicros;
  /** Of payments opened at `sinceMs` or later. */
  readonly capturedUsdMicros: UsdMicros;
  /** Payments still open, and captures the chain has not confirmed. */
  readonly open: number;
  /** When the one of them changed that changed longest ago; null where there is none. */
  readonly oldestMs: number | null;
}
