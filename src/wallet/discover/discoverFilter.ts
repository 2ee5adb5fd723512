import { createHash } from 'node:crypto';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Candidate } from '../../discovery/index/candidates.js';
import { protocolsOf, type Listing } from '../../discovery/readers/listing.js';
import { findNetworkOnWire } from '../../money/network.js';
import { parseCallUrl } from '../../net/destination/url.js';
import type { OwnPurchases } from '../../discovery/rank.js';
import type { DiscoverInput } from './discoverInput.js';
import type { DiscoverPlace } from './discoverPlace.js';
import { parseUsdArgument } from '../input.js';
import { judgePlace } from '../call/ownerRules.js';
import type { UsdMicros } from '../../money/unit.js';

/** Hosts paid before, for ranking: more than any agent deals with. */
const OWN_HOSTS_MAX = 500;

/** Whether networks are asked for that this wallet cannot pay on. */
const ANY = 'any';

/** What a search is narrowed by. */
export interface Wanted {
  readonly maxUsdMicros: UsdMicros | null;
  /** Networks that count; null for any, payable or not. */
  readonly networks: readonly string[] | null;
  /** The payment protocol that a listing has to name; null for any. */
  readonly protocol: string | null;
}

/** Reads the arguments that narrow. Throws `bad_input`. */
export function readWanted(
  { config }: DiscoverPlace,
  { max_usd, networks, protocol }: DiscoverInput,
): Wanted {
  const names = networks?.map((name) => {
    const known = name === ANY ? ANY : findNetworkOnWire(name)?.caip2;
    if (known !== undefined) return known;
    throw new WalletError(
      'bad_input',
      'networks must be CAIP-2 names this wallet knows, such as "eip155:8453", or ["any"].',
    );
  });
  return {
    maxUsdMicros: max_usd === undefined ? null : parseUsdArgument(max_usd, 'max_usd'),
    networks: names === undefined ? config.networks.enabled : names.includes(ANY) ? null : names,
    protocol: protocol ?? null,
  };
}

/** Whether a listing can be called, and paid by this wallet as far as the listing says. */
export function fits(
  { config }: DiscoverPlace,
  { url, networks, usdMin }: Pick<Candidate, 'url' | 'networks' | 'usdMin'>,
  wanted: Wanted,
): 'yes' | 'no' | 'foreign' {
  if (!isCallable(config, url)) return 'no';
  if (wanted.maxUsdMicros !== null && usdMin !== null && usdMin > wanted.maxUsdMicros) return 'no';
  if (wanted.networks === null || networks === null) return 'yes';
  return wanted.networks.some((network) => networks.includes(` ${network} `)) ? 'yes' : 'foreign';
}

/** Whether a listing names the payment protocol that is wanted. */
export function isSoldBy(listing: Pick<Listing, 'offers' | 'protocols'>, { protocol }: Wanted): boolean {
  return protocol === null || protocolsOf(listing).includes(protocol);
}

/** T17: a listing may name any address; what could not be called is not shown, nor what the owner denies. */
function isCallable(config: DiscoverPlace['config'], url: string): boolean {
  try {
    return judgePlace(config, parseCallUrl(url, config.net).url).verdict === 'allow';
  } catch (error) {
    if (isWalletError(error)) return false;
    throw error;
  }
}

/** What this agent's payments to each host came to, from the ledger; nothing, while the wallet is locked. */
export async function ownPurchases({
  ledger,
  agent,
}: DiscoverPlace): Promise<(host: string) => OwnPurchases> {
  if (ledger === null) return () => NO_PURCHASES;
  const groups = await ledger.groupPayments('by_host', { agent, state: 'captured' }, OWN_HOSTS_MAX);
  // What says nothing of its delivery, as rows of before schema 5, counts as delivered.
  const known = new Map(groups.map(({ key, payments, lost }) => [key, { delivered: payments - lost, lost }]));
  return (host) => known.get(host.replace(/:\d+$/, '')) ?? NO_PURCHASES;
}

const NO_PURCHASES: OwnPurchases = { delivered: 0, lost: 0 };

/** Where a page begins. A cursor is a place in an order, and of use with the very same question only. */
export function readCursor(input: DiscoverInput): number {
  if (input.cursor === undefined) return 0;
  const [, offset, question] = /^(\d{1,4})\.([0-9a-f]{8})$/.exec(input.cursor) ?? [];
  if (offset !== undefined && question === questionOf(input)) return Number(offset);
  throw new WalletError('bad_input', 'cursor belongs to other arguments; leave it out to begin anew.');
}

/** The cursor of the page that begins at `offset`. */
export function writeCursor(input: DiscoverInput, offset: number): string {
  return `${offset}.${questionOf(input)}`;
}

function questionOf({ need, origin, category, max_usd, networks, protocol }: DiscoverInput): string {
  const question = JSON.stringify([need, origin, category, max_usd, networks, protocol]);
  return createHash('sha256').update(question).digest('hex').slice(0, 8);
}
