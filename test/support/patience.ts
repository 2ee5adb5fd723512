import type { Outcome } from '../../src/wallet/answer/outcome.js';

/** The least time that a call may be given. */
const LEAST_MS = 1_000;
/** A quote and a payment have the first half, the chain has the rest: each many times what it takes at the moment. */
const TIMES_A_PAYMENT = 10;
/** The most time that a call may be given. */
const MOST_MS = 290_000;

/** How long the calls of a test get that are to lose their answer: no longer than this machine needs for all else. */
export class Patience {
  #slowestMs = 0;

  /** Takes note of how long a payment takes here that goes well. The first one of a wallet opens it, and tells nothing. */
  async measure<T>(pay: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const outcome = await pay();
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedMs);
    return outcome;
  }

  /** The argument of a call that is made beside so many others. */
  short(atOnce = 1): { timeout_ms: number } {
    const wantedMs = Math.ceil(this.#slowestMs * TIMES_A_PAYMENT * atOnce);
    return { timeout_ms: Math.min(MOST_MS, Math.max(LEAST_MS, wantedMs)) };
  }

  /** Makes a short call. Where its time was over before anything was signed, it has done nothing and gets twice as long. */
  async lose(pay: (bound: { timeout_ms: number }) => Promise<Outcome>, atOnce = 1): Promise<Outcome> {
    for (let { timeout_ms } = this.short(atOnce); ; timeout_ms *= 2) {
      const outcome = await pay({ timeout_ms });
      if (outcome.money !== 'none' || 2 * timeout_ms > MOST_MS) return outcome;
    }
  }
}
