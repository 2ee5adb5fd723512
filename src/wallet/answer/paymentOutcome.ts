import type { Retry } from '../../errors/codes.js';
import { toWallMs, type Payment } from '../../ledger/payment.js';
import { formatUsd } from '../../money/decimal.js';
import type { PassedOver } from '../../policy/selectOffer.js';
import type { ReadAnswer } from './answerBody.js';
import { heldUntilMs, moneyOf, outcome, viewPayment, type Outcome } from './outcome.js';

/** A settlement shows within some blocks; asking sooner only costs calls. */
const LOOK_AGAIN_SEC = 15;

/**
 * The outcome of a paid call that was answered, once the chain was asked where the answer leaves doubt. `refusal`: why the
 * seller says that it turned the payment away, as a clause of ours; null where it says otherwise.
 */
export function answeredOutcome(
  payment: Payment,
  read: ReadAnswer,
  response: Outcome['response'],
  refusal: string | null,
): Outcome {
  const delivered = read.status >= 200 && read.status < 300 && read.failure === null;
  if (payment.state === 'captured') return capturedOutcome(payment, read, response, delivered);
  if (delivered) return deliveredOutcome(payment, read.status, response);
  if (payment.state === 'released') return expiredOutcome(payment, response);
  return openOutcome(payment, response, refusal);
}

function capturedOutcome(
  payment: Payment,
  read: ReadAnswer,
  response: Outcome['response'],
  delivered: boolean,
): Outcome {
  const price = `$${formatUsd(payment.capturedUsdMicros ?? 0n)}`;
  const shared = { payment: viewPayment(payment), response, money: moneyOf(payment), ...spent(payment) };
  const denied = isDenied(payment)
    ? ' The endpoint said that the settlement failed, but the chain shows the transfer.'
    : '';
  if (delivered) {
    return outcome({
      status: 'ok',
      code: 'paid',
      message: `Paid ${price} and got the answer (HTTP ${read.status}).${denied}`,
      ...shared,
    });
  }
  const broken = read.failure !== null;
  const what = broken
    ? 'the answer broke off; what came is in response'
    : `the endpoint answered with HTTP ${read.status}`;
  return outcome({
    status: 'failed',
    code: broken ? 'paid_not_delivered' : 'paid_error_answer',
    message: `Paid ${price}, but ${what}.${denied} The money is spent; do not pay again for the same.`,
    ...shared,
  });
}

/** What was bought came, and no receipt beside it says that it was paid for. */
function deliveredOutcome(payment: Payment, status: number, response: Outcome['response']): Outcome {
  const price = `$${formatUsd(payment.heldUsdMicros)}`;
  const isFree = payment.state === 'released';
  const receipt = isDenied(payment) ? 'says that its settlement failed' : 'gave no readable receipt';
  return outcome({
    status: 'ok',
    code: 'paid',
    message: isFree
      ? `Got the answer (HTTP ${status}). The payment of ${price} never settled and no longer can, so nothing was spent.`
      : `Got the answer (HTTP ${status}). The endpoint ${receipt} for ${price}; ${mayStillSettle(payment)}. Do not pay again for the same.`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    ...(isFree ? {} : lookAgain(payment, 'never')),
  });
}

/** Whether the endpoint's own receipt said that the settlement failed, or it would not have the payment again. */
function isDenied({ note }: Payment): boolean {
  return note !== null && ['settle_failed', 'receipt_failed', 'rejected', 'refused_again'].includes(note);
}

/** The outcome of a payment that was sent and not answered, once the chain was asked. */
export function silentOutcome(payment: Payment): Outcome {
  if (payment.state === 'captured') return lostOutcome(payment);
  return payment.state === 'released' ? expiredOutcome(payment) : openOutcome(payment);
}

/** The outcome of a payment that settled and brought nothing. */
export function lostOutcome(payment: Payment): Outcome {
  return outcome({
    status: 'failed',
    code: 'paid_not_delivered',
    message:
      `Paid $${formatUsd(payment.capturedUsdMicros ?? 0n)} and got nothing: ${whatHappened(payment)}. ` +
      `The money is spent; do not pay again for the same.`,
    payment: viewPayment(payment),
    money: 'captured',
    ...spent(payment),
  });
}

/** The outcome of a payment that brought nothing and, by the chain's proof, can never settle. */
function expiredOutcome(payment: Payment, response: Outcome['response'] = null): Outcome {
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

/** The outcome of a payment whose fate is open, with where to ask. */
export function openOutcome(
  payment: Payment,
  response: Outcome['response'] = null,
  refusal: string | null = null,
): Outcome {
  if (payment.note !== 'verify_failed') return unknownOutcome(payment, response);
  const why = refusal === null ? '' : `: ${refusal}`;
  return outcome({
    status: 'failed',
    code: 'payment_rejected',
    message:
      `The endpoint refused the payment of $${formatUsd(payment.heldUsdMicros)} before settling it${why}, and the chain ` +
      `shows it unused. It still could be settled, so the amount stays held until about ${heldUntil(payment)}.`,
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
  process_ended: 'the process that sent it ended',
};

function whatHappened(payment: Payment): string {
  const otherwise =
    payment.state === 'captured' ? 'its answer was not kept' : 'nothing proves what became of it';
  return HAPPENED[payment.note ?? ''] ?? otherwise;
}

/** What can still become of an open payment: until its end is proved, it counts as money that may move. */
function mayStillSettle(payment: Payment): string {
  return `it may have settled, or may still settle, and is held until about ${heldUntil(payment)} unless that is known before`;
}

function heldUntil(payment: Payment): string {
  return new Date(heldUntilMs(payment)).toISOString();
}

/** Where an open payment is looked after: the ledger's tool reconciles that row first. */
function lookAgain(payment: Payment, retry: Retry): Pick<Outcome, 'next' | 'retry' | 'retry_after_s'> {
  if (payment.state === 'released') return { next: null, retry: 'same_call', retry_after_s: null };
  const untilFreeSec = Math.ceil((heldUntilMs(payment) - toWallMs(payment, payment.changedMs)) / 1000);
  const waitSec = payment.note === 'verify_failed' ? untilFreeSec : Math.min(untilFreeSec, LOOK_AGAIN_SEC);
  return {
    next: { tool: 'wallet_ledger', arguments: { payment_id: payment.id } },
    retry,
    retry_after_s: retry === 'after_delay' ? Math.max(1, waitSec) : null,
  };
}

/** Dollars a call moved. */
function spent(payment: Payment): Pick<Outcome, 'spent_usd'> {
  return { spent_usd: formatUsd(payment.state === 'captured' ? (payment.capturedUsdMicros ?? 0n) : 0n) };
}

/** What an outcome says of a payment, whatever else went wrong. */
export function moneyParts(payment: Payment): Partial<Outcome> {
  const shown = { payment: viewPayment(payment), money: moneyOf(payment), ...spent(payment) };
  return payment.state === 'captured'
    ? { ...shown, retry: 'never' }
    : { ...shown, ...lookAgain(payment, 'after_delay') };
}

/** The outcome of a payment, which says beside what offers it was made, and why. */
export function withPassedOver(made: Outcome, passedOver: readonly PassedOver[]): Outcome {
  if (passedOver.length === 0) return made;
  const reasons = passedOver.map(({ offer, reason }) => `${offer.network.label}: ${reason.sentence}`);
  return {
    ...made,
    message: `${made.message} An offer that came before was passed over. ${reasons.join(' ')}`,
    passed_over: passedOver.map(({ offer, reason }) => ({ network: offer.network.caip2, code: reason.code })),
  };
}
