import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import {
  capLine,
  captured,
  CENT,
  editBehind,
  held,
  holdRequest,
  newLedger,
  scratchFolder,
  sent,
  T0,
  testMac,
} from './fixtures.js';
import type { Ledger } from '../ledger.js';
import { SqliteLedger } from './sqliteLedger.js';

const HOUR_MS = 3_600_000;

/** A whole copy of the ledger as it stands. */
async function copyOf(world: { path: string; ledger: Ledger }): Promise<string> {
  const copy = `${world.path}.copy`;
  await world.ledger.backup(copy);
  return copy;
}

/** Puts another file where the ledger was; nobody has it open. */
function putBack(copy: string, path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
  renameSync(copy, path);
}

describe('making and opening', () => {
  test('a new ledger is one private file, and is never made over another', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'purser.db');
    const options = { mac: testMac(), nowMs: T0, configVersion: 7 };
    const checkpoint = SqliteLedger.create(path, options);
    expect(readdirSync(folder.path)).toEqual(['purser.db']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => SqliteLedger.create(path, options)).toThrow(
      expect.objectContaining({ code: 'already_set_up' }),
    );
    const ledger = SqliteLedger.open(path, { mac: testMac() });
    expect(await ledger.checkpoint()).toEqual(checkpoint);
    expect(await ledger.head()).toMatchObject({ seq: 1, timeMs: T0, configVersion: 7, frozen: false });
    for (const name of readdirSync(folder.path))
      expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
    expect(await ledger.audit()).toEqual({
      entries: 1,
      payments: 0,
      withdrawals: 0,
      withdrawnUsdMicros: 0n,
      capturedUsdMicros: 0n,
      liveUsdMicros: 0n,
      findings: [],
    });
    await ledger.close();
  });

  test('what a crash while making it left behind does not stand in the way', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'purser.db');
    editBehind(`${path}.${process.pid}.new`, 'CREATE TABLE half_done (x)');
    SqliteLedger.create(path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    await SqliteLedger.open(path, { mac: testMac() }).close();
    expect(readdirSync(folder.path)).toEqual(['purser.db']);
  });

  test.each([
    ['a missing one', 'ledger_missing', () => {}],
    ['an empty file', 'ledger_damaged', (path: string) => editBehind(path, 'VACUUM')],
    [
      'another program’s database',
      'ledger_damaged',
      (path: string) => editBehind(path, 'CREATE TABLE x (y)'),
    ],
  ])('%s is refused as %s', (_name, code, make) => {
    using folder = scratchFolder();
    const path = join(folder.path, 'purser.db');
    make(path);
    expect(() => SqliteLedger.open(path, { mac: testMac() })).toThrow(expect.objectContaining({ code }));
  });

  test('other keys’ ledger is refused as foreign', async () => {
    using world = newLedger();
    expect(() => world.open({ mac: testMac('other keys') })).toThrow(
      expect.objectContaining({ code: 'ledger_foreign' }),
    );
  });

  test('what was still to be written or read when it closed is turned away', async () => {
    using world = newLedger();
    const ledger = world.open();
    const hold = ledger.openHold(holdRequest());
    await ledger.close();
    await expect(hold).rejects.toMatchObject({ code: 'cancelled', money: 'none' });
    await expect(ledger.head()).rejects.toMatchObject({ code: 'cancelled' });
    expect((await world.ledger.head()).seq).toBe(1);
  });
});

