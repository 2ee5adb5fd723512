import { z } from 'zod';
import { isLoopback, parseHost } from '../host.js';
import { kindOf, type ValueKind } from './kind.js';

/** Longer than any address of a service, keys included. */
const RPC_URL_LENGTH_MAX = 2048;

const RPC_WORDS = 'must be an https URL (or http on this machine), without user name, fragment or blanks';
const rpcUrlSchema = z.string(RPC_WORDS).max(RPC_URL_LENGTH_MAX, RPC_WORDS).refine(isRpcUrl, RPC_WORDS);

function isRpcUrl(text: string): boolean {
  const url = URL.canParse(text) && !/\s/.test(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/** More endpoints than this answer no sooner: each is asked only when the one before is silent. */
const RPC_URLS_MAX = 8;
const RPC_LIST_WORDS = `${RPC_WORDS}, or a JSON list of 1 to ${RPC_URLS_MAX} of them`;
const rpcUrlsSchema = z.codec(
  z.union(
    [rpcUrlSchema, z.array(rpcUrlSchema).min(1, RPC_LIST_WORDS).max(RPC_URLS_MAX, RPC_LIST_WORDS)],
    RPC_LIST_WORDS,
  ),
  z.array(z.string()).readonly(),
  {
    decode: (given) => (typeof given === 'string' ? [given] : [...new Set(given)]),
    encode: (urls) => (urls.length === 1 ? (urls[0] ?? '') : [...urls]),
  },
);

/** RPCs of the owner's in the order they are asked; API keys may be part of them. */
export const rpcUrls: ValueKind<readonly string[]> = kindOf(rpcUrlsSchema, 'as JSON');

const ISSUER_WORDS =
  'must be none or an https URL (or http on this machine), without user name, query or fragment';
/** Who issues tokens, by its own name for itself. */
export const issuerUrl: ValueKind<string> = kindOf(
  z
    .string(ISSUER_WORDS)
    .max(RPC_URL_LENGTH_MAX, ISSUER_WORDS)
    .refine((text) => text === 'none' || (isRpcUrl(text) && !text.includes('?')), ISSUER_WORDS),
  'as text',
);

const SERVICE_WORDS = 'must be none or an http(s) URL, without user name, query or fragment';
const serviceSchema = z
  .string(SERVICE_WORDS)
  .max(RPC_URL_LENGTH_MAX, SERVICE_WORDS)
  .refine((text) => isWebhook(text) && !text.includes('?'), SERVICE_WORDS);

/** A service of others that the owner names by its base: who relays what they take out, or where traces go; or none. */
export const serviceUrl: ValueKind<string> = kindOf(serviceSchema, 'as text');

const PROXY_WORDS = 'must be none, env or an http(s) URL of a proxy';
const proxySchema = z.string(PROXY_WORDS).max(RPC_URL_LENGTH_MAX, PROXY_WORDS).refine(isProxy, PROXY_WORDS);

function isProxy(text: string): boolean {
  if (text === 'none' || text === 'env') return true;
  const url = /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.hostname !== '';
}

/** How calls leave this machine; a proxy's password may be part of it. */
export const proxy: ValueKind<string> = kindOf(proxySchema, 'as text');

const WEBHOOK_WORDS = 'must be none or an http(s) URL, without user name or fragment';
const webhookSchema = z
  .string(WEBHOOK_WORDS)
  .max(RPC_URL_LENGTH_MAX, WEBHOOK_WORDS)
  .refine(isWebhook, WEBHOOK_WORDS);

function isWebhook(text: string): boolean {
  if (text === 'none') return true;
  const url = /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.username === '' && url.password === '' && url.hash === '';
}

/** Where the owner is told that a question waits; a token may be part of it. */
export const webhook: ValueKind<string> = kindOf(webhookSchema, 'as text');

const CATALOG_WORDS = 'must be an http(s) URL, without user name, fragment or blanks';
/** More sources than this are a mistake: each is fetched again every few hours. */
const CATALOGS_MAX = 64;
const catalogSchema = z.codec(
  z.string(CATALOG_WORDS).refine((text) => readCatalogUrl(text) !== undefined, CATALOG_WORDS),
  z.string(),
  { decode: (text) => readCatalogUrl(text) ?? text, encode: (url) => url },
);
const catalogsSchema = z.codec(
  z
    .array(catalogSchema, 'must be a JSON list, such as ["https://example.com/discovery/resources"]')
    .max(CATALOGS_MAX, `must have at most ${CATALOGS_MAX} entries`),
  z.array(z.string()).readonly(),
  { decode: (urls) => [...new Set(urls)], encode: (urls) => [...urls] },
);

/** The one spelling of a catalogue's URL, or undefined where the text is none. */
export function readCatalogUrl(text: string): string | undefined {
  if (text.length > RPC_URL_LENGTH_MAX || !/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  const { username, password, hash, hostname, port } = url;
  const isHost = parseHost(port === '' ? hostname : `${hostname}:${port}`) !== undefined;
  return username === '' && password === '' && hash === '' && isHost ? url.href : undefined;
}

/** URLs of catalogues in the owner's order, each once. */
export const catalogUrls: ValueKind<readonly string[]> = kindOf(catalogsSchema, 'as JSON');

const UPSTREAM_WORDS = 'must be an http(s) URL, without user name, query or fragment';
const upstreamUrlSchema = z
  .string(UPSTREAM_WORDS)
  .max(RPC_URL_LENGTH_MAX, UPSTREAM_WORDS)
  .refine((text) => text !== 'none' && isWebhook(text) && !text.includes('?'), UPSTREAM_WORDS);

/** Where programs' requests are handed to. */
export const upstreamUrl: ValueKind<string> = kindOf(upstreamUrlSchema, 'as text');

const CHANNEL_URL_WORDS =
  'must be an https URL (or http on this machine), or smtps:// or smtp:// with a host for mail, without user name or fragment';
/** Where a channel's messages are sent; what only the owner may know of it is no part of it. */
export const channelUrl: ValueKind<string> = kindOf(
  z
    .string(CHANNEL_URL_WORDS)
    .max(RPC_URL_LENGTH_MAX, CHANNEL_URL_WORDS)
    .refine(isChannelUrl, CHANNEL_URL_WORDS),
  'as text',
);

function isChannelUrl(text: string): boolean {
  if (isRpcUrl(text)) return true;
  const url = URL.canParse(text) && !/\s/.test(text) ? new URL(text) : undefined;
  if (url === undefined || !['smtps:', 'smtp:'].includes(url.protocol)) return false;
  return (
    url.username === '' && url.password === '' && /^\/?$/.test(url.pathname) && url.search + url.hash === ''
  );
}

const PAGE_URL_WORDS = 'must be none or https:// with a name, such as https://wallet.example.com:4403';
/** Where the owner’s page is reached from elsewhere: a name, for passkeys are bound to one. */
export const pageUrl: ValueKind<string> = kindOf(
  z.string(PAGE_URL_WORDS).max(RPC_URL_LENGTH_MAX, PAGE_URL_WORDS).refine(isPageUrl, PAGE_URL_WORDS),
  'as text',
);

function isPageUrl(text: string): boolean {
  if (text === 'none') return true;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isName =
    url !== undefined && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(url.hostname) && !/^[\d.]+$/.test(url.hostname);
  return isName && url.protocol === 'https:' && [url.origin, `${url.origin}/`].includes(text);
}

/** Whether a text is a source of rates: a URL with a JSON pointer to the price behind #. */
export function isRateUrl(text: string): boolean {
  const url =
    text.length <= RPC_URL_LENGTH_MAX && !/\s/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') return false;
  const isReached = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isReached && /^#(?:\/[^/]+)+$/.test(url.hash);
}
