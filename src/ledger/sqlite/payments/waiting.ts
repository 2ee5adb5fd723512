import { isDead } from '../../../platform/process.js';
import { isLive, type Payment } from '../../payment.js';

/** A waiter looks again this often when the payment is driven by another process; our own wakes it at once. */
const POLL_MS = 50;
/** How often it looks whether that other process still lives: on some platforms that starts a program. */
const OWNER_CHECK_MS = 1000;

/** Those of this process who wait for payments to end. */
export class Waiting {
  readonly #wakes = new Set<() => void>();

  /** Makes all waiters look again. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Resolves with the payment once its fate is no longer open, or nobody drives it any more, or the signal ends the wait. */
  async forEnd(read: () => Promise<Payment>, signal: AbortSignal): Promise<Payment> {
    let ownerSeen = -Infinity;
    for (;;) {
      const payment = await read();
      if (!isLive(payment.state) || payment.state === 'unknown' || signal.aborted) return payment;
      const now = performance.now();
      if (now - ownerSeen > OWNER_CHECK_MS) {
        if (isDead({ pid: payment.ownerPid, started: payment.ownerStarted, boot: payment.ownerBoot }))
          return payment;
        ownerSeen = now;
      }
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
