import type { LedgerOptions, MacFunction, NewLedger } from '../ledgerStore.js';
import { newId } from '../newId.js';
import type { SqlRow } from './payments/paymentColumns.js';
import { assertInvariant, WalletError } from '../../errors/walletError.js';
import { answerBook } from './calls/answer.js';
import { Entitlements } from './calls/entitlement.js';
import { Agents } from './owner/agents.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import { Approvals, Factors } from './owner/approvals.js';
import { Budgets } from './owner/budgets.js';
import { RowAuthenticator } from './journal/authenticity.js';
import type { LedgerAccess } from './file/access.js';
import { type LedgerContext } from './file/context.js';
import { createDatabase, openDatabase, statement, type Sqlite } from './file/database.js';
import { toLedgerError } from './file/fault.js';
import { sellerBook } from './views/history.js';
import { Journal } from './journal/journal.js';
import { journalKeeper, ownerBook } from './journal/keeper.js';
import { observationBook } from './views/look.js';
import { migrate, MIGRATIONS, schemaGuard, sealSchema, type Migration } from './file/migration.js';
import { THIS_HOLDER } from '../attempts/lease.js';
import { quoteBook } from './calls/quote.js';
import { Register } from './journal/register.js';
import { reportReader } from './views/report.js';
import { sessionBook } from './calls/session.js';
import { paymentControl, withdrawalControl } from './payments/attemptControl.js';
import { attemptReader, paymentReader } from './payments/attemptReader.js';
import { Totals } from './payments/totals.js';
import { leaseBook } from './payments/leaseRow.js';
import { Waiting } from './payments/waiting.js';
import { LedgerWriter } from './file/writer.js';

/** How a ledger in one file is opened. */
export interface SqliteOptions extends LedgerOptions {
  /** Tests alone bring their own. */
  readonly migrations?: readonly Migration[];
}

/** Makes a new ledger file; only set-up and rebuilding do. Throws `already_set_up` where a file exists. */
function createLedger(path: string, options: NewLedger): Checkpoint {
  const ledgerId = newId('led');
  let checkpoint: Checkpoint | undefined;
  createDatabase(path, (db) => {
    const auth = new RowAuthenticator(options.mac, ledgerId);
    const code = auth.codeOf('meta', ['ledger_id', ledgerId]);
    statement(db, `INSERT INTO meta VALUES ('ledger_id', ?, ?)`).run(ledgerId, code);
    sealSchema(db, auth);
    const head = new Journal(db, auth).begin(ledgerId, options.nowMs, options.configVersion);
    checkpoint = { ledgerId, seq: head.seq, headHash: head.hash };
  });
  assertInvariant(checkpoint !== undefined, 'a new ledger has a head');
  return checkpoint;
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
export const SqliteLedger = { create: createLedger, open: openLedger } as const;

/** The books of an open database: each noun's file has its own, and here they share one access. */
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
  const unlocked = (): LedgerContext => {
    if (context !== null) return context;
    throw new WalletError('keystore_locked', 'The keystore is locked, so the ledger can only be read.');
  };
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
  return {
    ...sessionBook(access),
    ...quoteBook(access),
    ...paymentControl(access),
    ...leaseBook(access),
    ...paymentReader(access, waiting),
    ...attemptReader(access),
    ...reportReader(access),
    ...observationBook(access),
    ...sellerBook(access),
    ...answerBook(access),
    ...ownerBook(access, { journal, writeFreeze: (operation) => write('frozen', operation) }),
    ...journalKeeper(access, { journal, isStopped }, { id, path, db }),
    withdrawals: withdrawalControl(access),
    approvals: new Approvals(access),
    factors: new Factors(access),
    agents: new Agents(access),
    entitlements: new Entitlements(access),
    budgets: new Budgets(access),
    keyedHash: (text) => Buffer.from(unlocked().auth.keyedHash(text)).toString('hex'),
    close: async () => {
      writer.close();
      db.close();
    },
  };
}

/** Reads one moment's view: without it, a commit of another process between two looks would seem like damage. */
function atOnce<T>(db: Sqlite, operation: () => T): T {
  if (!db.open) throw new WalletError('cancelled', 'The ledger was closed before this could be read.');
  try {
    statement(db, 'BEGIN').run();
    try {
      return operation();
    } finally {
      statement(db, 'COMMIT').run();
    }
  } catch (error) {
    throw toLedgerError(error);
  }
}

function contextOf(
  db: Sqlite,
  auth: RowAuthenticator,
  parts: Pick<LedgerContext, 'journal' | 'isStopped' | 'holder'>,
): LedgerContext {
  const register = new Register(db);
  return { db, auth, register, totals: new Totals(db, auth, register), ...parts };
}

/** Which ledger this is, and whether the keys are those that wrote it. */
function identify(db: Sqlite, mac: MacFunction | null): { id: string; auth: RowAuthenticator | null } {
  const row = statement(db, `SELECT * FROM meta WHERE key = 'ledger_id'`).get() as SqlRow | undefined;
  if (row === undefined) throw new WalletError('ledger_damaged', 'The ledger has no id.');
  const id = String(row['value']);
  if (mac === null) return { id, auth: null };
  const auth = new RowAuthenticator(mac, id);
  if (auth.rowMatches('meta', row)) return { id, auth };
  throw new WalletError('ledger_foreign', 'This ledger was not written with the keys of this wallet.', {
    owner: {
      say: 'The ledger belongs to another wallet; signing has stopped.',
      action: { kind: 'rebuildLedger' },
    },
  });
}
