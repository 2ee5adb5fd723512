import { COMMITMENT_OPEN, DEPOSIT_OPEN, isDeposit } from '../../protocols/protocol.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { Outcome } from '../answer/outcome.js';
import { changeKept, keptOf } from '../entitlement/deposit.js';
import { underLease } from '../leaseKeeper.js';
import { commitToSend } from './commitToSend.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';

/**
 * A row that leaves with the same bytes as the call that it is made with, and outlives it: a deposit that the call is the first
 * to be paid out of, or a promise that the call begins.
 */
export interface Companion {
  readonly payment: Payment;
  /** What is kept of a deposit; null for a promise, whose row has all of it. */
  readonly deposit: Entitlement | null;
}

/**
 * Makes a companion durably `sent`, before the call that it is made with is. The outcome where the owner stopped it meanwhile;
 * what was only held is let go then.
 */
export async function commitCompanion(
  call: PaidCall,
  { payment }: Companion,
  { target, payload }: { readonly target: Challenge['target']; readonly payload: SignedPayload },
): Promise<Outcome | null> {
  const sent = await commitToSend(call, { payment, payload, target });
  return 'status' in sent ? sent : null;
}

/**
 * Runs the call that a companion is made with, and writes down what that call shows of it: taken by the seller's word, or unknown
 * until the chain tells. It counts in full either way.
 */
export async function withCompanion<T>(
  { engine }: PaidCall,
  companion: Companion | null,
  callPaymentId: string,
  work: () => Promise<T>,
): Promise<T> {
  if (companion === null) return work();
  const { payment, deposit } = companion;
  return underLease(engine, payment.id, async () => {
    try {
      return await work();
    } finally {
      const first = await engine.ledger.findPayment(callPaymentId).catch(() => null);
      // By the seller's word, or by the chain, which was asked where the seller said nothing.
      const found =
        deposit === null ? null : await engine.ledger.entitlements.find(deposit.id).catch(() => null);
      const isTaken = first?.state === 'captured' || (found?.state === 'live' && !keptOf(found).opening);
      // Before the row says so: whoever waits for that looks at this next.
      if (isTaken && deposit !== null)
        await changeKept(engine, deposit.id, () => ({ opening: false })).catch(() => undefined);
      const now = await engine.ledger.findPayment(payment.id).catch(() => null);
      if (now?.state === 'held')
        await engine.ledger.release(payment.id, 'never_signed', engine.now()).catch(() => undefined);
      if (now?.state === 'sent') {
        const open = isDeposit(payment) ? DEPOSIT_OPEN : COMMITMENT_OPEN;
        const note = isTaken ? open : (first?.note ?? 'no_receipt');
        const marked = await engine.ledger.markUnknown(payment.id, note, engine.now()).catch(() => null);
        if (isTaken && deposit !== null && marked?.kind === 'done') engine.funds.spent(payment);
      }
    }
  });
}
