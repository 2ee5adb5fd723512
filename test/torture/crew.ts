import { COMMIT_POINTS, type CommitPoint } from '../../src/ledger/commitPoint.js';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Operators } from '../support/operators.js';
import type { Random } from '../support/random.js';
import type { ChildSetup } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../support/walletProcess.js';

/** How long a process gets to come by the commit at which it is to be stalled. */
const STALL_WAIT_MS = 3_000;
/** How long calls under way get before a process is closed, as a server gives them. */
const FINISH_CALLS_MS = 5_000;
const LOOK_EVERY_MS = 10;
/** How often it is looked whether each process still answers, and how long it may be silent: only what hangs is. */
const PING_EVERY_MS = 3_000;
const SILENT_MS_MAX = 20_000;

/** What every process of a crew is started with. */
export interface CrewParts {
  /** The folders that the processes work in, one after the other: of one server each. */
  readonly homes: readonly string[];
  readonly size: number;
  readonly operators: Operators;
  /** How much longer everything takes here than on a fast machine at rest; at least 1. */
  readonly slowness: number;
  /** How far a right clock is ahead of the machine's at this moment. */
  readonly aheadMs: () => number;
}

/** The wallets' processes: each that ends is replaced, so that there are always as many. */
export class Crew {
  readonly #parts: CrewParts;
  readonly #places: (WalletProcess | null)[];
  readonly #killed = new WeakSet<WalletProcess>();
  readonly #starting = new Set<Promise<void>>();
  /** How far each process's clock is off, where it is. */
  readonly #errorsMs = new WeakMap<WalletProcess, number>();
  /** While it lasts nobody is picked and nobody takes a place. */
  #rest: Promise<void> | null = null;
  #closed = false;
  /** How doomed processes ended, by kind of end. */
  readonly deaths = new Map<string, number>();
  /** Sentences, one for each process that ended though nobody killed it. */
  readonly broken: string[] = [];

