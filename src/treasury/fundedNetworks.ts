import { isWalletError } from '../errors/walletError.js';
import { assetsOf } from '../money/asset.js';
import { networkNotEnabled, type Network } from '../money/network.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';
import { atomicOf, readFunds, type WithdrawalOrder } from './withdrawPlan.js';
import type { AtomicAmount } from '../money/unit.js';

/** What an agent has free on one network; null where its RPC is silent. */
interface FundedNetwork {
  readonly network: Network;
  readonly spendableAtomic: AtomicAmount | null;
  readonly enough: boolean;
}

/**
 * The networks that an agent's money moves on inside the wallet: the one that was named; else for a sum the first that
 * has it, and for all each that has any. One whose RPC is silent comes last, for it to be said. Never none: where
 * nothing is anywhere, whoever takes it from the first says so. Throws `network_disabled`.
 */
export async function fundedNetworks(
  from: Engine,
  { usdMicros, takesHeld }: Pick<WithdrawalOrder, 'usdMicros' | 'takesHeld'>,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<Network[]> {
  const config = await from.config();
  const enabled = networksOf(config, from.keys);
  // What a Lightning wallet holds is every agent's already.
  const named = enabled.filter(({ caip2, family }) =>
    wanted === undefined ? family !== 'lightning' : caip2 === wanted,
  );
  if (named.length === 0) {
    throw networkNotEnabled(wanted ?? '', config.networks.enabled);
  }
  if (named.length === 1) return named;
  const networks = await Promise.all(named.map(readNetwork));
  const rich = networks.filter(({ enough }) => enough);
  const silent = networks.filter(({ spendableAtomic }) => spendableAtomic === null);
  const chosen = [...rich, ...silent].map(({ network }) => network);
  return chosen.length === 0 || usdMicros !== 'all' ? chosen.concat(named).slice(0, 1) : chosen;

  async function readNetwork(network: Network): Promise<FundedNetwork> {
    const [asset] = assetsOf(network.caip2);
    if (asset === undefined) return { network, spendableAtomic: 0n, enough: false };
    const address = await from.addressOn(network);
    const place = { network: network.caip2, asset: asset.address, payFrom: address };
    const isOpen = (await from.ledger.withdrawals.findOpen(place, 'owner')) !== null;
    try {
      const route = { network, asset, from: address, to: '' };
      const { spendableAtomic } = await readFunds(from, config, route, takesHeld, signal);
      const least = usdMicros === 'all' ? 1n : atomicOf(asset, usdMicros);
      // What an earlier command began is gone on with where it was begun.
      return { network, spendableAtomic, enough: isOpen || spendableAtomic >= least };
    } catch (error) {
      if (!isWalletError(error)) throw error;
      return { network, spendableAtomic: null, enough: false };
    }
  }
}
