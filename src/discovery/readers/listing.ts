import { L402, PAID_PROTOCOLS, X402 } from '../../protocols/protocol.js';
import { NETWORKS } from '../../money/network.js';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';
import type { Category } from '../category.js';
import type { UsdMicros } from '../../money/unit.js';

/** A longer URL is no address that an agent should copy. */
const URL_LENGTH_MAX = 2_048;
/** Names and sentences: what a result shows of them is shorter still. */
export const TITLE_MAX = 100;
export const ABOUT_MAX = 400;
const TAG_MAX = 32;
/** More tags than this are an attempt to be found by everything (T17). */
const TAGS_MAX = 10;
const NETWORK_MAX = 48;

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?)$/;

/** What a listing says one network would be paid. */
export interface ListedOffer {
  /** CAIP-2 where the network is one of our table, else the seller's word, cleaned. */
  readonly network: string;
  readonly asset: string | null;
  readonly usdMicros: UsdMicros | null;
  readonly payTo: string | null;
  /** The wallet has a row for this network and asset and signs this scheme. */
  readonly payable: boolean;
}

/** A listed price; both ends are equal where it is fixed. */
export interface ListedPrice {
  readonly minUsdMicros: UsdMicros;
  readonly maxUsdMicros: UsdMicros;
}

/** What a call needs, as far as a listing says: JSON Schemas of objects, compacted. */
export interface InputShape {
  readonly query: JsonObject | null;
  readonly body: JsonObject | null;
  /** An example query and body of the seller's. */
  readonly exampleQuery: JsonObject | null;
  readonly exampleBody: JsonValue | null;
}

/** What a catalogue says of how an endpoint is used; claims. */
export interface ListedUse {
  readonly calls30d: number | null;
  readonly payers30d: number | null;
  readonly lastCalledMs: number | null;
  readonly updatedMs: number | null;
  readonly firstSeenMs: number | null;
  readonly curated: boolean;
}

/** One priced endpoint as a catalogue or a site lists it, cleaned and cut: advice, never the price (T17). */
export interface Listing {
  readonly url: string;
  readonly method: string;
  /** The tool that is sold, where the URL is an MCP server's. */
  readonly mcpTool?: string;
  readonly title: string | null;
  readonly about: string | null;
  readonly tags: readonly string[];
  readonly category: Category | null;
  readonly price: ListedPrice | null;
  readonly offers: readonly ListedOffer[];
  /** Payment protocols the listing names, such as `x402` and `mpp`; empty where it names none. */
  readonly protocols: readonly string[];
  readonly input: InputShape | null;
  /** Schema or example of the answer, compacted. */
  readonly output: JsonValue | null;
  readonly use: ListedUse;
}

/** A use of which nothing is known. */
export const UNKNOWN_USE: ListedUse = {
  calls30d: null,
  payers30d: null,
  lastCalledMs: null,
  updatedMs: null,
  firstSeenMs: null,
  curated: false,
};

/** What one document listed; records that cannot be read are counted and spoil nothing else. */
export interface Reading {
  readonly listings: readonly Listing[];
  readonly dropped: number;
}

/**
 * The URL of a listing in its one spelling, or undefined where it is none that could be called: only http(s), no user
 * name, nothing unseen (T27). `{name}` in a path stays readable.
 */
export function readListedUrl(text: JsonValue | undefined, base?: string): string | undefined {
  if (typeof text !== 'string' || text.length === 0 || text.length > URL_LENGTH_MAX) return undefined;
  if (/[\s\p{C}\\]/u.test(text) || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  if (!HOST.test(url.hostname)) return undefined;
  url.hash = '';
  const href = url.href.replace(/%7B/gi, '{').replace(/%7D/gi, '}');
  return href.length > URL_LENGTH_MAX ? undefined : href;
}

/** What identifies an endpoint beside its method: origin and path, without a slash at its end. */
export function endpointOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/%7B/gi, '{').replace(/%7D/gi, '}').replace(/\/+$/, '');
}

/** An HTTP method as listings state it, or undefined. */
export function readMethod(value: JsonValue | undefined): string | undefined {
  const method = typeof value === 'string' ? value.toUpperCase() : '';
  return METHODS.includes(method) ? method : undefined;
}

/** Fields that name what is called, the plainest first. */
const PLACE_FIELDS: readonly string[] = [
  ...['resource', 'url', 'resource_url', 'resourceUrl', 'endpoint', 'path', 'route'],
];
/** Fields that name its method. */
const METHOD_FIELDS: readonly string[] = ['method', 'http_method', 'httpMethod'];

/** What a record says is called: a URL or a path, and the method that stands before it or beside it. */
export interface ListedPlace {
  readonly place: string | undefined;
  readonly method: string | undefined;
}

