import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../../../platform/durableFile.js';
import Database from 'better-sqlite3';
import { WalletError } from '../../../errors/walletError.js';
import { removedWhileOpen, toLedgerError } from './fault.js';
import { SCHEMA_SQL, SCHEMA_VERSION } from './schema.js';

/**
 * Where a file is the working copy of a ledger that stands elsewhere, this table of it says how far it was copied. It is no
 * part of the ledger, nor of its schema.
 */
export const COPY_TABLE = 'copied';

/** The ends of the names of a database's files. */
export const DATABASE_FILE_ENDS = ['', '-wal', '-shm'] as const;

/** SQLite's own handle; it stays inside the ledger folder. */
export type Sqlite = Database.Database;

/** 64 MiB of page cache would be waste: the working set of a wallet is a few pages. In KiB, negative by SQLite's convention. */
const CACHE_KIB = -4096;
/**
 * How long opening and reading wait for a lock. Readers meet one for moments only: while another process recovers
 * the log after a crash, or clears it away as the last to leave. Writers wait elsewhere, see {@link LedgerWriter}.
 */
export const READ_WAIT_MS = 2000;

function prepare(db: Sqlite): void {
  db.defaultSafeIntegers(true);
  db.pragma('journal_mode = WAL');
  waitForDisk(db, true);
  if (process.platform === 'darwin') db.pragma('fullfsync = ON');
  // T22: a damaged page is noticed as it is read, and the schema of an edited file runs no functions.
  db.pragma('cell_size_check = ON');
  db.pragma('trusted_schema = OFF');
  // What undoes an operation is kept in memory: else SQLite writes rows of payments into the system's folder for temporary files.
  db.pragma('temp_store = MEMORY');
  db.pragma(`cache_size = ${CACHE_KIB}`);
}

/**
 * Whether the commits from here on wait until the disk has them, and all that was committed before them. Not to be called
 * within a transaction.
 */
export function waitForDisk(db: Sqlite, waits: boolean): void {
  db.exec(`PRAGMA synchronous = ${waits ? 'FULL' : 'NORMAL'}`);
}

/** Pages of the log past which a commit itself brings it into the file: 16 MiB, of which the disk must have room. */
const LOG_PAGES_MAX = 4096;

/** Has the commits of a connection leave the log to {@link clearLog}, as far as that keeps it short. */
export function boundLog(db: Sqlite): void {
  db.pragma(`wal_autocheckpoint = ${LOG_PAGES_MAX}`);
}

/**
 * Brings what is in the log into the file, both synced, as far as nobody reads what was before; waits for nobody. What cannot
 * be done is left to the next time, and to {@link LOG_PAGES_MAX}. Never throws.
 */
export function clearLog(db: Sqlite): void {
  try {
    statement(db, 'PRAGMA wal_checkpoint(PASSIVE)').all();
  } catch {
    // A disk that is full or fails: the log holds all, and the next commit meets the same fault.
  }
}

/** The schema version of an open ledger. */
export function schemaVersionOf(db: Sqlite): number {
  return Number(statement(db, 'PRAGMA user_version').pluck().get());
}

/** Opens an existing file. Throws `ledger_missing`, `ledger_newer`, `ledger_damaged`, `home_unusable`. */
export function openDatabase(path: string, newestVersion = SCHEMA_VERSION): Sqlite {
  if (!existsSync(path))
    throw new WalletError('ledger_missing', 'The ledger of this wallet is missing.', {
      owner: {
        say: 'Put purser.db back from a backup, or have the ledger rebuilt from the chain.',
        action: { kind: 'rebuildLedger' },
      },
    });
  let db: Sqlite | undefined;
  try {
    db = new Database(path, { fileMustExist: true, timeout: READ_WAIT_MS });
    prepare(db);
    refuseNewer(db, newestVersion);
    if (schemaVersionOf(db) < 1) throw new WalletError('ledger_damaged', 'The file is not a ledger.');
    return db;
  } catch (error) {
    db?.close();
    throw toLedgerError(error);
  }
}

/** Throws `ledger_newer` where a newer Purser has moved the ledger's schema on, also while it is open here. */
export function refuseNewer(db: Sqlite, newestVersion: number): void {
  const version = schemaVersionOf(db);
  if (version <= newestVersion) return;
  throw new WalletError(
    'ledger_newer',
    `The ledger was written by a newer Purser (schema ${version}, this one knows ${newestVersion}).`,
    { owner: { say: 'This Purser is older than the ledger.', action: { kind: 'takeNewest' } } },
  );
}

/**
 * Makes a new ledger file, readable by its owner only; refuses to touch one that exists. A crash leaves either no
 * ledger or a whole one. Throws `already_set_up`, `disk_full`, `home_unusable`.
 */
