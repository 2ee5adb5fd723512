import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { Payment } from './payment.js';
import type { CapLine, RateLine } from '../../money/cap.js';
import type { Draw } from '../books/entitlement.js';
import type { BudgetStop } from '../books/budget.js';
import type { AnyAttempt, FundsReading } from './withdrawal.js';
import type { AgentBar } from '../books/agent.js';
import type { Labels } from '../../payment/labels.js';
import type { Recurrence } from '../../payment/commitment.js';
import type { ApprovalProblem } from '../books/approval.js';

/** Everything a hold fixes before anything is signed. */
export interface HoldRequest extends Pick<
  Payment,
  | 'agent'
  | 'sessionId'
  | 'requestHash'
  | 'idempotencyKey'
  | 'method'
  | 'url'
  | 'origin'
  | 'host'
  | 'category'
  | 'protocol'
  | 'scheme'
  | 'network'
  | 'asset'
  | 'payFrom'
  | 'payTo'
  | 'heldAtomic'
  | 'heldUsdMicros'
  | 'nonce'
  | 'validAfterSec'
  | 'validBeforeSec'
  | 'configVersion'
  | 'reason'
  | 'quoteId'
> {
  readonly capLines: readonly CapLine[];
  readonly rateLines: readonly RateLine[];
  /** The approval that this hold consumes; then ceilings alone are its lines. */
  readonly approvalId?: string | null;
  /** The run it is made under: it takes from that one and from each above it. The owner's budgets are those that `capLines` bound. */
  readonly budgetId?: string | null;
  /** The deposit that it is paid from; then it adds nothing to what counts, which is the deposit. */
  readonly draw?: Draw | null;
  /**
   * A payment of this same request that was sent before its price was asked, and turned away: it may stay open beside this
   * hold, where both together cost no more than this (T37).
   */
  readonly beside?: Beside | null;
  /** The promise that it is the first charge of; then it counts in each line by the rate of that. */
  readonly commitment?: NewCommitment | null;
  readonly labels?: Labels;
  /** The id that a server's log knows the call by; it goes to the journal. */
  readonly callId?: string | undefined;
  /** What the chain showed of the payer's balance, and when it was asked; null where it did not answer. */
  readonly funds?: FundsReading | null;
  /** The wall clock. */
  readonly nowMs: number;
}

/** What may stay open beside a hold of the same request, and the most that both may cost. */
export interface Beside {
  readonly paymentId: string;
  readonly usdMicrosMax: UsdMicros;
}

/** A promise that is made with its first charge: a row of its own, for the same amount in each period. */
export interface NewCommitment {
  /** One at a time is open for each of these. */
  readonly requestHash: string;
  readonly nonce: string;
  readonly recurrence: Recurrence;
}

/** A line that this payment would pass, and what counts against it already. */
export interface ExceededLine {
  readonly line: CapLine;
  readonly usedUsdMicros: UsdMicros;
}

/** The answer to {@link openHold}. Only `held` reserved anything. */
export type HoldResult =
  | {
      readonly kind: 'held';
      readonly payment: Payment;
      /** The row of the promise that it begins; null for none. */
      readonly commitment: Payment | null;
    }
  | { readonly kind: 'duplicate'; readonly payment: Payment }
  /** The idempotency key belongs to a payment of another request. */
  | { readonly kind: 'key_reused'; readonly payment: Payment }
  /** What would be signed has the nonce of an earlier payment: where the seller's challenge sets it, and came twice. */
  | { readonly kind: 'nonce_used'; readonly payment: AnyAttempt }
  | { readonly kind: 'exceeded'; readonly exceeded: readonly ExceededLine[] }
  | { readonly kind: 'rate'; readonly line: RateLine; readonly retryAfterSec: number }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'barred'; readonly bar: AgentBar }
  /** The deposit was drawn on or ended meanwhile, or has too little left; or there is such a promise by now. */
  | { readonly kind: 'drawn' }
  /** The owner is taking out what this payment would need. */
  | { readonly kind: 'withdrawn'; readonly spendableAtomic: AtomicAmount }
  | { readonly kind: 'approval'; readonly problem: ApprovalProblem }
  /** No approval passes a budget: it is the bound that the program was started with. */
  | ({ readonly kind: 'budget' } & BudgetStop)
  | { readonly kind: 'config_changed'; readonly configVersion: number };

/** Before a category that a catalogue named: views show it, and no cap counts it (T17). */
export const LISTED = 'listed:';

/** What of a line its usage depends on. */
export type CountedLine = Pick<CapLine, 'name' | 'kind' | 'scope' | 'windowSec'>;
