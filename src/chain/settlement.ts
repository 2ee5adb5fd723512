import type { EvmAsset, LightningAsset, SvmAsset, TempoAsset } from '../money/asset.js';
import type { Hex } from './evm/answer.js';
import type { CommitmentKey } from '../payment/commitment.js';
import type { Mark } from '../payment/mark.js';
import type { AtomicAmount } from '../money/unit.js';

/** One authorization whose end is in question. All of it is our own record; nothing comes from a seller. */
export interface SettlementQuery {
  readonly asset: EvmAsset;
  readonly from: Hex;
  readonly to: Hex;
  readonly amountAtomic: AtomicAmount;
  readonly nonce: Hex;
  readonly validBeforeSec: number;
  /** When it was signed, by the wall clock. It only bounds where its events are searched, with room for a clock that jumped. */
  readonly openedSec: number;
  /** Where operators stood then: for each of these the search goes by its block. */
  readonly marks?: readonly Mark[];
  /** Set where it is no authorization of the token's own, but one of Permit2. */
  readonly permit2?: Permit2Use;
  /** The id of the channel that it opened, where it is a deposit: then what became of the channel is asked. */
  readonly channel?: Hex;
}

/** How what was signed for Permit2 is used. */
export interface Permit2Use {
  /** The one contract that can. */
  readonly spender: Hex;
  /** Whether it takes what its facilitator says, up to the amount; else the amount itself. */
  readonly isCeiling: boolean;
  /** The transaction that the seller names, which is looked at first. */
  readonly claimedTx: string | null;
}

/** One payment on Solana whose end is in question: our own record of it, and the id that the seller claims. */
export interface SolanaSettlementQuery {
  readonly asset: SvmAsset;
  /** Owners, in base58. */
  readonly from: string;
  readonly to: string;
  readonly amountAtomic: AtomicAmount;
  /** SHA-256 of the message that was signed. */
  readonly nonce: string;
  /** Null where the message has none. */
  readonly memo: string | null;
  readonly blockhash: string;
  /** By the operator that gave the blockhash: for estimates, never for a proof. */
  readonly validBeforeBlock: number;
  /** When it was signed, by the wall clock. */
  readonly openedSec: number;
  /** Where operators stood then; what each says of the payment is measured by its own. */
  readonly marks?: readonly Mark[];
  readonly claimedTx: string | null;
}

/** One transfer on Tempo whose end is in question: our own record of it. */
export interface TempoSettlementQuery extends Omit<SettlementQuery, 'asset'> {
  readonly asset: TempoAsset;
  /** What it can take at most, with the fee where we pay it. */
  readonly amountAtomic: AtomicAmount;
  /** What reaches the payee. */
  readonly transferAtomic: AtomicAmount;
  /** The transaction's hash, where we pay its fee: one that moves nothing takes that fee all the same. */
  readonly ownTx: Hex | null;
  /** The id of the channel that it opened, where it is a deposit: then what became of the channel is asked. */
  readonly channel?: Hex;
  /** What its opening took in fees, where the ledger lost the transaction and found the channel on the chain: it was opened for certain. */
  readonly knownFeeAtomic?: AtomicAmount;
  /** Set where it is a promise: then what was taken by it is asked, and whether it has ended. */
  readonly commitment?: CommitmentKey;
}

/** A promise that has not ended, as the chain shows it. */
export interface PromiseOnChain {
  /** What was taken by it, oldest first. */
  readonly charges: readonly ChargeOnChain[];
  /** Whether the chain knows of it yet: its seller may still bring it there until its end. */
  readonly isKnown: boolean;
  /** Up to when as many operators as a release needs show the same of it, settled for good, s since 1970; null where they do not. */
  readonly seenSec: number | null;
}

/** What one transaction took by a promise, as a block shows it. */
export interface ChargeOnChain {
  readonly tx: string;
  readonly blockTimeMs: number;
  /** All that left the payer with it, the fee included where the payer bore that. */
  readonly amountAtomic: AtomicAmount;
  /** Whether as many operators show it, settled for good, as a release needs. */
  readonly final: boolean;
}

