import type { LedgerContext } from './context.js';
import { statement } from './database.js';
import type { Payment, SqlRow, SqlValue } from './payment.js';
import { authenticPayment } from './paymentRow.js';

/** A month, as the owner's rule on prices counts it. */
const PRICE_WINDOW_MS = 30 * 24 * 3_600_000;
/** Enough to see a stable payee; more would only slow a payment down. */
const PAYEES_MAX = 10;
/** Enough for a median that one odd price does not move. */
const PRICES_MAX = 50;
/** A pause is at its longest long before: see policy's breaker. */
const STRIKES_MAX = 20;

/** What the ledger knows of an origin. */
export interface OriginHistory {
  /** Payees of captured payments to the origin, newest first. */
  readonly payees: readonly string[];
  /** Captured prices of this very endpoint (method and URL without its query) in 30 days, in micro-dollars, newest first. */
  readonly prices: readonly bigint[];
  /** The highest of those prices that the owner approved when asked; 0 where none was. */
  readonly approvedUsdMicros: bigint;
  /** Payments since the last one delivered that ended in "paid, still 402", denied or not, or in a false receipt. */
  readonly strikes: number;
  /** When the latest strike was, or 0. */
  readonly lastStrikeMs: number;
}

/** Reads what was paid to an origin; every row it rests on carries its code. */
export function originHistory(
  context: LedgerContext,
  origin: string,
  endpoint: { readonly method: string; readonly url: string },
  nowMs: number,
): OriginHistory {
  const select = (condition: string, limit: number, ...values: SqlValue[]): Payment[] => {
    const sql = `SELECT * FROM payments WHERE ${condition} ORDER BY opened_ms DESC LIMIT ${limit}`;
    const rows = statement(context.db, sql).all(...values) as SqlRow[];
    return rows.map((row) => authenticPayment(context, row));
  };
  const captured = select(`origin = ? AND state = 'captured'`, PAYEES_MAX, origin);
  const priced = select(
    // The index payments_by_endpoint is on this very expression.
    `method = ? AND substr(url, 1, instr(url || '?', '?') - 1) = ? AND state = 'captured' AND opened_ms > ?`,
    PRICES_MAX,
    endpoint.method,
    endpoint.url.split('?', 1)[0] ?? endpoint.url,
    BigInt(nowMs - PRICE_WINDOW_MS),
  );
  const [delivered] = select(`origin = ? AND state = 'captured' AND note IS NULL`, 1, origin);
  const struck = select(
    // A refusal of what the chain shows paid is one more "paid, still 402": a receipt that denies it excuses nobody (T12).
    `origin = ? AND opened_ms > ? AND (note IN ('second_402', 'receipt_false') OR (note = 'rejected' AND state = 'captured'))`,
    STRIKES_MAX,
    origin,
    BigInt(delivered?.openedMs ?? 0),
  );
  return {
    payees: captured.map(({ payTo }) => payTo),
    prices: priced.map(({ capturedUsdMicros }) => capturedUsdMicros ?? 0n),
    approvedUsdMicros: priced
      .filter(({ approvalId }) => approvalId !== null)
      .map(({ capturedUsdMicros }) => capturedUsdMicros ?? 0n)
      .reduce((highest, price) => (price > highest ? price : highest), 0n),
    strikes: struck.length,
    lastStrikeMs: Math.max(0, ...struck.map(({ changedMs }) => changedMs)),
  };
}
