import { setTimeout as delay } from 'node:timers/promises';
import { WalletError } from '../errors/walletError.js';
import type { Session } from '../ledger/books/session.js';
import { parseUsd } from '../money/decimal.js';
import { openOutcome } from './answer/openOutcome.js';
import type { Outcome } from './answer/outcome.js';
import { withPassedOver } from './answer/paymentOutcome.js';
import { askOwner, awaitOwner } from './approval/approval.js';
import { problemError, promptFallsShortOutcome } from './approval/approvalOutcome.js';
import { besideOf, besideTold, challengeAhead } from './call/ahead.js';
import { beginCall } from './call/beginCall.js';
import type { CallDeadline, CallContext } from './call/callDeadline.js';
import { findDuplicate, lookAtOther, duplicateOf, presentedAgain, type Duplicate } from './call/duplicate.js';
import { barredOutcome, holdPurchase } from './purchase/hold.js';
import type { PaidCall } from './call/paidCall.js';
import { askPrice, refuse, select, servedAt } from './call/price.js';
import { traced } from './call/trace.js';
import { assertClock } from './clock/clockCheck.js';
import { underLease } from './leaseKeeper.js';
import type { Engine } from './engine.js';
import { serveFromBought } from './entitlement/serving.js';
import type { PayInput } from './input.js';
import { OVERCHARGE_STEP, overchargeOf } from './lightningStop.js';
import { deliver, payHeld } from './purchase/deliver.js';
import { topUp } from './purchase/topUp.js';

/** A selection, a look at the totals, a question, and some changes of the config: more is not one call any more. */
const ROUNDS_MAX = 6;
/** Calls that drew on the same deposit before this one, or one that was being made: more is no queue any more. */
const DRAWS_MAX = 200;
const DRAW_AGAIN_MS = 10;

/**
 * Calls a URL and pays where it asks: at most once, within the quote or `max_usd`, within every limit of the owner's.
 *
 * A payment goes down these nine steps. Steps 3 to 5 are gone through again where the world changed meanwhile; from step
 * 6 on there is no way back.
 */
export async function pay(
  engine: Engine,
  session: Pick<Session, 'id'>,
  input: PayInput,
  context: CallContext,
): Promise<Outcome> {
  return withOvercharge(await payOnce(engine, session, input, context));
}

/** Says where the owner's own wallet took more than was held, whichever way the call ended (T40). */
function withOvercharge(told: Outcome): Outcome {
  const { payment } = told;
  const says =
    payment === null || payment.captured_usd === null
      ? null
      : overchargeOf({
          capturedUsdMicros: parseUsd(payment.captured_usd, 'a capture'),
          heldUsdMicros: parseUsd(payment.held_usd, 'a hold'),
        });
  return says === null ? told : { ...told, message: `${told.message} ${says}`, tell_owner: OVERCHARGE_STEP };
}

