import type { Config } from '../../config/settings.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { assertInvariant } from '../../errors/walletError.js';
import { shareOfHold } from '../../money/bitcoin.js';
import { formatUsd } from '../../money/decimal.js';
import type { NetFailure } from '../../net/failure.js';
import type { Prepaid } from '../../rails/rail.js';
import { moneyOf, outcome, viewPayment, type Outcome } from '../answer/outcome.js';
import type { Engine } from '../engine.js';
import { rememberToken } from '../entitlement/boughtToken.js';
import { stillLeased } from '../leaseKeeper.js';
import { mayHaveLeft } from '../settle/claim.js';
import { OVERCHARGE_STEP, overchargeSays, stopOvercharger } from '../lightningStop.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';

/** Of the caller's time so much is left for the seller's answer once the money has moved: a third of it. */
const SELLER_SHARE = 3;
/** When to ask again about what is under way. */
const LOOK_AGAIN_SEC = 15;

/**
 * Moves the money of a payment whose rail does that before the seller is asked again, and gives the request with the proof of
 * it. The payment is durably `sent`; for every other rail the request is given back as it is. The outcome where nothing was
 * paid, or nobody knows yet.
 */
export async function prepay(
  call: PaidCall,
  signed: SignedRequest,
  config: Config,
): Promise<SignedRequest | Outcome> {
  const { engine, deadline, context } = call;
  const { payment, payload } = signed;
  const rail = engine.rails.ofPayment(payment)?.prepaid;
  if (rail === undefined) return signed;
  // What a wallet may have been asked for is never presented again: below, a refusal means that nothing is under way.
  assertInvariant(!mayHaveLeft(payment), 'a wallet is asked once for a payment');
  const stopped = engine.keys.lightning.stoppedBy(payment.payFrom);
  if (stopped !== null) {
    // Another payment of the same instant showed what this wallet does: nothing of this one has left.
    const { attempt } = await engine.ledger.release(payment.id, 'not_paid', engine.now());
    return stoppedOutcome(attempt, stopped);
  }
  context.progress?.('The Lightning wallet is asked to pay.');
  const leftMs = deadline.sellerMs();
  const waitMs = leftMs - Math.floor(leftMs / SELLER_SHARE);
  const signal = AbortSignal.any([deadline.signal, AbortSignal.timeout(Math.max(1, waitMs))]);
  const ports = await engine.railPorts(config);
  // Whoever took it over meanwhile may have proved by now that nothing was asked for, and let the amount go.
  const isOurs = await engine.ledger.renewLease(payment.id, engine.now());
  if (!isOurs || !stillLeased(payment.id)) {
    const { attempt } = await engine.ledger.markUnknown(payment.id, 'not_sent', engine.now());
    return takenOverOutcome(attempt);
  }
  const moved = await rail.pay(ports, payment, payload, signal);
  return afterMove(engine, signed, moved);
}

async function afterMove(
  engine: Engine,
  signed: SignedRequest,
  moved: Prepaid,
): Promise<SignedRequest | Outcome> {
  const { payment } = signed;
  if (moved.kind === 'paid') {
    const captured = await recordPaid(engine, payment, moved);
    await rememberToken(engine, signed, moved);
    return { ...signed, payment: captured, payload: moved.credential, moneyMoved: true };
  }
  if (moved.kind === 'failed') {
    const { attempt } = await engine.ledger.release(payment.id, 'not_paid', engine.now());
    return failedOutcome(attempt, moved);
  }
  const note = moved.isRefused === true ? 'wallet_refused' : 'in_flight';
  const { attempt } = await engine.ledger.markUnknown(payment.id, note, engine.now());
  return underWayOutcome(attempt, moved.reason);
}

