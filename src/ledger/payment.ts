import type { Mark } from '../payment/mark.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';

/** The states of a payment; docs/design.md, "The life of a payment", says what is true in each. */
export type AttemptState = 'held' | 'signed' | 'sent' | 'unknown' | 'captured' | 'released';

/** States in which money can still move: they count against every cap whatever their age. */
export const LIVE_STATES: readonly AttemptState[] = ['held', 'signed', 'sent', 'unknown'];

/** What a payment brought. `pending`: a job was bought, whose result is still to come. `lost`: nothing came, or not all of it. */
export const DELIVERIES = ['delivered', 'pending', 'empty', 'error', 'schema_mismatch', 'lost'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** What was paid for and brought nothing. An answer that lacks what a listing promises is none: listings are hints (T17). */
export const UNDELIVERED: readonly Delivery[] = ['empty', 'error', 'lost'];

/** Whether a payment in this state can still move money. */
export function isLive(state: AttemptState): boolean {
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
  readonly state: AttemptState;
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
  /** What it brought; null while that is open, and in rows of before schema 5. */
  readonly delivery: Delivery | null;
  /** The ids of the budgets that it counts in, from the one it was made under to the topmost: see `budgetsOf`; null for none. */
  readonly budgetPath: string | null;
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
