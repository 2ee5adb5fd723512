import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { capturedWallMs, isLive, openedWallMs } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { formatUsd } from '../../money/decimal.js';
import type { Outcome } from '../answer/outcome.js';
import { openOutcome, unknownOutcome } from '../answer/openOutcome.js';
import { aborted, busyOutcome, isDelivered, replay, WATCH_EVERY_MS } from '../answer/replay.js';
import { endOfWork, isLeased } from '../leaseKeeper.js';
import { proofAgain } from '../entitlement/boughtToken.js';
import { reconcileAttempt } from '../settle/reconcile.js';
import type { PaidCall, SignedRequest } from './paidCall.js';

/** After a capture, the same request gets the stored answer for so long (docs/design.md, "The same request"). */
const REPLAY_MS = 60_000;
/**
 * For so long, what was paid for and brought nothing is bought again only when the caller asks for that: the background may
 * have found out that it was paid, and then no caller has been told.
 */
const UNDELIVERED_MS = 24 * 3_600_000;

/** What an earlier payment of the same request means for a call: its answer, or the same bytes once more. */
export type Duplicate =
  | { readonly kind: 'answer'; readonly outcome: Outcome }
  | { readonly kind: 'present_again'; readonly signed: SignedRequest }
  /** It went ahead of its price and was turned away; another one may be made beside it, where both fit. */
  | { readonly kind: 'beside'; readonly payment: Payment };

/**
 * Finds an earlier payment of the same call: by its idempotency key, or of the same request, still open or captured a
 * moment ago. Null: nothing stands in the way of a new payment.
 *
 * Throws `idempotency_key_reused`.
 */
export async function findDuplicate(call: PaidCall): Promise<Duplicate | null> {
  const { engine, request, terms } = call;
  const { ledger, agent } = engine;
  const keyed =
    terms.idempotency_key === undefined ? null : await ledger.findByKey(agent, terms.idempotency_key);
  const { hash, hashBeforeSchema3 } = request;
  if (keyed !== null && keyed.requestHash !== hash && keyed.requestHash !== hashBeforeSchema3)
    throw keyReused(keyed);
  const open =
    keyed === null ? await ledger.findLive(hash, hashBeforeSchema3) : isLive(keyed.state) ? keyed : null;
  if (open !== null) return openDuplicate(call, open);
  const bought = keyed ?? (await boughtBefore(call));
  return bought === null ? null : boughtDuplicate(call, bought);
}

/** The error of a call whose idempotency key belongs to another request. It shows nothing of the answer to that one. */
export function keyReused({ id }: Payment): WalletError {
  return new WalletError(
    'idempotency_key_reused',
    `This idempotency_key belongs to payment ${id} of another request: the URL, method, body or a header differs (credentials count). Nothing was paid for this call; pass a new key for a new request.`,
  );
}

