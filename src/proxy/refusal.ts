import type { ServerResponse } from 'node:http';
import { CODES } from '../errors/codes.js';
import type { ToldOutcome } from '../wallet/answer/outcome.js';
import { errorBody, type Dialect, type ProxyError } from './dialect.js';

/** An SDK that is told a longer wait does not keep to it, and asks at once: it is told not to ask. */
const RETRY_AFTER_SEC_MAX = 60;

/** An error, and whether the same request may bring something else. */
export interface Refused extends ProxyError {
  /** Whether an SDK should ask again by itself, and after how long; null for no. */
  readonly retryAfterSec: number | null;
}

/** Codes by the status that says the same. */
const STATUSES: Readonly<Record<string, number>> = {
  bad_input: 400,
  bad_url: 400,
  idempotency_key_reused: 400,
  address_refused: 403,
  host_denied: 403,
  host_not_allowed: 403,
  agent_suspended: 403,
  agent_expired: 403,
  agent_unknown: 403,
  rate_limited: 429,
  origin_paused: 429,
  asks_limited: 429,
  unreachable: 502,
  answer_too_large: 502,
  paid_not_delivered: 502,
  paid_error_answer: 502,
  timed_out: 504,
};

/** Failures after which nothing was signed, or nothing new is: to ask again costs nothing twice. */
const ASK_AGAIN: Readonly<Record<string, number>> = { unreachable: 1, timed_out: 1, payment_expired: 1 };

/** The exit code of commands that find the wallet locked or not set up. */
const SET_UP_EXIT = 6;

/** The answer to a call that brought no answer of a seller's: why, and what became of the money. */
export function refusedBy(outcome: ToldOutcome): Refused {
  const { code, status, message, tell_owner: tell } = outcome;
  const waitSec = outcome.retry_after_s ?? ASK_AGAIN[code] ?? null;
  const isShort = waitSec !== null && waitSec <= RETRY_AFTER_SEC_MAX;
  const isLocked = code in CODES && CODES[code as keyof typeof CODES].exit === SET_UP_EXIT;
  // What is open is asked about again by the same request, which signs nothing new.
  const fallback = isLocked || (status !== 'refused' && status !== 'approval_required') ? 503 : 402;
  return {
    status: STATUSES[code] ?? fallback,
    code,
    message: tell === null ? message : `${message} ${tell}`,
    paymentId: outcome.payment?.id ?? null,
    approvalId: typeof outcome['approval_id'] === 'string' ? outcome['approval_id'] : null,
    retryAfterSec: isShort && !isLocked ? waitSec : null,
  };
}

/** Writes an error as the dialect's own server would. SDKs go by `x-should-retry` before anything else. */
export function sendRefusal(outgoing: ServerResponse, dialect: Dialect, refused: Refused): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  const { status, retryAfterSec, paymentId } = refused;
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'x-should-retry': retryAfterSec === null ? 'false' : 'true',
    ...(retryAfterSec === null ? {} : { 'retry-after': String(retryAfterSec) }),
    ...(paymentId === null ? {} : { 'x-purser-payment-id': paymentId }),
    // The rest of a body that nobody read would be taken for the next request.
    ...(outgoing.req.complete ? {} : { connection: 'close' }),
  });
  outgoing.end(JSON.stringify(errorBody(dialect, refused)));
}
