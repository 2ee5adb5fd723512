import { WalletError } from '../../../errors/walletError.js';
import { CallsInFlight } from '../../callsInFlight.js';

/** Calls of all agents at once. Most only wait for a seller; each keeps a connection to it and some 100 KB. */
const CALLS_MAX = 1_000;
/** Of one agent: one whose sellers are slow leaves the others their part. */
const CALLS_PER_AGENT_MAX = 100;
/** Some of them will have ended by then. */
const RETRY_AFTER_SEC = 5;

/** The calls that a server runs for its agents, and a bound on how many at once. */
export class RunningCalls {
  readonly #all = new CallsInFlight();
  readonly #byAgent = new Map<string, number>();

  get count(): number {
    return this.#all.count;
  }

  /** Throws `server_busy` where too many run already: `work` has not begun then. */
  async run<T>(agent: string, work: () => Promise<T>): Promise<T> {
    const own = this.#byAgent.get(agent) ?? 0;
    if (own >= CALLS_PER_AGENT_MAX)
      throw busy(`This agent has ${CALLS_PER_AGENT_MAX} calls running already; nothing was done.`);
    if (this.#all.count >= CALLS_MAX)
      throw busy('The server is too busy to begin this call; nothing was done.');
    this.#byAgent.set(agent, own + 1);
    try {
      return await this.#all.run(work);
    } finally {
      const left = (this.#byAgent.get(agent) ?? 0) - 1;
      if (left > 0) this.#byAgent.set(agent, left);
      else this.#byAgent.delete(agent);
    }
  }

  /** Ends when no call runs. */
  idle(): Promise<void> {
    return this.#all.idle();
  }
}

function busy(sentence: string): WalletError {
  return new WalletError('server_busy', sentence, { retryAfterSec: RETRY_AFTER_SEC });
}