/** The captured payment that still answers this request; null where it is to be bought, or bought again. */
export async function boughtBefore({ engine, request, terms }: PaidCall): Promise<Payment | null> {
  if (terms.repeat === true || terms.idempotency_key !== undefined) return null;
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

/**
 * What a captured payment of the same request means: its stored answer; where it brought none and there is a proof of it, that
 * once more, which costs nothing.
 */
async function boughtDuplicate(call: PaidCall, bought: Payment): Promise<Duplicate> {
  const told = await replay(call, bought);
  const isOurs = bought.requestHash === call.request.hash;
  const signed = told.code === 'paid_not_delivered' && isOurs ? await proofAgain(call.engine, bought) : null;
  return signed === null ? { kind: 'answer', outcome: told } : { kind: 'present_again', signed };
}

/** What a payment of the same request means that a hold met. */
export async function duplicateOf(call: PaidCall, payment: Payment): Promise<Duplicate | null> {
  return payment.state === 'captured' ? boughtDuplicate(call, payment) : openDuplicate(call, payment);
}

/** What a payment means that is not captured yet: waits for whoever is busy with it, then lets the chain judge. */
async function openDuplicate(call: PaidCall, open: Payment): Promise<Duplicate | null> {
  const { engine, deadline } = call;
  const answer = (outcome: Outcome): Duplicate => ({ kind: 'answer', outcome });
  const isParallel = await isLeased(engine, open);
  let payment = isParallel ? await waitForHolder(call, open) : open;
  // What it was turned away for was asked anew meanwhile, and another payment has its request now.
  if (payment.requestHash !== open.requestHash) return findDuplicate(call);
  if (await isLeased(engine, payment)) return answer(busyOutcome(payment));
  // A parallel call shares what the first call came to; to send again is for a call that was made after it (T12). Where
  // the first one's process died, it came to nothing.
  const isShared = isParallel && payment.state === 'unknown' && payment.note !== 'process_ended';
  const settled = await reconcileAttempt(engine, payment, AbortSignal.timeout(deadline.remainingMs()));
  payment = settled.attempt;
  if (payment.state === 'released') {
    // What was set aside for it is open still.
    const { hash, hashBeforeSchema3 } = call.request;
    const aside = await engine.ledger.findLive(hash, hashBeforeSchema3);
    return aside === null ? null : openDuplicate(call, aside);
  }
  if (payment.state === 'captured') return boughtDuplicate(call, payment);
  if (isShared) return answer(openOutcome(payment));
  if (wasTurnedAwayAhead(payment)) return { kind: 'beside', payment };
  if (settled.stillValid)
    return (await isLeased(engine, payment))
      ? openDuplicate(call, payment)
      : { kind: 'present_again', signed: storedRequest(payment) };
  const retryAtMs = settled.retryAtMs ?? payment.validBeforeSec * 1000;
  const after = Math.max(1, Math.ceil((retryAtMs - engine.now()) / 1000));
  return answer({
    ...unknownOutcome(payment),
    code: 'payment_unresolved',
    retry_after_s: after,
    message: `An earlier payment of $${formatUsd(payment.heldUsdMicros)} for this same request is still open, so nothing new was signed. ${settled.message}`,
    tell_owner: settled.owner,
  });
}

/** Notes of a payment that its seller answered with a further 402, and not with a receipt. */
const TURNED_AWAY: readonly (string | null)[] = ['second_402', 'verify_failed'];

/** Whether a payment that went ahead of its price is still open, and its seller asked for payment all the same. */
export function wasTurnedAwayAhead({ state, note, payload }: Payment): boolean {
  if (state !== 'unknown' || payload === null || !TURNED_AWAY.includes(note)) return false;
  return (JSON.parse(payload) as SignedPayload).ahead === true;
}

/** Waits until nobody is busy with a payment any more, or the caller's time is over; gives it as it then stands. */
async function waitForHolder({ engine, deadline, context }: PaidCall, open: Payment): Promise<Payment> {
  context.progress?.('The same call is being paid already; waiting for its answer.');
  const over = AbortSignal.any([deadline.signal, AbortSignal.timeout(deadline.sellerMs())]);
  let payment = open;
  while ((await isLeased(engine, payment)) && !over.aborted) {
    const here = endOfWork(payment.id);
    if (here === undefined) {
      // In slices: a process that dies meanwhile changes nothing in the ledger.
      const look = AbortSignal.any([over, AbortSignal.timeout(WATCH_EVERY_MS)]);
      payment = await engine.ledger.waitForEnd(payment.id, look);
    } else {
      await Promise.race([here, aborted(over)]);
      payment = (await engine.ledger.findPayment(payment.id)) ?? payment;
    }
  }
  return payment;
}

/**
 * The request with the bytes that were signed before. The chain shows them unused and still valid, so presenting them again
 * cannot cost a second amount. The seller may do its work twice; the result of any other method than GET says so.
 */
function storedRequest(payment: Payment): SignedRequest {
  if (payment.payload === null)
    throw new WalletError('internal', 'A signed payment has no payload.', { money: 'held' });
  const payload = JSON.parse(payment.payload) as SignedPayload;
  return { payment, payload, target: { url: new URL(payment.url), method: payment.method } };
}

/** The outcome of a payment whose bytes were presented again. */
export function presentedAgain({ request }: PaidCall, result: Outcome): Outcome {
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

/** Where another process sent the payment first, what came of that is this call's answer. Throws every other error on. */
export async function lookAtOther(
  call: PaidCall,
  { id }: Payment,
  error: unknown,
): Promise<Duplicate | null> {
  if (!isWalletError(error) || error.code !== 'payment_unresolved') throw error;
  const payment = await call.engine.ledger.findPayment(id);
  if (payment === null || payment.state === 'released') return null;
  if (payment.state === 'captured') return { kind: 'answer', outcome: await replay(call, payment) };
  return (await isLeased(call.engine, payment))
    ? openDuplicate(call, payment)
    : { kind: 'answer', outcome: openOutcome(payment) };
}
