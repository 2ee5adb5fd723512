import type { OwnerAction } from '../../errors/ownerAction.js';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Code } from '../../errors/codes.js';
import { isWalletError, type WalletError } from '../../errors/walletError.js';
import { writeOutUnseen } from '../../text/untrusted.js';
import { waitWords } from './words.js';

const STATUSES: Partial<Record<Code, ContentfulStatusCode>> = {
  bad_input: 400,
  above_ceiling: 400,
  factor_needed: 403,
  factor_wrong: 403,
  factor_slowed: 429,
  second_owner_needed: 409,
  approval_unknown: 404,
  not_found: 404,
  approval_closed: 409,
  approval_changed: 409,
  approval_expired: 410,
  ledger_busy: 503,
  ledger_unreachable: 503,
};

/** An error as the page tells it. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  /** Ours, and nothing secret. */
  readonly message: string;
}

/** Words an error for the owner; what is no error of ours is told by no more than that it happened (T21). */
export function problemOf(error: unknown, command: (action: OwnerAction) => string): Problem {
  if (!isWalletError(error)) return { status: 500, message: 'The wallet met a fault of its own.' };
  // T27: a message may name what was asked for.
  return { status: STATUSES[error.code] ?? 500, message: writeOutUnseen(wordsOf(error, command)) };
}

function wordsOf(error: WalletError, command: (action: OwnerAction) => string): string {
  const words = [error.shortMessage];
  if (error.retryAfterSec !== undefined) words.push(`Try again in ${waitWords(error.retryAfterSec)}.`);
  if (error.owner !== undefined) words.push(error.owner.say);
  if (error.owner?.action !== undefined) words.push(`Run: ${command(error.owner.action)}`);
  return words.join(' ');
}

/** Tells a caller that waits how long to. */
export function setRetryAfter(c: Context, error: unknown): void {
  if (isWalletError(error) && error.retryAfterSec !== undefined) {
    c.header('Retry-After', String(error.retryAfterSec));
  }
}
