import { isUtf8 } from 'node:buffer';
import { WalletError } from '../errors/walletError.js';

/** Header fields in the order they stand on the wire; a name may occur more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The most a caller's own headers may weigh, names and values: what common servers take in all. */
const REQUEST_HEADER_BYTES_MAX = 32 * 1024;

/** The most fields a request may have: Node's own servers drop what comes after 2,000. */
const REQUEST_HEADER_COUNT_MAX = 1_000;

/**
 * The most header bytes read from an answer: 64 offers of a kilobyte each, base64, fit (T1), where Node's own
 * 16 KiB refuse real sellers.
 */
export const RESPONSE_HEADER_BYTES_MAX = 128 * 1024;

/**
 * What each field of an answer counts beside its own bytes, about what it costs to hold: so there are at most
 * 2,000.
 */
export const HEADER_FIELD_BYTES = 64;

/** Fields that only the wallet sets, for the one origin they were made for (T7, T9). */
const WALLET_HEADERS = ['x-payment', 'payment-signature', 'payment-authorization', 'sign-in-with-x'];

/** Fields that what the wallet signed travels in. `Authorization` is the caller's too, where the wallet does not need it. */
const SIGNED_HEADERS = [...WALLET_HEADERS, 'authorization'];

/**
 * Fields that a caller may not set, in lower case: those that pay or sign in, and those by which the
 * connection itself is run (a second length or host would let one request be read as two).
 */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...WALLET_HEADERS,
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'proxy-connection'],
  ...['proxy-authorization', 'proxy-authenticate', 'te', 'trailer', 'upgrade', 'http2-settings', 'expect'],
]);

/**
 * Caller fields that still go to another origin after a redirect. Everything else may carry a key, under
 * whatever name a seller chose for it, and stays (T9).
 */
const CROSS_ORIGIN_HEADERS: ReadonlySet<string> = new Set([
  ...[
    'accept',
    'accept-encoding',
    'accept-language',
    'cache-control',
    'content-encoding',
    'content-language',
  ],
  ...['content-type', 'if-modified-since', 'if-none-match', 'range', 'user-agent'],
]);

/** Fields that describe a body, dropped with it when a redirect turns the request into a GET. */
const BODY_HEADERS: ReadonlySet<string> = new Set([
  ...['content-type', 'content-encoding', 'content-language', 'content-location'],
]);

function refuse(message: string): WalletError {
  return new WalletError('bad_input', message);
}

/** The name when it is safe to repeat in a message; a caller may have been handed it by a seller (T27). */
function shown(name: string): string {
  return /^[\w-]{1,64}$/.test(name) ? ` "${name}"` : '';
}

function judgeField(name: string, value: string): void {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name))
    throw refuse('A header has a name that HTTP does not allow.');
  // Line ends would begin another header or another request; the rest has no one spelling in bytes.
  if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) {
    throw refuse(`The header${shown(name)} contains a control character or one outside Latin-1.`);
  }
}

/**
 * Judges the headers an agent wants sent: well formed, within {@link REQUEST_HEADER_BYTES_MAX} and
 * {@link REQUEST_HEADER_COUNT_MAX}, none of {@link RESERVED_HEADERS}.
 *
 * @throws WalletError `bad_input`
 */
export function judgeCallerHeaders(headers: HeaderList): void {
  if (headers.length > REQUEST_HEADER_COUNT_MAX)
    throw refuse(`A request has at most ${REQUEST_HEADER_COUNT_MAX} headers.`);
  let bytes = 0;
  for (const [name, value] of headers) {
    judgeField(name, value);
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      throw refuse(`The header${shown(name)} is set by the wallet; leave it out.`);
    }
    bytes += name.length + value.length;
  }
  if (bytes > REQUEST_HEADER_BYTES_MAX) {
    throw refuse(`The headers of a request may have at most ${REQUEST_HEADER_BYTES_MAX} bytes.`);
  }
}

/**
 * Judges what the wallet itself signed: only {@link SIGNED_HEADERS}, each once, well formed, and none that the caller sends
 * too. @throws WalletError
 */
export function judgeSignedHeaders(headers: HeaderList, callers: HeaderList): void {
  const names = headers.map(([name]) => name.toLowerCase());
  const known = names.every((name) => SIGNED_HEADERS.includes(name) && !hasHeader(callers, name));
  if (!known || new Set(names).size !== names.length) {
    throw new WalletError('internal', 'A signed header neither pays nor signs in, or appears twice.');
  }
  for (const [name, value] of headers) judgeField(name, value);
}

/** True where the list has a field of that lower-case name. */
export function hasHeader(headers: HeaderList, name: string): boolean {
  return headers.some(([other]) => other.toLowerCase() === name);
}

/** The first value of a lower-case name, or undefined. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  return headers.find(([other]) => other.toLowerCase() === name)?.[1];
}

/** What is left of a caller's headers when a redirect leads to another origin (T9). */
export function headersForOtherOrigin(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => CROSS_ORIGIN_HEADERS.has(name.toLowerCase()));
}

/** What is left of a caller's headers when a redirect drops the body. */
export function headersWithoutBody(headers: HeaderList): HeaderList {
  return headers.filter(([name]) => !BODY_HEADERS.has(name.toLowerCase()));
}

/**
 * An answer's header bytes, alternating names and values, as a list with names in lower case. Values are read
 * as UTF-8 where they are that, which is what servers write there today, and as Latin-1 otherwise.
 */
export function readRawHeaders(raw: readonly Buffer[]): HeaderList {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toString('latin1').toLowerCase();
    const value = raw[index + 1];
    if (name !== undefined && value) list.push([name, value.toString(isUtf8(value) ? 'utf8' : 'latin1')]);
  }
  return list;
}
