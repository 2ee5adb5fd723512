import { LISTED } from '../../ledger/attempts/hold.js';
import type { Offer } from '../../payment/challenge.js';
import { endpointOf, type InputShape, type Listing } from '../../discovery/readers/listing.js';
import { missingFields, readBazaar } from '../../discovery/readers/inputShape.js';
import type { Category } from '../../discovery/category.js';
import type { ListedPrice } from '../../approvals/question.js';
import { formatUsd } from '../../money/decimal.js';
import type { JsonObject, JsonValue } from '../../text/json.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOG_FILE } from '../../config/home.js';
import type { CallBody } from '../body/callBody.js';
import type { Catalog, StoredListing } from '../../discovery/index/catalog.js';
import { CatalogKeeper } from './catalogKeeper.js';
import type { Engine } from '../engine.js';
import type { Config } from '../../config/settings.js';
import type { UsdMicros } from '../../money/unit.js';
import { categoryOf } from '../../policy/category.js';
import { hostPortOf } from '../../policy/host.js';

/** More catalogues than this list no endpoint. */
const LISTINGS_MAX = 20;
/** Names in a piece of advice, and their form: nobody gives orders in a name of a field (T16). */
const NAMES_MAX = 6;
const NAME = /^[\w.$-]{1,40}$/;

/** A call as it was quoted. */
export interface AdvisedCall {
  readonly url: URL;
  readonly method: string;
  readonly body: CallBody | undefined;
}

/** What the catalogues have to say beside a live offer. Hints: none of them decides anything (T17). */
export interface CatalogAdvice {
  /** Listed price and payees, where the live offer differs; null where it agrees or nothing is listed. */
  readonly listed: {
    /** Null where a listed price agrees, or none is listed. */
    readonly usd: string | null;
    readonly highestUsdMicros: UsdMicros | null;
    /** Empty where the payee is listed. */
    readonly payTo: readonly string[];
  } | null;
  /** What the call seems to lack, in words of ours, or null. */
  readonly advice: string | null;
}

const NOTHING: CatalogAdvice = { listed: null, advice: null };

/**
 * Compares a live offer with what is listed, and the call with the input that the seller, or else a listing, says it
 * needs. Whatever is wrong with a catalogue, a quote goes on without it.
 */
export function adviseOnCall(
  engine: Engine,
  call: AdvisedCall,
  offer: Offer,
  extensions: JsonObject | undefined,
): CatalogAdvice {
  const listings = listingsOf(engine, call);
  const live = readBazaar(extensions).input;
  const shapes = [live, ...listings.map(({ input }) => input)].filter((shape) => shape !== null);
  if (listings.length === 0 && shapes.length === 0) return NOTHING;
  return { listed: driftOf(listings, offer), advice: adviceOf(shapes[0], call, live !== null) };
}

/** The category under which the catalogues list an endpoint, or null. Words of ours: no seller words it. */
function listedCategory(engine: Engine, call: Pick<AdvisedCall, 'url' | 'method'>): Category | null {
  return listingsOf(engine, call).find(({ category }) => category !== null)?.category ?? null;
}

/** What a payment is filed under: the owner's own category, else what catalogues say, marked so that no cap counts it. */
export function categoryOfCall(
  engine: Engine,
  config: Config,
  call: Pick<AdvisedCall, 'url' | 'method'>,
): string | null {
  const own = categoryOf(config.categories.hosts, hostPortOf(call.url));
  if (own !== null) return own;
  const listed = listedCategory(engine, call);
  return listed === null ? null : `${LISTED}${listed}`;
}

/** What catalogues say of an endpoint's answer: schemas or examples; empty where none says anything. */
export function promisedOutputs(engine: Engine, call: Pick<AdvisedCall, 'url' | 'method'>): JsonValue[] {
  return listingsOf(engine, call).flatMap(({ output }) => (output === null ? [] : [output]));
}

/** What catalogues say of an endpoint in a sentence or two; null where none does. A seller's words. */
export function listedAbout(engine: Engine, call: Pick<AdvisedCall, 'url' | 'method'>): string | null {
  return listingsOf(engine, call).find(({ about }) => about !== null)?.about ?? null;
}

/** So many of a host's listings show whether it goes by one name. */
const TITLED_MAX = 20;

/** What catalogues call the endpoints of a host, each name once, the most used first; empty where they have none. */
export function listedTitles(engine: Engine, host: string): string[] {
  const found = fromCatalog(engine, (catalog) => catalog.ofHostname(host, TITLED_MAX));
  return [...new Set(found.flatMap(({ listing }) => listing.title ?? []))];
}

