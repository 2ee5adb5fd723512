import type { AtomicAmount } from '../money/unit.js';
import type { Payment } from './payment.js';
import type { Asset } from '../money/asset.js';
import { createHash } from 'node:crypto';

/** A balance as the chain showed it, and when it was asked by the wall clock. */
export interface FundsReading {
  readonly onChainAtomic: AtomicAmount;
  readonly atMs: number;
}

/** Money that the owner takes out. */
export interface WithdrawalRequest extends Pick<
  Payment,
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

/** The answer to {@link openWithdrawal}. Only `held` reserved anything. */
export type WithdrawalResult =
  | { readonly kind: 'held'; readonly payment: Payment }
  /** One is under way from this address already; its end comes first. */
  | { readonly kind: 'open'; readonly payment: Payment }
  | { readonly kind: 'short'; readonly spendableAtomic: AtomicAmount; readonly heldAtomic: AtomicAmount };

/** What stands for a request: one withdrawal at a time leaves an address in one asset. */
export function withdrawalHash(network: string, asset: string, payFrom: string): string {
  return createHash('sha256').update(`withdrawal ${network} ${asset} ${payFrom}`).digest('hex');
}
