import { createHash } from 'node:crypto';
import { assertInvariant } from '../../../errors/walletError.js';
import { chargeNonce, readCommitmentNonce } from '../../../payment/commitment.js';
import { isCommitment } from '../../../protocols/protocol.js';
import { openedWallMs as openedWallMsOf } from '../../attempts/attempt.js';
import type { ChargeFacts } from '../../attempts/transition.js';
import type { Payment } from '../../attempts/payment.js';
import { newId } from '../../newId.js';
import type { LedgerContext } from '../file/context.js';
import { ledgerTimeMs } from '../journal/journal.js';
import { attemptOf } from './paymentColumns.js';
import { changePayment, existingPayment, insertPayment, paymentOf, selectPayment } from './paymentRow.js';
import { capture } from './transition.js';

/**
 * Writes down what was taken by a promise, as the chain shows it: no limit is asked, for it has moved, and the rate of the promise
 * had room for it. One transaction is one row, however often it is shown; a row that was not confirmed is once it is shown for good.
 *
 * The steps are those of any payment, so that the journal tells its whole life.
 */
export function recordCharge(
  context: LedgerContext,
  commitmentId: string,
  { tx, amountAtomic, usdMicros, chainMs, confirmed }: ChargeFacts,
  nowMs: number,
): Payment {
  const head = context.journal.checkedHead();
  const promise = paymentOf(existingPayment(context, head, commitmentId));
  assertInvariant(isCommitment(promise), 'what a charge is taken by is a promise');
  const { subject } = readCommitmentNonce(promise.nonce);
  const nonce = chargeNonce(subject, tx);
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const known = selectPayment(context, head, where, promise.network, promise.payFrom, nonce);
  if (known === null) {
    const timeMs = ledgerTimeMs(head, nowMs);
    // One that is found late counts from the chain's time once that is proved, as if it had been held then, and never from before
    // its promise; until then it is live, and counts in every window.
    const takenMs = chainMs ?? nowMs;
    const openedMs = Math.max(promise.openedMs, Math.min(timeMs, takenMs));
    const openedWallMs = Math.max(openedWallMsOf(promise), Math.min(nowMs, takenMs));
    insertPayment(context, head, {
      ...promise,
      ...{ id: newId('pay'), state: 'held', scheme: 'subscription', method: CHARGE_METHOD, nonce },
      requestHash: createHash('sha256').update(`charge ${commitmentId} ${nonce}`).digest('hex'),
      ...{ heldAtomic: amountAtomic, heldUsdMicros: usdMicros, payload: null, receipt: null, note: null },
      ...{ approvalId: null, openedMs, openedWallMs, changedMs: timeMs },
    });
  }
  const row =
    known ??
    selectPayment(context, context.journal.checkedHead(), where, promise.network, promise.payFrom, nonce);
  assertInvariant(row !== null, 'the charge was written');
  if (row.state === 'held')
    changePayment(context, context.journal.checkedHead(), row, {
      kind: 'sign',
      patch: { state: 'signed' },
      nowMs,
    });
  const facts = {
    capturedAtomic: amountAtomic,
    capturedUsdMicros: usdMicros,
    tx,
    receipt: null,
    confirmed,
    chainMs,
  };
  const { attempt } = capture(context, row.id, facts, nowMs);
  return paymentOf(attemptOf(attempt) as Payment & typeof attempt);
}

/** The method of a row that was taken by a promise: it is no price of its endpoint's. */
const CHARGE_METHOD = 'CHARGE';
