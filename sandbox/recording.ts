/** How long {@link Recording.waitFor} waits before it says what it was waiting for: only what hangs takes so long. */
const WAIT_MS_MAX = 4 * 60_000;

interface Waiter<T> {
  matches: (entry: T) => boolean;
  resolve: (entry: T) => void;
}

/**
 * What happened, in order, and a way to wait for what has not happened yet, so that no test has to sleep.
 */
export class Recording<T> {
  readonly entries: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();

  /** Appends an entry and wakes whoever waits for one like it. */
  add(entry: T): T {
    this.entries.push(entry);
    for (const waiter of this.#waiters) if (waiter.matches(entry)) waiter.resolve(entry);
    return entry;
  }

  /** Resolves with the first entry that matches, past or future; rejects after `timeoutMs` (4 minutes). */
  waitFor(matches: (entry: T) => boolean = () => true, timeoutMs: number = WAIT_MS_MAX): Promise<T> {
    const past = this.entries.find(matches);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = {
        matches,
        resolve: (entry) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(entry);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`Nothing matching ${String(matches)} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** Forgets the past; whoever waits goes on waiting. */
  clear(): void {
    this.entries.length = 0;
  }
}
