import { setTimeout as delay } from 'node:timers/promises';
import { COMMIT_POINTS, type CommitPoint } from '../../src/ledger/sqlite/writer.js';
import type { Random } from '../support/random.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../support/walletProcess.js';

/** The wallets' processes: each that ends is replaced, so that there are always as many. */
export class Crew {
  readonly #home: string;
  readonly #places: (WalletProcess | null)[];
  readonly #killed = new WeakSet<WalletProcess>();
  readonly #starting = new Set<Promise<void>>();
  #closed = false;
  /** How doomed processes ended, by kind of end. */
  readonly deaths = new Map<string, number>();

  private constructor(home: string, size: number) {
    this.#home = home;
    this.#places = Array.from({ length: size }, () => null);
  }

  static async start(home: string, size: number): Promise<Crew> {
    const crew = new Crew(home, size);
    await Promise.all(crew.#places.map((_none, place) => crew.#fill(place)));
    return crew;
  }

  /** A living process; waits for one where all have just died. */
  async pick(random: Random): Promise<WalletProcess> {
    for (;;) {
      const alive = this.#places.filter((one): one is WalletProcess => one !== null && !one.ended);
      if (alive.length > 0) return random.pick(alive);
      await delay(20);
    }
  }

  /** Kills a process at any moment. */
  async kill(random: Random): Promise<void> {
    const victim = await this.pick(random);
    this.#killed.add(victim);
    await victim.kill();
  }

  /** Has a process kill itself at its next commit at some point. */
  async doom(random: Random): Promise<void> {
    const victim = await this.pick(random);
    const point = random.pick(Object.keys(COMMIT_POINTS) as CommitPoint[]);
    const when = random.pick(['before', 'after'] as const);
    await victim.dieAt({ point, when }).catch(ignoreEnd);
    void victim.exit.then(() => {
      if (!this.#killed.has(victim)) this.#count(`died ${when} the commit of ${point}`);
    });
  }

  /** Ends all of them for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#starting);
    await Promise.all(this.#places.flatMap((one) => (one === null ? [] : [one.kill()])));
  }

  #count(kind: string): void {
    if (!this.#closed) this.deaths.set(kind, (this.deaths.get(kind) ?? 0) + 1);
  }

  async #fill(place: number): Promise<void> {
    const started = await startWalletProcess(this.#home, { reconcile: true });
    this.#places[place] = started;
    if (this.#closed) await started.kill();
    void started.exit.then(() => {
      if (this.#closed) return;
      this.#places[place] = null;
      const filled = this.#fill(place).finally(() => this.#starting.delete(filled));
      this.#starting.add(filled);
    });
  }
}

/** Lets a process's end pass: in a run that kills processes it is no fault of the one who waited. */
export function ignoreEnd(error: unknown): null {
  if (error instanceof ProcessEnded) return null;
  throw error;
}
