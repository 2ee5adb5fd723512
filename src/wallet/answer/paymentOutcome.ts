import type { Retry } from '../../errors/codes.js';
import { toWallMs, type Payment } from '../../ledger/payment.js';
import { formatUsd } from '../../money/decimal.js';
import type { ReadAnswer } from './answerBody.js';
import { heldUntilMs, moneyOf, outcome, viewPayment, type Outcome } from './outcome.js';

/** A settlement shows within some blocks; asking sooner only costs calls. */
const LOOK_AGAIN_SEC = 15;

/** The outcome of a paid call that was answered, once what is known of its money is written down. */
export function answeredOutcome(payment: Payment, read: ReadAnswer, response: Outcome['response']): Outcome {
  const delivered = read.status >= 200 && read.status < 300 && read.failure === null;
  if (payment.state === 'captured') return capturedOutcome(payment, read, response, delivered);
  const price = `$${formatUsd(payment.heldUsdMicros)}`;
  const shared = { payment: viewPayment(payment), response, money: moneyOf(payment) };
  if (delivered) {
    return outcome({
      status: 'ok',
      code: 'paid',
      message: `The endpoint delivered (HTTP ${read.status}) without a readable receipt for ${price}; whether it took the money is not known yet.`,
      ...shared,
      ...lookAgain(payment, 'never'),
    });
  }
  if (payment.note === 'rejected') {
    return outcome({
      status: 'failed',
      code: 'payment_rejected',
      message: `The endpoint refused the payment of ${price}; the amount stays held until its authorization has expired.`,
      ...shared,
      ...lookAgain(payment, 'after_delay'),
    });
  }
  return unknownOutcome(payment, response);
}

function capturedOutcome(
  payment: Payment,
  read: ReadAnswer,
  response: Outcome['response'],
  delivered: boolean,
): Outcome {
  const price = `$${formatUsd(payment.capturedUsdMicros ?? 0n)}`;
  const shared = { payment: viewPayment(payment), response, money: moneyOf(payment), ...spent(payment) };
  if (delivered) {
    return outcome({
      status: 'ok',
      code: 'paid',
      message: `Paid ${price} and got the answer (HTTP ${read.status}).`,
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
    message: `Paid ${price}, but ${what}. The money is spent; do not pay again for the same.`,
    ...shared,
  });
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

/** The outcome of a payment whose fate is open, with where to ask. */
export function unknownOutcome(payment: Payment, response: Outcome['response'] = null): Outcome {
  return outcome({
    status: 'unknown',
    code: 'payment_unknown',
    message:
      `The payment of $${formatUsd(payment.heldUsdMicros)} was ${payment.note === 'not_sent' ? 'signed' : 'sent'} ` +
      `and ${whatHappened(payment)}; whether the seller ` +
      `took it is not known yet. Nothing new is signed for this request; do not buy the same elsewhere.`,
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
  cancelled: 'the call was cancelled',
  settlement_pending: 'the endpoint says that its settlement is pending',
  rejected: 'the endpoint refused it',
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

/** Where an open payment is looked after: the ledger's tool reconciles that row first. */
export function lookAgain(payment: Payment, retry: Retry): Pick<Outcome, 'next' | 'retry' | 'retry_after_s'> {
  if (payment.state === 'released') return { next: null, retry: 'same_call', retry_after_s: null };
  const untilFreeSec = Math.ceil((heldUntilMs(payment) - toWallMs(payment, payment.changedMs)) / 1000);
  const waitSec = payment.note === 'rejected' ? untilFreeSec : Math.min(untilFreeSec, LOOK_AGAIN_SEC);
  return {
    next: { tool: 'wallet_ledger', arguments: { payment_id: payment.id } },
    retry,
    retry_after_s: retry === 'after_delay' ? Math.max(1, waitSec) : null,
  };
}

/** Dollars a call moved. */
export function spent(payment: Payment): Pick<Outcome, 'spent_usd'> {
  return { spent_usd: formatUsd(payment.state === 'captured' ? (payment.capturedUsdMicros ?? 0n) : 0n) };
}
