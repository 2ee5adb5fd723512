import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeEach, afterEach, describe, expect, test } from 'vitest';
import {
  approve,
  bearer,
  capLine,
  captureFacts,
  CENT,
  editBehind,
  held,
  holdRequest,
  newLedger,
  scratchFolder,
  T0,
  testMac,
} from '../../src/ledger/sqlite/fixtures.js';
import { openDatabase, schemaVersionOf } from '../../src/ledger/sqlite/file/database.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import { LEASE_MS } from '../../src/ledger/attempts/lease.js';
import { migrationBackupPath } from '../../src/ledger/sqlite/file/migration.js';

/** What version 1 wrote, a row in every table: `fillWithEverything` of that time, in a ledger of `testMac`. */
const SCHEMA_1 = join(import.meta.dirname, 'schema1.db.gz');
const CHECKPOINT = {
  ledgerId: 'led_fb2a9af9ded97b87c730',
  seq: 27,
  headHash: 'c40178109ece54ff5749b0b6ea5c7dd1cd6da2a9603c4f6f1c988334cc153a43',
};
/** After everything in it. */
const LATER = T0 + 90_100_000;

/** The same of version 2. */
const SCHEMA_2 = join(import.meta.dirname, 'schema2.db.gz');

/** The same of version 3. */
const SCHEMA_3 = join(import.meta.dirname, 'schema3.db.gz');

/** The same of version 4. */
const SCHEMA_4 = join(import.meta.dirname, 'schema4.db.gz');

/** The same of version 5. */
const SCHEMA_5 = join(import.meta.dirname, 'schema5.db.gz');

let folder: ReturnType<typeof scratchFolder>;
let path: string;

function putLedger(packed: string): void {
  writeFileSync(path, gunzipSync(readFileSync(packed)), { mode: 0o600 });
}

beforeEach(() => {
  folder = scratchFolder();
  path = join(folder.path, 'purser.db');
});
afterEach(() => folder[Symbol.dispose]());

function open(): Ledger {
  return SqliteLedger.open(path, { mac: testMac() });
}

describe('a ledger of schema 1', () => {
  beforeEach(() => putLedger(SCHEMA_1));

  test('is brought up to date with its head, its totals and its open payments, a copy of it beside', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint(CHECKPOINT);
    const report = await ledger.audit();
    expect(report).toMatchObject({ payments: 6, findings: [] });
    const day = capLine({ usdMicrosMax: 100n * CENT });
    const [before = 0n] = await ledger.usage([day], LATER);
    expect(before).toBeGreaterThan(0n);
    const unknown = (await ledger.openAttempts(10)).find(({ state }) => state === 'unknown');
    if (unknown === undefined) throw new Error('There is no unknown payment');
    expect(await ledger.capture(unknown.id, captureFacts(unknown), LATER)).toMatchObject({ kind: 'done' });

    const over = { heldUsdMicros: 90n * CENT, capLines: [capLine({ usdMicrosMax: CENT })], nowMs: LATER };
    const approved = await held(ledger, { ...over, ...(await approve(ledger, over)) });
    expect(approved.pastCaps).toHaveLength(1);
    expect(await ledger.usage([day], LATER)).toEqual([before]);
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    await ledger.close();
    const again = open();
    expect(await again.findPayment(approved.id)).toEqual(approved);
    await again.close();

    const copy = SqliteLedger.open(migrationBackupPath(path, 1), { mac: testMac() });
    expect(await copy.checkpoint()).toEqual(CHECKPOINT);
    expect(await copy.audit()).toMatchObject({ payments: 6, findings: [] });
    await copy.close();
  });

  test.each(['captured', 'unknown'] as const)('has no row a cap can be written into: %s', async (state) => {
    await open().close();
    editBehind(
      path,
      `UPDATE payments SET past_caps = '[["limits.per_day_usd","wallet"]]' WHERE state = '${state}'`,
    );
    const ledger = open();
    expect((await ledger.audit()).findings.map(({ where }) => where)).toContain('payments');
    const look = {
      captured: () => ledger.originHistory('https://api.example.com', 'eip155'),
      unknown: () => ledger.openAttempts(10),
    }[state];
    await expect(look()).rejects.toMatchObject({ code: 'ledger_damaged' });
    await ledger.close();
  });
});

