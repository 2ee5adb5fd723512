import type { Payment } from '../../ledger/attempts/payment.js';
import { NetFailure } from '../../net/failure.js';
import type { HttpAnswer } from '../../net/send.js';
import { TOO_LITTLE } from '../../protocols/x402/rejection.js';
import { viewAnswer, type ReadAnswer } from '../answer/answerBody.js';
import { keepAnswer } from '../answer/answerFiles.js';
import type { Job } from '../answer/delivery.js';
import { resultOutcome } from '../answer/jobOutcome.js';
import { openOutcome, type SellerRejection } from '../answer/openOutcome.js';
import type { Outcome } from '../answer/outcome.js';
import { answeredOutcome, moneyParts, silentOutcome } from '../answer/paymentOutcome.js';
import { failureOutcome } from '../answer/refusal.js';
import { replay } from '../answer/replay.js';
import { awaitJob } from '../call/awaitJob.js';
import { aheadTold, besideOf, besideTold, challengeIn, forgetAsked } from '../call/ahead.js';
import { boughtBefore, wasTurnedAwayAhead } from '../call/duplicate.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';
import { select } from '../call/price.js';
import { traced } from '../call/trace.js';
import type { Challenge } from '../call/probe.js';
import { assertClock } from '../clock/clockCheck.js';
import { noteServed } from '../entitlement/deposit.js';
import { withBought } from '../entitlement/entitlement.js';
import { endJobOf } from '../entitlement/job.js';
import { underLease } from '../leaseKeeper.js';
import { freeBeside } from '../settle/addressFunds.js';
import { mayHaveLeft, recordSilence, settleClaim, type SettledClaim } from '../settle/claim.js';
import { commitToSend, faultAfterSending } from './commitToSend.js';
import { correctedAnswer } from './correctEcho.js';
import { commitCompanion, withCompanion, type Companion } from './companion.js';
import { fetchAgain, withWayBack } from '../answer/fetchAgain.js';
import { holdPurchase, signHold, type Purchase } from './hold.js';
import { prepay, unheardOutcome } from './prepay.js';
import { readPaidAnswer } from './readPaidAnswer.js';
import { send } from './send.js';

/** Takes a hold to its end. Nobody else settles it meanwhile. */
export async function payHeld(
  call: PaidCall,
  { target, required }: Challenge,
  purchase: Purchase & { readonly companion: Companion | null; readonly isAhead: boolean },
  held: Payment,
): Promise<Outcome> {
  const { engine } = call;
  const { companion, isAhead } = purchase;
  const pays = (): Promise<Outcome> =>
    underLease(engine, held.id, async () => {
      // A duplicate may have been paid and answered between steps 1 and 5; from here on none can be.
      const bought = await boughtBefore(call);
      if (bought !== null) {
        await engine.ledger.release(held.id, 'never_signed', engine.now());
        return replay(call, bought);
      }

      // 6. Sign: the one transfer that was prepared, and nothing that a server made up.
      const signed = await traced(call.context, 'sign', () => signHold(call, purchase, held));
      const payload = isAhead ? { ...signed, ahead: true as const } : signed;
      const stopped = companion === null ? null : await commitCompanion(call, companion, { payload, target });
      if (stopped !== null) {
        await engine.ledger.release(held.id, 'never_signed', engine.now());
        return stopped;
      }
      const told = await deliver(call, {
        ...{ payment: held, payload, target, description: required.description ?? null },
        ...(isAhead ? { isAhead } : {}),
      });
      await noteServed(engine, held);
      return told;
    });
  return withCompanion(call, companion, held.id, pays);
}

/**
 * Sends a signed payment once, reads the answer, and settles what it claims. The payment comes in as `held`, with the
 * payload that was just signed for it, or as `signed` or `unknown`, to be presented again. It leaves as `captured` or
 * `unknown`; only another call sends it again. Throws `payment_unresolved` where another process came first.
 */
