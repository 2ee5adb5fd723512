import { isJsonObject, statedField, type JsonValue } from '../../text/json.js';
import { readRecord } from './listPage.js';
import { readListedUrl, readMethod, UNKNOWN_USE, type Listing, type Reading } from './listing.js';
import { siteOf } from '../site.js';

/** A site with more endpoints lists them elsewhere too. */
const RESOURCES_MAX = 2_000;

/**
 * Reads `/.well-known/x402`: URLs, `"METHOD URL"` texts or records, under `resources` or `endpoints`, or as the list
 * itself. Undefined where the document is none of these.
 *
 * T17: a site speaks for itself alone; URLs of another site are dropped and counted.
 */
export function readWellKnown(document: JsonValue, documentUrl: string): Reading | undefined {
  const named = isJsonObject(document)
    ? (statedField(document, 'resources') ?? statedField(document, 'endpoints'))
    : document;
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

function readEntry(entry: JsonValue, documentUrl: string): Listing | undefined {
  if (typeof entry === 'string') {
    const [, method, address] = /^(?:([A-Z]{3,6}) )?(\S+)$/.exec(entry) ?? [];
    return bare(readListedUrl(address, documentUrl), readMethod(method));
  }
  if (!isJsonObject(entry)) return undefined;
  const stated = statedField(entry, 'resource') ?? statedField(entry, 'url') ?? statedField(entry, 'path');
  const url = readListedUrl(stated, documentUrl);
  return url === undefined ? undefined : readRecord({ ...entry, resource: url, type: 'http' });
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
    protocols: ['x402'],
    input: null,
    output: null,
    use: UNKNOWN_USE,
  };
}