describe('a ledger of schema 2', () => {
  beforeEach(() => putLedger(SCHEMA_2));

  test('is brought up to date, and each of its open payments is due for a look', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint({
      ledgerId: 'led_1241a88e444954f3fd71',
      seq: 35,
      headHash: '8397ed7865942eb707c3acbc0664afb123ba264adc8ff11c443ec460182d3b22',
    });
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    const openRows = await ledger.openAttempts(10);
    expect(openRows.length).toBeGreaterThan(0);
    const due = await ledger.dueAttempts(LATER, 10);
    expect(due.map(({ attempt: payment }) => payment.id).sort()).toEqual(openRows.map(({ id }) => id).sort());
    const [first] = openRows;
    if (first === undefined) throw new Error('There is no open payment');
    await ledger.saveLook({ paymentId: first.id, dueMs: LATER + 1, failures: 0, reason: null });
    expect(await ledger.dueAttempts(LATER, 10)).toHaveLength(openRows.length - 1);
    expect((await ledger.audit()).findings).toEqual([]);
    await ledger.close();
    const copy = openDatabase(migrationBackupPath(path, 2));
    expect(schemaVersionOf(copy)).toBe(2);
    copy.close();
  });
});

describe('a ledger of schema 3', () => {
  beforeEach(() => putLedger(SCHEMA_3));

  test('is brought up to date, and its answers count in what each agent keeps', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint({
      ledgerId: 'led_bfd0e582a8f5044b19a5',
      seq: 35,
      headHash: '2d6ee9a1d90b426999b6b246ecaae69bc8e15a5bb8b366d45419db420958e9d6',
    });
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    expect(await ledger.findAnswer('default', { storedId: 'res_1' })).toMatchObject({ status: 200 });
    const large = { agent: 'default', status: 200, headers: [], truncated: false, storedMs: LATER };
    const bytes = 600 * 1024 * 1024;
    expect(await ledger.saveFreeAnswer({ ...large, bytes, storedId: 'res_2' })).toEqual(['res_1']);
    expect((await ledger.audit()).findings).toEqual([]);
    await ledger.close();
    const copy = openDatabase(migrationBackupPath(path, 3));
    expect(schemaVersionOf(copy)).toBe(3);
    copy.close();
  });

  test('is brought up to date: nobody has a lease on what is open, and whoever goes on with it takes one', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint({
      ledgerId: 'led_bfd0e582a8f5044b19a5',
      seq: 35,
      headHash: '2d6ee9a1d90b426999b6b246ecaae69bc8e15a5bb8b366d45419db420958e9d6',
    });
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    const openRows = await ledger.openAttempts(10);
    const signed = openRows.find(({ state }) => state === 'signed');
    if (signed === undefined) throw new Error('There is no signed payment');
    for (const { id } of openRows) expect(await ledger.findLease(id)).toBeNull();
    const send = { configVersion: 1, capLines: [], nowMs: LATER };
    expect((await ledger.markSent(signed.id, send)).kind).toBe('done');
    expect(await ledger.findLease(signed.id)).toMatchObject({ untilMs: LATER + LEASE_MS });
    expect((await ledger.audit()).findings).toEqual([]);
    await ledger.close();
  });

  test('is not brought up to date where a row was changed', async () => {
    editBehind(path, `UPDATE payments SET owner_pid = owner_pid + 1 WHERE state = 'signed'`);
    expect(() => open()).toThrow(expect.objectContaining({ code: 'ledger_damaged' }));
  });
});

