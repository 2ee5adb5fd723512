import type { ObservationBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import type { AnyAttempt } from '../../attempts/withdrawal.js';
import { attemptOf, type AttemptRow, type SqlRow } from '../payments/paymentColumns.js';
import { type DueAttempt, LOOK_MS_MAX, type Look, type Witness } from '../../attempts/observation.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import type { JournalHead } from '../journal/journal.js';
import { currentPayment } from '../payments/paymentRow.js';

/** When an open attempt is looked at next on its chain, and what was seen there. */
export function observationBook(access: LedgerAccess): ObservationBook {
  return {
    dueAttempts: (nowMs, limit) => access.read((context, head) => dueAttempts(context, head, nowMs, limit)),
    findLook: (paymentId) => access.read((context) => findLook(context, paymentId)),
    saveLook: (look) => access.write('look', (context) => saveLook(context, look)),
    findWitnesses: (paymentId) => access.read((context) => findWitnesses(context, paymentId)),
    saveWitnesses: (paymentId, witnesses) =>
      access.write('look', (context) => saveWitnesses(context, paymentId, witnesses)),
    watchedAttempts: (nowMs, limit) =>
      access.read((context, head) => watchedAttempts(context, head, nowMs, limit)),
    endWatch: (paymentId) => access.write('look', (context) => endWatch(context, paymentId)),
  };
}

/** Operators that are remembered for one payment: more than any config names at a time. */
const WITNESSES_MAX = 16;

/**
 * When a payment that was released is looked at for the first time again: whatever released it falsely (an operator that
 * lagged, a history that began too late) has often passed by then (T32).
 */
const WATCH_AFTER_MS = 600_000;

const OPEN = `(state IN ('held', 'signed', 'sent', 'unknown') OR (state = 'captured' AND confirmed = 0))`;

/**
 * Open payments whose next look is due. Those that could be told about last time come first, then the longest overdue:
 * however many are stuck, none of them keeps a fresh one waiting.
 */
export function dueAttempts(
  context: LedgerContext,
  head: JournalHead,
  nowMs: number,
  limit: number,
): DueAttempt[] {
  const rows = statement(
    context.db,
    `SELECT payments.* FROM payments LEFT JOIN looks ON looks.payment_id = payments.id
     WHERE ${OPEN} AND (due_ms IS NULL OR due_ms <= ? OR due_ms > ?)
     ORDER BY coalesce(failures, 0), coalesce(due_ms, 0), changed_ms LIMIT ?`,
  ).all(nowMs, nowMs + LOOK_MS_MAX, limit) as SqlRow[];
  return rows.map((row) => {
    const attempt = attemptOf(currentPayment(context, head, row));
    return { attempt, failures: findLook(context, attempt.id)?.failures ?? 0 };
  });
}

/**
 * Begins to look after a payment that was released, inside the transaction that releases it. Nothing is looked at where
 * nothing was signed: it can never land.
 */
export function watchReleased(context: LedgerContext, { id, payload }: AttemptRow, nowMs: number): void {
  if (payload === null) return;
  putLook(context, { paymentId: id, dueMs: nowMs + WATCH_AFTER_MS, failures: 0, reason: 'released' });
}

/** Released payments that are still looked after, and due for a look; the longest overdue first. */
export function watchedAttempts(
  context: LedgerContext,
  head: JournalHead,
  nowMs: number,
  limit: number,
): AnyAttempt[] {
  const rows = statement(
    context.db,
    `SELECT payments.* FROM looks CROSS JOIN payments ON payments.id = looks.payment_id
     WHERE state = 'released' AND (due_ms <= ? OR due_ms > ?) ORDER BY due_ms LIMIT ?`,
  ).all(nowMs, nowMs + LOOK_MS_MAX, limit) as SqlRow[];
  return rows.map((row) => attemptOf(currentPayment(context, head, row)));
}

/** Ends the looks at a released payment, and forgets what its witnesses showed. */
export function endWatch({ db }: LedgerContext, paymentId: string): void {
  const isReleased = statement(db, `SELECT 1 FROM payments WHERE id = ? AND state = 'released'`);
  if (isReleased.get(paymentId) === undefined) return;
  statement(db, 'DELETE FROM looks WHERE payment_id = ?').run(paymentId);
  statement(db, 'DELETE FROM witnesses WHERE payment_id = ?').run(paymentId);
}

/** The next look at a payment, or null where it is due now. Throws `ledger_damaged`. */
export function findLook({ db, auth }: LedgerContext, paymentId: string): Look | null {
  const row = statement(db, 'SELECT * FROM looks WHERE payment_id = ?').get(paymentId) as SqlRow | undefined;
  if (row === undefined) return null;
  auth.checkRow('looks', row);
  return {
    paymentId,
    dueMs: Number(row['due_ms']),
    failures: Number(row['failures']),
    reason: row['reason'] as string | null,
  };
}

/** Notes when a payment is looked at next; nothing where nobody looks after it any more. */
export function saveLook(context: LedgerContext, look: Look): void {
  if (isLookedAfter(context.db, look.paymentId)) putLook(context, look);
}

function putLook({ db, auth }: LedgerContext, look: Look): void {
  const values = [look.paymentId, BigInt(look.dueMs), BigInt(look.failures), look.reason];
  statement(db, 'INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?)').run(
    ...values,
    auth.codeOf('looks', values),
  );
}

/** What is remembered of the operators of a payment. Throws `ledger_damaged`. */
export function findWitnesses({ db, auth }: LedgerContext, paymentId: string): Witness[] {
  const rows = statement(db, 'SELECT * FROM witnesses WHERE payment_id = ?').all(paymentId) as SqlRow[];
  return rows.map((row) => {
    // T31: a forged search would hide the part of the history that it says was read.
    auth.checkRow('witnesses', row);
    return {
      operator: String(row['operator']),
      mark: row['mark'] as string | null,
      search: row['search'] as string | null,
    };
  });
}

/** Remembers operators of a payment, each in place of what was known of it; nothing where nobody looks after it any more. */
export function saveWitnesses(
  { db, auth }: LedgerContext,
  paymentId: string,
  witnesses: readonly Witness[],
): void {
  if (!isLookedAfter(db, paymentId)) return;
  for (const { operator, mark, search } of witnesses) {
    const values = [paymentId, operator, mark, search];
    const code = auth.codeOf('witnesses', values);
    statement(db, 'INSERT OR REPLACE INTO witnesses VALUES (?, ?, ?, ?, ?)').run(...values, code);
  }
  // An owner who changes RPCs a hundred times loses a search that was begun, and no mark that matters.
  statement(
    db,
    `DELETE FROM witnesses WHERE payment_id = ? AND operator NOT IN
       (SELECT operator FROM witnesses WHERE payment_id = ? ORDER BY mark IS NULL, operator LIMIT ?)`,
  ).run(paymentId, paymentId, WITNESSES_MAX);
}

/** Whether a payment is open, or was released and is still watched. */
function isLookedAfter(db: LedgerContext['db'], paymentId: string): boolean {
  const row = statement(
    db,
    `SELECT 1 FROM payments WHERE id = ?
       AND (${OPEN} OR (state = 'released' AND EXISTS (SELECT 1 FROM looks WHERE payment_id = id)))`,
  ).get(paymentId);
  return row !== undefined;
}
