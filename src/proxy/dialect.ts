import type { Dialect } from '../config/value/choice.js';

export type { Dialect };

/** What went wrong, in our words. */
export interface ProxyError {
  readonly status: number;
  /** A stable code of the wallet's. */
  readonly code: string;
  readonly message: string;
  readonly paymentId: string | null;
  /** The question that the owner was asked; the same request goes on once they said yes. */
  readonly approvalId: string | null;
}

/** Types of Anthropic's errors by status; what is not named is an `api_error`. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
};

/** The same for OpenAI's. */
const OPENAI_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error',
};

/** The body of an error answer, as the dialect's own server would write it. */
export function errorBody(dialect: Dialect, error: ProxyError): object {
  const { status, code, message, paymentId, approvalId } = error;
  const purser = {
    code,
    ...(paymentId === null ? {} : { payment_id: paymentId }),
    ...(approvalId === null ? {} : { approval_id: approvalId }),
  };
  if (dialect === 'anthropic')
    return { type: 'error', error: { type: ANTHROPIC_TYPES[status] ?? 'api_error', message }, purser };
  return { error: { message, type: OPENAI_TYPES[status] ?? 'server_error', param: null, code }, purser };
}

/** The last event of a stream that broke off, in the dialect's words: SDKs throw on it. */
export function errorEvent(dialect: Dialect, error: ProxyError): string {
  const data = JSON.stringify(errorBody(dialect, error));
  return dialect === 'openai' ? `data: ${data}\n\n` : `event: error\ndata: ${data}\n\n`;
}

/** Paths under which Anthropic's API stands. */
const ANTHROPIC_PATH = /\/messages(?:\/|$)/;
/** Paths under which OpenAI's does. */
const OPENAI_PATH =
  /\/(?:chat\/completions|completions|responses|embeddings|images\/|audio\/|models|moderations|files)(?:\/|$)?/;

/** The dialect of a URL that no upstream is set for. */
export function dialectOf(pathname: string): Dialect {
  if (ANTHROPIC_PATH.test(pathname)) return 'anthropic';
  return OPENAI_PATH.test(pathname) ? 'openai' : 'plain';
}
