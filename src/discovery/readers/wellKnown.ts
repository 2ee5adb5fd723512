import { X402 } from '../../protocols/protocol.js';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { readRecord } from './listPage.js';
import { placeOf, readListedUrl, splitPlace, UNKNOWN_USE, type Listing, type Reading } from './listing.js';
import { siteOf } from '../site.js';

/** A site with more endpoints lists them elsewhere too. */
const RESOURCES_MAX = 2_000;

/** Under which a document lists them. */
const LIST_FIELDS: readonly string[] = [
  'resources',
  'endpoints',
  'paidHttpResources',
  'routes',
  'items',
  'services',
];

/**
 * Reads `/.well-known/x402` and its like: URLs, `"METHOD URL"` texts or records, under one of several names or as the list
 * itself; or an object whose names are `"METHOD /path"`, as servers configure what they sell. Undefined where the document
 * is none of these.
 *
 * T17: a site speaks for itself alone; URLs of another site are dropped and counted.
 */
export function readWellKnown(document: JsonValue, documentUrl: string): Reading | undefined {
  const named = isJsonObject(document) ? (listIn(document) ?? byPlace(document)) : document;
  if (!Array.isArray(named)) return undefined;
  if (named.length > 0 && !named.some((entry) => typeof entry === 'string' || isJsonObject(entry)))
    return undefined;
  const site = siteOf(new URL(documentUrl).host);
  const listings = named.slice(0, RESOURCES_MAX).flatMap((entry) => {
    const listing = readEntry(entry, documentUrl);
    return listing !== undefined && siteOf(new URL(listing.url).host) === site ? [listing] : [];
  });
  return { listings, dropped: named.length - listings.length };
}

function listIn(document: JsonObject): JsonValue[] | undefined {
  const lists = LIST_FIELDS.map((name) => {
    const value = statedField(document, name);
    return isJsonObject(value) ? byPlace(value) : value;
  });
  return lists.find((list) => Array.isArray(list));
}

/** `{"GET /forecast": {price: "$0.01"}}` as a list of records; undefined where no name is of that form. */
function byPlace(object: JsonObject): JsonValue[] | undefined {
  const entries = Object.entries(object).filter(([name]) => /^[A-Z]{3,6} \/\S*$/.test(name));
  if (entries.length === 0) return undefined;
  return entries.map(([resource, value]) =>
    isJsonObject(value) ? { ...value, resource } : { resource, price: value },
  );
}

function readEntry(entry: JsonValue, documentUrl: string): Listing | undefined {
  if (typeof entry === 'string') {
    const { place, method } = splitPlace(entry);
    return bare(readListedUrl(place, documentUrl), method);
  }
  if (!isJsonObject(entry)) return undefined;
  const { place, method } = placeOf(entry);
  const url = readListedUrl(place, documentUrl);
  if (url === undefined) return undefined;
  return readRecord({ ...entry, resource: url, ...(method === undefined ? {} : { method }), type: 'http' });
}

function bare(url: string | undefined, method = 'GET'): Listing | undefined {
  if (url === undefined) return undefined;
  return {
    url,
    method,
    title: null,
    about: null,
    tags: [],
    category: null,
    price: null,
    offers: [],
    protocols: [X402],
    input: null,
    output: null,
    use: UNKNOWN_USE,
  };
}
