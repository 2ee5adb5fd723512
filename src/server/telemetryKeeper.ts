import type { Telemetry } from '../telemetry/telemetry.js';
import { budgetLeft } from '../wallet/balance.js';
import type { CallTracer } from '../wallet/call/trace.js';
import type { Engine } from '../wallet/engine.js';
import { readBooks } from './http/operation/books.js';
import { within } from './within.js';

/** How long the end of a process waits for a collector: what it has not taken by then is dropped. */
const CLOSE_MS = 2_000;

/** Sends the owner's collector what a process's calls do, from its start, where the owner named one. */
export class TelemetryKeeper {
  readonly #version: string;
  #engine: Engine | null = null;
  #telemetry: Telemetry | null = null;

  constructor(version: string) {
    this.#version = version;
  }

  /** The wallet was opened, or opened again: its settlements are told. */
  over(engine: Engine): void {
    this.#engine = engine;
    engine.onSettled((verdict) => this.#telemetry?.settled(verdict));
  }

  /** Loads what sends, if a collector is set. Whatever fails of that, the wallet is served all the same. */
  async start(): Promise<void> {
    try {
      const url = (await this.#engine?.config())?.telemetry.otlpUrl ?? 'none';
      if (url === 'none') return;
      const { startTelemetry } = await import('../telemetry/telemetry.js');
      this.#telemetry = startTelemetry({
        url,
        version: this.#version,
        readOpen: async () => {
          const engine = this.#engine;
          return engine === null || engine.closing.aborted ? null : readBooks(engine).catch(() => null);
        },
        budgetLeft: async (agent, budgetId) =>
          this.#engine === null ? null : budgetLeft(this.#engine.forAgent(agent), budgetId),
      });
    } catch {
      this.#telemetry = null;
    }
  }

  /** Begins traces; undefined where no collector is set. */
  get tracer(): CallTracer | undefined {
    return this.#telemetry ?? undefined;
  }

  /** Sends what is left, within a bound. While the wallet is open: its ledger is read once more. */
  async close(): Promise<void> {
    const telemetry = this.#telemetry;
    this.#telemetry = null;
    if (telemetry !== null) await within(CLOSE_MS, telemetry.close());
  }
}
