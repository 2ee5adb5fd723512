import type { AtomicAmount } from '../money/unit.js';
import type { Asset } from '../money/asset.js';
import type { AnySettlementQuery, Settlement, SearchMemory } from './settlement.js';
import type { ChainHistory } from './history.js';
import type { Movements, MovementStart } from './movement.js';
import type { UnionHistory } from './unionHistory.js';
import type { Mark } from '../payment/mark.js';

/** Where a network's chain is read. */
export interface RpcSource {
  /** http(s) URLs of different operators. */
  readonly urls: readonly string[];
  /** True where the owner named them in the config, and so trusts each alone. */
  readonly ownerSet: boolean;
}

/**
 * One network as its RPCs show it, of whatever family. They may be down, lag or lie; what each method says of that is
 * its promise. Addresses, assets and questions are of the network's own family.
 */
export interface Chain {
  /** An address's balance, atomic, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  balanceOf(asset: Asset, address: string, signal?: AbortSignal): Promise<AtomicAmount>;
  /**
   * What became of a payment. Never throws for faults of an RPC: they are `unknowable`. A search that is too long for
   * one look goes on at the next, where `memory` is kept.
   */
  settlementOf(query: AnySettlementQuery, signal?: AbortSignal, memory?: SearchMemory): Promise<Settlement>;
  /** Where the operators stand, as far as it is known: for what is signed now. Asks nobody. */
  marks(): readonly Mark[];
  /** Asks the operators whose mark is missing or old, then as {@link marks}. Never rejects. */
  readMarks(): Promise<readonly Mark[]>;
  /** Time of the newest block, in seconds, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  latestTimeSec(signal?: AbortSignal): Promise<number>;
  /** Asks every operator for the time, for those who listen to it; ends when each has answered or failed. Never rejects. */
  askTime(signal?: AbortSignal): Promise<void>;
  /** All that left an address since a moment: one operator's word, for comparing. Throws `rpc_unavailable`, `cancelled`. */
  history(asset: Asset, from: string, sinceSec: number, signal?: AbortSignal): Promise<ChainHistory>;
  /** The same by all operators together, as far as they answer. */
  unionHistory(asset: Asset, from: string, sinceSec: number, signal?: AbortSignal): Promise<UnionHistory>;
  /**
   * All that came to an address and left it since a place, up to what is settled, by all operators together; null where
   * nothing is settled past that place, or where the network keeps no such books. Bounded: `hasMore` says that the next
   * look has more to read. Throws `rpc_unavailable`, `cancelled`.
   */
  movements(
    asset: Asset,
    address: string,
    start: MovementStart,
    signal?: AbortSignal,
  ): Promise<Movements | null>;
}
