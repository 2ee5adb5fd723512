import { type SqlRow, paymentFromSql } from '../payments/paymentColumns.js';
import { rmSync } from 'node:fs';
import { hash } from 'node:crypto';
import { WalletError } from '../../../errors/walletError.js';
import { renameUnheldSync } from '../../../platform/durableFile.js';
import type { RowAuthenticator } from '../journal/authenticity.js';
import {
  COPY_TABLE,
  copyDatabase,
  openDatabase,
  refuseNewer,
  schemaVersionOf,
  statement,
  type Sqlite,
} from './database.js';
import { changedBehind } from '../../fault.js';
import { isLive } from '../../attempts/attempt.js';
import { Journal } from '../journal/journal.js';
import { Register } from '../journal/register.js';
import { liveKey, liveText } from '../payments/paymentRow.js';
import {
  BUDGET_TABLE,
  ENTITLEMENT_TABLE,
  LEASE_TABLE,
  LOOK_TABLES,
  PAYMENT_INDEXES,
  PAYMENT_TABLE,
} from './schema.js';
import {
  contributionOf,
  isRolling,
  partOf,
  placesOf,
  totalKey,
  totalText,
  type ScopeTotal,
} from '../payments/totals.js';

/**
 * One step of the schema, from the version before to the next, inside the one transaction of all steps. It leaves
 * the journal as it is, and rows whose columns change with new codes.
 */
export type Migration = (db: Sqlite, auth: RowAuthenticator) => void;

/** A code of before version 4 covers so many columns of a payment at least: see {@link RowAuthenticator}. */
const PAYMENT_COLUMNS_BEFORE_4 = 40;

/**
 * To 2: the caps that a payment was approved past, and the parts of sessions and agents that went to a category. What
 * was approved before counts toward all caps, as it did.
 */
const addPastCapsAndCategoryParts: Migration = (db, auth) => {
  // Rows keep their codes: see RowAuthenticator on columns that a table was given later.
  db.exec('ALTER TABLE payments ADD COLUMN past_caps TEXT');
  const journal = new Journal(db, auth);
  const head = journal.checkedHead();
  const register = new Register(db);
  const sums = new Map<string, ScopeTotal>();
  for (const row of statement(db, 'SELECT * FROM payments').iterate() as Iterable<SqlRow>) {
    auth.checkRow('payments', row, PAYMENT_COLUMNS_BEFORE_4);
    const payment = paymentFromSql(row);
    const added = contributionOf(payment);
    for (const place of placesOf(payment)) {
      if (isRolling(place) || register.get(head.register, totalKey(place.key)) !== null) continue;
      const { live, captured } = partOf(place, added);
      const sum = sums.get(place.key) ?? { live: 0n, captured: 0n };
      sums.set(place.key, { live: sum.live + live, captured: sum.captured + captured });
    }
  }
  let digests = head.register;
  for (const [key, sum] of sums)
    if (sum.live + sum.captured > 0n) digests = register.set(digests, totalKey(key), totalText(sum));
  journal.attest({ ...head, register: digests });
};

/**
 * To 3: when each open payment is looked at next, and what its RPC operators showed; what is open has no row yet, and so
 * is due. And the wall clock's time beside ledger time, of which rows of before have none: see {@link openedWallMs}.
 */
const addLooksWitnessesAndWallTimes: Migration = (db) => {
  db.exec(`
    ALTER TABLE payments ADD COLUMN opened_wall_ms INTEGER;
    ALTER TABLE payments ADD COLUMN captured_wall_ms INTEGER;
  `);
  db.exec(LOOK_TABLES);
};

/**
 * To 4: a lease in the place of the process that is busy with a payment. The rows lose three columns, and so each gets a
 * new code; the register learns those of the open ones. Nobody has a lease yet, for whoever was busy with a payment knows
 * this version no more. And what each agent keeps of its answers is counted by index.
 */
const replaceProcessesWithLeasesAndIndexAnswers: Migration = (db, auth) => {
  const journal = new Journal(db, auth);
  const head = journal.checkedHead();
  const register = new Register(db);
  let digests = head.register;
  const select = statement(db, 'SELECT * FROM payments WHERE id = ?');
  const update = statement(db, 'UPDATE payments SET mac = ? WHERE id = ?');
  for (const id of statement(db, 'SELECT id FROM payments').pluck().all() as string[]) {
    const row = select.get(id) as SqlRow;
    auth.checkRow('payments', row, PAYMENT_COLUMNS_BEFORE_4);
    const { mac: _mac, owner_pid: _pid, owner_started: _started, owner_boot: _boot, ...kept } = row;
    const code = auth.codeOf('payments', Object.values(kept));
    update.run(code, id);
    const { state, requestHash } = paymentFromSql(row);
    if (isLive(state)) digests = register.set(digests, liveKey(requestHash), liveText(id, code));
  }
  for (const name of ['owner_pid', 'owner_started', 'owner_boot'])
    db.exec(`ALTER TABLE payments DROP COLUMN ${name}`);
  db.exec(LEASE_TABLE);
  db.exec(`
    DROP INDEX answers_by_stored_id;
    CREATE INDEX answers_in_files ON answers (agent, stored_id, stored_ms, bytes) WHERE stored_id IS NOT NULL;
    CREATE INDEX answers_inline ON answers (agent, stored_ms, bytes) WHERE body IS NOT NULL;
  `);
  journal.attest({ ...head, register: digests });
};

