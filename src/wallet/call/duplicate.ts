import type { Answer } from '../../ledger/answer.js';
import type { SignedPayload } from '../../ledger/transition.js';
import { existsSync } from 'node:fs';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { capturedWallMs, isLive, openedWallMs, toWallMs, type Payment } from '../../ledger/payment.js';
import { formatUsd } from '../../money/decimal.js';
import { storedPath, viewAnswer } from '../answer/answerBody.js';
import type { CallBound, CallContext } from './callBound.js';
import { deliver } from './send.js';
import { drive, driverOf, isDriven, ownerLivesElsewhere } from '../driver.js';
import type { Engine } from '../engine.js';
import { TIMEOUT_MAX_MS, type PayInput } from '../input.js';
import { moneyOf, outcome, viewPayment, type Outcome, type OutcomeParts } from '../answer/outcome.js';
import { lostOutcome, openOutcome, unknownOutcome } from '../answer/paymentOutcome.js';
import { reconcilePayment } from '../settle/reconcile.js';
import type { CallRequest } from './request.js';

/** After a capture, the same request gets the stored answer for so long (docs/design.md, "The same request"). */
const REPLAY_MS = 60_000;
/**
 * What was paid and brought nothing is not bought again unasked for so long: it may have been found out behind the
 * calls, and then nobody has been told.
 */
const UNDELIVERED_MS = 24 * 3_600_000;
/** How often it is looked whether the process that drives a payment has died or stored its answer. */
const LOOK_MS = 500;

/** What the agent asked for and how long it waits. */
export interface Asked {
  readonly request: CallRequest;
  readonly input: Pick<PayInput, 'idempotency_key' | 'repeat'>;
  readonly bound: CallBound;
  readonly context: CallContext;
}

/**
 * Answers from what was paid before: by idempotency key, by an open payment of the same request, or by one captured
 * a moment ago. Null: nothing stands in the way of a new payment.
 *
 * Throws `idempotency_key_reused`.
 */
export async function answerFromEarlier(engine: Engine, asked: Asked): Promise<Outcome | null> {
  const { request, input } = asked;
  const keyed =
    input.idempotency_key === undefined
      ? null
      : await engine.ledger.findByKey(engine.agent, input.idempotency_key);
  const { hash, hashBeforeSchema3 } = request;
  if (keyed !== null && keyed.requestHash !== hash && keyed.requestHash !== hashBeforeSchema3)
    throw keyReused(keyed);
  const open =
    keyed === null
      ? await engine.ledger.findLive(hash, hashBeforeSchema3)
      : isLive(keyed.state)
        ? keyed
        : null;
  if (open !== null) return answerFromOpen(engine, asked, open);
  const bought = keyed ?? (await boughtBefore(engine, asked));
  return bought === null ? null : replay(engine, asked, bought);
}

/** The error of a call under the key of a payment of another request; it shows nothing of that one's answer. */
export function keyReused({ id }: Payment): WalletError {
  return new WalletError(
    'idempotency_key_reused',
    `This idempotency_key belongs to payment ${id} of another request: the URL, method, body or a header differs (credentials count). Nothing was paid for this call; pass a new key for a new request.`,
  );
}

/** The captured payment that still answers this request; null where it is to be bought, or bought again. */
export async function boughtBefore(engine: Engine, { request, input }: Asked): Promise<Payment | null> {
  if (input.repeat === true || input.idempotency_key !== undefined) return null;
  const nowMs = engine.now();
  const { hash, hashBeforeSchema3 } = request;
  const last = await engine.ledger.findCaptured(hash, nowMs - UNDELIVERED_MS, hashBeforeSchema3);
  if (last === null || justPaidMs(last) >= nowMs - REPLAY_MS) return last;
  const stored = await engine.ledger.findAnswer(engine.agent, { paymentId: last.id });
  const brought = stored !== null && (last.note === null || isDelivered(stored));
  return brought ? null : last;
}

/** When it was paid: within its authorization's life, however the clock jumped between signing and answer (T30). */
function justPaidMs(payment: Payment): number {
  const signedMs = openedWallMs(payment);
  return Math.max(signedMs, Math.min(capturedWallMs(payment) ?? signedMs, payment.validBeforeSec * 1000));
}

function isDelivered({ status, truncated }: Answer): boolean {
  return status >= 200 && status < 300 && !truncated;
}