export async function deliver(begun: PaidCall, given: SignedRequest): Promise<Outcome> {
  let signed = given;
  const { engine } = begun;

  // 7. Send: `sent` is durable, under the config as it stands at that instant, before a byte leaves.
  const sending =
    signed.moneyMoved === true
      ? { config: begun.config }
      : await traced(begun.context, 'commit', () => commitToSend(begun, given));
  if ('status' in sending) return sending;
  const deadline = begun.deadline.pastSending(begun.context);
  const call = { ...begun, deadline };
  // A seller may take minutes, and all that time an older copy of the ledger would not know of this payment (T29).
  engine.renewCheckpoint();
  try {
    // Where the money moves first, it moves now: what the seller is shown is the proof of it.
    const moved = signed.moneyMoved === true ? signed : await prepay(call, signed, sending.config);
    if ('status' in moved) return moved;
    signed = moved;
    const { config } = sending;
    const first = await traced(call.context, 'send', () => send(call, moved, config));
    const answer =
      first instanceof NetFailure || signed.moneyMoved === true
        ? first
        : await correctedAnswer(call, signed, first, config);
    if (answer instanceof NetFailure) {
      if (signed.moneyMoved === true) return unheardOutcome(signed.payment, answer);
      const unknown = await recordSilence(engine, signed.payment, answer);
      if (!answer.bytesLeft && !mayHaveLeft(signed.payment)) return openOutcome(unknown);
      const { attempt } = await settle(signed.payment, unknown, false);
      return lostOr(call, signed, attempt, silentOutcome(attempt));
    }

    // 8. Read the answer: what its head claims of the payment is written down, and what was bought is kept.
    const came = await traced(call.context, 'read', () => readPaidAnswer(call, moved, answer));
    const { claimed, read, delivered, bought, rejection, sellerSays, fault } = came;

    // 9. Settle: where a claim leaves doubt, the chain is asked at once; else behind the calls.
    const { attempt: payment, stillValid } = await settle(signed.payment, claimed, rejection !== null);
    if (read === null) return failureOutcome(fault, moneyParts(payment));
    const response = await viewAnswer(engine.home, read);
    const answered = withBought(
      answeredOutcome({
        ...{ payment, stillValid, read, response, sellerSays, delivered },
        rejection: rejection === null ? null : await rejectionOf(payment, rejection),
      }),
      bought,
    );
    if (read.failure !== null) return await lostOr(call, signed, payment, answered);
    if (signed.isAhead === true && wasTurnedAwayAhead(payment))
      return await payAsAsked(call, payment, { ...answer, body: read.body }, answered);
    return delivered.job === null || call.context.carrier !== undefined
      ? answered
      : await withResult(call, signed, delivered.job, answered);
  } catch (error) {
    throw await faultAfterSending(engine, signed.payment, error);
  }

  async function rejectionOf(payment: Payment, why: string): Promise<SellerRejection> {
    return { why, has: why === TOO_LITTLE ? await freeBeside(engine, begun.config, payment) : null };
  }

  function settle(sent: Payment, claimed: Payment, isRejected: boolean): Promise<SettledClaim> {
    return traced(begun.context, 'settle', () =>
      settleClaim(engine, sent, claimed, { isRejected, withinMs: deadline.remainingMs() }),
    );
  }
}

/**
 * What a call comes to whose payment went ahead of its price and was turned away: one more payment, by the price that the
 * seller asks now, where both together fit and nobody has to be asked; else the outcome of the first (T37).
 */
async function payAsAsked(
  begun: PaidCall,
  first: Payment,
  answer: Pick<HttpAnswer, 'status' | 'headers'> & Pick<ReadAnswer, 'body'>,
  told: Outcome,
): Promise<Outcome> {
  const { engine } = begun;
  await forgetAsked(engine, begun.request);
  const call = await besideOf(begun, first);
  const challenge = challengeIn(call, answer);
  if (challenge === null || call.deadline.isTooLateToSend()) return aheadTold(told, first, null);
  await assertClock(engine, call.config);
  const { selection, intent, limits } = await select(call, challenge, true);
  const { offer } = selection;
  if (selection.decision !== 'pay' || intent === null) return aheadTold(told, first, offer);
  const bought = { offer: selection.offer, intent, limits };
  const hold = await traced(call.context, 'hold', () => holdPurchase(call, challenge, bought));
  if (hold.kind !== 'held') return aheadTold(told, first, offer);
  call.context.trace?.payment(hold.payment, true);
  const purchase = { ...bought, companion: hold.companion, isAhead: false };
  return besideTold(call, await payHeld(call, challenge, purchase, hold.payment));
}

/** What a captured payment did not bring, fetched again where that can be; else the outcome with the way back. */
async function lostOr(
  call: PaidCall,
  signed: SignedRequest,
  payment: Payment,
  told: Outcome,
): Promise<Outcome> {
  if (payment.state !== 'captured' || call.context.carrier !== undefined) return told;
  return (await fetchAgain(call, payment)) ?? withWayBack(call, payment, told, signed.description);
}

/** The outcome of a paid call that brought a job, with its result where that came within the caller's wait. */
async function withResult(
  { engine, config, context, request, input }: PaidCall,
  { payment, target }: SignedRequest,
  job: Job,
  answered: Outcome,
): Promise<Outcome> {
  const waitSec = input.wait_s ?? 0;
  if (answered.status !== 'ok' || waitSec === 0) return answered;
  const { headers } = request;
  const result = await awaitJob({ engine, config, context, headers, target: target.url }, job, waitSec);
  if (result === null) return answered;
  await endJobOf(engine, payment);
  await keepAnswer(engine, payment, result.read, result.delivered.verdict);
  return resultOutcome(answered, result, await viewAnswer(engine.home, result.read));
}
