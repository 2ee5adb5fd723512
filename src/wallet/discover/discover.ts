import { WalletError } from '../../errors/walletError.js';
import type { Candidate } from '../../discovery/index/candidates.js';
import type { Catalog } from '../../discovery/index/catalog.js';
import { wordsEnough, wordsOfNeed } from '../../discovery/need.js';
import { rank } from '../../discovery/rank.js';
import { searchRemotely, searchUrlOf } from '../../discovery/remoteSearch.js';
import type { CallContext } from '../call/callDeadline.js';
import { catalogFetch } from './catalogFetch.js';
import { fits, isSoldBy, ownPurchases, readCursor, readWanted, type Wanted } from './discoverFilter.js';
import type { DiscoverInput } from './discoverInput.js';
import { discoverOrigin } from './discoverOrigin.js';
import type { DiscoverPlace } from './discoverPlace.js';
import { layPage, pageSize } from './discoverResults.js';
import { outcome, type Outcome } from '../answer/outcome.js';

/** Listings looked at for one search; the best of them are what ranking orders. */
const CANDIDATES_MAX = 400;
/** The first search of a wallet has nothing to search yet: it waits so long for the first lists. */
const FIRST_SYNC_MS = 20_000;

/** How a wallet that discovers goes about its catalogue. */
export interface DiscoverManner {
  /** Old lists are fetched again behind the calls: for a process that lives on after this one. */
  readonly refreshBehind: boolean;
}

/**
 * Finds priced endpoints for a need, in the wallet's own index, or lists one site live. Nothing is paid, and nobody is
 * told what is looked for unless the owner allows remote searches.
 *
 * Throws `bad_input`, and for an origin what a call to it throws.
 */
export async function discover(
  place: DiscoverPlace,
  input: DiscoverInput,
  context: CallContext,
  manner: DiscoverManner,
): Promise<Outcome> {
  const wanted = readWanted(place, input);
  const offset = readCursor(input);
  if (input.origin !== undefined) return discoverOrigin(place, input, wanted, offset, context);
  const { need, category = null } = input;
  if (need === undefined && category === null) {
    throw new WalletError('bad_input', 'Give need (what you are looking for), origin or category.');
  }
  const catalog = place.keeper.catalog();
  const empty = await bringUpToDate(place, catalog, context, manner);
  if (need !== undefined) await askRemotely(place, catalog, need, context);
  const words = need === undefined ? [] : wordsOfNeed(need);
  const coversMin = need === undefined ? 0 : wordsEnough(need);
  const judged = catalog
    .candidates({ words, category, limit: CANDIDATES_MAX })
    .filter(({ covers }) => covers >= coversMin)
    .map((candidate) => ({ candidate, fit: fits(place, candidate, wanted) }));
  const fitting = soldBy(
    catalog,
    judged.filter(({ fit }) => fit === 'yes').map(({ candidate }) => candidate),
    wanted,
  );
  const ranked = rank(fitting, { nowMs: place.now(), ownPurchases: await ownPurchases(place) });
  const ids = ranked.slice(offset, offset + pageSize(input)).map(({ candidate }) => candidate.id);
  const listings = catalog.load(ids).map(({ listing }) => listing);
  const { results, nextCursor } = await layPage(place, catalog, input, {
    listings,
    offset,
    total: ranked.length,
  });
  const hidden = judged.filter(({ fit }) => fit === 'foreign').length;
  return outcome({
    status: 'ok',
    code: 'ok',
    message: messageOf(results.length, { offset, hidden, empty }),
    results,
    next_cursor: nextCursor,
  });
}

/** Those of the candidates that name the wanted payment protocol; what a listing names is read only where one is wanted. */
function soldBy(catalog: Catalog, candidates: readonly Candidate[], wanted: Wanted): readonly Candidate[] {
  if (wanted.protocol === null) return candidates;
  const listings = catalog.load(candidates.map(({ id }) => id));
  const sold = new Set(listings.filter(({ listing }) => isSoldBy(listing, wanted)).map(({ id }) => id));
  return candidates.filter(({ id }) => sold.has(id));
}

/**
 * Fetches what is old: behind the calls of a server, and before the first search of a wallet, which waits for it.
 * True where there is nothing to search even so.
 */
async function bringUpToDate(
  { keeper, config, net, now }: DiscoverPlace,
  catalog: Catalog,
  context: CallContext,
  { refreshBehind }: DiscoverManner,
): Promise<boolean> {
  const { sources } = config.discovery;
  const states = (): ReturnType<Catalog['source']>[] => sources.map((url) => catalog.source(url));
  const isNew = states().every(({ checkedMs }) => checkedMs === null);
  if (sources.length === 0) return true;
  if (!isNew && !refreshBehind) return false;
  const sync = keeper.refresh({ sources, now, fetch: catalogFetch(net, config.net) });
  if (sync === null || !isNew) return false;
  context.progress?.('Fetching the catalogues for the first time.');
  await Promise.race([sync, ended(AbortSignal.any([context.signal, AbortSignal.timeout(FIRST_SYNC_MS)]))]);
  return states().every(({ listings }) => listings === 0);
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Only where the owner allows it: whoever is asked knows what is looked for. */
async function askRemotely(
  { config, net, now }: DiscoverPlace,
  catalog: Catalog,
  need: string,
  { signal }: CallContext,
): Promise<void> {
  if (!config.discovery.remoteSearch) return;
  const fetch = catalogFetch(net, config.net);
  await Promise.all(
    config.discovery.sources.map(async (source) => {
      const url = searchUrlOf(source, need);
      const listings = url === undefined ? null : await searchRemotely(url, fetch, signal);
      if (url !== undefined && listings !== null)
        await catalog.keepFound(url.split('?')[0] ?? url, listings, now());
    }),
  );
}

function messageOf(
  shown: number,
  { offset, hidden, empty }: { offset: number; hidden: number; empty: boolean },
): string {
  const others =
    hidden === 0
      ? ''
      : ` ${hidden} more ${hidden === 1 ? 'is' : 'are'} on networks this wallet does not pay on; networks: ["any"] shows them.`;
  if (shown > 0) {
    const count = shown === 1 ? '1 endpoint' : `${shown} endpoints, the best first`;
    return `${count}. Prices are as listed; next of the one you choose asks for the live price.`;
  }
  if (empty) {
    return 'No catalogue was fetched yet, so there is nothing to search; try again later, or give origin.';
  }
  if (offset > 0) return 'There are no more.';
  return `Nothing listed fits: use other words, a higher max_usd, or origin for a site you know.${others}`;
}