describe('a ledger of schema 4', () => {
  beforeEach(() => putLedger(SCHEMA_4));

  test('is brought up to date, and keeps what is bought, brought and counted in a budget from then on', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint({
      ledgerId: 'led_e3a639622e0821d53391',
      seq: 35,
      headHash: 'ece2876a4d8bad05cb27b023d692714c89ecad714e071e1f70172c9db5f327b9',
    });
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    const kept = await ledger.entitlements.save(bearer(), LATER);
    expect(await ledger.entitlements.usable(kept.agent, kept.origin, LATER)).toEqual([kept]);
    const { payments } = await ledger.listPayments({}, 10, null);
    expect(new Set(payments.map(({ delivery }) => delivery))).toEqual(new Set([null]));
    const answered = payments.find(({ idempotencyKey }) => idempotencyKey === 'key-1');
    if (answered === undefined) throw new Error('There is no answered payment');
    const answer = await ledger.findAnswer('default', { paymentId: answered.id });
    if (answer === null) throw new Error('There is no answer');
    await ledger.saveAnswer({ ...answer, storedMs: LATER }, 'delivered');
    expect(await ledger.findPayment(answered.id)).toMatchObject({ delivery: 'delivered' });
    const openRows = await ledger.openAttempts(10);
    expect(openRows.map((row) => (row.kind === 'payment' ? row.budgetPath : 'no payment'))).toContain(null);
    const unknown = openRows.find(({ state }) => state === 'unknown');
    if (unknown === undefined) throw new Error('There is no unknown payment');
    expect(await ledger.capture(unknown.id, captureFacts(unknown), LATER)).toMatchObject({ kind: 'done' });
    const run = { parentId: null, kind: 'run', agent: 'default', name: 'claude' } as const;
    const opened = await ledger.budgets.open(
      { ...run, amountUsdMicros: CENT, expiresMs: LATER + 60_000 },
      LATER,
    );
    if (opened.kind !== 'open') throw new Error('The run was not opened');
    const budgetId = opened.node.id;
    await held(ledger, { budgetId, nowMs: LATER });
    expect((await ledger.openHold(holdRequest({ budgetId, nowMs: LATER }))).kind).toBe('budget');
    expect((await ledger.audit()).findings).toEqual([]);
    await ledger.close();
    const copy = openDatabase(migrationBackupPath(path, 4));
    expect(schemaVersionOf(copy)).toBe(4);
    copy.close();
  });
});

describe('a ledger of schema 5', () => {
  beforeEach(() => putLedger(SCHEMA_5));

  /** What stands in the table of payments of a file, by id, and how the table and its indexes are made. */
  function paymentsIn(file: string) {
    const db = openDatabase(file);
    const rows = db.prepare('SELECT * FROM payments ORDER BY id').all();
    const made = db.prepare(`SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'payments' ORDER BY name`);
    const [version, schema] = [schemaVersionOf(db), made.all()];
    db.close();
    return { version, rows, schema };
  }

  test('is brought up to date: each payment as it was, in the table and by the indexes of a new ledger', async () => {
    const ledger = open();
    await ledger.verifyCheckpoint({
      ledgerId: 'led_0c21dfcc5ba24ae8c777',
      seq: 41,
      headHash: 'baa4ee48e526362f5bcf3a9005d80251624c5a900154696197ec7323809fd899',
    });
    expect(await ledger.audit()).toMatchObject({ payments: 7, findings: [] });
    const [before, after] = [paymentsIn(migrationBackupPath(path, 5)), paymentsIn(path)];
    expect(before.version).toBe(5);
    expect(before.rows).toHaveLength(7);
    expect(after.rows).toEqual(before.rows);
    using made = newLedger();
    expect(after.schema).toEqual(paymentsIn(made.path).schema);
    const unknown = (await ledger.openAttempts(10)).find(({ state }) => state === 'unknown');
    if (unknown === undefined) throw new Error('There is no unknown payment');
    expect(await ledger.capture(unknown.id, captureFacts(unknown), LATER)).toMatchObject({ kind: 'done' });
    await held(ledger, { nowMs: LATER });
    expect((await ledger.audit()).findings).toEqual([]);
    await ledger.close();
  });
});
