import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { held, holdRequest, newLedger, sent, T0, testMac } from '../fixtures.js';
import { SqliteLedger } from '../sqliteLedger.js';
import { MIGRATIONS, migrationBackupPath, type Migration } from './migration.js';
import { SCHEMA_VERSION } from './schema.js';

const addNotes: Migration = (db) => db.exec('CREATE TABLE notes (id TEXT PRIMARY KEY) STRICT');
const addIndex: Migration = (db) => db.exec('CREATE INDEX notes_by_id ON notes (id)');

/** The steps there are, and more. */
function and(...steps: Migration[]): { migrations: readonly Migration[] } {
  return { migrations: [...MIGRATIONS, ...steps] };
}

function tablesOf(path: string): { version: number; names: string[] } {
  const db = new Database(path, { readonly: true });
  const names = db
    .prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'notes%'`)
    .pluck()
    .all() as string[];
  const version = db.pragma('user_version', { simple: true }) as number;
  db.close();
  return { version, names };
}

test('every step is taken once, in order, after a whole private copy was put beside the ledger', async () => {
  using world = newLedger();
  const payment = await sent(world.ledger);
  const checkpoint = await world.ledger.checkpoint();
  const newer = world.open(and(addNotes, addIndex));
  expect(tablesOf(world.path)).toEqual({
    version: SCHEMA_VERSION + 2,
    names: ['notes', 'notes_by_id'],
  });
  expect(await newer.findPayment(payment.id)).toEqual(payment);
  await newer.verifyCheckpoint(checkpoint);
  await held(newer);
  expect(await newer.audit()).toMatchObject({ payments: 2, findings: [] });
  world.open(and(addNotes, addIndex));

  const backup = migrationBackupPath(world.path, SCHEMA_VERSION);
  expect(readdirSync(dirname(world.path)).filter((name) => name.includes('backup'))).toHaveLength(1);
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  const older = SqliteLedger.open(backup, { mac: testMac() });
  expect(await older.audit()).toMatchObject({ payments: 1, findings: [] });
  expect(await older.checkpoint()).toEqual(checkpoint);
  await older.close();
});

test('an older program refuses a newer ledger in words, also one that had it open before', async () => {
  using world = newLedger();
  const { id } = await held(world.ledger);
  world.open(and(addNotes));
  expect(() => world.open()).toThrow(
    expect.objectContaining({
      code: 'ledger_newer',
      message: `The ledger was written by a newer Purser (schema ${SCHEMA_VERSION + 1}, this one knows ${SCHEMA_VERSION}).`,
    }),
  );
  expect(() => world.open({ mac: null })).toThrow(expect.objectContaining({ code: 'ledger_newer' }));
  await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_newer' });
  await expect(world.ledger.recordSigned(id, { name: 'n', value: 'v' }, T0)).rejects.toMatchObject({
    code: 'ledger_newer',
  });
});

test('a step that fails leaves the ledger as it was, and can be tried again', async () => {
  using world = newLedger();
  await held(world.ledger);
  const fail: Migration = () => {
    throw new Error('half way');
  };
  expect(() => world.open(and(addNotes, fail))).toThrow(expect.objectContaining({ code: 'internal' }));
  expect(tablesOf(world.path)).toEqual({ version: SCHEMA_VERSION, names: [] });
  await held(world.ledger);
  expect(await world.open(and(addNotes, addIndex)).audit()).toMatchObject({
    payments: 2,
    findings: [],
  });
  const older = SqliteLedger.open(migrationBackupPath(world.path, SCHEMA_VERSION), { mac: testMac() });
  expect((await older.audit()).payments).toBe(2);
  await older.close();
});

test('it is not brought up to date without the keys', () => {
  using world = newLedger();
  expect(() => world.open({ mac: null, ...and(addNotes) })).toThrow(
    expect.objectContaining({ code: 'keystore_locked' }),
  );
  expect(tablesOf(world.path).version).toBe(SCHEMA_VERSION);
});

test.each([
  'DROP INDEX one_live_payment_per_request',
  'DROP TRIGGER journal_keeps_rows',
  'CREATE TRIGGER sly AFTER INSERT ON payments BEGIN DELETE FROM totals; END',
])('tables that are not as Purser made them are refused, and never migrated: %s', async (sql) => {
  using world = newLedger();
  const db = new Database(world.path);
  db.exec(sql);
  db.close();
  for (const migrations of [and(), and(addNotes)])
    expect(() => world.open(migrations)).toThrow(expect.objectContaining({ code: 'ledger_damaged' }));
  await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_damaged' });
  expect(tablesOf(world.path).version).toBe(SCHEMA_VERSION);
  expect((await world.ledger.audit()).findings).toMatchObject([{ where: 'meta' }]);
});
