import type { Network } from '../money/network.js';
import type { Chain, RpcSource } from './chainReader.js';
import { createEvmChain } from './evm/evmChain.js';
import type { RpcFetch } from './rpc.js';
import type { OnTime } from './timeGiven.js';
import { createLightningChain } from './lightning/lightningChain.js';
import { createSolanaChain } from './solana/solanaChain.js';
import { createTempoChain } from './tempo/tempoChain.js';

export type { Chain, RpcSource } from './chainReader.js';
export type {
  AnySettlementQuery,
  Settlement,
  LightningSettlementQuery,
  SettlementQuery,
  SearchMemory,
  SolanaSettlementQuery,
  TempoSettlementQuery,
  UnknowableReason,
} from './settlement.js';
export type { ChainHistory, ChainPayment } from './history.js';
export type { ChainMovement, Movements, MovementStart } from './movement.js';
export { describeUnread, paymentKey, type UnionHistory } from './unionHistory.js';
export type { EvmChain } from './evm/evmChain.js';
export type { AccountFacts } from './solana/solanaAnswer.js';
export type { SolanaChain } from './solana/solanaChain.js';
export type { TempoChain } from './tempo/tempoChain.js';
export { UNDER_WAY_SEC_MAX, type LightningChain, type PaidInvoice } from './lightning/lightningChain.js';
export type { TimeGiven } from './timeGiven.js';

/** How a network is read, beside where. */
export interface ChainParts {
  /** The caller's clock, for times to ask again and the age of what is kept. */
  readonly nowMs?: () => number;
  /** The way to the RPCs, where it is not the open network. */
  readonly fetchFn?: RpcFetch;
  /** Told of each time that an operator gives. */
  readonly onTime?: OnTime;
  /** The connected Lightning wallet as it is kept, see chain/lightning/connection; null where none is. */
  readonly lightning?: () => string | null;
}

/** Makes the reader of a network. Nothing is loaded or asked before its first question. Throws `config_invalid`. */
export function createChain(network: Network, rpc: RpcSource, parts: ChainParts = {}): Chain {
  switch (network.family) {
    case 'evm':
      return createEvmChain({ network, rpc, ...parts });
    case 'svm':
      return createSolanaChain({ network, rpc, ...parts });
    case 'tempo':
      return createTempoChain({ network, rpc, ...parts });
    case 'lightning':
      return createLightningChain({ network, ...parts });
  }
}
