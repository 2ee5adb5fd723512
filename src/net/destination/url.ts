import { isIP } from 'node:net';
import type { OwnerStep } from '../../errors/ownerAction.js';
import { judgeAddress, mayConnect } from './address.js';
import { NetFailure, type NetCode } from '../failure.js';

/** The longest URL called, in characters, before and after percent-encoding: what common servers take. */
export const URL_LENGTH_MAX = 8_192;

/** The longest name DNS has. */
const HOST_LENGTH_MAX = 253;

const DEFAULT_PORTS = { 'http:': 80, 'https:': 443 } as const;

/** A URL that passed every rule that needs no network. */
export interface CallUrl {
  /** Without fragment or userinfo, its host in lower-case ASCII without a trailing dot. */
  readonly url: URL;
  /** Scheme, host and port (default port left out), as in the `Origin` header. */
  readonly origin: string;
  /** Punycode, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Host (IPv6 in brackets) and port, always both: the spelling of `net.allow_private`. */
  readonly hostPort: string;
  /** The owner made an exception for exactly this host and port. */
  readonly ownerAllowed: boolean;
}

/** What {@link parseCallUrl} judges by. */
export interface UrlRules {
  /** `host:port` entries of `net.allow_private`; one that is not of that form allows nothing. */
  readonly allowPrivate: readonly string[];
}

/**
 * Names that mean this machine or the network around it, whatever a resolver says (RFC 6761, 6762, 8375,
 * ICANN's `internal`, and the suffixes that home and office routers use).
 */
const PRIVATE_SUFFIXES = [
  ...['localhost', 'local', 'internal', 'home.arpa'],
  ...['lan', 'home', 'corp', 'intranet', 'localdomain'],
];

/** Refused by their name, before any lookup: no public host has such a name. */
const UNREACHABLE_SUFFIXES = ['onion', 'invalid', 'arpa'];

function refuse(code: NetCode, message: string, owner?: OwnerStep): NetFailure {
  return new NetFailure(code, message, { leg: 'resolve', bytesLeft: false, ...(owner && { owner }) });
}

/** What the owner can do where an address is refused; `hostPort` is the entry that would allow it. */
export function allowPrivateStep(hostPort: string): OwnerStep {
  return {
    say: `If ${hostPort} is your own and the agent may call it, allow exactly that host and port.`,
    action: { kind: 'addToSetting', key: 'net.allow_private', entry: hostPort },
  };
}

/**
 * The canonical spelling of a `net.allow_private` entry (`host:port`, IPv6 in brackets), or undefined where
 * the text is none: a host without port, a wildcard and a URL allow nothing.
 */
export function parseAllowEntry(text: string): string | undefined {
  const parts = /^([^\s/?#@\\%*]+):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2] ?? 0);
  if (port < 1 || port > 65_535 || !URL.canParse(`http://${parts?.[1]}/`)) return undefined;
  const url = new URL(`http://${parts?.[1]}/`);
  return url.port === '' && url.pathname === '/' ? `${withoutTrailingDot(url.hostname)}:${port}` : undefined;
}

function withoutTrailingDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
}

/**
 * Spellings that a person and the URL parser would read differently are refused before the parser mends them
 * (T11).
 */
function judgeSpelling(text: string): void {
  if (text.length > URL_LENGTH_MAX) {
    throw refuse('bad_url', `The URL is longer than ${URL_LENGTH_MAX} characters.`);
  }
  // T27: the parser drops tabs and line ends silently, which hides a host from a reader.
  if (/[\u0000-\u001f\u007f-\u009f\\]/.test(text)) {
    throw refuse('bad_url', 'The URL contains a control character or a backslash.');
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) {
    throw refuse('bad_url', 'The URL must begin with https:// and name a host.');
  }
  if (authority.includes('@')) {
    throw refuse(
      'bad_url',
      'The URL carries a user name before its host; send credentials in a header instead.',
    );
  }
}

function hasSuffix(host: string, suffixes: readonly string[]): boolean {
  return suffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`));
}

/** What can be said of a host without asking a resolver: behind a proxy nothing else is asked. */
function judgeHost(call: CallUrl): void {
  const step = allowPrivateStep(call.hostPort);
  if (isIP(call.host) !== 0) {
    const kind = judgeAddress(call.host);
    if (mayConnect(kind, call.ownerAllowed)) return;
    throw refuse(
      'address_refused',
      `The URL points to a ${kind.replace('_', '-')} address, which the wallet does not connect to.`,
      mayConnect(kind, true) ? step : undefined,
    );
  }
  if (call.ownerAllowed) return;
  if (!call.host.includes('.') || hasSuffix(call.host, PRIVATE_SUFFIXES)) {
    throw refuse(
      'address_refused',
      'The URL names a host of this machine or of the network around it.',
      step,
    );
  }
  if (hasSuffix(call.host, UNREACHABLE_SUFFIXES)) {
    throw refuse('address_refused', 'The URL names a host that no public network has.');
  }
}

/**
 * The URL as it is called: fragment and the host's trailing dot gone, or a refusal where it cannot be one.
 */
function readUrl(text: string): URL {
  const spelling = text.trim();
  judgeSpelling(spelling);
  if (!URL.canParse(spelling)) throw refuse('bad_url', 'The URL cannot be parsed.');
  const url = new URL(spelling);
  url.hash = '';
  url.hostname = withoutTrailingDot(url.hostname);
  // The host goes into commands that the owner may copy into a shell, so only letters that no shell reads.
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*)$/.test(url.hostname)) {
    throw refuse('bad_url', 'The host in the URL is malformed.');
  }
  if (url.hostname.length > HOST_LENGTH_MAX) throw refuse('bad_url', 'The host in the URL is too long.');
  if (url.href.length > URL_LENGTH_MAX) {
    throw refuse('bad_url', `The URL, percent-encoded, is longer than ${URL_LENGTH_MAX} characters.`);
  }
  if (url.port === '0') throw refuse('bad_url', 'The URL names port 0, which no server can use.');
  return url;
}

/**
 * Reads a URL that an agent, a seller or a redirect named and judges all of it that needs no network. Public
 * hosts are called by https only; a host and port that the owner allowed exactly may be http. IP addresses
 * are judged here in whatever spelling they came (T10), names by their suffix.
 *
 * @throws NetFailure `bad_url` or `address_refused`, leg `resolve`; `owner.command` where an exception would
 * mend it.
 */
export function parseCallUrl(text: string, rules: UrlRules): CallUrl {
  const url = readUrl(text);
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol as 'http:' | 'https:'] : Number(url.port);
  const hostPort = `${url.hostname}:${port}`;
  const ownerAllowed = rules.allowPrivate.some((entry) => parseAllowEntry(entry) === hostPort);
  const call: CallUrl = {
    url,
    origin: url.origin,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    hostPort,
    ownerAllowed,
  };
  judgeHost(call);
  if (url.protocol !== 'https:' && !ownerAllowed) {
    const message = 'The URL must begin with https://; plain http is for hosts the owner allowed.';
    throw refuse('bad_url', message, allowPrivateStep(hostPort));
  }
  return call;
}

/**
 * The spelling of a URL that decides whether two requests are the same one: scheme and host in lower case,
 * default port, trailing dot of the host and fragment dropped; path and query as they are sent.
 *
 * @throws NetFailure `bad_url` where the text is no http(s) URL.
 */
export function normaliseUrl(text: string): string {
  return readUrl(text).href;
}
