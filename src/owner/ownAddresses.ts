import type { Config } from '../config/settings.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { assetsOf } from '../money/asset.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import type { Network } from '../money/network.js';
import { formatUnits } from '../money/decimal.js';
import { addressOn, networksOf, type AgentPlace } from '../wallet/agentAddress.js';
import { openChain } from '../wallet/chains.js';

/** An address that the wallet gave an agent. */
export interface AgentAddress {
  readonly agent: string;
  readonly address: string;
}

/**
 * Every address the wallet ever gave an agent on a network, removed ones too: by the config, which remembers them where
 * the ledger is lost, and by the ledger, which does where the config is.
 */
export async function agentAddresses(
  config: Pick<Config, 'agents'>,
  keys: UnlockedWallet,
  { agents }: Pick<Ledger, 'agents'>,
  network: Network,
): Promise<AgentAddress[]> {
  const known = (await agents.list()).map(({ name, index }) => [name, index] as const);
  const indexes = new Map([[DEFAULT_AGENT, 0] as const, ...config.agents.index, ...known]);
  return Promise.all(
    [...indexes].map(async ([agent, index]) => ({ agent, address: await addressOn(keys, index, network) })),
  );
}

/** Longer than a healthy RPC takes. */
const ASK_CHAIN_MS = 8_000;

/** One asset at an address on one network; `onChain` is null where no RPC answers. */
export interface AddressMoney {
  readonly network: string;
  readonly label: string;
  readonly symbol: string;
  readonly address: string;
  readonly onChain: string | null;
}

/** What is on chain at these places. */
export async function moneyAt(config: Config, places: readonly AgentPlace[]): Promise<AddressMoney[]> {
  const signal = AbortSignal.timeout(ASK_CHAIN_MS);
  const looks = places.map(async ({ network, address }) => {
    const { chain, net } = openChain(config, network);
    try {
      return await Promise.all(
        assetsOf(network.caip2).map(async (asset) => {
          const atomic = await chain.balanceOf(asset, address, signal).catch(() => null);
          const onChain = atomic === null ? null : formatUnits(atomic, asset.decimals);
          return { network: network.caip2, label: network.label, symbol: asset.symbol, address, onChain };
        }),
      );
    } finally {
      await net?.close();
    }
  });
  return (await Promise.all(looks)).flat();
}

/** Each asset of each enabled network, with the reader of its chain. */
export function fundedAssets(config: Config, keys: UnlockedWallet, nowMs: () => number) {
  return networksOf(config, keys).flatMap((network) => {
    const { chain } = openChain(config, network, nowMs, undefined, undefined, () => keys.lightning.read());
    return assetsOf(network.caip2).map((asset) => ({ network, asset, chain }));
  });
}
