import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { AnyAttempt } from '../attempts/withdrawal.js';

/** A payment that the chain shows and this ledger never wrote. */
export interface ImportedPayment {
  readonly agent: string;
  /** What such a transfer is taken for, in the words of its rail. */
  readonly protocol: string;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly usdMicros: UsdMicros;
  /** Null for a plain transfer: it has none. */
  readonly nonce: string | null;
  /** What its transaction names where it has no nonce; null where that is nothing. */
  readonly named: string | null;
  /** What its opening took in fees, atomic, where it is a deposit that is known by `named`; absent for all else. */
  readonly openingFeeAtomic?: AtomicAmount | undefined;
  /** The channel's id on its chain, where that is not what the deposit is known by. */
  readonly channelId?: string;
  readonly tx: string;
  readonly blockTimeMs: number;
  /** It went to another of the wallet's own addresses: the owner's doing, and nothing was spent. */
  readonly toOwn: boolean;
}

/** What the row of a deposit that was found on the chain says in the place of a receipt. */
export interface FoundDeposit {
  readonly opening_fee_atomic?: string;
  /** The channel's id on its chain, where that is not what the deposit is known by. */
  readonly channel_id?: string;
}

/** What a rebuilding came to. */
export interface Rebuilt {
  /** Payments that came in from the chain. */
  readonly imported: number;
  /** Payments that this ledger has released and the chain was said to show: to be looked at for a proof (T32). */
  readonly contradicted: readonly AnyAttempt[];
}

/** What it came to that ledger time was set back. */
export interface Rebased {
  /** How far ledger time had been ahead. ms */
  readonly aheadMs: number;
  /** Payments that count in every window from then on, and what they come to. */
  readonly counted: number;
  readonly countedUsdMicros: UsdMicros;
}
