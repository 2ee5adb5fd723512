import { existsSync } from 'node:fs';
import { isCleared, type Answer } from '../../ledger/attempts/answer.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import { fetchAgain, withWayBack } from './fetchAgain.js';
import type { PaidCall } from '../call/paidCall.js';
import { endOfWork, isLeasedElsewhere } from '../leaseKeeper.js';
import type { Engine } from '../engine.js';
import { viewAnswer } from './answerBody.js';
import { storedPath } from './answerFiles.js';
import { tellStored } from './answerListener.js';
import { judgeDelivery } from './delivery.js';
import { moneyOf, outcome, viewPayment, type Outcome, type OutcomeParts } from './outcome.js';
import { lostOutcome } from './capturedOutcome.js';
import { askForJob, pendingSentence } from './jobOutcome.js';
import { unknownOutcome } from './openOutcome.js';

/** How often it is looked whether the process that is busy with a payment has died or stored its answer. */
export const WATCH_EVERY_MS = 500;

const HOW_TO_BUY_AGAIN = 'To buy it again, pass repeat: true or a new idempotency_key.';

/** Whether an answer is what was paid for. */
export function isDelivered({ status, truncated }: Answer): boolean {
  return status >= 200 && status < 300 && !truncated;
}

/** The stored answer of a payment that was captured: nothing is sent, nothing is paid. */
export async function replay(call: PaidCall, payment: Payment): Promise<Outcome> {
  const { engine } = call;
  call.context.trace?.payment(payment, false);
  const stored = await waitForAnswer(call, payment);
  if (stored === null && (await isBeingAnswered(engine, payment))) return busyOutcome(payment);
  if (stored === null || stored.truncated) {
    const fetched = await fetchAgain(call, payment);
    if (fetched !== null) return { ...fetched, spent_usd: formatUsd(0n), replayed: true };
  }
  if (stored === null) {
    const lost = withWayBack(call, payment, lostOutcome(payment));
    return {
      ...lost,
      message: `${lost.message} ${HOW_TO_BUY_AGAIN}`,
      spent_usd: formatUsd(0n),
      replayed: true,
    };
  }
  if (payment.requestHash !== call.request.hash) return outcome(unshared(payment, stored));
  if (isGone(engine, stored)) return outcome(cleared(payment, stored));
  const { answer: listener } = call.context;
  if (listener !== undefined) await tellStored(listener, engine.home, stored, payment);
  const response = await viewAnswer(engine.home, stored);
  const { verdict, job } = judgeDelivery(stored, new URL(payment.url));
  const prefix = payment.method === 'GET' || payment.method === 'HEAD' ? 'Not paid again' : 'NOT sent again';
  const price = formatUsd(payment.capturedUsdMicros ?? 0n);
  const message = isDelivered(stored)
    ? `${prefix}: this is the stored answer of what was paid $${price} before. ${HOW_TO_BUY_AGAIN}`
    : `${prefix}: ${payment.id} paid $${price} for this before, and the endpoint answered with HTTP ${stored.status}, which is in response. The money is spent. ${HOW_TO_BUY_AGAIN}`;
  const answer = { ...replayed(payment, stored, message), response, delivery: verdict };
  if (job === null) return outcome(answer);
  return outcome({
    ...{ ...answer, status: 'ok', code: 'paid', ...askForJob(job) },
    message: `${prefix}: ${payment.id} paid $${price} for this before. ${pendingSentence(stored.status, job)} ${HOW_TO_BUY_AGAIN}`,
  });
}

function replayed(payment: Payment, stored: Answer, message: string): OutcomeParts {
  const delivered = isDelivered(stored);
  return {
    status: delivered ? 'ok' : 'failed',
    code: delivered ? 'paid' : 'paid_error_answer',
    message,
    money: 'captured',
    payment: viewPayment(payment),
    replayed: true,
  };
}

/** Whether a stored answer was cleared to make room, or its file was taken away. */
function isGone({ home }: Engine, stored: Answer): boolean {
  return isCleared(stored) || (stored.storedId !== null && !existsSync(storedPath(home, stored.storedId)));
}

/** A replay whose answer is no longer kept: it names no file that is not there. */
function cleared(payment: Payment, stored: Answer): OutcomeParts {
  const price = formatUsd(payment.capturedUsdMicros ?? 0n);
  return replayed(
    payment,
    stored,
    `Not paid again: ${payment.id} bought this call for $${price} before, and its answer (HTTP ${stored.status}, ${stored.bytes} bytes) is gone: it was removed to make room for newer ones. ${HOW_TO_BUY_AGAIN}`,
  );
}

/** A payment of before schema 3 does not say with which credentials it was made: its answer is named and not shown. */
function unshared(payment: Payment, stored: Answer): OutcomeParts {
  const price = formatUsd(payment.capturedUsdMicros ?? 0n);
  return {
    ...replayed(
      payment,
      stored,
      `Not paid again: ${payment.id} bought this call for $${price} before Purser was updated. It is not known with which credentials, so its answer (HTTP ${stored.status}) is not shown here; wallet_response reads it. ${HOW_TO_BUY_AGAIN}`,
    ),
    next: { tool: 'wallet_response', arguments: { id: payment.id } },
  };
}

/** The stored answer of a captured payment; a receipt comes before its body, so the body may still be on its way. */
async function waitForAnswer({ engine, deadline }: PaidCall, { id }: Payment): Promise<Answer | null> {
  const over = AbortSignal.any([deadline.signal, AbortSignal.timeout(deadline.sellerMs())]);
  for (;;) {
    const stored = await engine.ledger.findAnswer(engine.agent, { paymentId: id });
    const payment = await engine.ledger.findPayment(id);
    if (stored !== null || over.aborted || payment === null || !(await isBeingAnswered(engine, payment)))
      return stored;
    await Promise.race([endOfWork(id) ?? aborted(AbortSignal.timeout(WATCH_EVERY_MS)), aborted(over)]);
  }
}

/** Whether the call that bought a captured payment may still be reading its answer; one with a note had ended. */
async function isBeingAnswered(engine: Engine, payment: Payment): Promise<boolean> {
  if (endOfWork(payment.id) !== undefined) return true;
  return payment.note === null && (await isLeasedElsewhere(engine, payment.id));
}

/** The outcome of a call whose request another call is paying for. */
export function busyOutcome(payment: Payment): Outcome {
  return {
    ...unknownOutcome(payment),
    code: 'payment_unresolved',
    money: moneyOf(payment),
    message: `The same request is being paid by another call and has not ended yet; nothing new was signed.`,
    retry_after_s: 5,
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
