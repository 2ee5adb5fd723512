import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Why a request was turned away, as the meters count it. */
export const REFUSAL_REASONS = [
  'host',
  'origin',
  'token_missing',
  'token_wrong',
  'locked',
  'body_too_large',
  'body_unreadable',
  'busy',
  'session_unknown',
  'stopping',
  'too_slow',
  'malformed',
  'connections',
  'tunnel',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Hears of each request that was turned away. */
export type RefusalListener = (reason: RefusalReason) => void;

/** JSON-RPC's code for an error of a server's own. */
const SERVER_ERROR = -32_000;
/** A client that finds the server busy, stopping or locked may ask again after this. */
const RETRY_AFTER_SEC = '5';

/** What a connection past the bound is answered, whatever it asks. */
export const TOO_MANY_CONNECTIONS = 'The server has too many connections; nothing was done. Ask again.\n';

/** Whether a body is one that this server turns a request away with before any tool sees it, and no proxy's. */
export function isOwnRefusal(body: unknown): boolean {
  if (body === TOO_MANY_CONNECTIONS) return true;
  try {
    const { id, error } = JSON.parse(String(body)) as { id?: unknown; error?: { code?: unknown } };
    return id === null && error?.code === SERVER_ERROR;
  } catch {
    return false;
  }
}

/** An answer that turns a request away, in the words of JSON-RPC. The connection ends where a body may be left unread. */
export function refusal(
  c: Context,
  status: ContentfulStatusCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { jsonrpc: '2.0', error: { code: SERVER_ERROR, message }, id: null };
  const close = c.req.method === 'GET' || c.req.method === 'HEAD' ? {} : { Connection: 'close' };
  const again = status === 503 ? { 'Retry-After': RETRY_AFTER_SEC } : {};
  return c.json(body, status, { ...close, ...again, ...headers });
}
