import { WalletError } from '../errors/walletError.js';
import type { Mark } from '../payment/mark.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';

/** The states of a payment; docs/design.md, "The life of a payment", says what is true in each. */
export type PaymentState = 'held' | 'signed' | 'sent' | 'unknown' | 'captured' | 'released';

/** States in which money can still move: they count against every cap whatever their age. */
export const LIVE_STATES: readonly PaymentState[] = ['held', 'signed', 'sent', 'unknown'];

/** Whether a payment in this state can still move money. */
export function isLive(state: PaymentState): boolean {
  return LIVE_STATES.includes(state);
}

/** Stands in the place of a protocol where the owner took money out: such a row counts in no cap and in no total. */
export const WITHDRAWAL = 'withdrawal';
/** Where withdrawals are kept in views: no seller has this name. */
export const WITHDRAWAL_ORIGIN = 'https://withdrawal.invalid';
/** Stands for a session: withdrawals are no agent's. */
export const OWNER_SESSION = 'owner';

/** Whether a row is money that the owner took out, not a payment of an agent's. */
export function isWithdrawal({ protocol }: Pick<Payment, 'protocol'>): boolean {
  return protocol === WITHDRAWAL;
}

/**
 * A payment as the ledger keeps it. Times are ms since 1970, or seconds where the name ends in `Sec`. `openedMs`,
 * `changedMs`, `capturedMs` and `countedMs` are ledger time, which limits go by; whatever else a time is needed for goes
 * by {@link openedWallMs}, {@link capturedWallMs} and {@link toWallMs} (T30).
 */
export interface Payment {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly state: PaymentState;
  /** Identity of the HTTP request: see wallet/call/request. */
  readonly requestHash: string;
  readonly idempotencyKey: string | null;
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  readonly host: string;
  readonly category: string | null;
  readonly protocol: string;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
  readonly payTo: string;
  /** The most this payment can move, from the moment of the hold. */
  readonly heldAtomic: AtomicAmount;
  readonly heldUsdMicros: UsdMicros;
  /** What it did move; null until captured. A seller may charge less than was held. */
  readonly capturedAtomic: AtomicAmount | null;
  readonly capturedUsdMicros: UsdMicros | null;
  readonly nonce: string;
  readonly validAfterSec: number;
  readonly validBeforeSec: number;
  /** The payment header exactly as it was or will be sent, `{name, value}` as JSON; null until signed. */
  readonly payload: string | null;
  readonly configVersion: number;
  readonly ownerPid: number;
  readonly ownerStarted: string;
  readonly ownerBoot: string;
  readonly openedMs: number;
  readonly changedMs: number;
  /** When it was first taken for captured, by the seller's word or the chain's; null until then. */
  readonly capturedMs: number | null;
  /** The time from which a captured amount counts in windows; null until captured. */
  readonly countedMs: number | null;
  /** Whether the chain has shown the capture; before that it is the seller's claim. */
  readonly confirmed: boolean;
  readonly tx: string | null;
  readonly receipt: string | null;
  /** Why it is unknown or was released, as a stable word. */
  readonly note: string | null;
  /** The agent's own words for why it pays: quoted as the agent's wherever shown. */
  readonly reason: string | null;
  readonly quoteId: string | null;
  /** The approval it was paid by; then ceilings alone are its lines. */
  readonly approvalId: string | null;
  /** The caps it was approved past: it counts toward every other cap and every ceiling, and not toward these. */
  readonly pastCaps: readonly PastCap[];
  /** By the wall clock; null in rows of before schema 3. */
  readonly openedWallMs: number | null;
  /** When it was first taken for captured, by the wall clock; null until then, and in rows of before schema 3. */
  readonly capturedWallMs: number | null;
}

/**
 * When a payment was opened and signed, by the wall clock. A row of before schema 3 has ledger time alone, which may be
 * ahead by as much as a clock once was; its authorization cannot have been signed after it expired.
 */
