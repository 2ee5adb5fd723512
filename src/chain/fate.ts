import type { EvmAsset, SvmAsset } from '../money/asset.js';
import type { Hex } from './evm/answer.js';

/** One authorization whose fate is in question. All of it is our own record; nothing comes from a seller. */
export interface FateQuery {
  readonly asset: EvmAsset;
  readonly from: Hex;
  readonly to: Hex;
  readonly amountAtomic: bigint;
  readonly nonce: Hex;
  readonly validBeforeSec: number;
  /** When it was signed, by the wall clock. It only bounds where its events are searched, with room for a clock that jumped. */
  readonly openedSec: number;
}

/** One payment on Solana whose fate is in question: our own record of it, and the id that the seller claims. */
export interface SolanaFateQuery {
  readonly asset: SvmAsset;
  /** Owners, in base58. */
  readonly from: string;
  readonly to: string;
  readonly amountAtomic: bigint;
  /** SHA-256 of the message that was signed. */
  readonly nonce: string;
  readonly memo: string;
  readonly blockhash: string;
  /** By the operator that was asked when it was signed. */
  readonly validBeforeBlock: number;
  readonly openedSec: number;
  readonly claimedTx: string | null;
}

/**
 * Why nothing can be said: too few operators answered; they contradict each other; the network has too few operators
 * for a release until the owner names an RPC; the nonce is spent, but not by this payment; it is spent, and no operator
 * would show by what; the caller gave up. `network_unknown` is a caller's own word, where it has no chain to ask.
 */
export type UnknowableWhy =
  | 'rpc_down'
  | 'rpc_disagree'
  | 'rpc_missing'
  | 'used_without_transfer'
  | 'history_unavailable'
  | 'interrupted'
  | 'network_unknown';

/**
 * What the chain says of an authorization. `captured` and `released` are proofs (docs/design.md, "Release proof"); times
 * to ask again are by the caller's clock, in seconds since 1970.
 */
export type Fate =
  | {
      readonly kind: 'captured';
      readonly tx: string;
      /** Null where no operator knows it. */
      readonly blockTimeMs: number | null;
      readonly amountAtomic: bigint;
      /**
       * True once the block is settled for good and as many operators show the payment as a release needs. Before, a
       * reorganisation can still take it back.
       */
      readonly final: boolean;
    }
  | {
      readonly kind: 'released';
      /** The one settled block, past the expiry, in whose state it was read. */
      readonly blockHash: Hex;
      readonly blockTimeSec: number;
      /** Nobody used it in time, or the key's holder cancelled it on chain. */
      readonly proof: 'expired_unused' | 'cancelled';
    }
  | {
      /** On Solana, where a height is the proof. */
      readonly kind: 'released';
      readonly proof: 'expired_unused';
      /** A clause of ours that names the proof. */
      readonly says: string;
    }
  | {
      /** Unused so far. `retryAtSec`: when its fate can be proved; a capture may show at any time before. */
      readonly kind: 'open';
      readonly retryAtSec: number;
      /** Whether it can still land, where the chain tells that by another measure than time. */
      readonly live?: boolean;
    }
  | {
      readonly kind: 'unknowable';
      readonly why: UnknowableWhy;
      /** One sentence of ours that names the operators at fault; absent where none was asked. */
      readonly says?: string;
      readonly retryAtSec: number;
    };
