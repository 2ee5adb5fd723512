import type { PastCap, Payment } from '../../attempts/payment.js';
import type { AnyAttempt, Withdrawal } from '../../attempts/withdrawal.js';
import { NO_LABELS, type Labels } from '../../../payment/labels.js';
import { WalletError } from '../../../errors/walletError.js';

/** Stands in the place of a protocol where the owner took money out: such a row counts in no cap and in no total. */
export const WITHDRAWAL = 'withdrawal';
/** Where withdrawals are kept in the columns of a request: no seller has this name. */
export const WITHDRAWAL_ORIGIN = 'https://withdrawal.invalid';
/** The same where an agent is refilled, each agent with a place of its own. */
const REFILL_DOMAIN = '.refill.invalid';

/** Where the refills of an agent are kept; of agents' names, which are parts of host names. */
export function refillOrigin(agent: string): string {
  return `https://${agent}${REFILL_DOMAIN}`;
}

/** Stands for a session: withdrawals are no agent's. */
export const OWNER_SESSION = 'owner';

/** A withdrawal's row of `payments`: the columns of a request hold what stands for none. */
export interface WithdrawalRow extends Omit<Payment, 'kind'> {
  readonly kind: 'withdrawal';
}

/** The agent that a row refills, or null. */
export function refillsOf({ kind, host }: Pick<AttemptRow, 'kind' | 'host'>): string | null {
  return kind === 'withdrawal' && host.endsWith(REFILL_DOMAIN) ? host.slice(0, -REFILL_DOMAIN.length) : null;
}

/** A row of `payments`, which keeps withdrawals, too: one table, so that one nonce and one hold are of one attempt. */
export type AttemptRow = Payment | WithdrawalRow;

/** What of a row has a column of its own. */
export type RowFields = Omit<Payment, 'kind'>;

/** An attempt as the rest of the program sees it: no withdrawal has a request. */
export function attemptOf(row: AttemptRow): AnyAttempt {
  return row.kind === 'payment' ? row : withdrawalOf(row);
}

/** A withdrawal without the columns that are a payment's alone. */
export function withdrawalOf(row: WithdrawalRow): Withdrawal {
  const fields = Object.entries(row).filter(([field]) => !OF_PAYMENTS.has(field));
  return { ...(Object.fromEntries(fields) as unknown as Withdrawal), refills: refillsOf(row) };
}

/** The columns that are a payment's alone. */
const OF_PAYMENTS: ReadonlySet<string> = new Set<Exclude<keyof Payment, keyof Withdrawal>>([
  'sessionId',
  'requestHash',
  'idempotencyKey',
  'method',
  'url',
  'origin',
  'host',
  'category',
  'protocol',
  'reason',
  'quoteId',
  'approvalId',
  'pastCaps',
  'delivery',
  'budgetPath',
  'labels',
]);

export type ColumnKind = 'text' | 'integer' | 'bigintText' | 'bigintInteger' | 'flag' | 'list' | 'labels';

export interface Column {
  readonly name: string;
  readonly field: keyof RowFields;
  readonly kind: ColumnKind;
}

export function column(name: string, field: keyof RowFields, kind: ColumnKind = 'text'): Column {
  return { name, field, kind };
}

/** The columns in the order of the table; the authentication code covers them in this order. */
export const PAYMENT_COLUMNS: readonly Column[] = [
  column('id', 'id'),
  column('agent', 'agent'),
  column('session_id', 'sessionId'),
  column('state', 'state'),
  column('request_hash', 'requestHash'),
  column('idempotency_key', 'idempotencyKey'),
  column('method', 'method'),
  column('url', 'url'),
  column('origin', 'origin'),
  column('host', 'host'),
  column('category', 'category'),
  column('protocol', 'protocol'),
  column('scheme', 'scheme'),
  column('network', 'network'),
  column('asset', 'asset'),
  column('pay_from', 'payFrom'),
  column('pay_to', 'payTo'),
  column('held_atomic', 'heldAtomic', 'bigintText'),
  column('held_usd_micros', 'heldUsdMicros', 'bigintInteger'),
  column('captured_atomic', 'capturedAtomic', 'bigintText'),
  column('captured_usd_micros', 'capturedUsdMicros', 'bigintInteger'),
  column('nonce', 'nonce'),
  column('valid_after_sec', 'validAfterSec', 'integer'),
  column('valid_before_sec', 'validBeforeSec', 'integer'),
  column('payload', 'payload'),
  column('config_version', 'configVersion', 'integer'),
  column('opened_ms', 'openedMs', 'integer'),
  column('changed_ms', 'changedMs', 'integer'),
  column('captured_ms', 'capturedMs', 'integer'),
  column('counted_ms', 'countedMs', 'integer'),
  column('confirmed', 'confirmed', 'flag'),
  column('tx', 'tx'),
  column('receipt', 'receipt'),
  column('note', 'note'),
  column('reason', 'reason'),
  column('quote_id', 'quoteId'),
  column('approval_id', 'approvalId'),
  column('past_caps', 'pastCaps', 'list'),
  column('opened_wall_ms', 'openedWallMs', 'integer'),
  column('captured_wall_ms', 'capturedWallMs', 'integer'),
  column('delivery', 'delivery'),
  column('budget_path', 'budgetPath'),
  column('labels', 'labels', 'labels'),
];

