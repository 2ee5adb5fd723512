import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { ApprovalRecord, ApprovalState } from '../../books/approval.js';
import { hash } from 'node:crypto';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { changedBehind } from '../../fault.js';
import type { JournalKind } from '../journal/entry.js';
import type { JournalHead } from '../journal/journal.js';

type Column = readonly [name: string, field: keyof ApprovalRecord, kind: 'text' | 'integer' | 'amount'];

/** Columns that never change: the journal keeps one digest over them. */
const FIXED: readonly Column[] = [
  ['id', 'id', 'text'],
  ['agent', 'agent', 'text'],
  ['session_id', 'sessionId', 'text'],
  ['ask_key', 'askKey', 'text'],
  ['request_hash', 'requestHash', 'text'],
  ['origin', 'origin', 'text'],
  ['network', 'network', 'text'],
  ['asset', 'asset', 'text'],
  ['pay_to', 'payTo', 'text'],
  ['amount_atomic', 'amountAtomic', 'amount'],
  ['usd_micros', 'usdMicros', 'integer'],
  ['digest', 'digest', 'text'],
  ['question', 'question', 'text'],
  ['request', 'request', 'text'],
  ['challenge', 'challenge', 'text'],
  ['offer_index', 'offerIndex', 'integer'],
  ['created_ms', 'createdMs', 'integer'],
  ['expires_ms', 'expiresMs', 'integer'],
];

/** Columns that an answer fills: the journal tells each change of them. */
const LIVING: readonly Column[] = [
  ['state', 'state', 'text'],
  ['prompts', 'prompts', 'integer'],
  ['answer', 'answer', 'text'],
  ['answered_how', 'answeredHow', 'text'],
  ['answered_by', 'answeredBy', 'text'],
  ['answered_ms', 'answeredMs', 'integer'],
  ['payment_id', 'paymentId', 'text'],
];

const COLUMNS = [...FIXED, ...LIVING];
const UPSERT = `INSERT OR REPLACE INTO approvals (${COLUMNS.map(([name]) => name).join(', ')}, mac)
  VALUES (${COLUMNS.map(() => '?').join(', ')}, ?)`;

/** Living columns as the journal writes them: column → text or null. */
export type ApprovalPatchText = Readonly<Record<string, string | null>>;

function toSql([, field, kind]: Column, record: ApprovalRecord): SqlValue {
  const value = record[field];
  if (value === null) return null;
  if (kind === 'amount') return String(value);
  return kind === 'integer' ? BigInt(value) : (value as string);
}

function recordOf(row: SqlRow): ApprovalRecord {
  const fields = COLUMNS.map(([name, field, kind]) => {
    const value = row[name] ?? null;
    if (value === null || kind === 'text') return [field, value];
    if (kind === 'amount' || field === 'usdMicros') return [field, BigInt(String(value))];
    return [field, Number(value)];
  });
  return Object.fromEntries(fields) as ApprovalRecord;
}

/** The register's key of an approval that can still be answered or consumed. */
export function openKey(id: string): string {
  return `approval ${id}`;
}

/** The register's text for it: the code of its newest row. */
export function openText(code: Uint8Array): string {
  return Buffer.from(code).toString('base64');
}

/** Whether an approval can still become a payment. */
export function isOpen(state: ApprovalState): boolean {
  return state === 'pending' || state === 'approved';
}

/** One digest over what never changes of a row, as SQLite gave it or as it goes there. */
export function fixedDigest(row: SqlRow): string {
  const values = FIXED.map(([name]) => String(row[name]));
  return hash('sha256', JSON.stringify(values));
}

/** The living columns of a row, for the journal and the audit. */
export function livingText(row: SqlRow): ApprovalPatchText {
  return Object.fromEntries(
    LIVING.map(([name]) => {
      const value = row[name] ?? null;
      return [name, value === null ? null : String(value)];
    }),
  );
}

/** An approval from its row, proved to be the newest while it is open (T22: a used one, put back, would pay twice). */
export function currentApproval(context: LedgerContext, head: JournalHead, row: SqlRow): ApprovalRecord {
  context.auth.checkRow('approvals', row);
  const record = recordOf(row);
  const known = context.register.get(head.register, openKey(record.id));
  const expected = isOpen(record.state) ? openText(row['mac'] as Uint8Array) : null;
  if (known !== expected) throw changedBehind(`The row of approval ${record.id} is not its newest.`);
  return record;
}

/** One approval by its id, or null. */
export function findApproval(context: LedgerContext, head: JournalHead, id: string): ApprovalRecord | null {
  const row = statement(context.db, 'SELECT * FROM approvals WHERE id = ?').get(id) as SqlRow | undefined;
  if (row !== undefined) return currentApproval(context, head, row);
  if (context.register.get(head.register, openKey(id)) !== null)
    throw changedBehind(`The row of approval ${id} is gone.`);
  return null;
}

/** Approvals by a condition on their columns. */
export function selectApprovals(
  context: LedgerContext,
  head: JournalHead,
  condition: string,
  ...values: SqlValue[]
): ApprovalRecord[] {
  const rows = statement(context.db, `SELECT * FROM approvals WHERE ${condition}`).all(...values) as SqlRow[];
  return rows.map((row) => currentApproval(context, head, row));
}

/**
 * Writes an approval as it is now to be, with its journal entry, inside the caller's transaction; answers the head
 * that vouches for it. `data` is what else the entry tells, `register` what else changes with it.
 */
export function putApproval(
  context: LedgerContext,
  head: JournalHead,
  record: ApprovalRecord,
  entry: {
    readonly kind: Extract<JournalKind, 'ask' | 'prompt' | 'answer' | 'consume' | 'lapse'>;
    readonly timeMs: number;
    readonly data?: object;
  },
): JournalHead {
  const values = COLUMNS.map((column) => toSql(column, record));
  const code = context.auth.codeOf('approvals', values);
  statement(context.db, UPSERT).run(...values, code);
  const row: SqlRow = Object.fromEntries(COLUMNS.map(([name], i) => [name, values[i] ?? null]));
  const register = context.register.set(
    head.register,
    openKey(record.id),
    isOpen(record.state) ? openText(code) : null,
  );
  const data = {
    ...(entry.kind === 'ask' ? { fixed: fixedDigest(row), usd_micros: record.usdMicros.toString() } : {}),
    ...livingText(row),
    ...entry.data,
  };
  return context.journal.append(
    head,
    { kind: entry.kind, subject: record.id, data, timeMs: entry.timeMs },
    { register },
  );
}