async function payOnce(
  engine: Engine,
  session: Pick<Session, 'id'>,
  input: PayInput,
  context: CallContext,
): Promise<Outcome> {
  const begun = await beginCall(engine, session, input, context);
  if ('status' in begun) return begun;
  let call: PaidCall = begun;
  const { context: tracing } = call;

  // 1. Duplicate: the same request that was paid before, or is being paid, is this call's answer.
  const first = await findDuplicate(call);
  if (first?.kind === 'beside') call = await besideOf(call, first.payment);
  else if (first !== null) {
    const told = await answerDuplicate(call, first);
    if (told !== null) return told;
  }
  if (call.approval !== null) {
    const waited = call.approval;
    const approval = await traced(tracing, 'ask', () => awaitOwner(call, waited));
    if ('status' in approval) return approval;
    call = { ...call, approval };
  }

  // 2. Probe: the live 402 alone says what the call costs, unless that is known to be fixed: then the payment goes ahead.
  // What was bought before is used first, which costs nothing.
  const owned = call.context.carrier === undefined ? await serveFromBought(call) : null;
  if (owned !== null && 'status' in owned) return owned;
  const kept = call.challenge ?? owned;
  const served = kept === null ? null : await servedAt(call, kept);
  if (served !== null) return served;
  let ahead = kept === null && call.beside === undefined ? await challengeAhead(call) : null;
  const askAnew = (): ReturnType<typeof askPrice> => traced(tracing, 'probe', () => askPrice(call));
  let asked = kept ?? ahead ?? (await askAnew());

  let looksAtTotals = call.approval !== null;
  let draws = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if ('status' in asked) return asked;
    const challenge = asked;
    if (call.approval?.state === 'consumed') return answerOfConsumed(call);
    await assertClock(engine, call.config);
    // Which session it is goes by ledger time, which may have gone on with the clock's check.
    call = { ...call, session: await engine.ledger.touchSession(engine.agent, engine.now()) };

    // 3. Select: which offer, and whether to pay it, to ask, or to refuse.
    const selected = await traced(tracing, 'select', () => select(call, challenge, looksAtTotals));
    const { selection, intent, limits } = selected;
    if (ahead !== null && selection.decision !== 'pay') {
      // Nobody is refused or asked by a price that was only expected.
      ahead = null;
      asked = await askAnew();
      continue;
    }
    if (selection.decision === 'refuse') return besideTold(call, refuse(call, selection.reason));
    const { offer, ownCapPassed } = selection;
    // What the agent's own client approved never passes a cap of that agent's own, not even one met only now (T34).
    if (call.approval?.answeredHow === 'elicitation' && ownCapPassed !== null)
      return promptFallsShortOutcome(call.approval, ownCapPassed, engine.now());

    // 4. Ask: the owner approves this one offer, or the call ends here. That took a while, so all is selected again.
    if (selection.decision === 'ask') {
      const asking = { ...selected, selection };
      const approval = await traced(tracing, 'ask', () => askOwner(call, challenge, asking));
      if ('status' in approval) return approval;
      call = { ...call, approval };
      looksAtTotals = true;
      continue;
    }
    if (intent === null) throw new WalletError('internal', 'An offer was selected and not prepared.');

    if (call.deadline.isTooLateToSend()) throw tooLate(call.deadline);

    if (offer.paidFrom?.kind === 'made' && offer.paidFrom.topUpAtomic !== undefined) {
      // Its deposit has too little left: more is added, and the price is asked anew, for a challenge of its own.
      const added = await topUp(call, challenge, { offer, limits });
      if (added !== null && 'status' in added) return added;
      if (added?.kind === 'config_changed') call = { ...call, config: await engine.config() };
      if (added?.kind === 'exceeded') looksAtTotals = true;
      asked = await askAnew();
      continue;
    }

    // 5. Hold: the ledger checks every limit and reserves the amount, in one step.
    const purchase = { offer, intent, limits };
    const hold = await traced(tracing, 'hold', () => holdPurchase(call, challenge, purchase));
    if (hold.kind === 'held') {
      tracing.trace?.payment(hold.payment, true);
      const held = { ...purchase, companion: hold.companion, isAhead: ahead !== null };
      const told = await payHeld(call, challenge, held, hold.payment);
      return besideTold(call, withPassedOver(told, selection.passedOver));
    }
    if (hold.kind === 'config_changed') {
      call = { ...call, config: await engine.config() };
    } else if (hold.kind === 'drawn') {
      // Calls side by side draw on one deposit one after the other: each sees what the one before it took.
      if (draws++ < DRAWS_MAX) round--;
      await delay(DRAW_AGAIN_MS);
    } else if (hold.kind === 'exceeded') {
      looksAtTotals = true;
    } else if (hold.kind === 'duplicate') {
      const first = await answerDuplicate(call, await duplicateOf(call, hold.payment));
      if (first !== null) return first;
    } else if (hold.kind === 'approval' && hold.problem === 'consumed') {
      return answerOfConsumed(call);
    } else {
      return barredOutcome(call, hold, offer);
    }
  }
  throw new WalletError(
    'config_stale',
    'Settings, limits or offers keep changing under this call; nothing was signed.',
  );
}

/** Thrown before anything is signed: a payment whose answer comes too late for the caller is the worst of all ends. */
function tooLate(deadline: CallDeadline): WalletError {
  return new WalletError(
    'timed_out',
    `Only ${deadline.remainingMs()} ms of timeout_ms are left, too little to pay and hear the answer; nothing was signed. Make the call again with a longer timeout_ms.`,
    { retry: 'with_changes' },
  );
}

/** The outcome of a call whose request was paid before, or is being paid; null where nothing stands in its way. */
async function answerDuplicate(call: PaidCall, first: Duplicate | null): Promise<Outcome | null> {
  let duplicate = first;
  while (duplicate?.kind === 'present_again') {
    const { signed } = duplicate;
    try {
      return presentedAgain(
        call,
        await underLease(call.engine, signed.payment.id, () => deliver(call, signed)),
      );
    } catch (error) {
      duplicate = await lookAtOther(call, signed.payment, error);
    }
  }
  if (duplicate?.kind === 'beside') return openOutcome(duplicate.payment);
  return duplicate === null ? null : duplicate.outcome;
}

/** The approval paid for a duplicate of this call: what that came to is this call's answer. */
async function answerOfConsumed(call: PaidCall): Promise<Outcome> {
  const first = await answerDuplicate(call, await findDuplicate(call));
  if (first !== null) return first;
  throw problemError('consumed');
}
