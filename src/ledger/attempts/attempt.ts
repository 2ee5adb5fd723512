import type { Mark } from '../../payment/mark.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';

/** The states of an attempt; docs/design.md, "The life of a payment", says what is true in each. */
export type AttemptState = 'held' | 'signed' | 'sent' | 'unknown' | 'captured' | 'released';

/** States in which money can still move: a payment in one of them counts against every cap whatever its age. */
export const LIVE_STATES: readonly AttemptState[] = ['held', 'signed', 'sent', 'unknown'];

/** Whether an attempt in this state can still move money. */
export function isLive(state: AttemptState): boolean {
  return LIVE_STATES.includes(state);
}

/**
 * An attempt to move money out of an address, once, by one signature: what a payment and a withdrawal have in common, and
 * all that is needed to learn what became of it. Times are ms since 1970, or seconds where the name ends in `Sec`.
 * `openedMs`, `changedMs`, `capturedMs` and `countedMs` are ledger time, which limits go by; whatever else a time is
 * needed for goes by {@link openedWallMs}, {@link capturedWallMs} and {@link toWallMs} (T30).
 */
export interface Attempt {
  readonly kind: 'payment' | 'withdrawal';
  readonly id: string;
  /** Whose address the money leaves. */
  readonly agent: string;
  readonly state: AttemptState;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
  readonly payTo: string;
  /** The most it can move, from the moment of the hold. */
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
  /** When it was first taken for captured, by somebody's word or the chain's; null until then. */
  readonly capturedMs: number | null;
  /** The time from which a captured amount counts in windows; null until captured. */
  readonly countedMs: number | null;
  /** Whether the chain has shown the capture; before that it is somebody's claim. */
  readonly confirmed: boolean;
  readonly tx: string | null;
  readonly receipt: string | null;
  /** Why it is unknown or was released, as a stable word. */
  readonly note: string | null;
  /** By the wall clock; null in rows of before schema 3. */
  readonly openedWallMs: number | null;
  /** When it was first taken for captured, by the wall clock; null until then, and in rows of before schema 3. */
  readonly capturedWallMs: number | null;
}

/**
 * When an attempt was opened and signed, by the wall clock. A row of before schema 3 has ledger time alone, which may be
 * ahead by as much as a clock once was; its authorization cannot have been signed after it expired.
 */
export function openedWallMs(attempt: Pick<Attempt, 'openedWallMs' | 'openedMs' | 'validBeforeSec'>): number {
  return attempt.openedWallMs ?? Math.min(attempt.openedMs, attempt.validBeforeSec * 1000);
}

/** A ledger time of an attempt by the wall clock, as far apart as the two were when it was opened. */
export function toWallMs(
  attempt: Pick<Attempt, 'openedWallMs' | 'openedMs' | 'validBeforeSec'>,
  ledgerMs: number,
): number {
  return ledgerMs - attempt.openedMs + openedWallMs(attempt);
}

/** When an attempt was first taken for captured, by the wall clock; null until then. */
export function capturedWallMs(attempt: Attempt): number | null {
  if (attempt.capturedWallMs !== null) return attempt.capturedWallMs;
  return attempt.capturedMs === null ? null : toWallMs(attempt, attempt.capturedMs);
}

/** Where the chain's operators stood when an attempt was signed, as it was kept with the bytes. */
export function marksOf({ payload }: Pick<Attempt, 'payload'>): readonly Mark[] {
  return payload === null ? [] : ((JSON.parse(payload) as { marks?: readonly Mark[] }).marks ?? []);
}
