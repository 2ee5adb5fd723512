import type { SqlRow } from './payments/paymentColumns.js';
import { WalletError } from '../../errors/walletError.js';
import { answerBook } from './calls/answer.js';
import { Entitlements } from './calls/entitlement.js';
import { Agents } from './owner/agents.js';
import type { Ledger } from '../ledger.js';
import type { MacFunction } from '../ledgerStore.js';
import { Approvals, Factors } from './owner/approvals.js';
import { Budgets } from './owner/budgets.js';
import { ownersBook } from './owner/owners.js';
import { RowAuthenticator } from './journal/authenticity.js';
import type { LedgerAccess } from './file/access.js';
import type { LedgerContext } from './file/context.js';
import { statement, type Sqlite } from './file/database.js';
import { toLedgerError } from './file/fault.js';
import { sellerBook } from './views/history.js';
import { adminBook } from './journal/adminActs.js';
import { journalKeeper, ownerBook, type KeptLedger } from './journal/keeper.js';
import { observationBook } from './views/look.js';
import { quoteBook } from './calls/quote.js';
import { Register } from './journal/register.js';
import { reportReader } from './views/report.js';
import { sessionBook } from './calls/session.js';
import { paymentControl, withdrawalControl } from './payments/attemptControl.js';
import { attemptReader, paymentReader } from './payments/attemptReader.js';
import { Totals } from './payments/totals.js';
import { leaseBook } from './payments/leaseRow.js';
import type { Waiting } from './payments/waiting.js';

/** What the books of a ledger stand on, beside the access that they share. */
export interface OpenLedger extends KeptLedger {
  close(): Promise<void>;
}

/** The books of an open ledger: each noun's file has its own, and here they share one access. */
export function booksOver(access: LedgerAccess, waiting: Waiting, open: OpenLedger): Ledger {
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
    ...ownerBook(access, open.write),
    ...journalKeeper(access, open),
    withdrawals: withdrawalControl(access),
    approvals: new Approvals(access),
    factors: new Factors(access),
    agents: new Agents(access),
    entitlements: new Entitlements(access),
    budgets: new Budgets(access),
    adminActs: adminBook(access),
    owners: ownersBook(access),
    sharedConfig: null,
    keyedHash: (text) => Buffer.from(access.context().auth.keyedHash(text)).toString('hex'),
    close: open.close,
  };
}

/** Throws `keystore_locked`: what was asked for needs the keys. */
export function withoutKeys(): never {
  throw new WalletError('keystore_locked', 'The keystore is locked, so the ledger can only be read.');
}

/** Reads one moment's view: without it, a commit of another process between two looks would seem like damage. */
export function atOnce<T>(db: Sqlite, operation: () => T): T {
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

/** What the operations on an open database share. */
export function contextOf(
  db: Sqlite,
  auth: RowAuthenticator,
  parts: Pick<LedgerContext, 'journal' | 'isStopped' | 'holder'>,
): LedgerContext {
  const register = new Register(db);
  return { db, auth, register, totals: new Totals(db, auth, register), ...parts };
}

/** Which ledger this is, and whether the keys are those that wrote it. Throws `ledger_foreign`, `ledger_damaged`. */
export function identify(db: Sqlite, mac: MacFunction | null): { id: string; auth: RowAuthenticator | null } {
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
