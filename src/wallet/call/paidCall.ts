import type { Config } from '../../config/settings.js';
import type { ApprovalRecord } from '../../ledger/books/approval.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { Session } from '../../ledger/books/session.js';
import type { UsdMicros } from '../../money/unit.js';
import type { Engine } from '../engine.js';
import type { PayInput } from '../input.js';
import type { CallDeadline, CallContext } from './callDeadline.js';
import type { Challenge } from './probe.js';
import type { CallRequest } from './request.js';

/** The arguments of a call beside its request: an approval of it goes on with them. */
export type CallTerms = Pick<PayInput, 'idempotency_key' | 'repeat' | 'reason' | 'quote_id' | 'labels'>;

/** One call of `wallet_pay`, from the tool to the wire: made once from its input, and carried through. */
export interface PaidCall {
  readonly engine: Engine;
  readonly session: Pick<Session, 'id'>;
  /** As read when the call began; what the ledger knows to be older is read again. */
  readonly config: Config;
  /** As the agent gave it. */
  readonly input: PayInput;
  readonly terms: CallTerms;
  readonly request: CallRequest;
  /** The 402 that was quoted, or that the owner was asked about, narrowed to that offer; null where it is yet to come. */
  readonly challenge: Challenge | null;
  /** The agent's own bound; it can only lower what may be paid. */
  readonly maxUsdMicros: UsdMicros | undefined;
  /** The approval that this call goes on with. */
  readonly approval: ApprovalRecord | null;
  /** How soon the client answered no, where nobody can have read the question by then; else null. */
  readonly hastyMs: number | null;
  readonly deadline: CallDeadline;
  readonly context: CallContext;
  /** A payment of the same request that went ahead of its price and was turned away: it stays live beside this call's (T37). */
  readonly beside?: PaymentAhead;
}

/** A payment that went ahead and was turned away, and the most that it may cost together with another one. */
export interface PaymentAhead {
  readonly payment: Payment;
  readonly usdMicrosMax: UsdMicros;
}

/** A request with its payment: what is sent, and where. */
export interface SignedRequest {
  readonly payment: Payment;
  readonly payload: SignedPayload;
  /** The URL that asked for the payment, and by which method: where alone it may go (T9). */
  readonly target: { readonly url: URL; readonly method: string };
  /** What the seller says of what it sells; null where it says nothing. */
  readonly description?: string | null;
  /** Set where it goes with the first request, before the price was asked. */
  readonly isAhead?: true;
  /** Set where the money has moved, and the payload is the proof of it. */
  readonly moneyMoved?: true;
}
