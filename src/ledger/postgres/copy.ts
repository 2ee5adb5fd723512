import { randomUUID } from 'node:crypto';
import { linkSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WalletError } from '../../errors/walletError.js';
import { syncFolder } from '../../platform/durableFile.js';
import type { SqlRow } from '../sqlite/payments/paymentColumns.js';
import {
  DATABASE_FILE_ENDS,
  COPY_TABLE,
  newDatabase,
  openDatabase,
  statement,
  tryToBegin,
  waitForDisk,
  type Sqlite,
} from '../sqlite/file/database.js';
import { changedBehind } from '../fault.js';
import { applyChange, linkOf, putRow, watchChanges, type Change, type ListedChange } from './change.js';
import { wentBack, type CopyPlace } from './head.js';
import type { Primary } from './primary.js';
import {
  EntryWriter,
  fillRegister,
  REGISTER_ENTRIES,
  sharedTables,
  travelsAsEntries,
} from './registerEntries.js';
import type { Session } from './session.js';
import type { Snapshot } from './snapshot.js';
import { tablesOf, type Table } from './table.js';

/** This folder's working copy of a ledger that stands in PostgreSQL. */
export const COPY_FILE = 'ledger-copy.db';

/** How long this process waits for another one of the same folder, which has the copy for one commit at a time. */
const COPY_WAIT_MS_MAX = 15_000;
const COPY_RETRY_MS = 2;

/**
 * This folder's working copy of the ledger. It decides nothing by itself: what is written is computed on it while the
 * head's lock is held and the copy stands exactly where the head does, and it is committed here behind the database alone.
 * To lose it costs the time of copying.
 */
export class Copy {
  /** For reading, and for what other servers wrote. */
  readonly reader: Sqlite;
  /** For what this server writes; it notes what was changed. */
  readonly writer: Sqlite;
  readonly tables: readonly Table[];
  /** The same as PostgreSQL has them. */
  readonly shared: readonly Table[];
  /** How often {@link reader} itself wrote. */
  #applied = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(reader: Sqlite, writer: Sqlite) {
    this.reader = reader;
    this.writer = writer;
    this.tables = tablesOf(reader);
    this.shared = sharedTables(this.tables);
    watchChanges(writer, this.tables);
    // The database is what lasts: a copy that a power cut sets back goes on from where it stands.
    for (const db of [reader, writer]) waitForDisk(db, false);
  }

  /** Opens the file. Throws as {@link openDatabase} does. */
  static open(path: string): Copy {
    const reader = openDatabase(path);
    try {
      const copy = new Copy(reader, openDatabase(path));
      copy.place();
      return copy;
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  get applied(): number {
    return this.#applied;
  }

  /** Where the copy stands. Throws `ledger_damaged` where the file is no copy. */
  place(db: Sqlite = this.reader): CopyPlace {
    return placeIn(db);
  }

  /**
   * Runs an operation while nothing else of this process writes the copy: one connection would wait for the other with the
   * whole process.
   */
  async exclusively<T>(operation: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#last = promise;
    await before;
    try {
      return await operation();
    } finally {
      resolve(undefined);
    }
  }

  /**
   * Brings the copy to where `head` stands, within {@link exclusively}. Throws `ledger_older` where the database does not
   * continue the copy, and `ledger_busy` for a copy that is too far behind to be brought on while it is open.
   */
  async catchUp(primary: Primary, session: Session, head: CopyPlace): Promise<void> {
    for (;;) {
      const { position } = this.place();
      if (position >= head.position) return;
      const listed = await primary.changesFrom(session, position);
      const known = position === 0 ? listed : listed.slice(1);
      if (position > 0 && listed[0]?.position !== position) throw farBehind();
      await this.#begin(this.reader);
      try {
        this.#applyListed(known, listed[0], head);
        this.reader.exec('COMMIT');
      } catch (error) {
        if (this.reader.inTransaction) this.reader.exec('ROLLBACK');
        throw error;
      } finally {
        this.#applied += 1;
      }
    }
  }

  /** Begins a transaction that writes, on the connection that notes what it changes. */
  async beginWrite(): Promise<void> {
    await this.#begin(this.writer);
  }

  /** Notes where the copy stands with what is about to be committed. */
  notePlace(place: CopyPlace, db: Sqlite = this.writer): void {
    const { arrival, position, hash, epoch } = place;
    statement(db, `UPDATE ${COPY_TABLE} SET arrival = ?, position = ?, hash = ?, epoch = ?`).run(
      ...[arrival, position, hash, epoch],
    );
  }

  close(): void {
    this.writer.close();
    this.reader.close();
  }

  #applyListed(changes: readonly ListedChange[], first: ListedChange | undefined, head: CopyPlace): void {
    // Another process of this folder may have been first.
    const here = this.place();
    let { position, hash } = here;
    const register = new EntryWriter(this.reader);
    if (first !== undefined && first.position === position && first.hash !== hash) throw wentBack();
    for (const listed of changes) {
      if (listed.position <= position) continue;
      if (listed.position !== position + 1 || linkOf(hash, listed.change) !== listed.hash)
        throw changedBehind('The changes that the database lists do not link up.');
      applyChange(this.reader, this.tables, register, JSON.parse(listed.change) as Change);
      ({ position, hash } = listed);
    }
    register.write();
    const epoch = Math.max(here.epoch, head.epoch);
    this.notePlace({ arrival: head.arrival, position, hash, epoch }, this.reader);
  }

  async #begin(db: Sqlite): Promise<void> {
    const untilMs = performance.now() + COPY_WAIT_MS_MAX;
    for (;;) {
      if (!db.open) throw closed();
      if (tryToBegin(db)) return;
      if (performance.now() > untilMs)
        throw new WalletError('ledger_busy', 'The ledger stayed locked by another process.');
      await delay(COPY_RETRY_MS);
    }
  }
}

