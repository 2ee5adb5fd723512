import { listOrigin, type OriginListing } from '../../discovery/origin.js';
import { networksOf, type Listing } from '../../discovery/readers/listing.js';
import { WalletError } from '../../errors/walletError.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';
import type { CallContext } from '../call/callDeadline.js';
import { catalogFetch } from './catalogFetch.js';
import { fits, isSoldBy, type Wanted } from './discoverFilter.js';
import type { DiscoverInput } from './discoverInput.js';
import type { DiscoverPlace } from './discoverPlace.js';
import { layPage, pageSize } from './discoverResults.js';
import { listTools, looksLikeMcp, serversOf, type ToolListing } from './discoverTools.js';
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
  const { config } = place;
  const target = parseCallUrl(withScheme(input.origin ?? ''), config.net);
  const judge = (url: CallUrl): void => {
    const verdict = judgePlace(config, url.url);
    if (verdict.verdict !== 'allow') throw new WalletError(verdict.code, verdict.message);
  };
  judge(target);
  const catalog = place.keeper.catalog();
  const { live, tools } = await listLive(place, target, judge, signal);
  if (!live.reached && tools === null && ofCatalog(place, target).length === 0) {
    throw new WalletError(
      'unreachable',
      `${target.host} could not be reached, and no catalogue lists any of its endpoints; nothing is known of it.`,
    );
  }
  const own = [...(tools?.listings ?? []), ...live.listings];
  const listed = own.length > 0 ? own : ofCatalog(place, target);
  const unreadable = live.dropped + (tools?.dropped ?? 0);
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
      isLive: own.length > 0,
      reached: live.reached,
      listed: listed.length,
      shown: results.length,
      tools: tools?.listings.length ?? 0,
      unreadable,
    }),
    results,
    next_cursor: nextCursor,
    found: [
      ...live.found,
      ...(tools === null ? [] : [`${tools.server.pathname}: ${tools.listings.length} tools`]),
    ],
    unreadable: unreadable === 0 ? null : unreadable,
    site_guidance: live.guidance,
  });
}

/**
 * What a site says of itself now: its documents, and the tools of its MCP server where it has one. Such a server is looked for
 * where its URL was named, and where the documents name nothing.
 */
async function listLive(
  place: DiscoverPlace,
  { url }: CallUrl,
  judge: (url: CallUrl) => void,
  signal: AbortSignal,
): Promise<{ readonly live: OriginListing; readonly tools: ToolListing | null }> {
  const { config, net } = place;
  const named = looksLikeMcp(url) ? await listTools(place, [url], signal) : null;
  const live = await listOrigin(url.href, catalogFetch(net, config.net, judge), signal);
  const isNothing = named === null && live.listings.length === 0;
  return { live, tools: isNothing ? await listTools(place, serversOf(url), signal) : named };
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
    tools,
    unreadable,
  }: {
    isLive: boolean;
    reached: boolean;
    listed: number;
    shown: number;
    tools: number;
    unreadable: number;
  },
): string {
  const left =
    unreadable === 0
      ? ''
      : ` ${unreadable} ${unreadable === 1 ? 'entry' : 'entries'} of its documents could not be read.`;
  if (listed === 0) return `${host} lists no priced endpoints, and no catalogue lists any of its.${left}`;
  if (shown === 0)
    return `${host} has priced endpoints, and none that fits; networks: ["any"] shows all.${left}`;
  if (tools > 0)
    return `${host} has an MCP server with ${tools} ${tools === 1 ? 'tool' : 'tools'}; ${shown} shown, first those that say they cost something. The call in next asks one for its live price; one that is free runs at once, so fill it in as you mean it.${left}`;
  const itself = reached ? 'the site itself lists none' : 'the site itself could not be reached';
  const by = isLive ? 'as it lists them now' : `as catalogues list them; ${itself}`;
  return `${shown} priced ${shown === 1 ? 'endpoint' : 'endpoints'} of ${host}, ${by}. The call in next asks for the live price.${left}`;
}
