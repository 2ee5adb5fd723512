import type { Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import type { PassedOver } from '../../policy/selectOffer.js';
import { CHARGED_NOTHING } from '../settle/claim.js';
import type { ReadAnswer } from './answerBody.js';
import { capturedOutcome, lostOutcome, isDenied, spent } from './capturedOutcome.js';
import type { Delivered } from './delivery.js';
import { pendingSentence, askForJob } from './jobOutcome.js';
import {
  LOOK_AGAIN_SEC,
  openOutcome,
  expiredOutcome,
  mayStillSettle,
  heldUntil,
  lookAgain,
  type SellerRejection,
} from './openOutcome.js';
import { moneyOf, outcome, viewPayment, type Outcome, type ResponseView } from './outcome.js';
import { retryAfterSec } from './retryAfter.js';

/** A paid call that was answered, once the chain was asked where the answer leaves doubt. */
export interface AnsweredCall {
  readonly payment: Payment;
  readonly read: ReadAnswer;
  readonly response: Outcome['response'];
  /** Why the seller says that it turned the payment away; null where it says otherwise. */
  readonly rejection: SellerRejection | null;
  /** The seller's own words on why it is not content; null where it has none. */
  readonly sellerSays: string | null;
  /** Whether the chain showed the payment unused, and it can still be presented. */
  readonly stillValid: boolean;
  readonly delivered: Delivered;
}

/** The outcome of a paid call that was answered. */
export function answeredOutcome(call: AnsweredCall): Outcome {
  const { payment, read, rejection, sellerSays, delivered } = call;
  const response =
    call.response === null || read.status !== 402 ? call.response : withoutChallenge(call.response);
  return { ...outcomeOf(), ...(sellerSays === null ? {} : { seller_says: sellerSays }) };

  function outcomeOf(): Outcome {
    if (payment.state === 'captured') return capturedOutcome({ ...call, response });
    const came = read.status >= 200 && read.status < 300 && read.failure === null;
    if (came) return deliveredOutcome(payment, read.status, response, delivered);
    if (payment.state === 'released') return expiredOutcome(payment, response);
    return errorAnswerOutcome(call) ?? openOutcome(payment, response, rejection);
  }
}

/** A further 402 is told by what the seller says in it; the offers are for the wallet to read. */
function withoutChallenge(response: ResponseView): ResponseView {
  const { body, ...rest } = response;
  return typeof body === 'object' && body !== null && 'accepts' in body ? rest : response;
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
      : // The corrected call comes next, and not a look at this payment.
        { next: null, retry: 'with_changes', retry_after_s: null }),
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

/** The outcome of a payment that was sent and not answered, once the chain was asked. */
export function silentOutcome(payment: Payment): Outcome {
  if (payment.state === 'captured') return lostOutcome(payment);
  return payment.state === 'released' ? expiredOutcome(payment) : openOutcome(payment);
}

/** What an outcome says of a payment, whatever else went wrong. */
export function moneyParts(payment: Payment): Partial<Outcome> {
  const shown = { payment: viewPayment(payment), money: moneyOf(payment), ...spent(payment) };
  return payment.state === 'captured'
    ? { ...shown, retry: 'never' }
    : { ...shown, ...lookAgain(payment, 'after_delay') };
}

/** The outcome, with one sentence on each better offer that was passed over, and why. */
export function withPassedOver(made: Outcome, passedOver: readonly PassedOver[]): Outcome {
  if (passedOver.length === 0) return made;
  const reasons = passedOver.map(({ offer, reason }) => `${offer.network.label}: ${reason.message}`);
  return {
    ...made,
    message: `${made.message} An offer that came before was passed over. ${reasons.join(' ')}`,
    passed_over: passedOver.map(({ offer, reason }) => ({ network: offer.network.caip2, code: reason.code })),
  };
}
