import { CODES, type Code, type MoneyState, type Retry } from './codes.js';
import type { OwnerStep } from './ownerAction.js';

/** Everything a {@link WalletError} can carry beside its code and sentence. */
export interface WalletErrorDetails {
  readonly cause?: unknown;
  /** What happened to money; `none` unless said. */
  readonly money?: MoneyState;
  /** Overrides the code's own {@link Retry}. */
  readonly retry?: Retry;
  readonly retryAfterSec?: number;
  readonly owner?: OwnerStep;
}

/**
 * The one error that crosses a layer of Purser: a stable `code`, one sentence of ours, and what an agent
 * needs to know next. Policy refusals are return values, not these.
 */
export class WalletError extends Error {
  readonly code: Code;
  readonly money: MoneyState;
  readonly retry: Retry;
  readonly retryAfterSec: number | undefined;
  readonly owner: OwnerStep | undefined;

  constructor(code: Code, shortMessage: string, details: WalletErrorDetails = {}) {
    super(shortMessage, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'WalletError';
    this.code = code;
    this.money = details.money ?? 'none';
    this.retry = details.retry ?? CODES[code].retry;
    this.retryAfterSec = details.retryAfterSec;
    this.owner = details.owner;
  }

  /** The sentence alone: ours, never text of a seller. */
  get shortMessage(): string {
    return this.message;
  }

  /** The CLI's exit code for this error. */
  get exitCode(): number {
    return CODES[this.code].exit;
  }
}

/** True for an error of ours, also one that crossed a bundle boundary. */
export function isWalletError(error: unknown): error is WalletError {
  return (
    error instanceof WalletError ||
    (error instanceof Error && error.name === 'WalletError' && 'code' in error)
  );
}

/** Throws `internal` unless the condition holds: an assertion on a state change, never on input. */
export function assertInvariant(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new WalletError('internal', `Invariant broken: ${invariant}.`, { money: 'unknown' });
}
