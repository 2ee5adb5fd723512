import type { Retry } from '../../errors/codes.js';
import { toWallMs } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import { heldUntilMs, moneyOf, outcome, viewPayment, type NextCall, type Outcome } from './outcome.js';

/** A settlement shows within some blocks; asking sooner only costs calls. */
export const LOOK_AGAIN_SEC = 15;

/** Why a seller says that it turned a payment away. */
export interface SellerRejection {
  /** As a clause of ours. */
  readonly why: string;
  /** What the payer has beside all that is held, such as `19.47 USDC`, where the seller finds too little and the chain enough. */
  readonly has: string | null;
}

/** Whose finding it is stands first: an agent that reads of too little money would look for it in this wallet. */
function rejectionWords(rejection: SellerRejection | null, price: string): string {
  if (rejection === null) return `The endpoint refused the payment of ${price} before settling it.`;
  const has = rejection.has === null ? '' : `, though the wallet has enough (${rejection.has})`;
  return `The seller refused the payment of ${price} before settling it and says that ${rejection.why}${has}.`;
}

/** The outcome of a payment still open, with where to ask. */
export function openOutcome(
  payment: Payment,
  response: Outcome['response'] = null,
  rejection: SellerRejection | null = null,
): Outcome {
  if (payment.note !== 'verify_failed') return unknownOutcome(payment, response);
  const price = `$${formatUsd(payment.heldUsdMicros)}`;
  return outcome({
    status: 'failed',
    code: 'payment_rejected',
    message:
      `${rejectionWords(rejection, price)} The chain shows it unused, so nothing is known to be paid; it still could be ` +
      `settled, so ${price} stays held until about ${heldUntil(payment)}. Then make the call in next: where it says ` +
      `released, the same call may be made once more.`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    ...lookAgain(payment, 'after_delay'),
  });
}

/** The outcome of a payment that nobody can say settled or not. */
export function unknownOutcome(payment: Payment, response: Outcome['response'] = null): Outcome {
  return outcome({
    status: 'unknown',
    code: 'payment_unknown',
    message:
      `The payment of $${formatUsd(payment.heldUsdMicros)} was ${payment.note === 'not_sent' ? 'signed' : 'sent'} ` +
      `and ${whatHappened(payment)}; ${mayStillSettle(payment)}. ` +
      `Nothing new is signed for this request; do not buy the same elsewhere.`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    ...lookAgain(payment, 'after_delay'),
  });
}

/** The outcome of a payment that brought nothing and, by the chain's proof, can never settle. */
export function expiredOutcome(payment: Payment, response: Outcome['response'] = null): Outcome {
  return outcome({
    status: 'failed',
    code: 'payment_expired',
    message:
      `The payment of $${formatUsd(payment.heldUsdMicros)} never settled and no longer can, so nothing was spent. ` +
      `The same call can be made again.`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    retry: 'same_call',
  });
}

const HAPPENED: Readonly<Record<string, string>> = {
  timed_out: 'no answer came in time',
  connection_lost: 'the connection broke',
  not_sent: 'the endpoint could not be reached',
  not_sent_again: 'the endpoint could not be reached again',
  cancelled: 'the call was cancelled',
  settlement_pending: 'the endpoint says that its settlement is pending',
  settle_failed: 'the endpoint says that its settlement failed',
  receipt_failed: 'the endpoint says that its settlement failed',
  // Of before schema 3, where every failed receipt had this note.
  rejected: 'the endpoint says that its settlement failed',
  verify_failed: 'the endpoint refused it before settling it',
  refused_again: 'the endpoint refused it when it was sent again',
  second_402: 'the endpoint asked for payment again',
  redirected: 'the endpoint redirected instead of answering',
  error_answer: 'the endpoint answered with an error',
  no_receipt: 'the endpoint gave no receipt',
  in_flight: 'the Lightning wallet has not told its end',
  wallet_refused: 'the Lightning wallet refused, and the same request may come to it once more',
  process_ended: 'the process that sent it ended',
};

export function whatHappened(payment: Payment): string {
  const otherwise =
    payment.state === 'captured' ? 'its answer was not kept' : 'nothing proves what became of it';
  return HAPPENED[payment.note ?? ''] ?? otherwise;
}

/** What can still become of an open payment: until its end is proved, it counts as money that may move. */
export function mayStillSettle(payment: Payment): string {
  return `it may have settled, or may still settle, and is held until about ${heldUntil(payment)} unless that is known before`;
}

export function heldUntil(payment: Payment): string {
  return new Date(heldUntilMs(payment)).toISOString();
}

/** Where an open payment is looked after: the ledger's tool reconciles that row first. */
export function lookAgain(payment: Payment, retry: Retry): Pick<Outcome, 'next' | 'retry' | 'retry_after_s'> {
  if (payment.state === 'released') return { next: null, retry: 'same_call', retry_after_s: null };
  const untilFreeSec = Math.ceil((heldUntilMs(payment) - toWallMs(payment, payment.changedMs)) / 1000);
  const waitSec = payment.note === 'verify_failed' ? untilFreeSec : Math.min(untilFreeSec, LOOK_AGAIN_SEC);
  return {
    next: lookAt(payment.id),
    retry,
    retry_after_s: retry === 'after_delay' ? Math.max(1, waitSec) : null,
  };
}

export function lookAt(paymentId: string): NextCall {
  return { tool: 'wallet_ledger', arguments: { payment_id: paymentId } };
}