/** One payment by Lightning whose end is in question: our own record of it. */
export interface LightningSettlementQuery {
  readonly asset: LightningAsset;
  /** The connected wallet that was asked to pay: no other one can tell. */
  readonly from: string;
  /** The invoice and the most that routing it may cost. */
  readonly amountAtomic: AtomicAmount;
  readonly invoiceAtomic: AtomicAmount;
  /** 64 hex digits. */
  readonly paymentHash: string;
  /** When the invoice ends: after that nobody begins to pay it. s since 1970 */
  readonly invoiceEndsSec: number;
  /** A request to pay that comes to the wallet later than this is not acted on; absent where that is not bounded. */
  readonly askUntilSec?: number;
  /** Whether the wallet said that it does not begin to pay. */
  readonly wasRefused?: boolean;
  /** False where no wallet can have been asked to pay it: then that none knows of it is a proof. */
  readonly wasAsked: boolean;
  readonly marks?: readonly Mark[];
}

/** A question about a payment, of whatever family of networks. */
export type AnySettlementQuery =
  SettlementQuery | SolanaSettlementQuery | TempoSettlementQuery | LightningSettlementQuery;

/** How far each operator's history has been searched for one payment, as text of the chain's own; kept by the caller. */
export interface SearchMemory {
  find(operator: string): string | null;
  /** Null forgets. */
  keep(operator: string, search: string | null): void;
}

/** Why nothing can be said of a payment yet. Each has its way out, see wallet/settle/wayOut. */
export type UnknowableReason =
  /** Too few operators can answer this question: the others are silent, refuse it, or keep no history that is so old. */
  | 'rpc_down'
  /** They contradict each other. */
  | 'rpc_disagree'
  /** The network has too few operators for a release, unless the owner names one. */
  | 'rpc_missing'
  /** A long history is being searched; the next look goes on where this one ended. */
  | 'searching'
  /** The nonce is spent, and no transfer of this payment is shown; that it is captured shows after its expiry. */
  | 'used_without_transfer'
  /** The nonce is spent, and nobody shows by what; that it is captured shows after its expiry. */
  | 'history_unavailable'
  /** Lightning: it is under way, or may have been asked for; a hold invoice stays so for days. */
  | 'in_flight'
  /** Lightning: another wallet is connected than the one that was asked to pay, or none. */
  | 'other_wallet'
  /** Lightning: the wallet says that it is paid, and shows no valid proof of that. */
  | 'no_proof'
  /** The caller gave up. */
  | 'interrupted'
  /** A caller's own word, where it has no chain to ask. */
  | 'network_unknown';

/**
 * What the chain says of an authorization. `captured` and `released` are proofs (docs/design.md, "Release proof"); times
 * to ask again are by the caller's clock, in seconds since 1970.
 */
export type Settlement =
  | {
      readonly kind: 'captured';
      /** Null where the nonce is proved spent, which only our key can, and no operator shows by which transaction. */
      readonly tx: string | null;
      /** Null where no operator knows it. */
      readonly blockTimeMs: number | null;
      readonly amountAtomic: AtomicAmount;
      /** What of that a payee took of a deposit, where it is one; the rest is the network's fee. */
      readonly takenAtomic?: AtomicAmount;
      /**
       * True once the block is settled for good and as many operators show the payment as a release needs. Before, a
       * reorganisation can still take it back.
       */
      readonly final: boolean;
      /** Lightning: the proof that the payee took it, in hex; a secret until the payee was shown it. */
      readonly preimage?: string;
    }
  | {
      readonly kind: 'released';
      /** The one settled block, past the expiry, in whose state it was read. */
      readonly blockHash: Hex;
      readonly blockTimeSec: number;
      /** Nobody used it in time, or the key's holder cancelled it on chain. */
      readonly proof: 'expired_unused' | 'cancelled';
      /** What was taken by a promise before its end; oldest first. */
      readonly charges?: readonly ChargeOnChain[];
    }
  | {
      /** On Solana, where a height is the proof, and by Lightning, where the node's own books are. */
      readonly kind: 'released';
      readonly proof: 'expired_unused';
      /** A clause of ours that names the proof. */
      readonly summary: string;
    }
  | {
      /** Unused so far. `retryAtSec`: when its end can be proved; a capture may show at any time before. */
      readonly kind: 'open';
      readonly retryAtSec: number;
      /** Whether it can still land, where the chain tells that by another measure than time. */
      readonly live?: boolean;
      /** Set where it is a deposit that the chain shows as made, and not closed: how much of it is taken shows at its end. */
      readonly isDeposited?: true;
      /** What it holds by the word of those who show it, the least of them: what was taken of it by then is in it still. */
      readonly depositAtomic?: AtomicAmount;
      /** Set where it is a promise that has not ended. */
      readonly promise?: PromiseOnChain;
    }
  | {
      readonly kind: 'unknowable';
      readonly reason: UnknowableReason;
      /** One sentence of ours that names the operators at fault; absent where none was asked. */
      readonly message?: string;
      readonly retryAtSec: number;
    };
