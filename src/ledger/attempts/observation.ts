import type { AnyAttempt } from './withdrawal.js';

/**
 * When an open payment is looked at next. It is no fact about money, so the journal does not tell of it: a row that is
 * missing, or lies beyond {@link LOOK_MS_MAX}, is due now.
 */
export interface Look {
  readonly paymentId: string;
  /** By the wall clock, ms since 1970. */
  readonly dueMs: number;
  /** Looks in a row that could not say anything; the more, the later the next. */
  readonly failures: number;
  /** Why the last one left it open, as a stable word; null where nothing stands in its way but time. */
  readonly reason: string | null;
}

/** No look is put off for longer. A row that says otherwise was written under a clock that was fast. */
export const LOOK_MS_MAX = 3_600_000;

/** What one RPC operator has to do with one open payment: JSON of whoever asks the chain. */
export interface Witness {
  /** Origin of its RPC. */
  readonly operator: string;
  /** Where its chain stood when the payment was signed; null where that was not noted. */
  readonly mark: string | null;
  /** How far its history has been searched; null where no search is under way. */
  readonly search: string | null;
}

/** An open attempt whose look is due. */
export interface DueAttempt {
  readonly attempt: AnyAttempt;
  readonly failures: number;
}
