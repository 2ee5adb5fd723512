import { Engine, type WalletOptions } from './engine.js';
import { sweepInBackground } from './answer/answerFiles.js';
import { reconcileInBackground } from './settle/reconcile.js';

/**
 * The engine that the wallet objects of one process share, whichever agent each is for: opened by the first call that
 * needs it. A call that finds the wallet locked or not set up leaves the next one to try again.
 */
export class EngineOnDemand {
  readonly #options: WalletOptions;
  readonly #reconcile: boolean;
  #engine: Promise<Engine> | undefined;

  constructor(options: WalletOptions, reconcile: boolean) {
    this.#options = options;
    this.#reconcile = reconcile;
  }

  /** Throws what {@link Engine.open} throws. */
  get(): Promise<Engine> {
    this.#engine ??= this.#open();
    return this.#engine;
  }

  /** Closes what is open; the next call opens what is there then. */
  async letGo(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await (await engine?.catch(() => undefined))?.close();
  }

  /** Closes what is open, for good. */
  async close(): Promise<void> {
    await (await this.#engine?.catch(() => undefined))?.close();
  }

  async #open(): Promise<Engine> {
    try {
      const engine = await Engine.open(this.#options);
      if (this.#reconcile) {
        reconcileInBackground(engine);
        sweepInBackground(engine);
        this.#options.behind?.(engine);
      }
      return engine;
    } catch (error) {
      this.#engine = undefined;
      throw error;
    }
  }
}
