import { waitsForDisk, type CommitObserver, type CommitPoint } from '../../commitPoint.js';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { WalletError } from '../../../errors/walletError.js';
import {
  boundLog,
  clearLog,
  tryToBegin,
  fileIdentity,
  statement,
  syncLog,
  syncLogNow,
  waitForDisk,
  type Sqlite,
} from './database.js';
import { removedWhileOpen, toLedgerError } from './fault.js';
import type { Journal } from '../journal/journal.js';

/** Writers of other processes hold the lock for a fraction of a millisecond; past this something is wrong. */
const LOCK_WAIT_MAX_MS = 10_000;
/** Operations of this process that share one commit, and so one fsync; keeps a lock hold near 10 ms. */
const BATCH_MAX = 32;
/** After a commit, while others write too, this process lets them go first for so long. */
const GIVE_WAY_MS = 4;
/** How long after another process was seen to write the ledger counts as contended. */
const CONTENDED_MS = 100;
/**
 * How soon the disk is given what a commit left to the system: late enough that it is behind the answer of a payment, and that
 * payments one after the other take it along with the wait of their own instead of waiting for this one too; soon enough that a
 * power cut takes away next to nothing.
 */
const SYNC_BEHIND_MS = 100;

/**
 * After so many commits the log is brought into the file, behind the answers: a commit writes a dozen pages, so that the log
 * has some four megabytes by then, and the next commits use it anew.
 */
const CLEAR_LOG_EVERY = 64;

/**
 * When to ask for the lock again. The longer an operation has waited, the more often it asks, so that it comes before
 * those that came later: SQLite's own back-off does the opposite, and starved one of eight writers for a second.
 */
function retryMs(waitedMs: number): number {
  if (waitedMs < 8) return 4;
  return waitedMs < 16 ? 2 : 1;
}

interface PendingWrite {
  readonly point: CommitPoint;
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Settled =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** What a writer is told about the ledger it writes. */
export interface WriterOptions {
  readonly observer?: CommitObserver | undefined;
  /** How long an operation waits for other processes before it fails as `ledger_busy`. */
  readonly lockWaitMaxMs?: number | undefined;
  /** Throws where the ledger is no longer one to write to; called with the lock taken. */
  readonly guard: () => void;
}

/**
 * The only way to write the ledger: whole operations, one after the other, each atomic, and on the disk before its
 * promise resolves where {@link waitsForDisk} says so. Operations that wait together share a commit.
 */
export class LedgerWriter {
  readonly #db: Sqlite;
  readonly #path: string;
  readonly #journal: Journal;
  readonly #identity: string | null;
  readonly #options: WriterOptions;
  readonly #pending: PendingWrite[] = [];
  #draining = false;
  #commits = 0;
  /** The newest commit that was left to the system, and the newest that is known to be on the disk. */
  #leftCommit = 0;
  #diskCommit = 0;
  /** Whether the connection's commits wait for the disk, as they do when it is opened. */
  #waits = true;
  #syncTimer: NodeJS.Timeout | undefined;
  /** The newest commit when the log was last brought into the file. */
  #clearedCommit = 0;
  /** When another process was last seen to hold the lock. */
  #busySeen = -Infinity;

  constructor(db: Sqlite, path: string, journal: Journal, options: WriterOptions) {
    this.#db = db;
    this.#path = path;
    this.#journal = journal;
    this.#identity = fileIdentity(path);
    this.#options = options;
    boundLog(db);
  }

