import type { Entitlement } from '../../ledger/books/entitlement.js';
import { headerValue, type HeaderList } from '../../net/headers.js';
import { readBalance, type ToldBalance } from '../../protocols/issued/balance.js';
import { readIssuedToken, type IssuedToken } from '../../protocols/issued/token.js';
import { isJsonObject, parseJson } from '../../text/json.js';
import type { ReadAnswer } from '../answer/answerBody.js';
import { decodeAnswer, isWholeText } from '../answer/answerText.js';
import { judgeDelivery } from '../answer/delivery.js';
import type { Engine } from '../engine.js';
import type { Bought } from './entitlement.js';

/** What stands in an answer where the seller wrote the token; a program that sends it as its key means that token. */
export const KEPT = '[kept by the wallet]';

/** Answers that come in lines or events, to be read as they come: no token is read in one. */
const STREAMED =
  /^(?:text\/event-stream|application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|json-seq|stream\+json))\b/i;

/** In a content type: what is written anew is UTF-8. */
const CHARSET = /\bcharset=[^;\s]+/i;

/** A sale that may have brought more than its answer. */
export interface Sale {
  readonly target: { readonly url: URL; readonly method: string };
  readonly paymentId: string | null;
  readonly nowMs: number;
}

/** What a sale brought beside its answer, and the answer as an agent may have it: without the token (T38). */
export interface Issued {
  readonly read: ReadAnswer;
  readonly bought: Bought | null;
}

/** Reads what the answer to a sale issued for later calls, by the shapes that sellers declare, and nothing by its prose. */
export function readIssued(sale: Sale, read: ReadAnswer): Issued {
  if (read.status < 200 || read.status >= 300 || read.failure !== null) return { read, bought: null };
  const text = read.body === null ? '' : decodeAnswer(read.headers, read.body);
  const token = isStreamed(read.headers) ? null : readIssuedToken(text);
  const told = readBalance(read.headers);
  const balance = told === null || told.isUsedUp ? null : told;
  if (token === null && balance === null) return { read, bought: null };
  const bought = boughtOf(sale, read, token, balance);
  const kept = token === null ? null : maskedAnswer(read.headers, text, token);
  return { read: kept === null ? read : { ...read, ...kept, bytes: kept.body.length }, bought };
}

/** An answer without the token that it issued, as a program may have it; null where it issued none. */
export function withoutIssued(
  headers: HeaderList,
  bytes: Uint8Array,
): { readonly headers: HeaderList; readonly body: Uint8Array } | null {
  if (isStreamed(headers) || !isWholeText(headers, bytes)) return null;
  const text = decodeAnswer(headers, bytes);
  const token = readIssuedToken(text);
  return token === null ? null : maskedAnswer(headers, text, token);
}

/** Whether an answer is one of lines or events. */
export function isStreamed(headers: HeaderList): boolean {
  return STREAMED.test(headerValue(headers, 'content-type')?.trim() ?? '');
}

function maskedAnswer(headers: HeaderList, text: string, { value: token }: IssuedToken) {
  return {
    headers: headers.map(([name, value]) => [name, value.replace(CHARSET, 'charset=utf-8')] as const),
    body: new TextEncoder().encode(withoutToken(text, token)),
  };
}

function boughtOf(
  { target, paymentId, nowMs }: Sale,
  read: ReadAnswer,
  token: IssuedToken | null,
  balance: ToldBalance | null,
): Bought {
  const { url, method } = target;
  const lifeSec = token?.expiresInSec ?? null;
  return {
    kind: balance === null ? 'bearer' : 'prepaid_balance',
    origin: url.origin,
    path: scopeOf(url, read),
    subject: '',
    valueLeft: balance?.left ?? null,
    unit: balance?.unit ?? null,
    expiresMs: lifeSec === null ? null : nowMs + lifeSec * 1000,
    paymentId,
    facts: { sold_at: endpointText(method, url) },
    headers: token === null ? [] : [['authorization', `Bearer ${token.value}`]],
  };
}

/** How an endpoint is written in the facts of what it sold. */
export function endpointText(method: string, url: URL): string {
  return `${method} ${url.pathname}`;
}

/**
 * Where a token is good: at the job that the answer names on its own host, for it was sold with that; else in the folder
 * of the endpoint that issued it, as for a cookie without a path (RFC 6265, 5.1.4).
 */
function scopeOf(url: URL, read: ReadAnswer): string {
  const job = judgeDelivery(read, url).job?.url;
  if (job !== undefined && job !== null && job.origin === url.origin && job.pathname !== '/')
    return job.pathname;
  return url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1);
}

/** The body with the token masked where it stands; where an escape hides it, the body is written anew without it. */
function withoutToken(text: string, token: string): string {
  if (text.includes(token)) return text.replaceAll(token, KEPT);
  const body = parseJson(text);
  return JSON.stringify(isJsonObject(body) ? { ...body, access_token: KEPT } : {});
}

/** Notes what the answer to a call that was served by an entitlement says is left of it. */
export async function noteBalance(
  engine: Pick<Engine, 'ledger' | 'now'>,
  entitlement: Entitlement,
  headers: ReadAnswer['headers'],
): Promise<Entitlement> {
  const told = entitlement.kind === 'siwx_session' ? null : readBalance(headers);
  if (told === null) return entitlement;
  const { entitlements } = engine.ledger;
  const { left: valueLeft, unit } = told;
  if (told.isUsedUp) await entitlements.end(entitlement.id, 'spent', engine.now());
  // Another call may have noted a later balance meanwhile; that one stands.
  else await entitlements.update(entitlement, { valueLeft, unit }, engine.now());
  return { ...entitlement, valueLeft, unit };
}
