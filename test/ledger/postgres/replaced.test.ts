import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ledger } from '../../../src/ledger/ledger.js';
import {
  captured,
  capLine,
  CENT,
  held,
  holdRequest,
  scratchFolder,
  T0,
  testMac,
} from '../../../src/ledger/sqlite/fixtures.js';
import { SqliteStore } from '../../../src/ledger/sqlite/sqliteStore.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { PostgresWorld } from './postgresWorld.js';

const NEW = { mac: testMac(), nowMs: T0, configVersion: 1 };

describe.skipIf(NO_POSTGRES !== null)('a ledger in PostgreSQL that its owner replaces', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  const statesOf = (schema: string) =>
    server.query<{ state: string }>(`SELECT state FROM ${schema}.purser_head`);

  test('is set aside whole, and a new one begins in its place: no server goes on with the one of before', async () => {
    await using world = await PostgresWorld.begin(server);
    const [one, two] = [await world.open('one'), await world.open('two')];
    await held(one);
    const checkpoint = await one.checkpoint();
    const store = world.store('one');
    await store.setAside();
    expect(store.keptAs).toMatch(new RegExp(`schema=${world.place.schema}_replaced$`));
    expect(await store.exists()).toBe(false);
    await refusesAll(one, two);
    const kept = await server.query(`SELECT 1 FROM ${world.place.schema}_replaced.payments`);
    expect(kept).toHaveLength(1);

    await store.create(NEW);
    await refusesAll(one, two);
    const [again, other] = [await world.open('one'), await world.open('two')];
    await held(again);
    expect(await other.usage([capLine()], T0)).toEqual([CENT]);
    await expect(other.verifyCheckpoint(checkpoint)).rejects.toMatchObject({ code: 'ledger_foreign' });
    // One kept ledger is enough; where there is none, nothing happens to it.
    await store.setAside();
    await store.setAside();
    expect(await statesOf(`${world.place.schema}_replaced`)).toEqual([{ state: 'moved' }]);
  });

  test('a hold that waits while the ledger is set aside is not made in the new one', async () => {
    await using world = await PostgresWorld.begin(server);
    const [one, two] = [await world.open('one'), await world.open('two')];
    const store = world.store('three');
    const holds = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two).openHold(holdRequest()));
    const [results] = await Promise.all([
      Promise.allSettled(holds),
      store.setAside().then(() => store.create(NEW)),
    ]);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ledger_missing' });
    const made = results.filter((result) => result.status === 'fulfilled').length;
    const kept = await server.query(`SELECT 1 FROM ${world.place.schema}_replaced.payments`);
    expect(kept).toHaveLength(made);
    expect(await (await world.open('three')).audit()).toMatchObject({ findings: [], payments: 0 });
  });

  test('is put back from a backup, sound and of its own keys alone, for each server', async () => {
    await using world = await PostgresWorld.begin(server);
    const [one, two] = [await world.open('one'), await world.open('two')];
    const { id } = await captured(one, { reason: 'a NUL \0' });
    const backup = join(world.home('one'), 'backup');
    await two.backup(backup);
    const later = await held(two);
    const checkpoint = await two.checkpoint();
    const store = world.store('one');
    const bad = join(world.home('one'), 'bad');
    writeFileSync(bad, 'nothing of ours');
    for (const [path, mac, code] of [
      [join(world.home('one'), 'none'), testMac(), 'not_found'],
      [bad, testMac(), 'ledger_damaged'],
      [backup, testMac('other keys'), 'ledger_foreign'],
    ] as const)
      await expect(store.restore(path, mac)).rejects.toMatchObject({ code });
    expect((await one.findPayment(later.id))?.state).toBe('held');

    await store.restore(backup, testMac());
    await refusesAll(one, two);
    for (const name of ['one', 'two']) {
      const restored = await world.open(name);
      expect((await restored.findPayment(id))?.state).toBe('captured');
      expect(await restored.findPayment(later.id)).toBe(null);
      expect((await restored.audit()).findings).toEqual([]);
      // Each keystore knows that it is an older one.
      await expect(restored.verifyCheckpoint(checkpoint)).rejects.toMatchObject({ code: 'ledger_older' });
      await held(restored);
    }

    // A backup of it is a ledger in a file, too.
    using folder = scratchFolder();
    const asFile = new SqliteStore(folder.path);
    await asFile.restore(backup, testMac());
    const inFile = await asFile.open({ mac: testMac() });
    expect(await inFile.audit()).toMatchObject({ findings: [], payments: 1 });
    await inFile.close();
  });

  test('is as it was where a restoring is broken off', async () => {
    await using world = await PostgresWorld.begin(server);
    const one = await world.open('one');
    const backup = join(world.home('one'), 'backup');
    await one.backup(backup);
    const { id } = await held(one);
    const { schema } = world.place;
    await server.query(`CREATE SCHEMA ${schema}_replaced`);
    await expect(world.store('one').restore(backup, testMac())).rejects.toMatchObject({
      code: 'already_set_up',
      message: expect.stringMatching(/rename it/) as string,
    });
    await server.query(`DROP SCHEMA ${schema}_replaced`);
    await server.query(`CREATE FUNCTION refuse_it() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$`);
    await server.query(`CREATE EVENT TRIGGER refuse_it ON ddl_command_end
      WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse_it()`);
    try {
      await expect(world.store('one').restore(backup, testMac())).rejects.toMatchObject({
        code: 'disk_full',
      });
    } finally {
      await server.query('DROP EVENT TRIGGER refuse_it');
    }
    expect((await one.findPayment(id))?.state).toBe('held');
    await held(one);
    expect((await (await world.open('two')).audit()).payments).toBe(2);
  });

  test('is not replaced where it was moved elsewhere, or has not arrived whole', async () => {
    await using world = await PostgresWorld.begin(server);
    const one = await world.open('one');
    const backup = join(world.home('one'), 'backup');
    await one.backup(backup);
    for (const state of ['moved', 'arriving']) {
      await server.query(`UPDATE ${world.place.schema}.purser_head SET state = $1`, [state]);
      await expect(world.store('one').setAside()).rejects.toMatchObject({ code: 'ledger_missing' });
      await expect(world.store('one').restore(backup, testMac())).rejects.toMatchObject({
        code: 'ledger_missing',
      });
      expect(await statesOf(world.place.schema)).toEqual([{ state }]);
    }
  });

  test('is rebuilt for all servers at once: nobody holds until the end, and what came in counts', async () => {
    await using world = await PostgresWorld.begin(server);
    const [one, two] = [await world.open('one'), await world.open('two')];
    await one.beginRebuild(T0);
    expect(await two.rebuildingSinceMs()).toBe(T0);
    expect((await two.openHold(holdRequest())).kind).toBe('frozen');
    const { payFrom, payTo, network, asset, nonce } = holdRequest();
    const shown = {
      ...{ agent: 'default', payFrom, payTo, network, asset, nonce, named: null, protocol: 'x402' },
      ...{ scheme: 'exact', amountAtomic: CENT, usdMicros: CENT, tx: nonce, blockTimeMs: T0, toOwn: false },
    } as const;
    expect(await two.finishRebuild([shown], T0)).toMatchObject({ imported: 1 });
    expect(await one.rebuildingSinceMs()).toBe(null);
    const capLines = [capLine({ usdMicrosMax: 2n * CENT })];
    expect((await one.openHold(holdRequest({ capLines }))).kind).toBe('held');
    expect((await one.openHold(holdRequest({ capLines }))).kind).toBe('exceeded');
    expect(await two.audit()).toMatchObject({ findings: [], payments: 2 });
  });
});

/** Ledgers that were open before neither read nor write. */
async function refusesAll(...ledgers: readonly Ledger[]): Promise<void> {
  for (const ledger of ledgers) {
    await expect(ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_missing' });
    await expect(ledger.usage([capLine()], T0)).rejects.toMatchObject({ code: 'ledger_missing' });
  }
}
