import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { NetFailure } from '../../net/failure.js';
import { readAnswer, viewAnswer } from './answerBody.js';
import { keepAnswer } from './answerFiles.js';
import { judgeDelivery } from './delivery.js';
import type { Outcome } from './outcome.js';
import { answeredOutcome } from './paymentOutcome.js';
import { listedAbout, promisedOutputs } from '../discover/catalogAdvice.js';
import { remember, withBought } from '../entitlement/entitlement.js';
import { readIssued } from '../entitlement/issued.js';
import { withoutIssuedToken } from '../entitlement/issuedListener.js';
import { quoteArguments } from '../call/beginCall.js';
import { isStopped, judgePlace } from '../call/ownerRules.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';
import { headersOf, sendSigned } from '../call/sendSigned.js';

/**
 * Fetches what a captured payment bought and did not bring: with a payment-identifier the seller does its work once and
 * gives the same answer again. The bytes that were sent before go once more; the chain takes them once (T12, T14). The
 * outcome where the answer came; null where it did not, or where the seller takes no identifier.
 */
export async function fetchAgain(call: PaidCall, payment: Payment): Promise<Outcome | null> {
  const { engine, deadline, context } = call;
  if (context.carrier !== undefined) return null;
  const payload = payloadOf(payment);
  const isSame = payment.requestHash === call.request.hash && payment.agent === engine.agent;
  if (payload?.identified !== true || payment.state !== 'captured' || !isSame) return null;
  const config = await engine.config();
  const target = { url: new URL(payment.url), method: payment.method };
  const isBarred = judgePlace(config, target.url).verdict !== 'allow' || (await isStopped(engine, payment));
  if (isBarred || deadline.isTooLateToSend()) return null;
  context.progress?.('Paid, and no answer came; asking the seller for it again.');
  try {
    const answer = await sendSigned(call, target, headersOf(payload), config);
    if (answer.status < 200 || answer.status >= 300) {
      answer.discard();
      return null;
    }
    const came = await readAnswer(engine, answer, withoutIssuedToken(context));
    if (came.failure !== null) return null;
    const { read, bought } = readIssued({ target, paymentId: payment.id, nowMs: engine.now() }, came);
    const entitlement = bought === null ? null : await remember(engine, bought);
    const delivered = judgeDelivery(read, target.url, { promised: () => promisedOutputs(engine, target) });
    await keepAnswer(engine, payment, read, delivered.verdict);
    const response = await viewAnswer(engine.home, read);
    const answered = answeredOutcome({
      ...{ payment, read, response, delivered, stillValid: false },
      ...{ rejection: null, sellerSays: null },
    });
    const told = withBought(answered, entitlement);
    const message = `${told.message} The answer was fetched again by the payment's identifier; nothing new was signed.`;
    return { ...told, message, fetched_again: true };
  } catch (error) {
    if (error instanceof NetFailure) return null;
    throw error;
  }
}

/** What may still be done about an answer that was paid for and did not come: the way back, and the seller's own words. */
export function withWayBack(
  { engine, input, request, terms }: PaidCall,
  payment: Payment,
  lost: Outcome,
  description?: SignedRequest['description'],
): Outcome {
  const target = { url: new URL(payment.url), method: payment.method };
  const about = description ?? listedAbout(engine, target);
  const again = {
    ...quoteArguments(input, request.target.url.href),
    ...(terms.idempotency_key === undefined ? {} : { idempotency_key: terms.idempotency_key }),
    max_usd: lost.payment?.usd,
  };
  const isFetchable = payloadOf(payment)?.identified === true;
  return {
    ...lost,
    ...(isFetchable ? { retry: 'same_call' as const } : {}),
    message: isFetchable
      ? `${lost.message} The call in next asks for the answer again by the payment's identifier: nothing is paid twice.`
      : `${lost.message} The seller may have a way to give the answer again: see what it says, and the call in next.`,
    next: isFetchable
      ? { tool: 'wallet_pay', arguments: again }
      : { tool: 'wallet_discover', arguments: { origin: target.url.origin } },
    ...(about === null ? {} : { seller_description: about }),
  };
}

function payloadOf({ payload }: Payment): SignedPayload | null {
  return payload === null ? null : (JSON.parse(payload) as SignedPayload);
}
