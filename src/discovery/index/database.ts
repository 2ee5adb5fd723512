import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { WalletError } from '../../errors/walletError.js';
import { SCHEMA_SQL, SCHEMA_VERSION } from './schema.js';

/** SQLite's own handle; it stays inside this folder. */
export type Sqlite = Database.Database;

/** How long a writer waits for another process's page of a sync. */
const WAIT_MS = 4_000;
/** Enough for the words of a search over some ten thousand listings. In KiB, negative by SQLite's convention. */
const CACHE_KIB = -4_096;
const PAGE_BYTES = 4_096;
/** The catalogue never takes more of a disk than this, whatever a source sends (T15). */
export const DATABASE_BYTES_MAX = 256 * 1024 * 1024;
/** The log is written back as it grows past this many pages. */
const CHECKPOINT_PAGES = 2_000;

/** Opens the catalogue's file; one that is missing, damaged or of another version is made anew. Throws `home_unusable`. */
export function openCatalogFile(path: string): Sqlite {
  try {
    return openOrMake(path);
  } catch (error) {
    if (!isDamaged(error)) throw unusable(path, error);
  }
  try {
    removeCatalogFile(path);
    return openOrMake(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

const statementsOf = new WeakMap<Sqlite, Map<string, Database.Statement>>();

/** A prepared statement, compiled once for each open file: `sql` is one of a few texts, values are bound. */
export function statement(db: Sqlite, sql: string): Database.Statement {
  let statements = statementsOf.get(db);
  if (statements === undefined) statementsOf.set(db, (statements = new Map()));
  let prepared = statements.get(sql);
  if (prepared === undefined) statements.set(sql, (prepared = db.prepare(sql)));
  return prepared;
}

/** Whether an error says that the file is no whole database any more, so that a new one is the cure. */
export function isDamaged(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(String(error.code))
  );
}

/** Whether an error says that the catalogue has reached its bound, or the disk its end. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_FULL');
}

/** Removes the catalogue with the files beside it. */
export function removeCatalogFile(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
}

/** Which file a path names now, to notice that another process made it anew; null where there is none. */
export function identityOf(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}

function openOrMake(path: string): Sqlite {
  // 0600 from its first instant: SQLite gives the files beside it the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { timeout: WAIT_MS });
  try {
    db.pragma('journal_mode = WAL');
    // It can all be fetched again: a power cut may lose the last page of a sync, never the file.
    db.pragma('synchronous = NORMAL');
    db.pragma('trusted_schema = OFF');
    db.pragma(`cache_size = ${CACHE_KIB}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`max_page_count = ${DATABASE_BYTES_MAX / PAGE_BYTES}`);
    makeSchema(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function makeSchema(db: Sqlite): void {
  const make = db.transaction(() => {
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version === SCHEMA_VERSION && hasTables(db)) return;
    dropAll(db);
    db.exec(SCHEMA_SQL);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  });
  make.immediate();
}

function hasTables(db: Sqlite): boolean {
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE name IN ('sources', 'listings', 'words')`);
  return names.all().length === 3;
}

/** A file of another version is emptied in place, so that a process which has it open sees the new one. */
function dropAll(db: Sqlite): void {
  const named = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name = 'words' DESC`,
    )
    .pluck()
    .all() as string[];
  for (const name of named) db.exec(`DROP TABLE IF EXISTS "${name.replaceAll('"', '""')}"`);
}

function unusable(path: string, cause: unknown): WalletError {
  return new WalletError('home_unusable', `The catalogue ${path} cannot be used.`, {
    cause,
    owner: { say: `Make ${path} usable, or remove it: it is fetched anew.` },
  });
}