export function openedWallMs(payment: Pick<Payment, 'openedWallMs' | 'openedMs' | 'validBeforeSec'>): number {
  return payment.openedWallMs ?? Math.min(payment.openedMs, payment.validBeforeSec * 1000);
}

/** A ledger time of a payment's row by the wall clock, as far apart as the two were when it was opened. */
export function toWallMs(
  payment: Pick<Payment, 'openedWallMs' | 'openedMs' | 'validBeforeSec'>,
  ledgerMs: number,
): number {
  return ledgerMs - payment.openedMs + openedWallMs(payment);
}

/** When a payment was first taken for captured, by the wall clock; null until then. */
export function capturedWallMs(payment: Payment): number | null {
  if (payment.capturedWallMs !== null) return payment.capturedWallMs;
  return payment.capturedMs === null ? null : toWallMs(payment, payment.capturedMs);
}

/** Where the chain's operators stood when a payment was signed, as it was kept with the bytes. */
export function marksOf({ payload }: Pick<Payment, 'payload'>): readonly Mark[] {
  return payload === null ? [] : ((JSON.parse(payload) as { marks?: readonly Mark[] }).marks ?? []);
}

/** A cap by its name, and the key of the scope that it bounded. */
export type PastCap = readonly [name: string, scope: string];

type ColumnKind = 'text' | 'integer' | 'bigintText' | 'bigintInteger' | 'flag' | 'list';

interface Column {
  readonly name: string;
  readonly field: keyof Payment;
  readonly kind: ColumnKind;
}

function column(name: string, field: keyof Payment, kind: ColumnKind = 'text'): Column {
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
  column('owner_pid', 'ownerPid', 'integer'),
  column('owner_started', 'ownerStarted'),
  column('owner_boot', 'ownerBoot'),
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
];

/** A value as SQLite takes and gives it, integers as bigint. */
export type SqlValue = string | bigint | null | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

function toSql(kind: ColumnKind, value: Payment[keyof Payment]): SqlValue {
  if (value === null) return null;
  if (kind === 'text') return value as string;
  if (kind === 'bigintText') return (value as bigint).toString();
  if (kind === 'list') return listToSql(value as readonly PastCap[]);
  return BigInt(value as number | bigint | boolean);
}

/** An empty list is no value, as in rows from before the column. */
function listToSql(list: readonly PastCap[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function fromSql(kind: ColumnKind, value: SqlValue): Payment[keyof Payment] {
  if (kind === 'list') return value === null ? [] : (JSON.parse(value as string) as PastCap[]);
  if (value === null) return null;
  if (kind === 'text') return value as string;
  if (kind === 'bigintText') return BigInt(value as string);
  if (kind === 'bigintInteger') return value as bigint;
  if (kind === 'flag') return value === 1n;
  return Number(value);
}

/** The row's column values in table order, without the authentication code. */
export function paymentToSql(payment: Payment): SqlValue[] {
  return PAYMENT_COLUMNS.map(({ field, kind }) => toSql(kind, payment[field]));
}

/** A payment from its row. Throws `ledger_damaged` where a value is not what its column holds. */
export function paymentFromSql(row: SqlRow): Payment {
  try {
    const fields = PAYMENT_COLUMNS.map(
      ({ name, field, kind }) => [field, fromSql(kind, row[name] ?? null)] as const,
    );
    return Object.fromEntries(fields) as unknown as Payment;
  } catch (cause) {
    throw new WalletError('ledger_damaged', 'A payment row of the ledger cannot be read.', { cause });
  }
}

/** The changed fields of a payment as the journal writes them: column → text, integers as decimal text. */
export function patchToJournal(patch: Partial<Payment>): Record<string, string | null> {
  const entries = PAYMENT_COLUMNS.filter(({ field }) => field in patch).map(({ name, field, kind }) => {
    const value = toSql(kind, patch[field] as Payment[keyof Payment]);
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
