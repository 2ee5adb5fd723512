/** How long a line of requests may get. */
export interface TurnBounds {
  /** Requests of one agent that wait; who has more of them repeats itself. */
  readonly waitingPerAgentMax: number;
  /** A call that waited this long is told to come again, before the client's usual timeout of 60 s. */
  readonly waitMaxMs: number;
}

/** Whether a request may go on: `busy` where the line is too long, `gone` where its client did not wait. */
export type Turn = 'now' | 'busy' | 'gone';

const BOUNDS: TurnBounds = { waitingPerAgentMax: 200, waitMaxMs: 20_000 };
/** New requests may use this much of a turn of the event loop; then whatever of the begun ones is ready goes on. */
const SLICE_MS = 10;
/** Requests that begin within one turn at most, however little each takes before it first waits. */
const BEGUN_PER_TURN_MAX = 32;

type Waiting = (turn: Turn) => void;

/**
 * Lets requests begin an agent after the other, a few with each turn of the event loop: a turn serves whatever of the
 * begun ones is ready, and new ones get a slice of it. So a burst waits here, its bodies unread, and what has begun
 * is done in about the time it takes alone: no payment under way comes late because others want to begin. An agent
 * with a thousand requests delays another's one by one of its own.
 */
export class Turns {
  readonly #bounds: TurnBounds;
  /** Requests that wait, by agent; the agent whose turn is next comes first. */
  readonly #lines = new Map<string, Waiting[]>();
  #scheduled = false;

  constructor(bounds: Partial<TurnBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return [...this.#lines.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Waits for this agent's turn, or until `gone` aborts. Never throws. */
  next(agent: string, gone: AbortSignal): Promise<Turn> {
    const line = this.#lines.get(agent) ?? [];
    if (line.length >= this.#bounds.waitingPerAgentMax) return Promise.resolve('busy');
    return new Promise<Turn>((resolve) => {
      const waiting: Waiting = (turn) => {
        clearTimeout(late);
        gone.removeEventListener('abort', left);
        if (turn !== 'now') this.#leave(agent, waiting);
        resolve(turn);
      };
      const left = (): void => waiting('gone');
      const late = setTimeout(() => waiting('busy'), this.#bounds.waitMaxMs);
      gone.addEventListener('abort', left, { once: true });
      line.push(waiting);
      this.#lines.set(agent, line);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#lines.size === 0) return;
    this.#scheduled = true;
    let sliceEndsMs = Infinity;
    let left = Math.min(this.waiting, BEGUN_PER_TURN_MAX);
    // After whatever else is ready. Between two of these Node runs what the first one began, until that waits.
    const step = (): void => {
      const nowMs = performance.now();
      if (sliceEndsMs === Infinity) sliceEndsMs = nowMs + SLICE_MS;
      if (nowMs < sliceEndsMs) this.#beginNext();
      left -= 1;
      if (left > 0) return;
      this.#scheduled = false;
      this.#schedule();
    };
    for (let i = left; i > 0; i--) setImmediate(step);
  }

  #beginNext(): void {
    for (const [agent, line] of this.#lines) {
      const first = line.shift();
      // To the end of the turns, or out of them.
      this.#lines.delete(agent);
      if (line.length > 0) this.#lines.set(agent, line);
      first?.('now');
      return;
    }
  }

  /** A call that gives up does not cost its agent the turn. */
  #leave(agent: string, waiting: Waiting): void {
    const line = this.#lines.get(agent) ?? [];
    const place = line.indexOf(waiting);
    if (place >= 0) line.splice(place, 1);
    if (line.length === 0) this.#lines.delete(agent);
  }
}
