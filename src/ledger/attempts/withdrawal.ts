import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { Attempt } from './attempt.js';
import type { AgentBar } from '../books/agent.js';
import type { Payment } from './payment.js';
import type { Asset } from '../../money/asset.js';

/** A balance as the chain showed it, and when it was asked by the wall clock. */
export interface FundsReading {
  readonly onChainAtomic: AtomicAmount;
  readonly atMs: number;
}

/**
 * Money that the owner takes out, or that the wallet tops one of its agents up with: it counts in no cap and in no total of
 * payments.
 */
export interface Withdrawal extends Attempt {
  readonly kind: 'withdrawal';
  /** The agent that it refills; null where the owner moves it. */
  readonly refills: string | null;
}

/** Either kind of attempt. */
export type AnyAttempt = Payment | Withdrawal;

/** One asset at one address of the wallet's. */
export interface PaidFrom {
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
}

/**
 * What bounds a refill, checked in the step that reserves it: no person looks at it. A freeze and a suspension of either
 * agent stop it, as they stop a payment.
 */
export interface RefillTerms {
  /** The agent that is topped up. */
  readonly agent: string;
  /** Its addresses: what was rebuilt from the chain to one of them counts as a refill. */
  readonly addresses: readonly string[];
  /** The most that refills may bring it in 24 hours of ledger time. */
  readonly perDayUsdMicros: UsdMicros;
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
  /** Given where the wallet moves it by itself, to one of its agents. */
  readonly refill?: RefillTerms;
  readonly nowMs: number;
}

/** The answer to {@link WithdrawalControl.open}. Only `held` reserved anything. */
export type WithdrawalResult =
  | { readonly kind: 'held'; readonly withdrawal: Withdrawal }
  /** One is under way from this address already; its end comes first. */
  | { readonly kind: 'open'; readonly withdrawal: Withdrawal }
  | { readonly kind: 'short'; readonly spendableAtomic: AtomicAmount; readonly heldAtomic: AtomicAmount }
  /** Of refills alone: */
  | { readonly kind: 'frozen' }
  | { readonly kind: 'barred'; readonly bar: AgentBar }
  /** It would pass what refills may bring the agent in a day. */
  | { readonly kind: 'day_used'; readonly refilledUsdMicros: UsdMicros }
  /** One has just arrived: what was read may not show it yet. */
  | { readonly kind: 'just_refilled' };
