import { hash } from 'node:crypto';
import {
  PAYMENT_COLUMNS,
  type SqlRow,
  patchToJournal,
  paymentFromSql,
  paymentToSql,
  type AttemptRow,
  type RowFields,
} from './paymentColumns.js';
import type { Transition } from '../../attempts/transition.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { changedBehind } from '../../fault.js';
import type { JournalKind } from '../journal/entry.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { endLease } from './leaseRow.js';
import { isLive, type AttemptState } from '../../attempts/attempt.js';
import type { Delivery, Payment } from '../../attempts/payment.js';

const NAMES = PAYMENT_COLUMNS.map(({ name }) => name);
const INSERT = `INSERT INTO payments (${NAMES.join(', ')}, mac) VALUES (${NAMES.map(() => '?').join(', ')}, ?)`;

/** The statements that change a row, by the columns that they set: each step sets the same few every time. */
const updates = new Map<string, string>();

/**
 * The statement that sets these columns of a row. Those alone: SQLite writes an index anew for each column of it that is
 * named, and four of the nine hold nothing that a step changes.
 */
function updateOf(names: readonly string[]): string {
  const key = names.join();
  let sql = updates.get(key);
  if (sql === undefined) {
    sql = `UPDATE payments SET ${names.map((name) => `${name} = ?`).join(', ')}, mac = ? WHERE id = ? AND state = ?`;
    updates.set(key, sql);
  }
  return sql;
}

/** The register's key for the one payment of a request still open. */
export function liveKey(requestHash: string): string {
  return `live ${requestHash}`;
}

/** The register's text for it: which payment, and the code of its newest row. */
export function liveText(id: string, code: Uint8Array): string {
  return `${id} ${Buffer.from(code).toString('base64')}`;
}

/** A payment from its row, its code checked. Throws `ledger_damaged`. */
export function authenticPayment(context: LedgerContext, row: SqlRow): AttemptRow {
  context.auth.checkRow('payments', row);
  return paymentFromSql(row);
}

/** A payment from its row, proved to be the newest as far as its life is open. Throws `ledger_damaged`. */
export function currentPayment(context: LedgerContext, head: JournalHead, row: SqlRow): AttemptRow {
  const payment = authenticPayment(context, row);
  const known = context.register.get(head.register, liveKey(payment.requestHash));
  const current = isLive(payment.state)
    ? known === liveText(payment.id, row['mac'] as Uint8Array)
    : known?.startsWith(`${payment.id} `) !== true;
  // T22: an older row of ours, put back, would free what can still move.
  if (!current) throw changedBehind(`The row of payment ${payment.id} is not its newest.`);
  return payment;
}

/** One payment by a condition on its columns, newest first, or null. */
export function selectPayment(
  context: LedgerContext,
  head: JournalHead,
  where: string,
  ...values: (string | number)[]
): AttemptRow | null {
  const row = statement(
    context.db,
    `SELECT * FROM payments WHERE ${where} ORDER BY opened_ms DESC LIMIT 1`,
  ).get(...values);
  return row === undefined ? null : currentPayment(context, head, row as SqlRow);
}

/** A payment that must be there. */
export function existingPayment(context: LedgerContext, head: JournalHead, id: string): AttemptRow {
  const payment = selectPayment(context, head, 'id = ?', id);
  assertInvariant(payment !== null, `payment ${id} exists`);
  return payment;
}

/** A row that has to be a payment's. */
export function paymentOf(row: AttemptRow): Payment {
  assertInvariant(row.kind === 'payment', `${row.id} is a payment`);
  return row;
}

/** The attempt of this request still open, or null; the register knows of each. */
export function findLive(context: LedgerContext, head: JournalHead, requestHash: string): AttemptRow | null {
  const known = context.register.get(head.register, liveKey(requestHash));
  if (known === null) return null;
  const payment = selectPayment(context, head, 'id = ?', known.split(' ')[0] ?? '');
  if (payment === null) throw changedBehind('The row of a payment still open is gone.');
  return payment;
}

/**
 * The hash that a payment has once it was set aside for another one of the same request. It is found by this hash while it is
 * open (T37).
 */
export function asideOf(requestHash: string): string {
  return hash('sha256', `aside ${requestHash}`);
}

/** Writes a new payment with its totals and its journal entry, which also says by which call it came. */
export function insertPayment(
  context: LedgerContext,
  head: JournalHead,
  payment: AttemptRow,
  callId?: string,
): void {
  const values = paymentToSql(payment);
  const code = context.auth.codeOf('payments', values);
  statement(context.db, INSERT).run(...values, code);
  context.auth.noteRow('payments', values, code);
  const kind = payment.kind === 'withdrawal' ? 'withdraw' : 'hold';
  noteInHead(context, head, { kind, before: null, after: payment, patch: payment, code, callId });
}

