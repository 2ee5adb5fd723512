import { isUnderCeiling } from '../../protocols/protocol.js';
import type { SettlementReceipt } from '../../payment/challenge.js';
import type { Delivery, Payment } from '../../ledger/attempts/payment.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import type { NetFailure } from '../../net/failure.js';
import type { Engine } from '../engine.js';
import { controlOf, settleAttempt } from './settlement.js';

/** What a claim is written down with. */
type Books = Pick<Engine, 'ledger' | 'now' | 'rails'> & { readonly funds: Pick<Engine['funds'], 'spent'> };

/** Whether bytes of a payment may have left before it is sent now: then nothing that a seller says shows it unsettled. */
export function mayHaveLeft({ state, note }: Pick<AnyAttempt, 'state' | 'note'>): boolean {
  return state === 'unknown' && note !== 'not_sent';
}

/**
 * Writes down what the head of an answer claims of a payment, which was as `before` when it was sent: a successful
 * receipt captures, everything else is unknown. `delivery`: what the answer brought, where it has come whole with its head.
 */
export async function recordClaim<A extends AnyAttempt>(
  engine: Books,
  before: A,
  status: number,
  receipt: SettlementReceipt | null,
  delivery?: Delivery,
): Promise<A> {
  const nowMs = engine.now();
  const text = receipt === null ? undefined : receiptText(receipt);
  if (receipt?.success === true && !isFree(before, receipt)) {
    const facts = {
      // A smaller claim frees nothing, also under a ceiling: what was charged shows the chain.
      capturedAtomic: before.heldAtomic,
      capturedUsdMicros: before.heldUsdMicros,
      tx: receipt.transaction ?? null,
      receipt: text ?? null,
      confirmed: false,
      chainMs: null,
      ...(delivery === undefined ? {} : { delivery }),
    };
    const captured = await controlOf(engine, before).capture(before.id, facts, nowMs);
    if (captured.kind === 'done' && before.kind === 'payment') engine.funds.spent(before);
    return captured.attempt;
  }
  const note = noteOf(status, receipt, mayHaveLeft(before));
  return (await controlOf(engine, before).markUnknown(before.id, note, nowMs, text)).attempt;
}

/** Whether the seller says that it charged nothing, where it may: then nothing is to be captured, and the chain has the last word. */
function isFree(before: AnyAttempt, { amountAtomic }: SettlementReceipt): boolean {
  return amountAtomic === 0n && before.kind === 'payment' && isUnderCeiling(before);
}

function receiptText(receipt: SettlementReceipt): string {
  return JSON.stringify({ ...receipt, amountAtomic: receipt.amountAtomic?.toString() });
}

/** The note of a payment that its seller says it charged nothing for. */
export const CHARGED_NOTHING = 'charged_nothing';

function noteOf(status: number, receipt: SettlementReceipt | null, leftBefore: boolean): string {
  if (receipt?.success === true) return CHARGED_NOTHING;
  if (receipt?.transaction !== undefined) return 'settlement_pending';
  if (status >= 200 && status < 300) return receipt === null ? 'no_receipt' : 'receipt_failed';
  // An honest seller says the same where the first sending settled meanwhile: that is no failure.
  if (leftBefore && (receipt !== null || status === 402)) return 'refused_again';
  if (receipt !== null) return 'settle_failed';
  if (status === 402) return 'second_402';
  if (status >= 300 && status < 400) return 'redirected';
  return 'error_answer';
}

/** Writes down that no answer came. */
export async function recordSilence<A extends AnyAttempt>(
  engine: Books,
  before: A,
  failure: NetFailure,
): Promise<A> {
  const note = silenceNote(failure, mayHaveLeft(before));
  return (await controlOf(engine, before).markUnknown(before.id, note, engine.now())).attempt;
}

function silenceNote(failure: NetFailure, leftBefore: boolean): string {
  if (!failure.bytesLeft) return leftBefore ? 'not_sent_again' : 'not_sent';
  if (failure.code === 'timed_out') return 'timed_out';
  return failure.code === 'cancelled' ? 'cancelled' : 'connection_lost';
}

/** A payment once the chain was asked about a claim. */
export interface SettledClaim<A extends AnyAttempt = Payment> {
  readonly attempt: A;
  /** Whether the chain showed it unused and it can still be presented. */
  readonly stillValid: boolean;
}

/**
 * Holds a claim against the chain, at once: a failed receipt, a further 402, a 5xx and silence may all stand beside
 * money that has moved. A success waits for the background, so that nothing is asked on the path of a clean payment.
 *
 * `isRejected`: the seller says that it turned the payment away in verifying it. That is believed, as far as the telling
 * goes, where the chain shows it unused and nobody had its bytes before; the amount stays held either way.
 */
export async function settleClaim<A extends AnyAttempt>(
  engine: Engine,
  before: A,
  claimed: A,
  { isRejected, withinMs }: { readonly isRejected: boolean; readonly withinMs: number },
): Promise<SettledClaim<A>> {
  // T32: another process may have released it meanwhile. A late claim is believed as far as the chain proves it.
  if (claimed.state !== 'unknown' && claimed.state !== 'released')
    return { attempt: claimed, stillValid: false };
  const { attempt, stillValid } = await settleAttempt(engine, claimed, AbortSignal.timeout(withinMs));
  if (!isRejected || !stillValid || mayHaveLeft(before)) return { attempt, stillValid };
  const rejected = await controlOf(engine, before).markUnknown(attempt.id, 'verify_failed', engine.now());
  return { attempt: rejected.attempt, stillValid };
}
