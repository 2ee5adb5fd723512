import type { AtomicAmount } from '../../money/unit.js';
import type { Attempt } from './attempt.js';
import type { Payment } from './payment.js';
import type { Asset } from '../../money/asset.js';

/** A balance as the chain showed it, and when it was asked by the wall clock. */
export interface FundsReading {
  readonly onChainAtomic: AtomicAmount;
  readonly atMs: number;
}

/** Money that the owner takes out: it counts in no cap and in no total of payments. */
export interface Withdrawal extends Attempt {
  readonly kind: 'withdrawal';
}

/** Either kind of attempt. */
export type AnyAttempt = Payment | Withdrawal;

/** One asset at one address of the wallet's. */
export interface PaidFrom {
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
}

/** What a withdrawal fixes before anything is signed. */
export interface WithdrawalRequest extends Pick<
  Withdrawal,
  'agent' | 'network' | 'payFrom' | 'payTo' | 'scheme' | 'nonce' | 'validAfterSec' | 'validBeforeSec'
> {
  readonly asset: Asset;
  readonly amountAtomic: AtomicAmount;
  /** The balance, read after the journal stood at `readSeq`. */
  readonly onChainAtomic: AtomicAmount;
  readonly readSeq: number;
  /** Leaves nothing for what is held: payments on their way will then fail. */
  readonly takesHeld: boolean;
  readonly nowMs: number;
}

/** The answer to {@link WithdrawalControl.open}. Only `held` reserved anything. */
export type WithdrawalResult =
  | { readonly kind: 'held'; readonly withdrawal: Withdrawal }
  /** One is under way from this address already; its end comes first. */
  | { readonly kind: 'open'; readonly withdrawal: Withdrawal }
  | { readonly kind: 'short'; readonly spendableAtomic: AtomicAmount; readonly heldAtomic: AtomicAmount };