export function createDatabase(path: string, fill: (db: Sqlite) => void): void {
  const unfinished = `${path}.${process.pid}.new`;
  let db: Sqlite | undefined;
  try {
    rmSync(unfinished, { force: true });
    const opened = (db = newDatabase(unfinished));
    opened
      .transaction(() => {
        opened.exec(SCHEMA_SQL);
        opened.pragma(`user_version = ${SCHEMA_VERSION}`);
        fill(opened);
      })
      .immediate();
    db.close();
    // Fails where the name is taken, unlike a rename: a second wallet is never made over the first.
    linkSync(unfinished, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new WalletError('already_set_up', 'A ledger exists here already.', { cause: error });
    }
    throw toLedgerError(error);
  } finally {
    db?.close();
    rmSync(unfinished, { force: true });
  }
}

/** SQLite's name for a database that is in no file. */
export const MEMORY = ':memory:';

/** Opens a database in memory, with empty tables. */
export function memoryDatabase(): Sqlite {
  const db = new Database(MEMORY);
  db.defaultSafeIntegers(true);
  db.exec(SCHEMA_SQL);
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
  return db;
}

/** Makes an empty file that its owner alone can read, and opens it. */
export function newDatabase(path: string): Sqlite {
  // 0600 from its first instant: SQLite gives the files beside it the same mode.
  closeSync(openSync(path, 'wx', 0o600));
  const db = new Database(path);
  db.defaultSafeIntegers(true);
  return db;
}

/**
 * Writes the ledger as it stands into a new file, whole and durable, readable by its owner only. Throws `bad_input`
 * where the name is taken.
 */
export function copyDatabase(db: Sqlite, path: string): void {
  let file: number | undefined;
  try {
    file = openSync(path, 'wx', 0o600);
    statement(db, 'VACUUM INTO ?').run(path);
    fsyncSync(file);
    syncFolder(dirname(path));
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new WalletError('bad_input', 'A file of that name exists; a backup never writes over one.', {
        cause: error,
      });
    }
    if (file !== undefined) rmSync(path, { force: true });
    throw toLedgerError(error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Waits, off the main thread, until the disk has every commit that was seen so far. What is no longer in the log has been
 * synced into the database before the log was used anew. Throws `ledger_missing`, `disk_full`, `home_unusable`.
 */
export async function syncLog(path: string): Promise<void> {
  try {
    // Windows syncs only what was opened for writing.
    const log = await open(`${path}-wal`, 'r+');
    await log.sync().finally(() => log.close());
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? removedWhileOpen({ cause: error })
      : toLedgerError(error);
  }
}

/** {@link syncLog} at once, for a ledger that is closed. */
export function syncLogNow(path: string): void {
  const log = openSync(`${path}-wal`, 'r+');
  try {
    fsyncSync(log);
  } finally {
    closeSync(log);
  }
}

/** Begins a write at once: false where another process writes. SQLite's own wait would block this process. */
export function tryToBegin(db: Sqlite): boolean {
  const busyTimeout = (ms: number): unknown => statement(db, `PRAGMA busy_timeout = ${ms}`).get();
  busyTimeout(0);
  try {
    statement(db, 'BEGIN IMMEDIATE').run();
    return true;
  } catch (error) {
    // `PROTOCOL`: so many came for the lock at once that SQLite gave up on taking turns.
    if (/^SQLITE_(BUSY|PROTOCOL)/.test(String((error as { code?: unknown }).code))) return false;
    throw error;
  } finally {
    busyTimeout(READ_WAIT_MS);
  }
}

const statementsOf = new WeakMap<Sqlite, Map<string, Database.Statement>>();

/** A prepared statement, compiled once for each open database: `sql` is one of a few texts, values are bound. */
export function statement(db: Sqlite, sql: string): Database.Statement {
  let statements = statementsOf.get(db);
  if (statements === undefined) statementsOf.set(db, (statements = new Map()));
  let prepared = statements.get(sql);
  if (prepared === undefined) statements.set(sql, (prepared = db.prepare(sql)));
  return prepared;
}

/**
 * Identity of a ledger's files on disk, to tell a deleted or replaced one from the one that is open; null where one
 * is missing. The log counts too: without it another process would not see what this one writes, and without the
 * shared memory beside it their locks would not meet (T29).
 */
export function fileIdentity(path: string): string | null {
  try {
    return DATABASE_FILE_ENDS.map((end) => {
      const { dev, ino } = statSync(path + end);
      return `${dev}:${ino}`;
    }).join(' ');
  } catch {
    return null;
  }
}

/** Compiles for one open database every statement that another of the same tables was asked for. */
export function prepareAs(db: Sqlite, other: Sqlite): void {
  // A pragma may do its work while it is compiled.
  const texts = [...(statementsOf.get(other)?.keys() ?? [])].filter((sql) => !sql.startsWith('PRAGMA'));
  for (const sql of texts) statement(db, sql);
}