describe('without the keys', () => {
  test('it is read and frozen, and nothing else', async () => {
    using world = newLedger();
    const { id } = await held(world.ledger);
    const locked = world.open({ mac: null });
    expect(locked.id).toBe(world.ledger.id);
    expect((await locked.head()).seq).toBe(2);
    for (const refused of [
      () => locked.checkpoint(),
      () => locked.findPayment(id),
      () => locked.usage([capLine()], T0),
      () => locked.audit(),
      () => locked.verifyCheckpoint({ ledgerId: locked.id, seq: 1, headHash: '' }),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 'keystore_locked' });
    for (const refused of [
      () => locked.openHold(holdRequest()),
      () => locked.unfreeze(T0),
      () => locked.noteConfigVersion(2, T0),
      () => locked.touchSession('default', T0),
      () => locked.waitForEnd(id, new AbortController().signal),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 'keystore_locked' });
    expect(await locked.freeze(T0 + 1)).toBe(true);
    expect(await locked.freeze(T0 + 2)).toBe(false);
    expect(await locked.head()).toMatchObject({ seq: 3, attestedSeq: 2, frozen: true });
  });

  test('its freeze stops every process with keys, is vouched for by the next entry, and lifted by the owner', async () => {
    using world = newLedger();
    const open = await sent(world.ledger);
    await world.open({ mac: null }).freeze(T0 + 1);
    expect((await world.ledger.openHold(holdRequest())).kind).toBe('frozen');
    expect((await world.ledger.audit()).findings).toEqual([]);
    // What becomes of money that is on its way is still written down.
    await world.ledger.markUnknown(open.id, 'timeout', T0 + 2);
    expect(await world.ledger.head()).toMatchObject({ seq: 6, attestedSeq: 6, attestedFrozen: true });
    expect((await world.ledger.openHold(holdRequest())).kind).toBe('frozen');
    expect(await world.ledger.unfreeze(T0 + 3)).toBe(true);
    expect(await world.ledger.unfreeze(T0 + 4)).toBe(false);
    await held(world.ledger);
    expect(await world.ledger.freeze(T0 + 5)).toBe(true);
    expect(await world.ledger.freeze(T0 + 6)).toBe(false);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('an unattested freeze is lifted by the owner at once', async () => {
    using world = newLedger();
    await world.open({ mac: null }).freeze(T0);
    expect(await world.ledger.unfreeze(T0)).toBe(true);
    await held(world.ledger);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('a session touched under an unattested freeze leaves it a freeze', async () => {
    using world = newLedger();
    await world.ledger.touchSession('default', T0);
    await world.open({ mac: null }).freeze(T0);
    await world.ledger.touchSession('default', T0 + 60_000);
    expect((await world.ledger.openHold(holdRequest())).kind).toBe('frozen');
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('what another connection writes is proved anew by the next look, also after looks that found nothing new', async () => {
    using world = newLedger();
    await captured(world.ledger);
    const look = (): Promise<bigint[]> => world.ledger.usage([capLine({ windowSec: 3600 })], T0);
    expect([await look(), await look()]).toEqual([[CENT], [CENT]]);
    const other = world.open();
    await captured(other);
    expect(await look()).toEqual([2n * CENT]);
    editBehind(world.path, `UPDATE control SET frozen = 0, config_version = config_version + 1`);
    await expect(look()).rejects.toMatchObject({ code: 'ledger_damaged' });
  });

  test('anything but a freeze that was appended without the keys is found', async () => {
    using world = newLedger();
    await world.open({ mac: null }).freeze(T0);
    editBehind(world.path, `UPDATE journal SET kind = 'unfreeze' WHERE seq = 2`);
    await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_damaged' });
  });
});

describe('clocks', () => {
  test('one set back frees nothing', async () => {
    using world = newLedger();
    const capLines = [capLine({ usdMicrosMax: CENT, windowSec: 3600 })];
    await captured(world.ledger, { capLines, nowMs: T0 + 2 * HOUR_MS });
    const back = await world.ledger.openHold(holdRequest({ capLines, nowMs: T0 }));
    expect(back.kind).toBe('exceeded');
    const { openedMs } = await held(world.ledger, { nowMs: T0 });
    expect(openedMs).toBe(T0 + 2 * HOUR_MS);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('one set forward and back again leaves all that was captured since in its windows', async () => {
    using world = newLedger();
    const line = capLine({ windowSec: 3600 });
    await captured(world.ledger, { nowMs: T0 });
    await captured(world.ledger, { nowMs: T0 + HOUR_MS / 2 });
    await captured(world.ledger, { nowMs: T0 + 60_000 });
    expect(await world.ledger.usage([line], T0 + 120_000)).toEqual([3n * CENT]);
    expect(await world.ledger.usage([line], T0 + HOUR_MS + 120_000)).toEqual([2n * CENT]);
  });
});

describe('checkpoints (T29)', () => {
  test('a ledger that went on from its checkpoint passes', async () => {
    using world = newLedger();
    const checkpoint = await world.ledger.checkpoint();
    await world.ledger.verifyCheckpoint(checkpoint);
    await captured(world.ledger);
    await world.open({ mac: null }).freeze(T0);
    await world.open().verifyCheckpoint(checkpoint);
    await world.open().verifyCheckpoint(await world.ledger.checkpoint());
  });

  test('a foreign one does not', async () => {
    using world = newLedger();
    using other = newLedger();
    await expect(world.ledger.verifyCheckpoint(await other.ledger.checkpoint())).rejects.toThrow(
      expect.objectContaining({ code: 'ledger_foreign' }),
    );
  });

  test('an older one does not, nor one that went another way since', async () => {
    using world = newLedger();
    const copy = await copyOf(world);
    await captured(world.ledger);
    const checkpoint = await world.ledger.checkpoint();
    await world.ledger.close();
    putBack(copy, world.path);
    const older = world.open();
    await expect(older.verifyCheckpoint(checkpoint)).rejects.toThrow(
      expect.objectContaining({ code: 'ledger_older' }),
    );
    await captured(older);
    await captured(older);
    expect((await older.head()).seq).toBeGreaterThan(checkpoint.seq);
    await expect(older.verifyCheckpoint(checkpoint)).rejects.toThrow(
      expect.objectContaining({
        code: 'ledger_older',
        owner: expect.objectContaining({ action: { kind: 'rebuildLedger' } }),
      }),
    );
  });

  test('one whose entries since were rewritten does not', async () => {
    using world = newLedger();
    const checkpoint = await world.ledger.checkpoint();
    await captured(world.ledger);
    editBehind(world.path, 'UPDATE journal SET time_ms = time_ms + 1 WHERE seq = 3');
    await expect(world.ledger.verifyCheckpoint(checkpoint)).rejects.toThrow(
      expect.objectContaining({ code: 'ledger_damaged' }),
    );
  });
});

describe('the file while it is open (T29)', () => {
  const attacks: [string, (path: string) => void][] = [
    ['was deleted', (path) => rmSync(path)],
    ['was exchanged for a copy', (path) => renameSync(`${path}.copy`, path)],
    ['lost its log', (path) => rmSync(`${path}-wal`)],
    ['lost its shared memory', (path) => rmSync(`${path}-shm`)],
  ];
  test.each(attacks)('a ledger that %s takes no more holds', async (_name, attack) => {
    using world = newLedger();
    await held(world.ledger);
    await copyOf(world);
    attack(world.path);
    await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_missing' });
  });

  test('rows put back to what they were before are noticed', async () => {
    using world = newLedger();
    const copy = await copyOf(world);
    await held(world.ledger);
    const tables = ['control', 'register', 'journal', 'payments'];
    editBehind(
      world.path,
      `ATTACH '${copy}' AS old;
       ${tables.map((name) => `DELETE FROM main.${name}; INSERT INTO main.${name} SELECT * FROM old.${name};`).join(' ')}`,
    );
    await expect(world.ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_older' });
  });
});

describe('backup', () => {
  test('it is a whole private ledger as of one moment, and never written over a file', async () => {
    using world = newLedger();
    const payment = await sent(world.ledger);
    const path = `${world.path}.backup`;
    await world.ledger.backup(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await held(world.ledger);
    const copy = SqliteLedger.open(path, { mac: testMac() });
    expect(await copy.findPayment(payment.id)).toEqual(payment);
    expect(await copy.audit()).toMatchObject({ payments: 1, findings: [] });
    await copy.close();
    await expect(world.ledger.backup(path)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(world.ledger.backup(join(world.path, 'no', 'folder'))).rejects.toMatchObject({
      code: 'home_unusable',
    });
  });
});

test('no query that a payment waits for looks at every payment', async () => {
  using world = newLedger();
  await captured(world.ledger);
  const seen = new Set<string>();
  const db = new Database(world.path, { readonly: true });
  const { prepare } = Database.prototype as unknown as { prepare: (sql: string) => Database.Statement };
  const spied = Database.prototype as unknown as { prepare: (sql: string) => Database.Statement };
  spied.prepare = function (sql: string) {
    seen.add(sql);
    return prepare.call(this, sql);
  };
  try {
    const ledger = world.open();
    const rateLines = [
      { name: 'r', scope: { kind: 'wallet' }, windowSec: 60, callsMax: 9 },
      { name: 'r', scope: { kind: 'agent', agent: 'default' }, windowSec: 60, callsMax: 9 },
    ] as const;
    await captured(ledger, { idempotencyKey: 'k', rateLines, capLines: [capLine()] });
    await ledger.findCaptured('hash', T0);
    await ledger.findByKey('default', 'k');
    await ledger.openAttempts(5);
    await ledger.heldAtomic('n', 'a', 'f');
    await ledger.originHistory('https://api.example.com', 'eip155');
    await ledger.endpointPrices({ method: 'GET', url: 'https://api.example.com/' }, T0);
    await ledger.listPayments({}, 5, null);
    await ledger.listPayments({ agent: 'default' }, 5, null);
    await ledger.touchSession('default', T0);
  } finally {
    spied.prepare = prepare;
  }
  const queries = [...seen].filter((sql) => /^(SELECT|UPDATE|DELETE)/.test(sql));
  expect(queries.length).toBeGreaterThan(15);
  for (const sql of queries) {
    const blanks = Array<null>(sql.replaceAll(`'?'`, '').split('?').length - 1).fill(null);
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...blanks) as { detail: string }[];
    // What is open is a handful: its two indexes hold nothing else.
    const scans = plan.filter(
      ({ detail }) =>
        /^SCAN (payments|journal|totals)/.test(detail) &&
        !/INDEX (payments_open|one_live_payment)/.test(detail),
    );
    expect(scans, sql).toEqual([]);
  }
  db.close();
});
