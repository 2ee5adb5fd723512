import type { LedgerOptions, NewLedger } from '../ledgerStore.js';
import { newId } from '../newId.js';
import { assertInvariant } from '../../errors/walletError.js';
import { atOnce, booksOver, contextOf, identify, withoutKeys } from './books.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import { RowAuthenticator } from './journal/authenticity.js';
import type { LedgerAccess } from './file/access.js';
import type { LedgerContext } from './file/context.js';
import {
  createDatabase,
  MEMORY,
  memoryDatabase,
  openDatabase,
  prepareAs,
  statement,
  syncLog,
  type Sqlite,
} from './file/database.js';
import { toLedgerError } from './file/fault.js';
import { Journal } from './journal/journal.js';
import { migrate, MIGRATIONS, schemaGuard, sealSchema, type Migration } from './file/migration.js';
import { THIS_HOLDER } from '../attempts/lease.js';
import { Waiting } from './payments/waiting.js';
import { LedgerWriter } from './file/writer.js';

/** How a ledger in one file is opened. */
export interface SqliteOptions extends LedgerOptions {
  /** Tests alone bring their own. */
  readonly migrations?: readonly Migration[];
}

/** Makes a new ledger file; only set-up and rebuilding do. Throws `already_set_up` where a file exists. */
function createLedger(path: string, options: NewLedger): Checkpoint {
  let checkpoint: Checkpoint | undefined;
  createDatabase(path, (db) => {
    checkpoint = beginLedger(db, options);
  });
  assertInvariant(checkpoint !== undefined, 'a new ledger has a head');
  return checkpoint;
}

/** Writes what a new ledger has, into empty tables. */
function beginLedger(db: Sqlite, options: NewLedger): Checkpoint {
  const ledgerId = newId('led');
  const auth = new RowAuthenticator(options.mac, ledgerId);
  const code = auth.codeOf('meta', ['ledger_id', ledgerId]);
  statement(db, `INSERT INTO meta VALUES ('ledger_id', ?, ?)`).run(ledgerId, code);
  sealSchema(db, auth);
  const head = new Journal(db, auth).begin(ledgerId, options.nowMs, options.configVersion);
  return { ledgerId, seq: head.seq, headHash: head.hash };
}

/** A new ledger in memory, which nothing is left of once it is closed: for a rehearsal. */
function scratchLedger(options: NewLedger): Ledger {
  const db = memoryDatabase();
  beginLedger(db, options);
  return ledgerIn(MEMORY, db, options);
}

/**
 * Opens an existing ledger, brought to the newest schema; its tables and its head are proved when keys are given.
 * Throws as {@link Ledger} says, and `ledger_foreign` where other keys wrote it.
 */
function openLedger(path: string, options: SqliteOptions): Ledger {
  const db = openDatabase(path, (options.migrations ?? MIGRATIONS).length + 1);
  try {
    return ledgerIn(path, db, options);
  } catch (error) {
    db.close();
    throw toLedgerError(error);
  }
}

/**
 * The ledger in one file of SQLite, for the processes of one machine. Each operation runs whole, without a pause, in one
 * transaction.
 */
export const SqliteLedger = {
  create: createLedger,
  open: openLedger,
  scratch: scratchLedger,
  prepareAs: prepareLedgerAs,
} as const;

/** The database behind each open ledger. */
const databases = new WeakMap<Ledger, Sqlite>();

/** Compiles for an open ledger every statement that a scratch one was asked for; does nothing for a ledger that is elsewhere. */
function prepareLedgerAs(ledger: Ledger, scratch: Ledger): void {
  const [db, other] = [databases.get(ledger), databases.get(scratch)];
  if (db?.open === true && other !== undefined) prepareAs(db, other);
}

/** The books of an open database, and the one writer that they share. */
function ledgerIn(path: string, db: Sqlite, options: SqliteOptions): Ledger {
  const { mac, migrations = MIGRATIONS, isStopped = () => false, holder = THIS_HOLDER } = options;
  const { id, auth } = identify(db, mac);
  migrate(db, path, auth, migrations);
  const journal = new Journal(db, auth, options.clock);
  const context = auth === null ? null : contextOf(db, auth, { journal, isStopped, holder });
  const guard = schemaGuard(db, auth, migrations.length + 1);
  atOnce(db, () => {
    guard();
    if (auth !== null) journal.remember(journal.checkedHead());
  });
  const { observer, lockWaitMaxMs } = options;
  const writer = new LedgerWriter(db, path, journal, { observer, lockWaitMaxMs, guard });
  const waiting = new Waiting();
  const write: LedgerWriter['write'] = async (point, operation) => {
    const result = await writer.write(point, operation);
    waiting.wake();
    return result;
  };
  const unlocked = (): LedgerContext => context ?? withoutKeys();
  // What is read is there at once: the promises cost no turn of the event loop.
  const access: LedgerAccess = {
    context: unlocked,
    read: async (operation) => {
      const open = unlocked();
      return atOnce(db, () => operation(open, journal.headForReading(writer.commits)));
    },
    look: async (operation) => atOnce(db, () => operation(db)),
    write: (point, operation) => write(point, () => operation(unlocked())),
  };
  const ledger = booksOver(access, waiting, {
    ...{ id, isStopped },
    read: { db, journal },
    write: { journal, write },
    waitForDisk: () => syncLog(path),
    close: async () => {
      writer.close();
      db.close();
    },
  });
  databases.set(ledger, db);
  return ledger;
}