/** Writes down what the proof shows: the owner's own wallet paid it, for good. */
async function recordPaid(
  engine: Engine,
  payment: Payment,
  { capturedAtomic, tx }: Extract<Prepaid, { kind: 'paid' }>,
): Promise<Payment> {
  const { heldAtomic, heldUsdMicros } = payment;
  const facts = {
    capturedAtomic,
    capturedUsdMicros: shareOfHold({ atomic: heldAtomic, usdMicros: heldUsdMicros }, capturedAtomic),
    ...{ tx, receipt: null, confirmed: true, chainMs: null, mayExceedHold: true as const },
  };
  await stopOvercharger(engine.keys, payment, capturedAtomic);
  const captured = await engine.ledger.capture(payment.id, facts, engine.now());
  if (captured.kind === 'done') engine.funds.spent(payment);
  return captured.attempt;
}

/** The outcome of a payment that the wallet did not make. */
function failedOutcome(
  payment: Payment,
  { reason, needsOwner }: Extract<Prepaid, { kind: 'failed' }>,
): Outcome {
  return outcome({
    status: 'failed',
    code: 'payment_failed',
    message: `The Lightning wallet did not pay $${formatUsd(payment.heldUsdMicros)}: ${reason}. Nothing was spent.`,
    payment: viewPayment(payment),
    money: moneyOf(payment),
    retry: needsOwner === true ? 'after_owner' : 'same_call',
    ...(needsOwner === true
      ? {
          tell_owner: {
            say: 'Another Lightning node answers than the one that was connected. Find out why; if it is right so, connect it.',
            action: { kind: 'connectLightning' },
          },
        }
      : {}),
  });
}

/** The outcome of a payment that another process took over before the wallet was asked. */
function takenOverOutcome(payment: Payment): Outcome {
  return outcome({
    status: 'unknown',
    code: 'payment_unknown',
    message:
      'This process stood still for so long that another one took the payment over, so it did not ask the Lightning wallet to pay. ' +
      'wallet_ledger tells what became of it; do not buy the same elsewhere.',
    payment: viewPayment(payment),
    money: moneyOf(payment),
    next: { tool: 'wallet_ledger', arguments: { payment_id: payment.id } },
    retry: 'after_delay',
    retry_after_s: LOOK_AGAIN_SEC,
  });
}

/** The outcome of a payment that the wallet is not asked for any more. */
function stoppedOutcome(payment: Payment, by: string): Outcome {
  return outcome({
    status: 'refused',
    code: 'lightning_stopped',
    message: `${overchargeSays(by)} Nothing was paid now.`,
    payment: viewPayment(payment),
    money: moneyOf(payment),
    retry: 'after_owner',
    tell_owner: OVERCHARGE_STEP,
  });
}

/** The outcome of a payment that the wallet was asked for, and has not ended. */
function underWayOutcome(payment: Payment, reason: string): Outcome {
  return outcome({
    status: 'unknown',
    code: 'payment_unknown',
    message:
      `The Lightning wallet was asked to pay $${formatUsd(payment.heldUsdMicros)} and it is not known yet whether it did. ${reason} ` +
      `The amount stays held until that wallet says that it was paid or failed. Nothing new is paid for this request; do not buy the same elsewhere.`,
    payment: viewPayment(payment),
    money: moneyOf(payment),
    next: { tool: 'wallet_ledger', arguments: { payment_id: payment.id } },
    retry: 'after_delay',
    retry_after_s: LOOK_AGAIN_SEC,
  });
}

/** The outcome of a call whose money had moved, and whose seller then could not be heard. */
export function unheardOutcome(payment: Payment, failure: NetFailure): Outcome {
  return outcome({
    status: 'failed',
    code: 'paid_not_delivered',
    message:
      `Paid $${formatUsd(payment.capturedUsdMicros ?? 0n)}, and no answer came: ${failure.shortMessage} ` +
      'Make the same call again: it shows the same proof of payment, and nothing new is paid.',
    payment: viewPayment(payment),
    money: 'captured',
    spent_usd: formatUsd(payment.capturedUsdMicros ?? 0n),
    retry: 'same_call',
  });
}
