import type { Config } from '../config/settings.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { assetsOf } from '../money/asset.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import type { Network } from '../money/network.js';
import { addressOn, networksOf } from '../wallet/agentAddress.js';
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

/** Each asset of each enabled network, with the reader of its chain. */
export function fundedAssets(config: Config, keys: UnlockedWallet) {
  return networksOf(config, keys).flatMap((network) => {
    const { chain } = openChain(config, network);
    return assetsOf(network.caip2).map((asset) => ({ network, asset, chain }));
  });
}
