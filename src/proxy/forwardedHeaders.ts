import type { IncomingMessage } from 'node:http';
import { RESERVED_HEADERS, type HeaderList } from '../net/headers.js';
import { OWN_HEADERS } from '../rails/table.js';
import { KEPT } from '../wallet/entitlement/issued.js';
import { holdsToken } from './token.js';

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

/** The headers that go up, one value a name: all of the program's own, none of this hop's, and no token of ours. */
export function headersUp({ headersDistinct }: IncomingMessage): Record<string, string> {
  const ofHop = namedIn(headersDistinct['connection'] ?? []);
  const named = Object.entries(headersDistinct).filter(
    ([name]) =>
      !RESERVED_HEADERS.has(name) &&
      !NOT_FORWARDED.includes(name) &&
      !name.startsWith(OWN_PREFIX) &&
      !ofHop.has(name),
  );
  const kept = named.flatMap(([name, values = []]): [string, string][] => {
    const value = values.join(name === 'cookie' ? '; ' : ', ');
    // A program that uses what stands for a token of a seller's means the wallet's own: that is sent where none of its is.
    const isOurs = holdsToken(value) || (KEY_HEADERS.includes(name) && value.includes(KEPT));
    return isOurs ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
}

/** The fields that `Connection` names: they are for one hop (RFC 9110, 7.6.1). */
function namedIn(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase()));
}

/** Fields of an answer that say how it travelled, or that would let a page read it (T20). */
const NOT_HANDED_DOWN: readonly string[] = [
  ...['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'proxy-authenticate', 'te'],
  ...[
    'proxy-connection',
    'alt-svc',
    'strict-transport-security',
    'x-cost-usd-cents',
    'x-balance-remaining-cents',
  ],
];

/** Where a redirect leads: a program that followed it would take its token there, and ask without the wallet (T9, T38). */
const REDIRECTING: readonly string[] = ['location', 'refresh'];

/** The headers of an answer that go down: the seller's, none of the payment's, and none that ours would stand beside. */
export function headersDown(
  { status, headers }: { readonly status: number; readonly headers: HeaderList },
  isAsSent: boolean,
): [string, string][] {
  const ofHop = namedIn(headers.flatMap(([name, value]) => (name === 'connection' ? [value] : [])));
  const isRedirect = status >= 300 && status < 400;
  return headers
    .filter(
      ([name]) =>
        !NOT_HANDED_DOWN.includes(name) &&
        !OWN_HEADERS.includes(name) &&
        !ofHop.has(name) &&
        !(isRedirect && REDIRECTING.includes(name)) &&
        !name.startsWith(OWN_PREFIX) &&
        !name.startsWith('access-control-') &&
        // The wallet has decoded the body: then they are wrong.
        (isAsSent || (name !== 'content-length' && name !== 'content-encoding')),
    )
    .map(([name, value]) => [name, value.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?')]);
}
