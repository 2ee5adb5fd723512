import { listOrigin } from '../../discovery/origin.js';
import { networksOf, type Listing } from '../../discovery/readers/listing.js';
import { WalletError } from '../../errors/walletError.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';
import type { CallContext } from '../call/callDeadline.js';
import { catalogFetch } from './catalogFetch.js';
import { fits, isSoldBy, type Wanted } from './discoverFilter.js';
import type { DiscoverInput } from './discoverInput.js';
import type { DiscoverPlace } from './discoverPlace.js';
import { layPage, pageSize } from './discoverResults.js';
import { judgePlace } from '../call/ownerRules.js';
import { outcome, type Outcome } from '../answer/outcome.js';

/**
 * Lists the priced endpoints of one site as it states them now; where it states none, as the catalogues do.
 *
 * Throws `bad_url`, `address_refused`, `host_denied` and `host_not_allowed`.
 */
export async function discoverOrigin(
  place: DiscoverPlace,
  input: DiscoverInput & { readonly origin?: string | undefined },
  wanted: Wanted,
  offset: number,
  { signal }: CallContext,
): Promise<Outcome> {
  const { config, net } = place;
  const target = parseCallUrl(withScheme(input.origin ?? ''), config.net);
  const judge = (url: CallUrl): void => {
    const verdict = judgePlace(config, url.url);
    if (verdict.verdict !== 'allow') throw new WalletError(verdict.code, verdict.message);
  };
  judge(target);
  const catalog = place.keeper.catalog();
  const live = await listOrigin(target.url.href, catalogFetch(net, config.net, judge), signal);
  if (!live.reached && ofCatalog(place, target).length === 0) {
    throw new WalletError(
      'unreachable',
      `${target.host} could not be reached, and no catalogue lists any of its endpoints; nothing is known of it.`,
    );
  }
  const listed = live.listings.length > 0 ? live.listings : ofCatalog(place, target);
  const fitting = listed.filter((listing) => fits(place, facts(listing), wanted) === 'yes');
  const chosen = fitting.filter(
    (listing) =>
      (input.category === undefined || listing.category === input.category) && isSoldBy(listing, wanted),
  );
  const listings = chosen.slice(offset, offset + pageSize(input));
  const { results, nextCursor } = await layPage(place, catalog, input, {
    listings,
    offset,
    total: chosen.length,
  });
  return outcome({
    status: 'ok',
    code: 'ok',
    message: messageOf(target, {
      isLive: live.listings.length > 0,
      reached: live.reached,
      listed: listed.length,
      shown: results.length,
      unreadable: live.dropped,
    }),
    results,
    next_cursor: nextCursor,
    found: live.found,
    unreadable: live.dropped === 0 ? null : live.dropped,
    site_guidance: live.guidance,
  });
}

/** People and agents name a site by its host; https is what it is called by. */
function withScheme(origin: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(origin) ? origin : `https://${origin}`;
}

const OF_CATALOG_MAX = 200;

function ofCatalog({ keeper }: DiscoverPlace, { url }: CallUrl): Listing[] {
  const stored = keeper.catalog().ofHost(url.host, OF_CATALOG_MAX);
  return [...new Map(stored.map(({ listing }) => [`${listing.method} ${listing.url}`, listing])).values()];
}

function facts(listing: Listing) {
  return { url: listing.url, networks: networksOf(listing), usdMin: listing.price?.minUsdMicros ?? null };
}

function messageOf(
  { host }: CallUrl,
  {
    isLive,
    reached,
    listed,
    shown,
    unreadable,
  }: { isLive: boolean; reached: boolean; listed: number; shown: number; unreadable: number },
): string {
  const left =
    unreadable === 0
      ? ''
      : ` ${unreadable} ${unreadable === 1 ? 'entry' : 'entries'} of its documents could not be read.`;
  if (listed === 0) return `${host} lists no priced endpoints, and no catalogue lists any of its.${left}`;
  if (shown === 0)
    return `${host} has priced endpoints, and none that fits; networks: ["any"] shows all.${left}`;
  const itself = reached ? 'the site itself lists none' : 'the site itself could not be reached';
  const by = isLive ? 'as it lists them now' : `as catalogues list them; ${itself}`;
  return `${shown} priced ${shown === 1 ? 'endpoint' : 'endpoints'} of ${host}, ${by}. The call in next asks for the live price.${left}`;
}