/** Answers from a payment that is not captured yet: waits for whoever drives it, then lets the chain judge. */
export async function answerFromOpen(engine: Engine, asked: Asked, open: Payment): Promise<Outcome | null> {
  const { bound } = asked;
  const isTwin = isDriven(open);
  let payment = isTwin ? await waitForDriver(engine, asked, open) : open;
  if (isDriven(payment)) return busyOutcome(payment);
  // A twin shares what the first call came to; to send again is for a call that was made after it (T12). Where the
  // first one's process died, it came to nothing.
  const isShared = isTwin && payment.state === 'unknown';
  const fate = await reconcilePayment(engine, payment, AbortSignal.timeout(bound.remainingMs()));
  payment = fate.payment;
  if (payment.state === 'released') return null;
  if (payment.state === 'captured') return replay(engine, asked, payment);
  if (isShared) return openOutcome(payment);
  if (fate.stillValid) {
    return isDriven(payment) ? answerFromOpen(engine, asked, payment) : presentAgain(engine, asked, payment);
  }
  const retryAtMs = fate.retryAtMs ?? payment.validBeforeSec * 1000;
  const after = Math.max(1, Math.ceil((retryAtMs - engine.now()) / 1000));
  return {
    ...unknownOutcome(payment),
    code: 'payment_unresolved',
    retry_after_s: after,
    message: unresolved(payment, fate.says),
    tell_owner: fate.owner,
  };
}

