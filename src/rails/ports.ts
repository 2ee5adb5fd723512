import type { Chain, EvmChain, LightningChain, SolanaChain, TempoChain } from '../chain/chain.js';
import type { Config } from '../config/settings.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { EvmNetwork, LightningNetwork, Network, SvmNetwork, TempoNetwork } from '../money/network.js';
import type { Net } from '../net/send.js';

/** What a rail may use: one agent's keys, the networks, and the way to a facilitator; never the ledger. */
export interface RailPorts {
  readonly config: Config;
  readonly keys: UnlockedWallet;
  readonly agentIndex: number;
  readonly net: Net;
  /** The wall clock, ms since 1970. */
  nowMs(): number;
  /** This agent's address on a network. Throws `bad_input` where its keys have none. */
  addressOn(network: Network): Promise<string>;
  chain(network: SvmNetwork): SolanaChain;
  chain(network: EvmNetwork): EvmChain;
  chain(network: TempoNetwork): TempoChain;
  chain(network: LightningNetwork): LightningChain;
  chain(network: Network): Chain;
}