/** `"GET /forecast"` as method and place; a text without a method is a place alone. */
export function splitPlace(text: string): ListedPlace {
  const [, method, place] = /^(?:([A-Z]{3,6}) )?(\S+)$/.exec(text) ?? [];
  return { place, method: readMethod(method) };
}

/** What a record says is called; `{url, description}` in place of a URL is v2's. */
export function placeOf(record: JsonObject): ListedPlace {
  const methods = METHOD_FIELDS.map((name) => readMethod(statedField(record, name)));
  for (const name of PLACE_FIELDS) {
    const value = statedField(record, name);
    const text = isJsonObject(value) ? statedField(value, 'url') : value;
    if (typeof text !== 'string') continue;
    const { place, method } = splitPlace(text);
    return { place, method: methods.find((one) => one !== undefined) ?? method };
  }
  return { place: undefined, method: undefined };
}

/** One clean line of a seller's, or null. */
export function readLine(value: JsonValue | undefined, max: number): string | null {
  const line = typeof value === 'string' ? cleanLine(value.slice(0, 4 * max), max) : '';
  return line === '' ? null : line;
}

/** Tags from lists or comma-separated text, each once. */
export function readTags(...values: readonly (JsonValue | undefined)[]): string[] {
  const texts = values.flatMap((value) => {
    if (typeof value === 'string') return value.slice(0, TAG_MAX * TAGS_MAX).split(',');
    return Array.isArray(value) ? value.slice(0, TAGS_MAX) : [];
  });
  const tags = texts.map((text) => readLine(text, TAG_MAX)?.toLowerCase() ?? '');
  return [...new Set(tags.filter((tag) => tag !== ''))].slice(0, TAGS_MAX);
}

/** The name of a network that our table lacks, as something to show. */
export function readNetworkName(value: JsonValue | undefined): string {
  return readLine(value, NETWORK_MAX) ?? 'unknown';
}

/** 2015 to 2100: anything else is no time at which an API was listed. */
const TIME_MIN_MS = 1_420_000_000_000;
const TIME_MAX_MS = 4_102_444_800_000;
/** A number below this counts seconds: as milliseconds it would be 1973. */
const SECONDS_BELOW = 100_000_000_000;

/** A time in any of the ways catalogues write it: ISO text, epoch seconds or milliseconds; null for anything else. */
export function readTimeMs(value: JsonValue | undefined): number | null {
  const digits = typeof value === 'string' && /^\d{9,14}$/.test(value) ? Number(value) : value;
  const ms =
    typeof digits === 'number'
      ? digits < SECONDS_BELOW
        ? digits * 1000
        : digits
      : typeof digits === 'string'
        ? Date.parse(digits.slice(0, 40))
        : Number.NaN;
  return ms >= TIME_MIN_MS && ms <= TIME_MAX_MS ? Math.floor(ms) : null;
}

/** Nobody counts further; a claim above it is cut. */
const COUNT_MAX = 1_000_000_000;

/** A count that a catalogue claims, or null. */
export function readCount(value: JsonValue | undefined): number | null {
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof count !== 'number' || !Number.isFinite(count) || count < 0) return null;
  return Math.min(Math.floor(count), COUNT_MAX);
}

/** Any name may stand in a listing. */
const PAID: readonly string[] = PAID_PROTOCOLS;

/** The payment protocols of a listing: those it names, and the usual one where it has offers and names none. */
export function protocolsOf({ offers, protocols }: Pick<Listing, 'offers' | 'protocols'>): readonly string[] {
  return protocols.length === 0 && offers.length > 0 ? [X402] : protocols;
}

/** The network of catalogues that say Lightning, and no more: the main one. */
const LIGHTNING = NETWORKS.find(({ family, testnet }) => family === 'lightning' && !testnet)?.caip2 ?? '';

/** An object in a field, or an empty one. */
export function objectIn(object: JsonObject, name: string): JsonObject {
  const value = statedField(object, name);
  return isJsonObject(value) ? value : {};
}

/**
 * Networks on which a listing can be paid, between blanks; empty where none can, null where no offer is listed and the
 * protocols leave one open that this wallet speaks.
 */
export function networksOf({ offers, protocols }: Listing): string | null {
  if (offers.length === 0) {
    const spoken = protocols.filter((name) => PAID.includes(name));
    if (spoken.length === 0) return protocols.length > 0 ? '' : null;
    // It is good on no other network, so that it is shown where the owner enabled that one.
    return spoken.every((name) => name === L402) ? ` ${LIGHTNING} ` : null;
  }
  const payable = offers.filter(({ payable }) => payable).map(({ network }) => network);
  return payable.length === 0 ? '' : ` ${[...new Set(payable)].join(' ')} `;
}
