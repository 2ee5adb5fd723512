import { closeSync, openSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { toLedgerError } from './fault.js';

/** How long a writer waits for another process. */
const WAIT_MS = 4_000;

/** What a file beside the ledger is made of. */
export interface SideFile {
  /** One more whenever the tables change: a file of another version is made anew. */
  readonly version: number;
  /** Statements that make what is missing. */
  readonly schema: string;
  /** Whether a commit waits for the disk; else a power cut may take the last one. */
  readonly isDurable?: boolean;
}

/**
 * Opens a file of facts beside the ledger that no limit goes by; one that is missing, damaged or of another version is made
 * anew. Throws `home_unusable`, `disk_full`.
 */
export function openSideFile<Book>(
  path: string,
  file: SideFile,
  bookOf: (db: Database.Database) => Book,
): Book {
  const open = (): Book => {
    const db = openOrMake(path, file);
    try {
      return bookOf(db);
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof OtherVersion) && !isDamaged(error)) throw error;
      for (const one of [path, `${path}-wal`, `${path}-shm`]) rmSync(one, { force: true });
      return open();
    }
  } catch (error) {
    throw toLedgerError(error);
  }
}

class OtherVersion extends Error {}

function isDamaged(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(String(error.code))
  );
}

function openOrMake(path: string, { version, schema, isDurable = false }: SideFile): Database.Database {
  // 0600 from its first instant: SQLite gives the files beside it the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { timeout: WAIT_MS });
  try {
    db.defaultSafeIntegers(true);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`);
    db.pragma('trusted_schema = OFF');
    const found = Number(db.pragma('user_version', { simple: true }));
    if (found !== 0 && found !== version) throw new OtherVersion();
    db.exec(schema);
    db.pragma(`user_version = ${version}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
