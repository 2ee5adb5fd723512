import type { Catalog } from '../../discovery/index/catalog.js';
import type { Listing } from '../../discovery/readers/listing.js';
import type { OwnPurchases } from '../../discovery/rank.js';
import { signalsOf } from '../../discovery/readers/signals.js';
import { siteOf } from '../../discovery/site.js';
import { ownPurchases, writeCursor } from './discoverFilter.js';
import { FULL_LIMIT_DEFAULT, LIMIT_DEFAULT, type DiscoverInput } from './discoverInput.js';
import type { DiscoverPlace } from './discoverPlace.js';
import { viewConcise, viewFull, type ViewParts } from './discoverView.js';

/** Other endpoints of a site that a full result names. */
const OTHERS_MAX = 5;
const OF_HOST_MAX = 50;
const PAYEE_SITES_MAX = 20;

/** A conservative guess of what text costs a model: JSON full of URLs has three to four bytes a token. */
export const BYTES_PER_TOKEN = 3;
/** What ten concise results, with all around them, may cost. */
export const CONCISE_TOKENS_MAX = 2_000;
/** Kept free for the outcome's own fields. */
const ENVELOPE_BYTES = 800;
/** Full results are asked for one by one; a third of what clients show of one result. */
const FULL_BYTES_MAX = 24 * 1024;
/** How much of a description is shown, as room gets less. */
const ABOUT_LENGTHS: readonly number[] = [100, 70, 40, 0];

/** One page of results, and where the next begins. */
export interface ResultPage {
  readonly results: readonly object[];
  readonly nextCursor: string | null;
}

/** How many results a page has at most. */
export function pageSize({ limit, detail }: DiscoverInput): number {
  return limit ?? (detail === 'full' ? FULL_LIMIT_DEFAULT : LIMIT_DEFAULT);
}

/**
 * Lays out the listings of one page: as many as fit, the cursor going on behind them.
 *
 * @param total how many listings there are, this page's and all others
 */
export async function layPage(
  place: DiscoverPlace,
  catalog: Catalog,
  input: DiscoverInput,
  page: { readonly listings: readonly Listing[]; readonly offset: number; readonly total: number },
): Promise<ResultPage> {
  const parts = page.listings.map((listing) => partsOf(place, catalog, listing));
  const own = await ownPurchases(place);
  const results =
    input.detail === 'full'
      ? whileFits(
          parts.map((part) => fullOf(place, catalog, part, own)),
          FULL_BYTES_MAX,
        )
      : fitConcise(parts);
  const shown = page.offset + results.length;
  const goesOn = results.length > 0 && shown < page.total;
  return { results, nextCursor: goesOn ? writeCursor(input, shown) : null };
}

/** A listing with what its reader should know of its host and payee. */
function partsOf(place: DiscoverPlace, catalog: Catalog, listing: Listing): ViewParts {
  const { host } = new URL(listing.url);
  const payees = new Set(listing.offers.flatMap(({ payTo }) => payTo ?? []));
  const sites = [...payees].flatMap((payTo) => catalog.payeeSites(payTo, siteOf(host), PAYEE_SITES_MAX));
  const facts = {
    host,
    title: listing.title,
    hostFacts: catalog.hostFacts(host),
    payeeSites: [...new Set(sites)],
    nowMs: place.now(),
  };
  return { listing, signals: signalsOf(facts) };
}

/** A result in full, with what else its site lists, and who lists it. */
function fullOf(
  { config }: DiscoverPlace,
  catalog: Catalog,
  part: ViewParts,
  own: (host: string) => OwnPurchases,
) {
  const { url, method } = part.listing;
  const { host } = new URL(url);
  const ofHost = catalog.ofHost(host, OF_HOST_MAX);
  const same = ofHost.filter(({ listing }) => listing.url === url && listing.method === method);
  const sources = new Map(
    config.discovery.sources.map((source) => [BigInt(catalog.source(source).id), source]),
  );
  const others = new Map(
    ofHost
      .filter((stored) => !same.includes(stored))
      .map(({ listing }) => [`${listing.method} ${listing.url}`, listing]),
  );
  return viewFull(part, {
    listedIn: same.flatMap(({ sourceId }) => sources.get(sourceId) ?? []),
    others: [...others.values()].slice(0, OTHERS_MAX),
    own: own(host),
  });
}

/** As much as fits: first shorter descriptions, then fewer results. */
function fitConcise(parts: readonly ViewParts[]): object[] {
  const bytesMax = CONCISE_TOKENS_MAX * BYTES_PER_TOKEN - ENVELOPE_BYTES;
  for (const aboutMax of ABOUT_LENGTHS) {
    const results = parts.map((part) => viewConcise(part, aboutMax));
    if (bytesOf(results) <= bytesMax) return results;
  }
  return whileFits(
    parts.map((part) => viewConcise(part, 0)),
    bytesMax,
  );
}

/** Whole results only, at least one. */
function whileFits<T>(results: readonly T[], bytesMax: number): T[] {
  let bytes = 0;
  return results.filter((result, index) => {
    bytes += bytesOf(result) + 1;
    return index === 0 || bytes <= bytesMax;
  });
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
