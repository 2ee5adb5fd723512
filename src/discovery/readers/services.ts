import { MPP } from '../../protocols/protocol.js';
import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import {
  ABOUT_MAX,
  readLine,
  readListedUrl,
  readMethod,
  readTags,
  TITLE_MAX,
  UNKNOWN_USE,
  type Listing,
  type Reading,
} from './listing.js';
import { readMppOffer } from './mppOffer.js';
import { priceOf } from './offers.js';

/** The list had some 140 services of at most some dozens of endpoints each in 2026; more than this is cut. */
const SERVICES_MAX = 2_000;
const ENDPOINTS_MAX = 200;

/**
 * Reads mpp.dev's list, `{services: [{serviceUrl, name, endpoints: [{method, path, payment}]}]}`; undefined where the
 * document is none. Endpoints that ask for no payment are left out.
 */
export function readServices(document: JsonValue): Reading | undefined {
  if (!isJsonObject(document)) return undefined;
  const services = statedField(document, 'services');
  if (!Array.isArray(services) || !services.some(isService)) return undefined;
  const read = services.slice(0, SERVICES_MAX).filter(isService).flatMap(readService);
  const listings = read.filter((listing) => listing !== undefined);
  return { listings, dropped: read.length - listings.length };
}

function isService(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && Array.isArray(statedField(value, 'endpoints'));
}

function readService(service: JsonObject): (Listing | undefined)[] {
  const endpoints = statedField(service, 'endpoints');
  return (Array.isArray(endpoints) ? endpoints : [])
    .slice(0, ENDPOINTS_MAX)
    .filter(isJsonObject)
    .filter((endpoint) => isJsonObject(statedField(endpoint, 'payment')))
    .map((endpoint) => readEndpoint(service, endpoint));
}

function readEndpoint(service: JsonObject, endpoint: JsonObject): Listing | undefined {
  const payment = statedField(endpoint, 'payment');
  const url = urlOf(service, endpoint);
  if (url === undefined || !isJsonObject(payment)) return undefined;
  const title = readLine(statedField(service, 'name'), TITLE_MAX);
  const about =
    readLine(statedField(endpoint, 'description'), ABOUT_MAX) ??
    readLine(statedField(service, 'description'), ABOUT_MAX);
  const tags = readTags(statedField(service, 'categories'), statedField(service, 'tags'));
  const offers = [readMppOffer(payment)];
  return {
    url,
    method: readMethod(statedField(endpoint, 'method')) ?? 'GET',
    title,
    about,
    tags,
    category: categorise(tags, `${title ?? ''} ${about ?? ''}`),
    price: priceOf(offers),
    offers,
    protocols: [MPP],
    input: null,
    output: null,
    use: UNKNOWN_USE,
  };
}

/** Paths name their parameters as `:id`, which is written `{id}` here as elsewhere. */
function urlOf(service: JsonObject, endpoint: JsonObject): string | undefined {
  const base = statedText(service, 'serviceUrl') ?? statedText(service, 'url');
  const path = statedText(endpoint, 'path');
  if (base === undefined || path?.startsWith('/') !== true) return undefined;
  const named = path.replace(/\/:([A-Za-z_][A-Za-z0-9_]*)/g, '/{$1}');
  return readListedUrl(`${base.replace(/\/+$/, '')}${named}`);
}
