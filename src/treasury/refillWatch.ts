import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/settings.js';
import { refilledAgents } from '../policy/refill.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';
import { refill, type Refill } from './refill.js';

/** An agent is looked at no more often than this, however often it pays. */
const LOOK_MS = 5_000;
/** After a fault, or where something stands in the way, it is looked at again without anything that moved. */
const AGAIN_MS = 60_000;

/**
 * Tops agents up behind the calls, until the wallet closes: an agent is looked at after each payment of its own and each
 * reading of its balance in this process. No call waits for any of it. `tell` is told what came of each look.
 */
export function watchRefills(engine: Engine, tell: (agent: string, refill: Refill) => void): void {
  const watch = new RefillWatch(engine, tell);
  engine.funds.onChange((address) => watch.touch(address));
}

class RefillWatch {
  readonly #engine: Engine;
  readonly #tell: (agent: string, refill: Refill) => void;
  /** Addresses of refilled agents, for the version of the config that they were read from. */
  #known: { readonly version: number; readonly agents: ReadonlyMap<string, string> } | null = null;
  readonly #touched = new Set<string>();
  /** Agents that are looked at, or rest after a look; true where one was touched again meanwhile. */
  readonly #busy = new Map<string, boolean>();
  #isReading = false;

  constructor(engine: Engine, tell: (agent: string, refill: Refill) => void) {
    this.#engine = engine;
    this.#tell = tell;
  }

  touch(address: string): void {
    this.#touched.add(address);
    if (this.#isReading || this.#engine.closing.aborted) return;
    this.#isReading = true;
    void this.#read()
      .catch(() => undefined)
      .finally(() => (this.#isReading = false));
  }

  /** Finds whose addresses were touched. */
  async #read(): Promise<void> {
    while (this.#touched.size > 0) {
      const agents = await this.#agents(await this.#engine.config());
      const touched = [...this.#touched];
      this.#touched.clear();
      for (const address of touched) {
        const agent = agents.get(address);
        if (agent !== undefined) this.#begin(agent);
      }
    }
  }

  async #agents(config: Config): Promise<ReadonlyMap<string, string>> {
    if (this.#known?.version === config.version) return this.#known.agents;
    const networks = networksOf(config, this.#engine.keys).filter(({ family }) => family !== 'lightning');
    const agents = new Map<string, string>();
    for (const agent of refilledAgents(config.agents)) {
      const own = this.#engine.forAgent(agent);
      for (const network of networks) {
        const address = await own.addressOn(network).catch(() => null);
        if (address !== null) agents.set(address, agent);
      }
    }
    this.#known = { version: config.version, agents };
    return agents;
  }

  #begin(agent: string): void {
    if (this.#busy.has(agent)) {
      this.#busy.set(agent, true);
      return;
    }
    this.#busy.set(agent, false);
    void this.#look(agent);
  }

  async #look(agent: string): Promise<void> {
    const { closing } = this.#engine;
    while (!closing.aborted) {
      this.#busy.set(agent, false);
      const looksAgain = await this.#once(agent);
      await pause(looksAgain ? AGAIN_MS : LOOK_MS, undefined, { signal: closing, ref: false }).catch(
        () => undefined,
      );
      if (!looksAgain && this.#busy.get(agent) !== true) break;
    }
    this.#busy.delete(agent);
  }

  /** Whether it is looked at again though nothing moves. */
  async #once(agent: string): Promise<boolean> {
    try {
      const done = await refill(this.#engine, agent, this.#engine.closing);
      this.#tell(agent, done);
      return done.kind === 'later' || done.kind === 'not';
    } catch {
      // What is open is the reconciler's; a network or a clock may be right again by then.
      return true;
    }
  }
}