/** Waits until nobody drives a payment any more, or the caller's time is over; gives it as it then stands. */
async function waitForDriver(engine: Engine, { bound, context }: Asked, open: Payment): Promise<Payment> {
  context.progress?.('The same call is being paid already; waiting for its answer.');
  const over = AbortSignal.any([bound.signal, AbortSignal.timeout(bound.sellerMs())]);
  let payment = open;
  while (isDriven(payment) && !over.aborted) {
    const here = driverOf(payment.id);
    if (here === undefined) {
      // In slices: a process that dies meanwhile changes nothing in the ledger.
      const look = AbortSignal.any([over, AbortSignal.timeout(LOOK_MS)]);
      payment = await engine.ledger.waitForEnd(payment.id, look);
    } else {
      await Promise.race([here, aborted(over)]);
      payment = (await engine.ledger.findPayment(payment.id)) ?? payment;
    }
  }
  return payment;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function unresolved(payment: Payment, says: string): string {
  return `An earlier payment of $${formatUsd(payment.heldUsdMicros)} for this same request is still open, so nothing new was signed. ${says}`;
}

function busyOutcome(payment: Payment): Outcome {
  return {
    ...unknownOutcome(payment),
    code: 'payment_unresolved',
    money: moneyOf(payment),
    message: `The same request is being paid by another call and has not ended yet; nothing new was signed.`,
    retry_after_s: 5,
  };
}

/**
 * The same bytes again: the chain shows them unused and they are still valid, so this costs nothing twice. The
 * seller's work may run twice, which a non-GET is warned of.
 */
async function presentAgain(engine: Engine, asked: Asked, payment: Payment): Promise<Outcome | null> {
  const { request, bound, context } = asked;
  if (payment.payload === null)
    throw new WalletError('internal', 'A signed payment has no payload.', { money: 'held' });
  const payload = JSON.parse(payment.payload) as SignedPayload;
  const target = { url: new URL(payment.url), method: payment.method };
  let result: Outcome;
  try {
    result = await drive(payment.id, () =>
      deliver(engine, { payment, payload, request, target, bound, context }),
    );
  } catch (error) {
    if (!isWalletError(error) || error.code !== 'payment_unresolved') throw error;
    return answerFromOther(engine, asked, payment.id);
  }
  const warning =
    request.method === 'GET' || request.method === 'HEAD'
      ? ''
      : ' The request was sent twice; its work may have run twice.';
  return {
    ...result,
    presented_again: true,
    message: `${result.message} The payment signed before was presented again, nothing new was signed.${warning}`,
  };
}

/** Another process sent the payment first: what that comes to is this call's answer. */
async function answerFromOther(engine: Engine, asked: Asked, id: string): Promise<Outcome | null> {
  const payment = await engine.ledger.findPayment(id);
  if (payment === null || payment.state === 'released') return null;
  if (payment.state === 'captured') return replay(engine, asked, payment);
  return isDriven(payment) ? answerFromOpen(engine, asked, payment) : openOutcome(payment);
}

/** The stored answer of a payment that was captured: nothing is sent, nothing is paid. */
export async function replay(engine: Engine, asked: Asked, payment: Payment): Promise<Outcome> {
  const stored = await waitForAnswer(engine, asked, payment);
  const how = 'To buy it again, pass repeat: true or a new idempotency_key.';
  if (stored === null) {
    if (isBeingAnswered(engine, payment)) return busyOutcome(payment);
    const lost = lostOutcome(payment);
    return {
      ...lost,
      message: `${lost.message} ${how}`,
      spent_usd: formatUsd(0n),
      replayed: true,
    };
  }
  if (payment.requestHash !== asked.request.hash) return outcome(unshared(payment, stored, how));
  if (isGone(engine, stored)) return outcome(cleared(payment, stored, how));
  const response = await viewAnswer(engine.home, stored);
  const prefix = payment.method === 'GET' || payment.method === 'HEAD' ? 'Not paid again' : 'NOT sent again';
  const delivered = isDelivered(stored);
  const price = formatUsd(payment.capturedUsdMicros ?? 0n);
  return outcome({
    status: delivered ? 'ok' : 'failed',
    code: delivered ? 'paid' : 'paid_error_answer',
    message: delivered
      ? `${prefix}: this is the stored answer of ${payment.id}, paid $${price} before. ${how}`
      : `${prefix}: ${payment.id} paid $${price} for this before, and the endpoint answered with HTTP ${stored.status}, which is in response. The money is spent. ${how}`,
    money: 'captured',
    payment: viewPayment(payment),
    response,
    replayed: true,
  });
}

/** Whether the file of a stored answer was removed to make room. */
function isGone({ home }: Engine, { storedId }: Answer): boolean {
  return storedId !== null && !existsSync(storedPath(home, storedId));
}

/** A replay whose answer is no longer kept: it names no file that is not there. */
function cleared(payment: Payment, stored: Answer, how: string): OutcomeParts {
  const delivered = isDelivered(stored);
  return {
    status: delivered ? 'ok' : 'failed',
    code: delivered ? 'paid' : 'paid_error_answer',
    message: `Not paid again: ${payment.id} bought this call for $${formatUsd(payment.capturedUsdMicros ?? 0n)} before, and its answer (HTTP ${stored.status}, ${stored.bytes} bytes) is gone: it was removed to make room for newer ones. ${how}`,
    money: 'captured',
    payment: viewPayment(payment),
    replayed: true,
  };
}

/** A payment of before schema 3 does not say with which credentials it was made: its answer is named and not shown. */
function unshared(payment: Payment, stored: Answer, how: string): OutcomeParts {
  const delivered = isDelivered(stored);
  return {
    status: delivered ? 'ok' : 'failed',
    code: delivered ? 'paid' : 'paid_error_answer',
    message: `Not paid again: ${payment.id} bought this call for $${formatUsd(payment.capturedUsdMicros ?? 0n)} before Purser was updated. It is not known with which credentials, so its answer (HTTP ${stored.status}) is not shown here; wallet_response reads it. ${how}`,
    money: 'captured',
    payment: viewPayment(payment),
    next: { tool: 'wallet_response', arguments: { id: payment.id } },
    replayed: true,
  };
}

/** The stored answer of a captured payment; a receipt comes before its body, so the body may still be on its way. */
async function waitForAnswer(engine: Engine, { bound }: Asked, { id }: Payment): Promise<Answer | null> {
  const over = AbortSignal.any([bound.signal, AbortSignal.timeout(bound.sellerMs())]);
  for (;;) {
    const stored = await engine.ledger.findAnswer(engine.agent, { paymentId: id });
    const payment = await engine.ledger.findPayment(id);
    if (stored !== null || over.aborted || payment === null || !isBeingAnswered(engine, payment))
      return stored;
    await Promise.race([driverOf(id) ?? aborted(AbortSignal.timeout(LOOK_MS)), aborted(over)]);
  }
}

/** Whether the call that bought a captured payment may still be reading its answer; one with a note had ended. */
function isBeingAnswered(engine: Engine, payment: Payment): boolean {
  if (driverOf(payment.id) !== undefined) return true;
  if (payment.note !== null) return false;
  return ownerLivesElsewhere(payment) && engine.now() - toWallMs(payment, payment.changedMs) < TIMEOUT_MAX_MS;
}
