import type { IncomingMessage } from 'node:http';
import { RESERVED_HEADERS, type HeaderList } from '../net/headers.js';
import { OWN_HEADERS } from '../rails/table.js';

/** Where a program puts its key: the token may stand there too, and then goes no further (T38). */
const KEY_HEADERS: readonly string[] = ['authorization', 'x-api-key', 'api-key'];

/** Fields of a request that say how it travelled to us, or that are for us. */
const NOT_FORWARDED: readonly string[] = [
  // A stream that a seller compresses comes in lumps: it is asked for as it is.
  ...['accept-encoding', 'forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
  'idempotency-key',
];

/** Ours, in either direction. */
const OWN_PREFIX = 'x-purser-';

/**
 * The headers by which two requests differ, in lower case: whose they are, and what form the answer is wanted in. What
 * else SDKs send counts their retries, names the span of a trace, or says the time (T12: none of that makes a new purchase).
 */
export const SAME_BY: readonly string[] = [
  ...KEY_HEADERS,
  ...['accept', 'accept-language', 'anthropic-beta', 'anthropic-version', 'cookie'],
  ...['openai-beta', 'openai-organization', 'openai-project', 'range'],
];

/** The token that a request carries where its program puts a key; null where none is there. */
export function keyOf({ headers }: IncomingMessage): string | null {
  const { authorization } = headers;
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  const keys = [bearer, headers['x-api-key'], headers['api-key']];
  return keys.find((key): key is string => typeof key === 'string' && key !== '') ?? null;
}

/** The headers that go up, one value a name: all of the program's own, and no token of ours. */
export function headersUp(
  { headersDistinct }: IncomingMessage,
  isToken: (text: string) => boolean,
): Record<string, string> {
  const named = Object.entries(headersDistinct).filter(
    ([name]) => !RESERVED_HEADERS.has(name) && !NOT_FORWARDED.includes(name) && !name.startsWith(OWN_PREFIX),
  );
  const kept = named.flatMap(([name, values = []]): [string, string][] => {
    const value = values.join(name === 'cookie' ? '; ' : ', ');
    const key = value.replace(/^Bearer +/i, '').trim();
    return KEY_HEADERS.includes(name) && isToken(key) ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
}

/** Fields of an answer that say how it travelled, or that would let a page read it (T20). */
const NOT_HANDED_DOWN: readonly string[] = [
  ...['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'proxy-authenticate', 'te'],
  ...['alt-svc', 'strict-transport-security', 'x-cost-usd-cents', 'x-balance-remaining-cents'],
];

/** The headers of an answer that go down: the seller's, none of the payment's, and none that ours would stand beside. */
export function headersDown(headers: HeaderList, isAsSent: boolean): [string, string][] {
  return headers
    .filter(
      ([name]) =>
        !NOT_HANDED_DOWN.includes(name) &&
        !OWN_HEADERS.includes(name) &&
        !name.startsWith(OWN_PREFIX) &&
        !name.startsWith('access-control-') &&
        // The wallet has decoded the body: then they are wrong.
        (isAsSent || (name !== 'content-length' && name !== 'content-encoding')),
    )
    .map(([name, value]) => [name, value.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?')]);
}
