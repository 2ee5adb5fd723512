import { assetsOf } from '../../money/asset.js';
import { findNetworkByName } from '../../money/network.js';
import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import { readBazaar, readOutputSchema, type CallShape } from './inputShape.js';
import {
  ABOUT_MAX,
  objectIn,
  placeOf,
  readCount,
  readLine,
  readListedUrl,
  readTags,
  readTimeMs,
  TITLE_MAX,
  type ListedOffer,
  type ListedPrice,
  type Listing,
  type Reading,
} from './listing.js';
import { readListedOffers, type ListedOffers } from './offers.js';
import { readProtocols } from './paymentInfo.js';
import { statedPrice } from './statedPrice.js';

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
  const named = statedField(document, 'items') ?? statedField(document, 'resources') ?? servicesIn(document);
  if (!Array.isArray(named)) return undefined;
  const pagination = { ...document, ...objectIn(document, 'pagination') };
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

/** 402index lists endpoints as `services`, each with a URL; mpp.dev's have endpoints of their own. */
function servicesIn(document: JsonObject): JsonValue[] | undefined {
  const services = statedField(document, 'services');
  if (!Array.isArray(services)) return undefined;
  return services.some((one) => isJsonObject(one) && typeof statedField(one, 'url') === 'string')
    ? services
    : undefined;
}

/** One record; undefined where it names nothing that could be called. Never throws. */
export function readRecord(record: JsonValue): Listing | undefined {
  if (!isJsonObject(record)) return undefined;
  const type = statedField(record, 'type');
  if (type !== undefined && type !== 'http') return undefined;
  const resource = statedField(record, 'resource');
  const described = isJsonObject(resource) ? resource : {};
  const called = placeOf(record);
  const url = readListedUrl(called.place);
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
    method: called.method ?? shape.method ?? (hasBody ? 'POST' : 'GET'),
    title,
    about,
    tags,
    category: categorise(tags, `${title ?? ''} ${about ?? ''}`),
    ...pricedBy(record, readListedOffers(accepts, statedField(record, 'x402Version'))),
    protocols: readProtocols(statedField(record, 'protocol')),
    input: shape.input,
    output: shape.output,
    use: readUse(record),
  };
}

/** Offers say a price better than a record's own words, which count where there are none. */
function pricedBy(record: JsonObject, { offers, price }: ListedOffers): ListedOffers {
  const stated = price ?? statedPrice(record);
  return { offers: offers.length > 0 ? offers : offersOfWords(record, stated), price: stated };
}

/** 402index names a network and a token in words: `Base`, `USD Coin`. */
function offersOfWords(record: JsonObject, price: ListedPrice | null): ListedOffer[] {
  const network = findNetworkByName(statedText(record, 'payment_network') ?? '');
  const token = statedText(record, 'payment_asset')?.toLowerCase() ?? '';
  if (network === undefined || !/^usd(c| coin)$/.test(token)) return [];
  const [asset] = assetsOf(network.caip2).filter(({ symbol }) => symbol.startsWith('USDC'));
  if (asset === undefined) return [];
  const usdMicros = price?.minUsdMicros ?? null;
  return [{ network: network.caip2, asset: asset.symbol, usdMicros, payTo: null, payable: true }];
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
    updatedMs: readTimeMs(statedField(record, 'lastUpdated') ?? statedField(record, 'last_checked')),
    firstSeenMs: readTimeMs(statedField(record, 'firstSeen') ?? statedField(record, 'registered_at')),
    curated: statedField(record, 'curated') === true,
  };
}