/** Makes the working copy at `path` from a snapshot; one that another process made meanwhile is as good. */
export async function makeCopy(path: string, snapshot: Snapshot): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.new`;
  rmSync(unfinished, { force: true });
  try {
    await fillCopy(unfinished, snapshot);
    linkSync(unfinished, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    for (const end of [...DATABASE_FILE_ENDS, '-journal']) rmSync(unfinished + end, { force: true });
  }
}

/** Fills a new file with all rows of a snapshot, as they are. */
export async function fillCopy(path: string, snapshot: Snapshot): Promise<void> {
  const db = newDatabase(path);
  try {
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    const { head, schema } = snapshot;
    db.exec('BEGIN');
    // One statement each, and of one kind: what the database says may be anybody's (T22).
    const make = (kind: RegExp): void => {
      for (const sql of schema.filter((text) => kind.test(text))) db.prepare(created(sql)).run();
    };
    make(/^(?!CREATE (TRIGGER|INDEX|UNIQUE INDEX) )/);
    const tables = tablesOf(db);
    for (const table of tables.filter((one) => !travelsAsEntries(one)))
      for await (const row of snapshot.rowsOf(table)) putRow(db, table, row);
    await fillRegister(db, snapshot.rowsOf(REGISTER_ENTRIES));
    // An index over rows that are there is made at once; one row after the other it would be written many times.
    make(/^CREATE (INDEX|UNIQUE INDEX) /);
    make(/^CREATE TRIGGER /);
    db.exec(`CREATE TABLE ${COPY_TABLE} (id INTEGER PRIMARY KEY CHECK (id = 1), arrival TEXT NOT NULL,
      position INTEGER NOT NULL, hash TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT`);
    const { arrival, position, hash, epoch } = head;
    db.prepare(`INSERT INTO ${COPY_TABLE} VALUES (1, ?, ?, ?, ?)`).run(arrival, position, hash, epoch);
    db.pragma(`user_version = ${head.schemaVersion}`);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

/** Takes out of a file what makes it a copy: it is a ledger of its own then. */
export function makeWhole(path: string): void {
  const db = openDatabase(path);
  try {
    db.exec(`DROP TABLE ${COPY_TABLE}`);
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
}

/** The statements that make the tables, indexes and triggers of a ledger, in the order in which they were made. */
export function schemaOf(db: Sqlite): string[] {
  return db
    .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> ? ORDER BY rowid')
    .pluck()
    .all(COPY_TABLE) as string[];
}

function created(sql: string): string {
  if (/^CREATE (TABLE|INDEX|UNIQUE INDEX|TRIGGER) /.test(sql) && !/^CREATE TABLE \S+ AS\b/i.test(sql))
    return sql;
  throw changedBehind('The database describes tables that are not a ledger’s.');
}

function placeIn(db: Sqlite): CopyPlace {
  if (!db.open) throw closed();
  let row: SqlRow | undefined;
  try {
    row = statement(db, `SELECT arrival, position, hash, epoch FROM ${COPY_TABLE}`).get() as
      SqlRow | undefined;
  } catch (cause) {
    throw new WalletError('ledger_damaged', 'The working copy of the ledger is none.', { cause });
  }
  if (row === undefined) throw changedBehind('The working copy of the ledger is none.');
  const [position, epoch] = [Number(row['position']), Number(row['epoch'])];
  return { arrival: String(row['arrival']), position, hash: String(row['hash']), epoch };
}

/** A call that another one's fault closed the wallet under: its copy is not damaged. */
function closed(): WalletError {
  return new WalletError('cancelled', 'The ledger was closed before this was done.');
}

function farBehind(): WalletError {
  return new WalletError(
    'ledger_busy',
    'This server was cut off from the ledger for too long to go on; start it again.',
  );
}