/** A value as SQLite takes and gives it, integers as bigint. */
export type SqlValue = string | bigint | null | Uint8Array;

export type SqlRow = Record<string, SqlValue>;

export function toSql(kind: ColumnKind, value: RowFields[keyof RowFields]): SqlValue {
  if (value === null) return null;
  if (kind === 'text') return value as string;
  if (kind === 'bigintText') return (value as bigint).toString();
  if (kind === 'list') return listToSql(value as readonly PastCap[]);
  if (kind === 'labels') return labelsToSql(value as Labels);
  return BigInt(value as number | bigint | boolean);
}

/** An empty list is no value, as in rows from before the column. */
export function listToSql(list: readonly PastCap[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function labelsToSql(labels: Labels): string | null {
  return Object.keys(labels).length === 0 ? null : JSON.stringify(labels);
}

export function fromSql(kind: ColumnKind, value: SqlValue): RowFields[keyof RowFields] {
  if (kind === 'list') return value === null ? [] : (JSON.parse(value as string) as PastCap[]);
  if (kind === 'labels') return value === null ? NO_LABELS : (JSON.parse(value as string) as Labels);
  if (value === null) return null;
  if (kind === 'text') return value as string;
  if (kind === 'bigintText') return BigInt(value as string);
  if (kind === 'bigintInteger') return value as bigint;
  if (kind === 'flag') return value === 1n;
  return Number(value);
}

/** The row's column values in table order, without the authentication code. */
export function paymentToSql(payment: AttemptRow): SqlValue[] {
  return PAYMENT_COLUMNS.map(({ field, kind }) => toSql(kind, payment[field]));
}

/** A payment from its row. Throws `ledger_damaged` where a value is not what its column holds. */
export function paymentFromSql(row: SqlRow): AttemptRow {
  try {
    const fields = PAYMENT_COLUMNS.map(
      ({ name, field, kind }) => [field, fromSql(kind, row[name] ?? null)] as const,
    );
    const values = Object.fromEntries(fields) as unknown as RowFields;
    return { ...values, kind: values.protocol === WITHDRAWAL ? 'withdrawal' : 'payment' };
  } catch (cause) {
    throw new WalletError('ledger_damaged', 'A payment row of the ledger cannot be read.', { cause });
  }
}

/** The changed fields of a payment as the journal writes them: column → text, integers as decimal text. */
export function patchToJournal(patch: Partial<RowFields>): Record<string, string | null> {
  const entries = PAYMENT_COLUMNS.filter(({ field }) => field in patch).map(({ name, field, kind }) => {
    const value = toSql(kind, patch[field] as RowFields[keyof RowFields]);
    return [name, value === null ? null : String(value)] as const;
  });
  return Object.fromEntries(entries);
}

/** Applies a journal entry's fields to a row being re-derived. */
export function applyJournalPatch(row: SqlRow, patch: Record<string, string | null>): SqlRow {
  const next = { ...row };
  for (const { name, kind } of PAYMENT_COLUMNS) {
    const text = patch[name];
    if (text === undefined) continue;
    const isInteger = kind === 'integer' || kind === 'bigintInteger' || kind === 'flag';
    next[name] = text !== null && isInteger ? BigInt(text) : text;
  }
  return next;
}