  private constructor(parts: CrewParts) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.size }, () => null);
  }

  static async start(parts: CrewParts): Promise<Crew> {
    const crew = new Crew(parts);
    await Promise.all(crew.#places.map((_none, place) => crew.#fill(place)));
    return crew;
  }

  /** A living process; waits for one where all have just died. */
  async pick(random: Random): Promise<WalletProcess> {
    for (;;) {
      const { alive } = this;
      if (alive.length > 0 && this.#rest === null) return random.pick(alive);
      await delay(20);
    }
  }

  get alive(): readonly WalletProcess[] {
    return this.#places.filter((one): one is WalletProcess => one !== null && !one.ended);
  }

  /** What a process is started with that has a right clock. */
  get setup(): Pick<ChildSetup, 'aheadMs' | 'operators'> {
    return { aheadMs: this.#parts.aheadMs(), operators: this.#parts.operators };
  }

  /** How far a process's clock is off, in ms. */
  errorMsOf(process: WalletProcess): number {
    return this.#errorsMs.get(process) ?? 0;
  }

  /** Sets a process's clock wrong by so much, or right, whatever it is in the middle of. */
  async setClock(process: WalletProcess, errorMs: number): Promise<void> {
    this.#errorsMs.set(process, errorMs);
    await process.ask({ do: 'clock', aheadMs: this.#parts.aheadMs() + errorMs }).catch(ignoreEnd);
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

  /** Stops a process in its tracks right behind a commit, for as long as the work takes; false where it came to none. */
  async stall(
    random: Random,
    point: CommitPoint,
    work: (stalled: WalletProcess) => Promise<void>,
  ): Promise<boolean> {
    const victim = await this.pick(random);
    await victim.ask({ do: 'stall', at: { point, when: 'after' } }).catch(ignoreEnd);
    const endsMs = performance.now() + STALL_WAIT_MS * this.#parts.slowness;
    while (!isStopped(victim) && !victim.ended && performance.now() < endsMs) await delay(LOOK_EVERY_MS);
    try {
      if (!isStopped(victim)) return false;
      await work(victim);
      return true;
    } finally {
      await letGoOn(victim);
    }
  }

  /** Kills processes that answer nothing any more, and says so, until the time is over. */
  async watchOver(isOver: () => boolean): Promise<void> {
    const silentMsMax = SILENT_MS_MAX * this.#parts.slowness;
    while (!isOver()) {
      await delay(PING_EVERY_MS);
      await Promise.all(this.alive.map((one) => this.#expectAnswer(one, silentMsMax)));
    }
  }

  async #expectAnswer(one: WalletProcess, silentMsMax: number): Promise<void> {
    const answer = one.ask({ do: 'ping' }).catch(ignoreEnd);
    const isSilent = Symbol('silent');
    if ((await Promise.race([answer, delay(silentMsMax, isSilent)])) !== isSilent) return;
    this.broken.push(`process ${one.pid} hangs: it answered nothing for ${silentMsMax} ms`);
    this.#killed.add(one);
    await one.kill();
  }

  /** Kills all of them at one moment, and lets none take a place before the work is done. */
  async killAll(work: () => Promise<void>): Promise<void> {
    await this.#resting(async () => {
      await this.#endAll();
      await work();
    });
  }

  /** Has all of them end in order, as servers do, and lets none take a place before the work is done. */
  async closeAll(work: () => Promise<void>): Promise<void> {
    await this.#resting(async () => {
      await Promise.all(
        this.alive.map(async (one) => {
          const endsMs = performance.now() + FINISH_CALLS_MS;
          while (one.busy > 0 && performance.now() < endsMs) await delay(LOOK_EVERY_MS);
          await one.ask({ do: 'close' }).catch(ignoreEnd);
        }),
      );
      await this.#endAll();
      await work();
    });
  }

  /** Stops all of them in their tracks while time passes, and tells them the time when they go on. */
  async sleepAll(pass: () => Promise<void>): Promise<void> {
    await this.#resting(async () => {
      const sleepers = this.alive;
      for (const one of sleepers) one.pause();
      try {
        await pass();
      } finally {
        const told = sleepers.map((one) => this.setClock(one, this.errorMsOf(one)));
        for (const one of sleepers) one.resume();
        await Promise.all(told);
      }
    });
  }

  /** Ends all of them for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#starting);
    await this.#endAll();
  }

  async #endAll(): Promise<void> {
    const all = this.alive;
    for (const one of all) this.#killed.add(one);
    await Promise.all(all.map((one) => one.kill()));
  }

  async #resting(work: () => Promise<void>): Promise<void> {
    while (this.#starting.size > 0) await Promise.all(this.#starting);
    let end = (): void => undefined;
    this.#rest = new Promise((resolve) => (end = resolve));
    try {
      await work();
    } finally {
      this.#rest = null;
      end();
    }
  }

  #count(kind: string): void {
    if (!this.#closed) this.deaths.set(kind, (this.deaths.get(kind) ?? 0) + 1);
  }

  async #fill(place: number): Promise<void> {
    await this.#rest;
    const { homes } = this.#parts;
    const home = homes[place % homes.length] ?? '';
    const started = await startWalletProcess(home, { reconcile: true, ...this.setup });
    // Time may have passed in big steps while it started.
    await this.setClock(started, 0);
    this.#places[place] = started;
    if (this.#closed) await started.kill();
    void started.exit.then((signal) => {
      if (signal !== 'SIGKILL') this.broken.push(`process ${started.pid} ended by itself`);
      if (this.#closed) return;
      this.#places[place] = null;
      const filled = this.#fill(place).finally(() => this.#starting.delete(filled));
      this.#starting.add(filled);
    });
  }
}

/** Whether a process is stopped by a signal; where there is no `/proc`, nobody can tell. */
function isStopped({ pid }: WalletProcess): boolean {
  try {
    return / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));
  } catch {
    return false;
  }
}

/** Lets a process go on that was or may yet be stalled: it may come by that commit at this very moment. */
async function letGoOn(victim: WalletProcess): Promise<void> {
  let isFree = false;
  const freed = victim
    .ask({ do: 'spare' })
    .catch(ignoreEnd)
    .finally(() => (isFree = true));
  while (!isFree) {
    victim.resume();
    await Promise.race([freed, delay(LOOK_EVERY_MS)]);
  }
}

/** Lets a process's end pass: in a run that kills processes it is no fault of the one who waited. */
export function ignoreEnd(error: unknown): null {
  if (error instanceof ProcessEnded) return null;
  throw error;
}