/** The state changes there are; anything else is a fault of ours. A state that leads to itself learns something new. */
export const NEXT_STATES: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  held: ['signed', 'released'],
  signed: ['sent', 'captured', 'released'],
  sent: ['unknown', 'captured', 'released'],
  unknown: ['unknown', 'sent', 'captured', 'released'],
  captured: ['captured', 'released'],
  released: ['captured'],
};

/**
 * Moves a payment on from the row the caller judged, with its totals and its journal entry, inside the caller's
 * transaction.
 */
export function changePayment(
  context: LedgerContext,
  head: JournalHead,
  before: AttemptRow,
  change: { readonly kind: JournalKind; readonly patch: Partial<RowFields>; readonly nowMs: number },
): Transition<AttemptRow> {
  const state = change.patch.state ?? before.state;
  assertInvariant(NEXT_STATES[before.state].includes(state), `${before.state} may become ${state}`);
  const after = writeChange(context, head, before, change);
  forgetLooks(context, after);
  // Whoever took a capture by its head may be busy with the body still.
  if (state === 'released' || state === 'unknown') endLease(context, after.id);
  return { kind: 'done', attempt: after };
}

/** Changes the times of a payment alone, as {@link changePayment} does: its state and what is looked at stay. */
export function movePayment(
  context: LedgerContext,
  head: JournalHead,
  before: AttemptRow,
  patch: Partial<Pick<RowFields, 'openedMs' | 'capturedMs' | 'countedMs'>>,
  nowMs: number,
): void {
  writeChange(context, head, before, { kind: 'rebase', patch, nowMs });
}

/** Notes what a payment brought, as {@link changePayment} does: its state and what is looked at stay. */
export function noteDelivery(
  context: LedgerContext,
  before: AttemptRow,
  delivery: Delivery,
  nowMs: number,
): void {
  if (before.delivery === delivery) return;
  const head = context.journal.checkedHead();
  writeChange(context, head, before, { kind: 'deliver', patch: { delivery }, nowMs });
}

function writeChange(
  context: LedgerContext,
  head: JournalHead,
  before: AttemptRow,
  change: { readonly kind: JournalKind; readonly patch: Partial<RowFields>; readonly nowMs: number },
): AttemptRow {
  const patch = { ...change.patch, changedMs: ledgerTimeMs(head, change.nowMs) };
  const after: AttemptRow = { ...before, ...patch };
  const row = paymentToSql(after);
  const code = context.auth.codeOf('payments', row);
  const changed = PAYMENT_COLUMNS.map(({ name, field }, i) => ({
    name,
    field,
    value: row[i] ?? null,
  })).filter(({ field }) => field in patch);
  const { changes } = statement(context.db, updateOf(changed.map(({ name }) => name))).run(
    ...changed.map(({ value }) => value),
    ...[code, before.id, before.state],
  );
  assertInvariant(changes === 1, 'one row changes');
  context.auth.noteRow('payments', row, code);
  noteInHead(context, head, { kind: change.kind, before, after, patch, code });
  return after;
}

/**
 * Forgets when to look at a payment whose state is another now, and once its end is known what its witnesses showed, too:
 * of a released one that was signed that is wanted until nobody looks after it any more.
 */
function forgetLooks({ db }: LedgerContext, { id, state, confirmed, payload }: AttemptRow): void {
  const isOver = state === 'released' ? payload === null : state === 'captured' && confirmed;
  if (isOver || state === 'released' || state === 'sent')
    statement(db, 'DELETE FROM looks WHERE payment_id = ?').run(id);
  if (isOver) statement(db, 'DELETE FROM witnesses WHERE payment_id = ?').run(id);
}

/** What a change of a row means for the totals, the register and the journal: one head vouches for all three. */
function noteInHead(
  context: LedgerContext,
  head: JournalHead,
  change: {
    readonly kind: JournalKind;
    readonly before: AttemptRow | null;
    readonly after: AttemptRow;
    readonly patch: Partial<RowFields>;
    readonly code: Uint8Array;
    readonly callId?: string | undefined;
  },
): void {
  const { before, after, code, callId } = change;
  let register = context.totals.move(head.register, before, after);
  const live = isLive(after.state) ? liveText(after.id, code) : null;
  const wasLive = before !== null && isLive(before.state);
  // One that was set aside leaves its request to another.
  if (before !== null && wasLive && before.requestHash !== after.requestHash)
    register = context.register.set(register, liveKey(before.requestHash), null);
  if (live !== null || wasLive) register = context.register.set(register, liveKey(after.requestHash), live);
  context.journal.append(
    head,
    {
      kind: change.kind,
      subject: after.id,
      data: { ...patchToJournal(change.patch), ...(callId === undefined ? {} : { call_id: callId }) },
      timeMs: after.changedMs,
    },
    { register },
  );
}
