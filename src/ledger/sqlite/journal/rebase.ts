import type { SqlRow, AttemptRow, RowFields } from '../payments/paymentColumns.js';
import type { Rebased } from '../../books/rebuild.js';
import { isElicitedKey, rebaseElicited } from '../owner/elicited.js';
import { PROPOSALS_KEY } from '../owner/owners.js';
import { currentPayment, movePayment } from '../payments/paymentRow.js';
import { contributionOf } from '../payments/totals.js';
import { isResumedKey } from '../views/history.js';
import { rebaseSession, sessionAgentOf } from '../calls/session.js';
import { statement } from '../file/database.js';
import type { LedgerContext } from '../file/context.js';
import { LEDGER_TIME } from './entry.js';
import type { JournalHead } from './journal.js';

/** The longest window of a cap. A time that was ahead is later than the truth, so a row of this span is in it. */
const COUNTED_MS = 30 * 86_400_000;

/**
 * Sets ledger time back to `nowMs`, which the caller has had checked, inside the caller's transaction; null where it is
 * not ahead. A clock that was fast made windows pass, and nobody knows any more by how much each row is off: so all that
 * was captured in the last 30 days counts from now, in every window. Nothing was opened or approved later than now.
 *
 * A crash before the commit leaves ledger time ahead, as it was.
 */
export function rebase(context: LedgerContext, nowMs: number): Rebased | null {
  const { journal } = context;
  const before = journal.checkedHead();
  const aheadMs = before.timeMs - nowMs;
  if (aheadMs <= 0) return null;
  const data = { from_ms: before.timeMs };
  const register = rebaseRegister(context, before, nowMs);
  journal.append(before, { kind: 'rebase', subject: LEDGER_TIME, data, timeMs: nowMs }, { register });
  let [counted, countedUsdMicros] = [0, 0n];
  for (const payment of paymentsToMove(context, nowMs)) {
    const isCounted = isCountedFrom(payment, nowMs);
    movePayment(context, journal.checkedHead(), payment, timesAt(payment, isCounted, nowMs), nowMs);
    const { captured } = contributionOf(payment);
    if (!isCounted || captured === 0n) continue;
    counted += 1;
    countedUsdMicros += captured;
  }
  return { aheadMs, counted, countedUsdMicros };
}

/** Sessions, ends of pauses and what prompts approved: nothing of it is later than now. */
function rebaseRegister(
  context: LedgerContext,
  { register }: JournalHead,
  nowMs: number,
): JournalHead['register'] {
  let next = register;
  for (const [key, text] of [...context.register.all(register)]) {
    if (isResumedKey(key)) next = context.register.set(next, key, String(Math.min(Number(text), nowMs)));
    if (isElicitedKey(key)) next = context.register.set(next, key, rebaseElicited(text, nowMs));
    // What was proposed by a clock that was ahead would wait for longer than it may.
    if (key === PROPOSALS_KEY) next = context.register.set(next, key, null);
    const agent = sessionAgentOf(key);
    if (agent !== null) next = rebaseSession(context, next, agent, nowMs);
  }
  return next;
}

/** Every payment of which a time is later than now, and all that was captured within {@link COUNTED_MS}. */
function paymentsToMove(context: LedgerContext, nowMs: number): AttemptRow[] {
  const rows = statement(
    context.db,
    `SELECT * FROM payments WHERE opened_ms > ? OR changed_ms > ? OR captured_ms > ? OR counted_ms > ?`,
  ).all(nowMs, nowMs, nowMs, nowMs - COUNTED_MS) as SqlRow[];
  const head = context.journal.checkedHead();
  return rows.map((row) => currentPayment(context, head, row));
}

function isCountedFrom(payment: AttemptRow, nowMs: number): boolean {
  return payment.kind === 'payment' && payment.countedMs !== null && payment.countedMs > nowMs - COUNTED_MS;
}

function timesAt(
  { openedMs, capturedMs, countedMs }: AttemptRow,
  isCounted: boolean,
  nowMs: number,
): Pick<RowFields, 'openedMs' | 'capturedMs' | 'countedMs'> {
  const atMost = (ms: number | null): number | null => (ms === null ? null : Math.min(ms, nowMs));
  return {
    openedMs: Math.min(openedMs, nowMs),
    capturedMs: atMost(capturedMs),
    countedMs: isCounted ? nowMs : atMost(countedMs),
  };
}
