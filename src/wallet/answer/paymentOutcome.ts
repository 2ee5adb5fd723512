import type { Retry } from '../../errors/codes.js';
import { toWallMs } from '../../ledger/attempts/attempt.js';
import type { Delivery, Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import type { PassedOver } from '../../policy/selectOffer.js';
import type { ReadAnswer } from './answerBody.js';
import type { Delivered, Job } from './delivery.js';
import { CHARGED_NOTHING } from '../settle/claim.js';
import {
  claimedCharge,
  heldUntilMs,
  moneyOf,
  outcome,
  viewPayment,
  type NextCall,
  type Outcome,
  type ResponseView,
} from './outcome.js';
import { retryAfterSec } from './retryAfter.js';

/** A settlement shows within some blocks; asking sooner only costs calls. */
const LOOK_AGAIN_SEC = 15;
/** How long the call that asks for a job's result is proposed to wait for it: under the shortest limit of common clients. */
export const WAIT_PROPOSED_SEC = 30;

/** A paid call that was answered, once the chain was asked where the answer leaves doubt. */
export interface AnsweredCall {
  readonly payment: Payment;
  readonly read: ReadAnswer;
  readonly response: Outcome['response'];
  /** Why the seller says that it turned the payment away, as a clause of ours; null where it says otherwise. */
  readonly refusal: string | null;
  /** The seller's own words on why it is not content; null where it has none. */
  readonly sellerSays: string | null;
  /** Whether the chain showed the payment unused, and it can still be presented. */
  readonly stillValid: boolean;
  readonly delivered: Delivered;
}

/** The outcome of a paid call that was answered. */
export function answeredOutcome(call: AnsweredCall): Outcome {
  const { payment, read, refusal, sellerSays, delivered } = call;
  const response =
    call.response === null || read.status !== 402 ? call.response : withoutChallenge(call.response);
  return { ...outcomeOf(), ...(sellerSays === null ? {} : { seller_says: sellerSays }) };

  function outcomeOf(): Outcome {
    if (payment.state === 'captured') return capturedOutcome({ ...call, response });
    const came = read.status >= 200 && read.status < 300 && read.failure === null;
    if (came) return deliveredOutcome(payment, read.status, response, delivered);
    if (payment.state === 'released') return expiredOutcome(payment, response);
    return errorAnswerOutcome(call) ?? openOutcome(payment, response, refusal);
  }
}

/** A further 402 is told by what the seller says in it; the offers are for the wallet to read. */
function withoutChallenge(response: ResponseView): ResponseView {
  const { body, ...rest } = response;
  return typeof body === 'object' && body !== null && 'accepts' in body ? rest : response;
}

function capturedOutcome({ payment, read, response, delivered }: AnsweredCall): Outcome {
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

/** What came of a paid call, where it is not simply the answer. */
const GOT: Partial<Record<Delivery, string>> = {
  empty: 'an empty answer',
  error: 'an answer that only says it failed; do not pay again for the same',
  schema_mismatch: 'an answer that lacks what the listing promises',
};

/** What an agent has to know of a result that is still to come. */
export function pendingSentence(status: number, { url }: Pick<Job, 'url'>): string {
  const what =
    status >= 300
      ? `The result is elsewhere (HTTP ${status})`
      : `The result is not ready yet (HTTP ${status})`;
  return url === null
    ? `${what}, and the endpoint names no place to ask for it: see response.`
    : `${what}: the call in next asks for it.`;
}

/** The call that asks for the result of a job, and when to make it. */
export function askForJob({ url, afterSec }: Job): Pick<Outcome, 'next' | 'retry' | 'retry_after_s'> {
  const next =
    url === null ? null : { tool: 'wallet_quote', arguments: { url: url.href, wait_s: WAIT_PROPOSED_SEC } };
  return {
    next,
    retry: url === null ? 'never' : 'after_delay',
    retry_after_s: url === null ? null : afterSec,
  };
}

/** The outcome of a paid call whose job is done: what it brought in the place of what came first. */
export function resultOutcome(
  answered: Outcome,
  { read, delivered }: { readonly read: Pick<ReadAnswer, 'status'>; readonly delivered: Delivered },
  response: Outcome['response'],
): Outcome {
  const price = answered.payment === null ? '' : `Paid $${answered.payment.usd}. `;
  const failed = delivered.verdict === 'error';
  return {
    ...answered,
    ...(failed ? { status: 'failed', code: 'paid_error_answer' } : {}),
    message: failed
      ? `${price}The job ended without its result (HTTP ${read.status}); response says why. Do not pay again for the same.`
      : `${price}The job is done and its result is in response (HTTP ${read.status}).`,
    delivery: delivered.verdict,
    response,
    retry: 'never',
    retry_after_s: null,
    next: answered.money === 'captured' ? null : lookAt(answered.payment?.id ?? ''),
  };
}

const HEADER_TOO_LARGE = 431;

/** Statuses by which a seller asks to be called again as it was. */
const LATER: readonly number[] = [408, 425, 429, 503];

/**
 * The outcome of a paid call that the seller answered with an error and no receipt, where the chain shows the payment
 * unused: sellers work first and settle then, so what was asked can be corrected. Null for all else: nobody knows then.
 */
function errorAnswerOutcome({ payment, read, response, stillValid }: AnsweredCall): Outcome | null {
  const { status } = read;
  if (payment.note !== 'error_answer' || !stillValid) return null;
  const isLater = LATER.includes(status);
  if (!isLater && (status < 400 || status >= 500)) return null;
  const head =
    `The endpoint answered the paid call with HTTP ${status} and gave no receipt. The chain shows the payment of ` +
    `$${formatUsd(payment.heldUsdMicros)} unused; it could still settle, so it stays held until about ${heldUntil(payment)}.`;
  return outcome({
    status: 'failed',
    code: 'error_answer',
    message: isLater
      ? `${head} Make the same call again later: it presents the same payment, and nothing new is signed.`
      : `${head} ${status === HEADER_TOO_LARGE ? `Its server reads no header as large as this payment (${payment.payload?.length ?? 0} bytes): tell the seller.` : 'See response for what it wants; a corrected call is a new purchase beside it.'}`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    ...lookAgain(payment, 'after_delay'),
    ...(isLater
      ? { retry_after_s: retryAfterSec(read.headers) ?? LOOK_AGAIN_SEC }
      : { retry: 'with_changes', retry_after_s: null }),
  });
}

/** What was bought came, and no receipt beside it says that it was paid for. */
function deliveredOutcome(
  payment: Payment,
  status: number,
  response: Outcome['response'],
  { verdict, job }: Delivered,
): Outcome {
  const price = `$${formatUsd(payment.heldUsdMicros)}`;
  const isFree = payment.state === 'released';
  const came = job === null ? `Got the answer (HTTP ${status}).` : pendingSentence(status, job);
  const receipt =
    payment.note === CHARGED_NOTHING
      ? 'says that it charged nothing'
      : isDenied(payment)
        ? 'says that its settlement failed'
        : 'gave no readable receipt';
  return outcome({
    status: 'ok',
    code: 'paid',
    message: isFree
      ? `${came} The payment of ${price} never settled and no longer can, so nothing was spent.`
      : `${came} The endpoint ${receipt} for ${price}; ${mayStillSettle(payment)}. Do not pay again for the same.`,
    payment: viewPayment(payment),
    response,
    money: moneyOf(payment),
    delivery: verdict,
    ...(isFree ? {} : lookAgain(payment, 'never')),
    ...(job === null ? {} : askForJob(job)),
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

/** The outcome of a payment still open, with where to ask. */
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
  in_flight: 'the Lightning wallet has not told its end',
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
    next: lookAt(payment.id),
    retry,
    retry_after_s: retry === 'after_delay' ? Math.max(1, waitSec) : null,
  };
}

function lookAt(paymentId: string): NextCall {
  return { tool: 'wallet_ledger', arguments: { payment_id: paymentId } };
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
  const reasons = passedOver.map(({ offer, reason }) => `${offer.network.label}: ${reason.message}`);
  return {
    ...made,
    message: `${made.message} An offer that came before was passed over. ${reasons.join(' ')}`,
    passed_over: passedOver.map(({ offer, reason }) => ({ network: offer.network.caip2, code: reason.code })),
  };
}
