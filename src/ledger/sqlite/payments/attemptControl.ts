import type { AttemptControl, PaymentControl, WithdrawalControl } from '../../ledger.js';
import type { Payment } from '../../attempts/payment.js';
import type { AnyAttempt, Withdrawal } from '../../attempts/withdrawal.js';
import type { CommitPoint } from '../../commitPoint.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { LedgerAccess } from '../file/access.js';
import type { LedgerContext } from '../file/context.js';
import { recordCharge } from './charge.js';
import { raiseDeposit } from './depositRaise.js';
import { openHold } from './hold.js';
import { attemptOf, type AttemptRow } from './paymentColumns.js';
import { refilledUsdMicros } from './refill.js';
import { capture, markSent, markUnknown, recapture, recordSigned, release } from './transition.js';
import { findWithdrawal, latestFrom, openFrom, openWithdrawal } from './withdrawal.js';

/** What a step answers, once its row is shown as what it is. */
type Shown<Result, A> = Result extends { readonly attempt: AttemptRow }
  ? Omit<Result, 'attempt'> & { readonly attempt: A }
  : Result;

/** The steps that payments and withdrawals share, for one kind of them: no step of the one moves a row of the other. */
function attemptControl<A extends AnyAttempt>(access: LedgerAccess, kind: A['kind']): AttemptControl<A> {
  function step<Result extends object>(
    point: CommitPoint,
    operation: (context: LedgerContext) => Result,
  ): Promise<Shown<Result, A>> {
    return access.write(point, (context) => {
      const result = operation(context);
      if (!('attempt' in result)) return result as Shown<Result, A>;
      const row = result.attempt as AttemptRow;
      // Inside the step: what it did to a row of the other kind is undone.
      assertInvariant(row.kind === kind, `${row.id} is a ${kind}`);
      return { ...result, attempt: attemptOf(row) } as unknown as Shown<Result, A>;
    });
  }
  return {
    recordSigned: (id, payload, nowMs) =>
      step('signed', (context) => recordSigned(context, id, payload, nowMs)),
    markSent: (id, send) => step('sent', (context) => markSent(context, id, send)),
    markUnknown: (id, note, nowMs, receipt) =>
      step('unknown', (context) => markUnknown(context, id, note, nowMs, receipt)),
    capture: (id, facts, nowMs) =>
      step(facts.confirmed ? 'confirmed' : 'captured', (context) => capture(context, id, facts, nowMs)),
    release: (id, note, nowMs) => step('released', (context) => release(context, id, note, nowMs)),
    recapture: (id, proof, nowMs) => step('confirmed', (context) => recapture(context, id, proof, nowMs)),
  };
}

/** The life of a payment. */
export function paymentControl(access: LedgerAccess): PaymentControl {
  const steps = attemptControl<Payment>(access, 'payment');
  return {
    openHold: (request) => access.write('held', (context) => openHold(context, request)),
    recordCharge: (commitmentId, facts, nowMs) =>
      access.write(facts.confirmed ? 'confirmed' : 'captured', (context) =>
        recordCharge(context, commitmentId, facts, nowMs),
      ),
    // What adds to it leaves with no other step, so this one waits for the disk.
    raiseDeposit: (raise) => access.write('sent', (context) => raiseDeposit(context, raise)),
    ...steps,
    async signAndSend(id, payload, send) {
      // Both wait for the lock together, so they share one commit and its one fsync.
      const [signed, sent] = await Promise.all([
        steps.recordSigned(id, payload, send.nowMs),
        steps.markSent(id, send),
      ]);
      return { signed, sent };
    },
  };
}

/** The life of a withdrawal. */
export function withdrawalControl(access: LedgerAccess): WithdrawalControl {
  return {
    open: (request) => access.write('held', (context) => openWithdrawal(context, request)),
    ...attemptControl<Withdrawal>(access, 'withdrawal'),
    find: (id) => access.read((context, head) => findWithdrawal(context, head, id)),
    findOpen: (from, whose) => access.read((context, head) => openFrom(context, head, from, whose)),
    findLatest: (agent, from, whose) =>
      access.read((context, head) => latestFrom(context, head, agent, from, whose)),
    refilledUsdMicros: (refilled, nowMs) =>
      access.read((context, head) => refilledUsdMicros(context, head, refilled, nowMs)),
  };
}
