import { isCredential, parseRequest, type CallInput, type CallRequest } from './request.js';

/** What is written down of a request that waits; its credentials stay in memory. */
export interface StoredCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly hadCredentials: boolean;
}

/** Credential headers of quotes and approvals made by this process, by their id: never written down (T21). */
const credentials = new Map<string, Record<string, string>>();
/** More than this within minutes are a loop; the oldest lose their credentials and must name them again. */
const CREDENTIALS_MAX = 500;

/** The request without its credentials. */
export function storeCall(request: CallRequest): StoredCall {
  return {
    url: request.target.url.href,
    method: request.method,
    headers: Object.fromEntries(request.headers.filter(([name]) => !isCredential(name))),
    body: request.body === undefined ? null : new TextDecoder().decode(request.body),
    hadCredentials: request.headers.some(([name]) => isCredential(name)),
  };
}

/** Keeps a request's credentials for as long as this process lives. */
export function rememberCredentials(id: string, request: CallRequest): void {
  const own = request.headers.filter(([name]) => isCredential(name));
  if (own.length === 0) return;
  credentials.set(id, Object.fromEntries(own));
  const oldest = credentials.keys().next();
  if (credentials.size > CREDENTIALS_MAX && oldest.done === false) credentials.delete(oldest.value);
}

/**
 * The request again, with the fields given now in place of the stored ones: whoever calls compares its hash with the
 * one it was stored under. Null where its credentials are gone and none are given.
 */
export function restoreCall(
  id: string,
  stored: StoredCall,
  given: Partial<CallInput>,
  agent: string,
  allowPrivate: readonly string[],
): CallRequest | null {
  const kept = credentials.get(id);
  if (stored.hadCredentials && kept === undefined && given.headers === undefined) return null;
  const input = {
    url: given.url ?? stored.url,
    method: given.method ?? stored.method,
    headers: { ...stored.headers, ...kept, ...lowerCased(given.headers) },
    body: given.body ?? stored.body ?? undefined,
  };
  return parseRequest(input, agent, allowPrivate);
}

function lowerCased(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
