import {
  isCredential,
  parseRequest,
  withoutCredentials,
  type Caller,
  type CallInput,
  type CallRequest,
} from './request.js';

/** What is written down of a request that waits; its credentials stay in memory. */
export interface StoredCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly hadCredentials: boolean;
}

/** Credential headers of quotes and approvals made by this process, by agent and id: never written down (T21). */
const credentials = new Map<string, Map<string, Record<string, string>>>();
/** An agent with more than this within minutes is in a loop; its own oldest must be named again, and no other's. */
const CREDENTIALS_MAX = 500;

/** The request without its credentials. */
export function storeCall(request: CallRequest): StoredCall {
  return {
    url: request.target.url.href,
    method: request.method,
    headers: Object.fromEntries(withoutCredentials(request.headers)),
    body: request.body === undefined ? null : new TextDecoder().decode(request.body),
    hadCredentials: request.headers.some(([name]) => isCredential(name)),
  };
}

/** Keeps a request's credentials for as long as this process lives. */
export function rememberCredentials(agent: string, id: string, request: CallRequest): void {
  const named = request.headers.filter(([name]) => isCredential(name));
  if (named.length === 0) return;
  const own = credentials.get(agent) ?? new Map<string, Record<string, string>>();
  credentials.set(agent, own.set(id, Object.fromEntries(named)));
  const oldest = own.keys().next();
  if (own.size > CREDENTIALS_MAX && oldest.done === false) own.delete(oldest.value);
}

/**
 * The request again, with the fields given now in place of the stored ones: whoever calls compares its hash with the
 * one it was stored under. Null where its credentials are gone and none are given.
 */
export function restoreCall(
  id: string,
  stored: StoredCall,
  given: Partial<CallInput>,
  caller: Caller,
  allowPrivate: readonly string[],
): CallRequest | null {
  const kept = credentials.get(caller.agent)?.get(id);
  if (stored.hadCredentials && kept === undefined && given.headers === undefined) return null;
  const input = {
    url: given.url ?? stored.url,
    method: given.method ?? stored.method,
    headers: { ...stored.headers, ...kept, ...lowerCased(given.headers) },
    body: given.body ?? stored.body ?? undefined,
  };
  return parseRequest(input, caller, allowPrivate);
}

function lowerCased(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
