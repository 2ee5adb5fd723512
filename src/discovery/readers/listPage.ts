import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import { readBazaar, readOutputSchema, type CallShape } from './inputShape.js';
import {
  ABOUT_MAX,
  objectIn,
  readCount,
  readLine,
  readListedUrl,
  readMethod,
  readTags,
  readTimeMs,
  TITLE_MAX,
  type Listing,
  type Reading,
} from './listing.js';
import { readListedOffers } from './offers.js';

/** One page of a facilitator's list or search. */
export interface ListPage extends Reading {
  /** Records on the page, good and bad: how far the next one begins. */
  readonly items: number;
  /** How many the list claims to have in all. */
  readonly total: number | null;
  /** The page size the server kept to. */
  readonly limit: number | null;
}

/** A page longer than any server was seen to send is cut. */
const ITEMS_MAX = 5_000;

/**
 * Reads `{items, pagination}` of a list or `{resources}` of a search; undefined where the document is neither, or none
 * of its records is one.
 */
export function readListPage(document: JsonValue): ListPage | undefined {
  if (!isJsonObject(document)) return undefined;
  const named = statedField(document, 'items') ?? statedField(document, 'resources');
  if (!Array.isArray(named)) return undefined;
  const pagination = objectIn(document, 'pagination');
  const records = named.slice(0, ITEMS_MAX);
  // A page of brackets or numbers is no page of a list that lists nothing: the list would be emptied by it.
  if (records.length > 0 && !records.some(isJsonObject)) return undefined;
  const listings = records.flatMap((record) => readRecord(record) ?? []);
  return {
    listings,
    dropped: named.length - listings.length,
    items: named.length,
    total: readCount(statedField(pagination, 'total')),
    limit: readCount(statedField(pagination, 'limit')),
  };
}

/** One record; undefined where it names nothing that could be called. Never throws. */
export function readRecord(record: JsonValue): Listing | undefined {
  if (!isJsonObject(record)) return undefined;
  const type = statedField(record, 'type');
  if (type !== undefined && type !== 'http') return undefined;
  const resource = statedField(record, 'resource');
  const described = isJsonObject(resource) ? resource : {};
  const url = readListedUrl(
    typeof resource === 'string' ? resource : (statedField(described, 'url') ?? statedField(record, 'url')),
  );
  if (url === undefined) return undefined;
  const accepts = statedField(record, 'accepts');
  const first = Array.isArray(accepts) ? accepts.find(isJsonObject) : accepts;
  const offer = isJsonObject(first) ? first : {};
  const metadata = objectIn(record, 'metadata');
  const shape = shapeOf(record, metadata, offer);
  const title = firstLine(TITLE_MAX, [record, described, metadata], ['serviceName', 'title', 'name']);
  const about = firstLine(ABOUT_MAX, [record, described, metadata, offer], ['description']);
  const tags = readTags(
    statedField(record, 'tags'),
    statedField(record, 'category'),
    statedField(described, 'tags'),
    statedField(metadata, 'tags'),
    statedField(metadata, 'category'),
  );
  const hasBody = shape.input?.body !== null && shape.input?.body !== undefined;
  return {
    url,
    method: readMethod(statedField(record, 'method')) ?? shape.method ?? (hasBody ? 'POST' : 'GET'),
    title,
    about,
    tags,
    category: categorise(tags, `${title ?? ''} ${about ?? ''}`),
    ...readListedOffers(accepts, statedField(record, 'x402Version')),
    protocols: [],
    input: shape.input,
    output: shape.output,
    use: readUse(record),
  };
}

function firstLine(max: number, objects: readonly JsonObject[], names: readonly string[]): string | null {
  for (const object of objects) {
    for (const name of names) {
      const line = readLine(statedField(object, name), max);
      if (line !== null) return line;
    }
  }
  return null;
}

/** The `bazaar` extension says most; v1 lists carry `outputSchema` in the offer or in the metadata. */
function shapeOf(record: JsonObject, metadata: JsonObject, offer: JsonObject): CallShape {
  const bazaar = readBazaar(statedField(record, 'extensions'));
  if (bazaar.input !== null) return bazaar;
  const older = readOutputSchema(
    statedField(offer, 'outputSchema') ?? statedField(record, 'outputSchema') ?? metadata,
  );
  return {
    method: bazaar.method ?? older.method,
    input: older.input,
    output: bazaar.output ?? older.output,
  };
}

function readUse(record: JsonObject): Listing['use'] {
  const quality = objectIn(record, 'quality');
  return {
    calls30d: readCount(statedField(quality, 'l30DaysTotalCalls')),
    payers30d: readCount(statedField(quality, 'l30DaysUniquePayers')),
    lastCalledMs: readTimeMs(statedField(quality, 'lastCalledAt')),
    updatedMs: readTimeMs(statedField(record, 'lastUpdated')),
    firstSeenMs: readTimeMs(statedField(record, 'firstSeen')),
    curated: statedField(record, 'curated') === true,
  };
}
