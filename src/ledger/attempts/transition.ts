import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { Mark } from '../../payment/mark.js';
import type { AgentBar } from '../books/agent.js';
import type { BudgetStop } from '../books/budget.js';
import type { CapLine } from '../../money/cap.js';
import type { ExceededLine } from './hold.js';
import type { Attempt } from './attempt.js';
import type { Delivery, Payment } from './payment.js';

/** The payment header as it is sent. */
export interface SignedPayload {
  readonly name: string;
  readonly value: string;
  /** Another header that carries the same bytes, for sellers who read that one alone. */
  readonly alsoUnder?: string;
  /** Set where it carries an identifier by which its seller gives the same answer again; kept with the bytes, never sent. */
  readonly identified?: true;
  /** Set where it went with the first request, before the price was asked; kept with the bytes, never sent. */
  readonly ahead?: true;
  /** Lightning: the invoice that is paid before the seller is shown the proof of it; never sent to the seller. */
  readonly invoice?: string;
  /** Lightning: a wallet that reads the request to pay later than this must not act on it, s since 1970; never sent to the seller. */
  readonly askUntilSec?: number;
  /** The last block that can take it, on chains that count blocks; kept with the bytes, never sent. */
  readonly validBeforeBlock?: number;
  /** Where the chain's operators stood when it was signed; kept with the bytes, never sent. */
  readonly marks?: readonly Mark[];
}

/** What `recordSigned` found. After `barred` the signature is to be thrown away: the row is still `held`. */
export type SignResult<A extends Attempt = Payment> =
  Transition<A> | { readonly kind: 'barred'; readonly bar: AgentBar };

/** What a send is judged by: the config it was judged under, and every line that bounds it. */
export interface SendRequest {
  readonly configVersion: number;
  readonly capLines: readonly CapLine[];
  /** Which category the owner has its host in by that config: where that changed, it counts there from now on. As held where left out. */
  readonly category?: string | null;
  readonly nowMs: number;
}

/** What `markSent` found. Bytes may leave only after `done`. */
export type SendResult<A extends Attempt = Payment> =
  | Transition<A>
  | { readonly kind: 'frozen' }
  | { readonly kind: 'barred'; readonly bar: AgentBar }
  | { readonly kind: 'config_changed'; readonly configVersion: number }
  | { readonly kind: 'exceeded'; readonly exceeded: readonly ExceededLine[] }
  | ({ readonly kind: 'budget' } & BudgetStop);

/** What is known of a capture. */
export interface CaptureFacts {
  readonly capturedAtomic: AtomicAmount;
  readonly capturedUsdMicros: UsdMicros;
  readonly tx: string | null;
  readonly receipt: string | null;
  /** True when the chain showed it for good, false where the seller says so, or one operator of the chain. */
  readonly confirmed: boolean;
  /** Block time where the chain showed it; else null, and it counts from now. */
  readonly chainMs: number | null;
  /** Set where the payer's own wallet moved the money and took more than it was bound to: what has left counts whole. */
  readonly mayExceedHold?: true;
  /** What it brought, where that is known already; absent where the answer is still on its way. */
  readonly delivery?: Delivery;
}

/**
 * Why a payment can never settle. `never_signed` needs no chain; `not_paid` is the word of the owner's own Lightning wallet; the others rest on a proof at a safe block. A capture
 * that is undone was the seller's claim (`receipt_false`), or what one operator showed (`capture_undone`).
 */
export type ReleaseNote = 'never_signed' | 'expired_unused' | 'not_paid' | 'receipt_false' | 'capture_undone';

/** What the chain showed of a payment that had been released. */
export interface LandingProof extends Pick<
  CaptureFacts,
  'capturedAtomic' | 'capturedUsdMicros' | 'chainMs' | 'mayExceedHold'
> {
  /** Null where the nonce is proved spent, and nobody shows by which transaction. */
  readonly tx: string | null;
  /** Whether as many operators show it, settled for good, as a release needs; else the reconciler goes on with it. */
  readonly confirmed: boolean;
}

/** What the chain shows of money that was taken by a promise. */
export interface ChargeFacts {
  readonly tx: string;
  readonly amountAtomic: AtomicAmount;
  readonly usdMicros: UsdMicros;
  readonly chainMs: number;
  /** Whether as many operators show it, settled for good, as a release needs. */
  readonly confirmed: boolean;
}

/** What a compare-and-set found: the row as changed, or the row as it really stands. */
export type Transition<A extends Attempt = Payment> =
  { readonly kind: 'done'; readonly attempt: A } | { readonly kind: 'conflict'; readonly attempt: A };
