import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { networkNotEnabled, type LightningNetwork, type Network } from '../money/network.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';
import type { AtomicAmount } from '../money/unit.js';

/** Where money can be sent to this wallet: the network's first dollar, at the agent's own address. */
export interface FundingPlace {
  readonly network: Network;
  readonly asset: Asset;
  readonly address: string;
}

/** Something that happened while money was waited for. */
export type FundingEvent =
  | {
      readonly kind: 'arrived';
      readonly place: FundingPlace;
      readonly atomic: AtomicAmount;
      readonly onChain: bigint;
    }
  /** What is there now has been read: from here on anything more is noticed. */
  | { readonly kind: 'watching'; readonly place: FundingPlace; readonly onChain: bigint }
  /** Its RPC gave no answer; asked again all the same. */
  | { readonly kind: 'silent'; readonly place: FundingPlace }
  | { readonly kind: 'back'; readonly place: FundingPlace };

/** A block or two of any network here; an RPC is asked no oftener. */
const LOOK_EVERY_MS = 3_000;
/** An exchange sends within minutes; whoever waits longer starts again. */
const WAIT_MS_MAX = 3_600_000;

/** The places of each enabled network, or of one. Throws `network_disabled`. */
export async function fundingPlaces(
  engine: Engine,
  config: Config,
  wanted: string | undefined,
): Promise<FundingPlace[]> {
  const networks = networksOf(config, engine.keys).filter(
    ({ caip2 }) => wanted === undefined || caip2 === wanted,
  );
  if (networks.length === 0) {
    throw networkNotEnabled(wanted ?? '', config.networks.enabled);
  }
  return Promise.all(
    networks.flatMap((network) => {
      const asset = assetsOf(network.caip2)[0];
      if (asset === undefined) return [];
      return [engine.addressOn(network).then((address) => ({ network, asset, address }))];
    }),
  );
}

/**
 * Waits until money arrives at one of the places, and answers that. Each place is asked of every few seconds; one whose
 * RPC is silent is told of once. Null where the signal ended the wait; throws `timed_out` after an hour.
 */
export async function awaitFunding(
  engine: Engine,
  config: Config,
  places: readonly FundingPlace[],
  tell: (event: FundingEvent) => void,
  signal: AbortSignal,
): Promise<Extract<FundingEvent, { kind: 'arrived' }> | null> {
  const endMs = performance.now() + WAIT_MS_MAX;
  const known = new Map<FundingPlace, bigint>();
  const silent = new Set<FundingPlace>();
  while (!signal.aborted && performance.now() < endMs) {
    const now = await Promise.all(places.map((place) => readPlace(engine, config, place, signal)));
    if (signal.aborted) break;
    for (const [i, place] of places.entries()) {
      const onChain = now[i] ?? null;
      if (onChain === null) {
        if (!silent.has(place)) tell({ kind: 'silent', place });
        silent.add(place);
        continue;
      }
      if (silent.delete(place)) tell({ kind: 'back', place });
      const before = known.get(place);
      known.set(place, onChain);
      if (before === undefined) tell({ kind: 'watching', place, onChain });
      if (before === undefined || onChain <= before) continue;
      const arrived = { kind: 'arrived', place, atomic: onChain - before, onChain } as const;
      tell(arrived);
      return arrived;
    }
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  if (signal.aborted) return null;
  throw new WalletError('timed_out', 'Nothing arrived within an hour; start again to wait on.');
}

async function readPlace(
  engine: Engine,
  config: Config,
  { network, asset, address }: FundingPlace,
  signal: AbortSignal,
): Promise<bigint | null> {
  try {
    return await engine.chain(config, network).balanceOf(asset, address as `0x${string}`, signal);
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}

/** What fills the connected Lightning wallet: an invoice that it makes. Throws `rpc_unavailable`. */
export async function fundingInvoice(
  engine: Engine,
  config: Config,
  network: LightningNetwork,
  amountAtomic: AtomicAmount,
): Promise<string> {
  return engine.chain(config, network).makeInvoice(amountAtomic, 'Money for Purser');
}