function listingsOf(engine: Engine, { url, method }: Pick<AdvisedCall, 'url' | 'method'>): Listing[] {
  return fromCatalog(engine, (catalog) => catalog.ofEndpoint(endpointOf(url.href), LISTINGS_MAX))
    .map(({ listing }) => listing)
    .filter((listing) => listing.method === method);
}

/** What a catalogue has; nothing where there is none, or where it cannot be read. */
function fromCatalog(engine: Engine, read: (catalog: Catalog) => StoredListing[]): StoredListing[] {
  // A wallet that never searched has no catalogue, and a quote makes none.
  if (!existsSync(join(engine.home, CATALOG_FILE))) return [];
  try {
    return read(CatalogKeeper.of(engine.home, engine.closing).catalog());
  } catch {
    return [];
  }
}

/** Any catalogue that agrees is enough: a lie in one of them must not cast doubt on an honest price. */
function driftOf(listings: readonly Listing[], offer: Offer): CatalogAdvice['listed'] {
  const price = listedAmong(listings, offer);
  const payees = listings.flatMap(({ offers }) =>
    offers.flatMap(({ network, payTo }) =>
      payTo !== null && network === offer.network.caip2 ? [payTo] : [],
    ),
  );
  const priceDiffers = price?.fits === false;
  const payeeDiffers = payees.length > 0 && !payees.includes(offer.payTo);
  if (!priceDiffers && !payeeDiffers) return null;
  return {
    usd: priceDiffers ? price.usd : null,
    highestUsdMicros: highestOf(listings),
    payTo: payeeDiffers ? [...new Set(payees)] : [],
  };
}

/** The highest price that any catalogue lists for a call: whoever lists more takes an agent's doubt away, never adds one. */
export function highestListed(engine: Engine, call: Pick<AdvisedCall, 'url' | 'method'>): UsdMicros | null {
  return highestOf(listingsOf(engine, call));
}

/** Whether catalogues list an endpoint, and each that names a price or a payee names this very one. */
export function isListedAtOnePrice(
  engine: Engine,
  call: Pick<AdvisedCall, 'url' | 'method'>,
  offer: Offer,
): boolean {
  const listings = listingsOf(engine, call);
  const prices = listings.flatMap(({ price }) => price ?? []);
  const isOne = prices.every(
    ({ minUsdMicros, maxUsdMicros }) => minUsdMicros === offer.usdMicros && maxUsdMicros === offer.usdMicros,
  );
  return prices.length > 0 && isOne && driftOf(listings, offer) === null;
}

function highestOf(listings: readonly Listing[]): UsdMicros | null {
  const prices = listings.flatMap(({ price }) => (price === null ? [] : [price.maxUsdMicros]));
  return prices.length === 0 ? null : prices.reduce((most, one) => (one > most ? one : most));
}

/** What catalogues list as the price of a call, beside the live one; null where none lists it. */
export function listedPrice(
  engine: Engine,
  call: Pick<AdvisedCall, 'url' | 'method'>,
  offer: Offer,
): ListedPrice | null {
  return listedAmong(listingsOf(engine, call), offer);
}

function listedAmong(listings: readonly Listing[], { usdMicros }: Offer): ListedPrice | null {
  const prices = listings.flatMap(({ price }) => price ?? []);
  if (prices.length === 0) return null;
  const texts = prices.map(({ minUsdMicros, maxUsdMicros }) =>
    minUsdMicros === maxUsdMicros
      ? formatUsd(minUsdMicros)
      : `${formatUsd(minUsdMicros)}-${formatUsd(maxUsdMicros)}`,
  );
  return {
    usd: [...new Set(texts)].join(', '),
    fits: prices.some((price) => price.minUsdMicros <= usdMicros && usdMicros <= price.maxUsdMicros),
  };
}

function adviceOf(shape: InputShape | undefined, call: AdvisedCall, isLive: boolean): string | null {
  if (shape === undefined) return null;
  // What is too large to be held in memory is not judged: it counts as a body that is no JSON object.
  const body = call.body === undefined ? null : new TextDecoder().decode(call.body.bytes ?? undefined);
  const missing = missingFields(shape, { url: call.url, body });
  if (missing.length === 0) return null;
  const shown = missing.filter((name) => NAME.test(name)).slice(0, NAMES_MAX);
  const names = shown.length === 0 ? 'fields' : shown.map((name) => `"${name}"`).join(', ');
  const who = isLive ? 'The seller says' : 'The listing says';
  return `${who} that this call needs ${names}, which it does not have; without, it may fail after it is paid. Quote it anew with the right request.`;
}
