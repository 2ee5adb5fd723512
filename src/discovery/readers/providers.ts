import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import { siteOf } from '../site.js';
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
import { readProtocols } from './paymentInfo.js';
import { statedPrice } from './statedPrice.js';

/** pay.sh had some 900 providers in 2026; more than this is cut. */
const PROVIDERS_MAX = 1_900;
const ENDPOINTS_MAX = 200;
/** Names of providers, as `solana-foundation/alibaba/ocr`: parts of a path, and no way out of it. */
const NAME = /^[a-z0-9_][a-z0-9._-]{0,79}(\/[a-z0-9_][a-z0-9._-]{0,79}){0,4}$/i;

/** Where the documents of a list of providers are, one for each, and how many of them it names wrongly. */
export interface ProviderIndex {
  readonly children: readonly string[];
  readonly dropped: number;
}

/**
 * Reads pay.sh's list, `{base_url, providers: [{fqn}]}`, whose endpoints are in `providers/FQN.json` below the base;
 * undefined where the document is none. T17: the base is of the list's own site.
 */
export function readProviderIndex(document: JsonValue, documentUrl: string): ProviderIndex | undefined {
  if (!isJsonObject(document)) return undefined;
  const providers = statedField(document, 'providers');
  const base = readListedUrl(statedField(document, 'base_url'), documentUrl);
  if (!Array.isArray(providers) || base === undefined) return undefined;
  if (siteOf(new URL(base).host) !== siteOf(new URL(documentUrl).host)) return undefined;
  const named = providers.slice(0, PROVIDERS_MAX).flatMap((provider) => {
    const name = isJsonObject(provider) ? statedText(provider, 'fqn') : undefined;
    return name !== undefined && NAME.test(name)
      ? [`${base.replace(/\/+$/, '')}/providers/${name}.json`]
      : [];
  });
  return { children: [...new Set(named)], dropped: providers.length - named.length };
}

/** Reads one of its providers, `{service_url, endpoints: [{method, path, pricing, protocol}]}`; undefined where it is none. */
export function readProvider(document: JsonValue): Reading | undefined {
  if (!isJsonObject(document)) return undefined;
  const endpoints = statedField(document, 'endpoints');
  const service = statedText(document, 'service_url');
  if (!Array.isArray(endpoints) || service === undefined) return undefined;
  const listings = endpoints
    .slice(0, ENDPOINTS_MAX)
    .flatMap((endpoint) => (isJsonObject(endpoint) ? (readEndpoint(document, service, endpoint) ?? []) : []));
  return { listings, dropped: endpoints.length - listings.length };
}

function readEndpoint(provider: JsonObject, service: string, endpoint: JsonObject): Listing | undefined {
  const path = statedText(endpoint, 'path');
  const url =
    path === undefined
      ? undefined
      : readListedUrl(`${service.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`);
  if (url === undefined) return undefined;
  const title = readLine(statedField(provider, 'title'), TITLE_MAX);
  const about =
    readLine(statedField(endpoint, 'description'), ABOUT_MAX) ??
    readLine(statedField(provider, 'description'), ABOUT_MAX);
  const tags = readTags(statedField(provider, 'category'));
  return {
    url,
    method: readMethod(statedField(endpoint, 'method')) ?? 'GET',
    title,
    about,
    tags,
    category: categorise(tags, `${title ?? ''} ${about ?? ''}`),
    price: statedPrice(endpoint),
    offers: [],
    protocols: readProtocols(statedField(endpoint, 'protocol')),
    input: null,
    output: null,
    use: { ...UNKNOWN_USE, curated: true },
  };
}
