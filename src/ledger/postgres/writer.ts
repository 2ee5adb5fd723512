import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { CommitObserver, CommitPoint } from '../commitPoint.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { statement, type Sqlite } from '../sqlite/file/database.js';
import type { Journal } from '../sqlite/journal/journal.js';
import type { Register } from '../sqlite/journal/register.js';
import { takeChange } from './change.js';
import type { Copy } from './copy.js';
import { isAnswer, isSessionLost, isToRepeat, toStoreError } from './fault.js';
import { checkHead, type CopyPlace, type Head } from './head.js';
import type { Primary } from './primary.js';
import type { Session } from './session.js';

/** Operations that share one commit: some ten milliseconds of work, behind one wait for the database. */
const BATCH_MAX = 64;
/** How soon a step is tried again after a conflict, or after the database was not there. */
const AGAIN_MS = 20;

interface PendingWrite {
  readonly point: CommitPoint;
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Settled =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** A commit whose session was lost before it was answered: where the ledger stands if it was made. */
interface Unanswered {
  readonly place: CopyPlace;
  readonly settled: readonly Settled[];
}

/** What a writer works with. */
export interface WriterParts {
  readonly copy: Copy;
  readonly primary: Primary;
  /** The session that writes; opened anew where the last one was lost. */
  session(): Promise<Session>;
  /** Of the copy's writing connection. */
  readonly journal: Journal;
  /** Of the same connection; null without keys, with which nothing is written to it. */
  readonly register: Register | null;
  readonly schemaVersion: number;
  readonly observer?: CommitObserver | undefined;
  /** How long an operation waits for the database and for other servers before it fails. */
  readonly waitMaxMs: number;
  /** Throws where the copy is no longer one to write to; called with the lock taken. */
  guard(): void;
  /** Called after each commit. */
  afterCommit(): void;
}

/**
 * The only way to write the ledger: whole operations, one after the other. Each batch of them takes the head's lock in the
 * database, brings the copy to the head, computes on the copy, sends what changed, and commits: first the database, then
 * the copy. So no server decides about money on anything but the newest state, and none but the one with the lock decides.
 */
export class PostgresWriter {
  readonly #parts: WriterParts;
  readonly #pending: PendingWrite[] = [];
  #draining: Promise<void> | null = null;
  #isClosed = false;
  #commits = 0;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    parts.register?.noteSets();
  }

  /**
   * Runs `operation` in one step. It may run more than once, where a step is made again: it changes nothing but the ledger.
   * A throw undoes that operation alone. Resolves once the database has committed it.
   */
  write<T>(point: CommitPoint, operation: () => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ point, run: operation, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Ends what waits, once the commit under way is answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Calls made in one turn of the event loop share a commit.
    await setImmediate();
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, BATCH_MAX);
      try {
        const settled = await this.#settle(batch);
        settled.forEach((outcome, i) => {
          if (outcome.ok) batch[i]?.resolve(outcome.value);
          else batch[i]?.reject(outcome.error);
        });
      } catch (error) {
        for (const write of batch) write.reject(toStoreError(error));
      }
    }
    this.#draining = null;
  }

  /** Makes the step of a batch, again where it was undone, until it stands or its time is over. */
  async #settle(batch: readonly PendingWrite[]): Promise<readonly Settled[]> {
    const untilMs = performance.now() + this.#parts.waitMaxMs;
    const unanswered: Unanswered[] = [];
    for (;;) {
      if (this.#isClosed) throw closed();
      try {
        return await this.#step(batch, unanswered);
      } catch (error) {
        const mayRepeat = isToRepeat(error) || isGone(error);
        if (!mayRepeat || performance.now() > untilMs) throw error;
      }
      await delay(AGAIN_MS);
    }
  }

  async #step(batch: readonly PendingWrite[], unanswered: Unanswered[]): Promise<readonly Settled[]> {
    const { copy, primary, schemaVersion } = this.#parts;
    const session = await this.#parts.session();
    try {
      const head = await primary.lock(session);
      return await copy.exclusively(async () => {
        checkHead(head, schemaVersion, copy.place());
        await copy.catchUp(primary, session, head);
        const answered = await this.#findAnswer(session, unanswered);
        if (answered !== null) {
          // Whoever lost the answer may not have waited for the standbys.
          await primary.confirm(session);
          return answered;
        }
        await copy.beginWrite();
        return this.#compute(session, head, batch, unanswered);
      });
    } catch (error) {
      // What the server undid by itself, too; a session that is in doubt is ended.
      if (session.isOpen) await primary.undo(session).catch(() => session.close());
      throw error;
    }
  }

  /** What became of an earlier try whose commit was not answered; null where it was not made. */
  async #findAnswer(session: Session, unanswered: readonly Unanswered[]): Promise<readonly Settled[] | null> {
    for (const { place, settled } of unanswered)
      if ((await this.#parts.primary.linkAt(session, place.position)) === place.hash) return settled;
    return null;
  }

  async #compute(
    session: Session,
    head: Head,
    batch: readonly PendingWrite[],
    unanswered: Unanswered[],
  ): Promise<readonly Settled[]> {
    const { copy, primary, journal, register, observer, guard } = this.#parts;
    const { writer: db, tables } = copy;
    try {
      guard();
      journal.beginWrite(this.#commits);
      register?.backTo(0);
      this.#commits += 1;
      const settled = batch.map((write) => this.#runOne(db, write));
      const newest = journal.storeHead();
      for (const { point } of batch) observer?.beforeCommit?.(point);
      const change = takeChange(db, tables, register?.sets ?? [], head.position + 1);
      if (change === null) await primary.undo(session);
      else {
        const place = primary.placeAfter(session, head, JSON.stringify(change));
        copy.notePlace(place);
        unanswered.push({ place, settled });
        try {
          await primary.commit(session, head, change, copy.shared);
        } catch (error) {
          // A statement that PostgreSQL refused left nothing behind.
          if (isAnswer(error)) unanswered.pop();
          throw error;
        }
      }
      statement(db, 'COMMIT').run();
      journal.endWrite(this.#commits);
      journal.remember(newest);
      for (const { point } of batch) observer?.afterCommit?.(point);
      observer?.onDisk?.();
      if (change !== null) this.#parts.afterCommit();
      return settled;
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      journal.endWrite(null);
      throw error;
    }
  }

  #runOne(db: Sqlite, write: PendingWrite): Settled {
    const { journal, register } = this.#parts;
    const { point } = journal;
    const setBefore = register?.sets.length ?? 0;
    statement(db, 'SAVEPOINT operation').run();
    try {
      const value = write.run();
      statement(db, 'RELEASE operation').run();
      return { ok: true, value };
    } catch (error) {
      if (!db.inTransaction) throw error;
      db.exec('ROLLBACK TO operation; RELEASE operation');
      journal.backTo(point);
      register?.backTo(setBefore);
      return { ok: false, error: toStoreError(error) };
    }
  }
}

/** Whether the database was not there, or went away: it may be back in a moment. */
function isGone(error: unknown): boolean {
  return isWalletError(error) ? error.code === 'ledger_unreachable' : isSessionLost(error);
}

function closed(): WalletError {
  return new WalletError('cancelled', 'The ledger was closed before this could be written.');
}