/**
 * To 5: what is bought and not used up, of which nothing was remembered before; what a payment brought, of which rows of
 * before say nothing; the tree of budgets, and which of them a payment counts in: none of those there are; and labels.
 */
const addEntitlementsDeliveryAndBudgets: Migration = (db) => {
  db.exec(ENTITLEMENT_TABLE);
  // Rows keep their codes: see RowAuthenticator on columns that a table was given later.
  db.exec(`
    ALTER TABLE payments ADD COLUMN delivery TEXT;
    ALTER TABLE payments ADD COLUMN budget_path TEXT;
    ALTER TABLE payments ADD COLUMN labels TEXT;
  `);
  db.exec(BUDGET_TABLE);
};

/** To 6: payments in a table with row numbers, see {@link PAYMENT_TABLE}. Rows keep their values, and so their codes. */
const numberPayments: Migration = (db) => {
  const names = statement(db, `SELECT name FROM pragma_table_info('payments')`).pluck().all() as string[];
  const columns = names.join(', ');
  db.exec('ALTER TABLE payments RENAME TO payments_before');
  db.exec(PAYMENT_TABLE);
  db.exec(`
    INSERT INTO payments (${columns}) SELECT ${columns} FROM payments_before ORDER BY opened_ms, id;
    DROP TABLE payments_before;
  `);
  db.exec(PAYMENT_INDEXES);
};

/** The steps from version 1 on, in order: the first leads to version 2. A step, once released, never changes. */
export const MIGRATIONS: readonly Migration[] = [
  addPastCapsAndCategoryParts,
  addLooksWitnessesAndWallTimes,
  replaceProcessesWithLeasesAndIndexAnswers,
  addEntitlementsDeliveryAndBudgets,
  numberPayments,
];

/** Where the copy is kept that was taken before a ledger left a version. */
export function migrationBackupPath(path: string, version: number): string {
  return `${path}.v${version}.backup`;
}

/**
 * Brings an open ledger to the newest schema. What it was is copied beside it first, while nobody can write; a fault
 * leaves the ledger as it was. Throws `keystore_locked` where that needs keys that are not there, and `disk_full`.
 */
export function migrate(
  db: Sqlite,
  path: string,
  auth: RowAuthenticator | null,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const newest = migrations.length + 1;
  if (schemaVersionOf(db) >= newest) return;
  if (auth === null) {
    throw new WalletError(
      'keystore_locked',
      'The ledger is of an older Purser; it can be brought up to date only with the keys.',
    );
  }
  db.transaction(() => {
    // Another process may have been first, and a newer one than this may have been.
    const version = schemaVersionOf(db);
    if (version >= newest) return;
    checkSchema(db, auth);
    copyBefore(path, version);
    for (const step of migrations.slice(version - 1)) step(db, auth);
    db.pragma(`user_version = ${newest}`);
    sealSchema(db, auth);
  }).immediate();
}

function copyBefore(path: string, version: number): void {
  const unfinished = `${migrationBackupPath(path, version)}.${process.pid}.new`;
  rmSync(unfinished, { force: true });
  const reader = openDatabase(path);
  try {
    copyDatabase(reader, unfinished);
    // A copy of this version that is there already is of an attempt that failed, and older than this one.
    renameUnheldSync(unfinished, migrationBackupPath(path, version));
  } finally {
    reader.close();
  }
}

/** Writes down what the schema is, so that an index or a trigger that goes missing is noticed. */
export function sealSchema(db: Sqlite, auth: RowAuthenticator): void {
  const value = schemaDigest(db);
  const code = auth.codeOf('meta', ['schema', value]);
  statement(db, `INSERT OR REPLACE INTO meta VALUES ('schema', ?, ?)`).run(value, code);
}

/** Throws `ledger_damaged` unless the schema is the one written down (T22). */
export function checkSchema(db: Sqlite, auth: RowAuthenticator): void {
  const row = statement(db, `SELECT * FROM meta WHERE key = 'schema'`).get() as SqlRow | undefined;
  if (row === undefined || row['value'] !== schemaDigest(db))
    throw changedBehind('The ledger’s tables are not as Purser made them.');
  auth.checkRow('meta', row);
}

/**
 * What to look at in every transaction that writes: throws `ledger_newer` once a newer Purser moved the schema on, and
 * `ledger_damaged` once something else changed it (T22: a unique index that is gone lets a request be paid twice).
 */
export function schemaGuard(db: Sqlite, auth: RowAuthenticator | null, newestVersion: number): () => void {
  let checked: unknown = null;
  return () => {
    refuseNewer(db, newestVersion);
    if (auth === null) return;
    // SQLite counts every change of the schema here.
    const changes: unknown = statement(db, 'PRAGMA schema_version').pluck().get();
    if (changes === checked) return;
    checkSchema(db, auth);
    checked = changes;
  };
}

function schemaDigest(db: Sqlite): string {
  const rows = db
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> ? ORDER BY type, name')
    .all(COPY_TABLE);
  return hash('sha256', JSON.stringify([rows]));
}
