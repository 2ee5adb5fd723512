import type { Ledger } from '../ledger/ledger.js';
import { isDead, thisProcess } from '../platform/process.js';
import { isLive, type Payment } from '../ledger/payment.js';

/** Calls of this process that are busy with a payment, whichever wallet object they came through, by its id. */
const drivers = new Map<string, Promise<void>>();

/** Runs the call that takes a payment from its hold, or from one more sending, to what is known at its end. */
export async function drive<T>(paymentId: string, work: () => Promise<T>): Promise<T> {
  let end = (): void => undefined;
  drivers.set(paymentId, new Promise((resolve) => (end = resolve)));
  try {
    return await work();
  } finally {
    drivers.delete(paymentId);
    end();
  }
}

/** Resolves when the call of this process that is busy with a payment ends; undefined where there is none. */
export function driverOf(paymentId: string): Promise<void> | undefined {
  return drivers.get(paymentId);
}

/** A payment as the ledger has it after a fault; null where that cannot be read, and says nothing of its fate. */
export async function paymentAsKnown(
  { ledger }: { readonly ledger: Pick<Ledger, 'findPayment'> },
  { id }: Pick<Payment, 'id'>,
): Promise<Payment | null> {
  try {
    return await ledger.findPayment(id);
  } catch {
    return null;
  }
}

/** Whether some living process is busy with the payment at this moment. */
export function isDriven(payment: Payment): boolean {
  if (drivers.has(payment.id)) return true;
  return isLive(payment.state) && payment.state !== 'unknown' && ownerLivesElsewhere(payment);
}

/** Whether the process that last drove a payment is another one, and alive. */
export function ownerLivesElsewhere(payment: Payment): boolean {
  const self = thisProcess();
  const owner = { pid: payment.ownerPid, started: payment.ownerStarted, boot: payment.ownerBoot };
  const mine = owner.pid === self.pid && owner.started === self.started && owner.boot === self.boot;
  return !mine && !isDead(owner, self);
}
