import type { ServerResponse } from 'node:http';

/** A client of the older era keeps one session a window; an agent with more of them has lost track of some. */
const SESSIONS_PER_AGENT_MAX = 100;
/** Of all agents together: each costs some tens of kilobytes. */
const SESSIONS_MAX = 4_000;
/** A session without a request or an open stream for so long is given up; caps live in the ledger and do not notice. */
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;

interface Entry<T> {
  readonly agent: string;
  readonly held: T;
  readonly close: () => Promise<void>;
  usedMs: number;
  /** Responses of it that are open. */
  open: number;
}

/** The protocol sessions that are open: each is one agent's, and no other agent's token finds it. */
export class SessionTable<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #isOver: (agent: string) => Promise<boolean>;
  readonly #sweeper: NodeJS.Timeout;

  /** `isOver` tells whether an agent has ended: its sessions then end too, within {@link SWEEP_MS}. */
  constructor(isOver: (agent: string) => Promise<boolean>) {
    this.#isOver = isOver;
    this.#sweeper = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Makes room for one more session of an agent, from those that nobody uses; false where all are in use. */
  async makeRoom(agent: string): Promise<boolean> {
    const own = [...this.#entries].filter(([, entry]) => entry.agent === agent);
    if (own.length < SESSIONS_PER_AGENT_MAX && this.#entries.size < SESSIONS_MAX) return true;
    // An agent makes room from what is its own: it must not end another's sessions.
    const idle = own.filter(([, { open }]) => open === 0).sort(([, a], [, b]) => a.usedMs - b.usedMs)[0];
    if (idle === undefined) return false;
    await this.#end(idle[0]);
    return true;
  }

  add(id: string, agent: string, held: T, close: () => Promise<void>): void {
    this.#entries.set(id, { agent, held, close, usedMs: performance.now(), open: 0 });
  }

  /** The agent's session by its id, in use until this response has ended; undefined where it has none by that id. */
  use(id: string, agent: string, outgoing: ServerResponse): T | undefined {
    const entry = this.#entries.get(id);
    if (entry?.agent !== agent) return undefined;
    entry.open += 1;
    entry.usedMs = performance.now();
    outgoing.once('close', () => {
      entry.open -= 1;
      entry.usedMs = performance.now();
    });
    return entry.held;
  }

  /** Forgets a session that has ended. */
  remove(id: string): void {
    this.#entries.delete(id);
  }

  /** Ends every session, and the calls within them. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#entries.keys()].map((id) => this.#end(id)));
  }

  /** Gives up sessions that nobody uses, and all of an agent that has ended, with the streams that are open in them. */
  async sweep(): Promise<void> {
    const before = performance.now() - IDLE_MS;
    const agents = [...new Set([...this.#entries.values()].map(({ agent }) => agent))];
    // A wallet that cannot say so now is asked again at the next sweep; no request of theirs is let in meanwhile.
    const over = await Promise.all(agents.map((agent) => this.#isOver(agent).catch(() => false)));
    const ended = new Set(agents.filter((_agent, i) => over[i] === true));
    const given = [...this.#entries].filter(
      ([, { agent, open, usedMs }]) => ended.has(agent) || (open === 0 && usedMs < before),
    );
    await Promise.all(given.map(([id]) => this.#end(id)));
  }

  async #end(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    await entry?.close().catch(() => undefined);
  }
}
