import { isLive } from '../../attempts/attempt.js';
import type { Payment } from '../../attempts/payment.js';

/** A waiter looks again this often for what another process wrote; our own wakes it at once. */
const POLL_MS = 50;

/** Those of this process who wait for payments to end. */
export class Waiting {
  readonly #wakes = new Set<() => void>();

  /** Makes all waiters look again. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Resolves with the payment once its end is known or it is `unknown`, or as it stands when the signal ends the wait. */
  async forEnd(read: () => Promise<Payment>, signal: AbortSignal): Promise<Payment> {
    for (;;) {
      const payment = await read();
      if (!isLive(payment.state) || payment.state === 'unknown' || signal.aborted) return payment;
      await this.#changeOrPoll(signal);
    }
  }

  #changeOrPoll(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wakes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, POLL_MS);
      signal.addEventListener('abort', done, { once: true });
      this.#wakes.add(done);
    });
  }
}
