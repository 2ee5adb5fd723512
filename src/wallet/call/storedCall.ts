import { isUtf8 } from 'node:buffer';
import type { SentFile } from '../../approvals/question.js';
import { BINARY_TYPE, memoryBody, type CallBody } from '../body/callBody.js';
import { findSpooled, type SpoolPlace } from '../body/spool.js';
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
  readonly body: StoredBody | null;
  /** The files of this machine that the body is of; absent where it is of none. */
  readonly files?: readonly SentFile[];
  readonly hadCredentials: boolean;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A body: text as it is, other bytes as base64, and what lies in the spool by its SHA-256. */
type StoredBody = string | { readonly base64: string } | { readonly spooled: string };

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
    body: request.body === undefined ? null : storeBody(request.body),
    ...(request.files.length === 0 ? {} : { files: request.files }),
    hadCredentials: request.headers.some(([name]) => isCredential(name)),
  };
}

function storeBody({ bytes, sha256 }: CallBody): StoredBody {
  if (bytes === null) return { spooled: sha256 };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // A byte order mark would not survive as text.
  return isUtf8(bytes) && !buffer.subarray(0, 3).equals(BYTE_ORDER_MARK)
    ? buffer.toString('utf8')
    : { base64: buffer.toString('base64') };
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

/** The caller of a stored request, and where its spool is. */
export type StoredCaller = Caller & SpoolPlace;

/** Why a stored request cannot be made again as it was: its credentials, or its body, are not kept any more. */
export type GonePart = 'credentials' | 'body';

/** Each gone part, in the middle of a sentence that says what to pass. */
export const GONE: Readonly<Record<GonePart, string>> = {
  credentials: 'credentials, which are not stored: pass headers',
  body: 'a large body, which is not kept any longer: pass it',
};

/**
 * The request again, with the fields given now in place of the stored ones: whoever calls compares its hash with the
 * one it was stored under. What of it is gone, where that is not given.
 */
export async function restoreCall(
  id: string,
  stored: StoredCall,
  given: Partial<CallInput>,
  caller: StoredCaller,
  allowPrivate: readonly string[],
): Promise<CallRequest | GonePart> {
  const kept = credentials.get(caller.agent)?.get(id);
  if (stored.hadCredentials && kept === undefined && given.headers === undefined) return 'credentials';
  const isGiven = given.body !== undefined || given.content !== undefined;
  const body = isGiven ? given : await restoreBody(stored.body, caller);
  if (body === null) return 'body';
  const input = {
    url: given.url ?? stored.url,
    method: given.method ?? stored.method,
    headers: { ...stored.headers, ...kept, ...lowerCased(given.headers) },
    body: body.body,
    content: body.content,
  };
  const request = parseRequest(input, caller, allowPrivate);
  // A body that is text is kept as text, and says no longer of which file it is.
  return isGiven ? request : { ...request, files: stored.files ?? [] };
}

/** A stored body as an input has it; null where the spool keeps it no longer. */
async function restoreBody(
  stored: StoredBody | null,
  place: SpoolPlace,
): Promise<Pick<CallInput, 'body' | 'content'> | null> {
  if (stored === null || typeof stored === 'string') return { body: stored ?? undefined };
  const body =
    'base64' in stored
      ? memoryBody(Buffer.from(stored.base64, 'base64'))
      : await findSpooled(place, stored.spooled);
  // Its content type is among the stored headers.
  return body === null ? null : { content: { body, contentType: BINARY_TYPE } };
}

function lowerCased(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
