import type { Delivery, Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import { askForJob, pendingSentence } from './jobOutcome.js';
import { whatHappened } from './openOutcome.js';
import { claimedCharge, moneyOf, outcome, viewPayment, type Outcome } from './outcome.js';
import type { AnsweredCall } from './paymentOutcome.js';

/** What came of a paid call, where it is not simply the answer. */
const GOT: Partial<Record<Delivery, string>> = {
  empty: 'an empty answer',
  error: 'an answer that only says it failed; do not pay again for the same',
  schema_mismatch: 'an answer that lacks what the listing promises',
};

export function capturedOutcome({ payment, read, response, delivered }: AnsweredCall): Outcome {
  const charged = claimedCharge(payment);
  const counted = `$${formatUsd(payment.capturedUsdMicros ?? 0n)}`;
  const price = charged === null ? counted : `at most ${counted}`;
  const less =
    charged === null
      ? ''
      : ` The seller says that it charged $${charged}; the rest is free again once the chain proves it.`;
  const shared = {
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    delivery: delivered.verdict,
    ...spent(payment),
  };
  const denied = isDenied(payment)
    ? ' The endpoint said that the settlement failed, but the chain shows the transfer.'
    : less;
  const { status } = read;
  if (delivered.job !== null) {
    return outcome({
      status: 'ok',
      code: 'paid',
      message: `Paid ${price}. ${pendingSentence(status, delivered.job)}${denied} Do not pay again for the same.`,
      ...shared,
      ...askForJob(delivered.job),
    });
  }
  if (status >= 200 && status < 300 && read.failure === null) {
    return outcome({
      status: 'ok',
      code: 'paid',
      message: `Paid ${price} and got ${GOT[delivered.verdict] ?? 'the answer'} (HTTP ${status}).${denied}`,
      ...shared,
    });
  }
  const broken = read.failure !== null;
  const what = broken
    ? 'the answer broke off; what came is in response'
    : `the endpoint answered with HTTP ${status}`;
  return outcome({
    status: 'failed',
    code: broken ? 'paid_not_delivered' : 'paid_error_answer',
    message: `Paid ${price}, but ${what}.${denied} The money is spent; do not pay again for the same.`,
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

/** Whether the endpoint's own receipt said that the settlement failed, or it would not have the payment again. */
export function isDenied({ note }: Payment): boolean {
  return note !== null && ['settle_failed', 'receipt_failed', 'rejected', 'refused_again'].includes(note);
}

/** Dollars a call moved. */
export function spent(payment: Payment): Pick<Outcome, 'spent_usd'> {
  return { spent_usd: formatUsd(payment.state === 'captured' ? (payment.capturedUsdMicros ?? 0n) : 0n) };
}