  /** How often this process began to write: what was read before the latest may be old. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Runs `operation` inside one immediate transaction. A throw undoes that operation alone.
   *
   * Throws `ledger_busy`, `disk_full`, `ledger_damaged`, `ledger_missing`, `ledger_newer`, `home_unusable`.
   */
  write<T>(point: CommitPoint, operation: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ point, run: operation, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#draining) void this.#drain();
    });
  }

  /** Has the disk take what was left to the system; to be called before the ledger is closed. Never throws. */
  close(): void {
    clearTimeout(this.#syncTimer);
    if (this.#leftCommit <= this.#diskCommit) return;
    try {
      syncLogNow(this.#path);
      this.#noteOnDisk(this.#commits);
    } catch {
      // A ledger that is gone, or a disk that fails: whoever opens it next meets that.
    }
  }

  /** Has the disk take soon what was left to the system, off the main thread. */
  #syncSoon(): void {
    if (this.#syncTimer !== undefined) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      const commit = this.#commits;
      if (this.#leftCommit <= this.#diskCommit) return;
      // Where that fails, the next commit that waits for the disk meets the same fault.
      syncLog(this.#path).then(
        () => {
          this.#noteOnDisk(commit);
          this.#clearLog();
        },
        () => undefined,
      );
    }, SYNC_BEHIND_MS);
    this.#syncTimer.unref();
  }

  /**
   * Brings the log into the file once it is long. SQLite itself would do so within a commit that a call waits for; here it is
   * behind the sync, so that only the file is left to be written.
   */
  #clearLog(): void {
    if (!this.#db.open || this.#commits - this.#clearedCommit < CLEAR_LOG_EVERY) return;
    this.#clearedCommit = this.#commits;
    clearLog(this.#db);
  }

  #noteOnDisk(commit: number): void {
    // One that was under way when the ledger was closed.
    if (!this.#db.open) return;
    this.#diskCommit = Math.max(this.#diskCommit, commit);
    if (this.#leftCommit <= this.#diskCommit) this.#options.observer?.onDisk?.();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    // Calls made in one turn of the event loop share a commit, also those that different connections brought.
    await setImmediate();
    while (this.#pending.length > 0) {
      await this.#commitNext();
      // A long queue must not keep the rest of this process waiting.
      if (this.#pending.length > 0) await setImmediate();
    }
    this.#draining = false;
  }

  async #commitNext(): Promise<void> {
    const wantedSince = performance.now();
    try {
      if (wantedSince - this.#busySeen < CONTENDED_MS) await delay(GIVE_WAY_MS);
      while (!this.#tryCommit()) {
        this.#busySeen = performance.now();
        const waitedMs = this.#busySeen - wantedSince;
        if (waitedMs > (this.#options.lockWaitMaxMs ?? LOCK_WAIT_MAX_MS))
          throw new WalletError('ledger_busy', 'The ledger stayed locked by another process.');
        await delay(retryMs(waitedMs));
      }
    } catch (error) {
      for (const write of this.#pending.splice(0)) write.reject(toLedgerError(error));
    }
  }

  /**
   * Takes the lock, runs what waits and commits, without a pause: nothing else of this process sees a half-done
   * batch. False where another process has the lock.
   */
  #tryCommit(): boolean {
    if (!this.#db.open)
      throw new WalletError('cancelled', 'The ledger was closed before this could be written.');
    const batch = this.#pending.slice(0, BATCH_MAX);
    const waits = batch.some(({ point }) => waitsForDisk(point));
    // Not to be changed within a transaction.
    if (waits !== this.#waits) waitForDisk(this.#db, (this.#waits = waits));
    if (!tryToBegin(this.#db)) return false;
    try {
      // T29: a ledger deleted or replaced under us would take holds that nobody else sees.
      if (fileIdentity(this.#path) !== this.#identity) throw removedWhileOpen();
      this.#options.guard();
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
    this.#journal.beginWrite(this.#commits);
    this.#commits += 1;
    this.#pending.splice(0, batch.length);
    this.#commitBatch(batch, waits);
    return true;
  }

  #commitBatch(batch: readonly PendingWrite[], waits: boolean): void {
    const { observer } = this.#options;
    let settled: Settled[];
    try {
      settled = batch.map((write) => this.#runOne(write));
      const head = this.#journal.storeHead();
      for (const { point } of batch) observer?.beforeCommit?.(point);
      statement(this.#db, 'COMMIT').run();
      this.#journal.endWrite(this.#commits);
      this.#journal.remember(head);
      if (waits) {
        this.#noteOnDisk(this.#commits);
      } else {
        this.#leftCommit = this.#commits;
        this.#syncSoon();
      }
      for (const { point } of batch) observer?.afterCommit?.(point);
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#journal.endWrite(null);
      for (const write of batch) write.reject(toLedgerError(error));
      return;
    }
    settled.forEach((outcome, i) => {
      if (outcome.ok) batch[i]?.resolve(outcome.value);
      else batch[i]?.reject(outcome.error);
    });
  }

  #runOne(write: PendingWrite): Settled {
    const { point } = this.#journal;
    statement(this.#db, 'SAVEPOINT operation').run();
    try {
      const value = write.run();
      statement(this.#db, 'RELEASE operation').run();
      return { ok: true, value };
    } catch (error) {
      // A full disk ends the whole transaction: then there is no savepoint left to go back to.
      if (!this.#db.inTransaction) throw error;
      this.#db.exec('ROLLBACK TO operation; RELEASE operation');
      this.#journal.backTo(point);
      return { ok: false, error: toLedgerError(error) };
    }
  }
}
