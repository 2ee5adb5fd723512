import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  captured,
  CENT,
  capLine,
  held,
  holdRequest,
  scratchFolder,
  T0,
  testMac,
} from '../../../src/ledger/sqlite/fixtures.js';
import { moveToFile, moveToPostgres } from '../../../src/ledger/postgres/move.js';
import { bringIn } from '../../../src/ledger/postgres/arrival.js';
import { placeUrl, type PostgresPlace } from '../../../src/ledger/postgres/place.js';
import { PostgresStore } from '../../../src/ledger/postgres/postgresStore.js';
import { Session } from '../../../src/ledger/postgres/session.js';
import { SqliteStore } from '../../../src/ledger/sqlite/sqliteStore.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';

const mac = testMac();

describe.skipIf(NO_POSTGRES !== null)('moving a ledger', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  /** A folder with a ledger in a file, of three payments. */
  async function folderWithLedger() {
    const folder = scratchFolder();
    const store = new SqliteStore(folder.path);
    await store.create({ mac, nowMs: T0, configVersion: 1 });
    const ledger = await store.open({ mac });
    await captured(ledger, { reason: 'a NUL \0' });
    await captured(ledger);
    await held(ledger);
    const checkpoint = await ledger.checkpoint();
    await ledger.close();
    return { folder, home: folder.path, checkpoint };
  }

  test('brings every row into PostgreSQL and back, and nobody writes where it is not', async () => {
    const { folder, home, checkpoint } = await folderWithLedger();
    using _folder = folder;
    const before = await new SqliteStore(home).open({ mac });
    const place = server.place('moved');
    const there = await moveToPostgres(home, place, mac);
    expect(there.payments).toBe(3);
    expect(there.rows).toBeGreaterThan(20);
    // Who had the file open finds it gone.
    await expect(before.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_missing' });
    await before.close();
    expect(statSync(join(home, 'ledger.json')).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(home, 'ledger.json'), 'utf8'))).toEqual({
      url: placeUrl(place),
      password_file: place.passwordFile,
    });
    await expect(moveToPostgres(home, place, mac)).rejects.toMatchObject({ code: 'already_set_up' });

    const ledger = await new PostgresStore(home, place).open({ mac });
    await ledger.verifyCheckpoint(checkpoint);
    await held(ledger);
    expect(await ledger.usage([capLine()], T0)).toEqual([4n * CENT]);
    const back = await moveToFile(home, mac);
    expect(back.payments).toBe(4);
    await expect(ledger.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_missing' });
    await ledger.close();
    expect(existsSync(join(home, 'ledger.json'))).toBe(false);
    const again = await new SqliteStore(home).open({ mac });
    await again.verifyCheckpoint(checkpoint);
    expect(await again.audit()).toMatchObject({ findings: [], payments: 4 });
    await again.close();
    // There and back once more, over what the first move left.
    expect((await moveToPostgres(home, place, mac)).payments).toBe(4);
  });

  test('goes on where a move was broken off, and opens nothing meanwhile', async () => {
    const { folder, home } = await folderWithLedger();
    using _folder = folder;
    const place = server.place('broken_off');
    await arriveOnly(place, join(home, 'purser.db'));
    await expect(new PostgresStore(home, place).open({ mac })).rejects.toMatchObject({
      code: 'ledger_missing',
    });
    expect((await moveToPostgres(home, place, mac)).payments).toBe(3);
    // Broken off before the last step: the file has gone, and what arrived was proved.
    await server.query(`UPDATE broken_off.purser_head SET state = 'arriving'`);
    await moveToPostgres(home, place, mac);
    const ledger = await new PostgresStore(home, place).open({ mac });
    expect((await ledger.audit()).payments).toBe(3);
    await ledger.close();
  });

  test('takes no file of a move that was broken off for the ledger that another server moved out since', async () => {
    const { folder, home } = await folderWithLedger();
    using _folder = folder;
    using elsewhere = scratchFolder();
    const place = server.place('two_folders');
    await moveToPostgres(home, place, mac);
    copyFileSync(join(home, 'ledger.json'), join(elsewhere.path, 'ledger.json'));
    // A move out of the first folder got as far as its file; then both servers went on.
    const ledger = await new PostgresStore(home, place).open({ mac });
    await ledger.backup(join(home, 'purser.db'));
    await held(ledger);
    await ledger.close();
    expect((await moveToFile(elsewhere.path, mac)).payments).toBe(4);
    await expect(moveToFile(home, mac)).rejects.toMatchObject({ code: 'ledger_damaged' });
    expect(existsSync(join(home, 'ledger.json'))).toBe(true);
    // Broken off behind the step that says so, the same move ends.
    copyFileSync(join(elsewhere.path, 'purser.db'), join(home, 'purser.db'));
    expect((await moveToFile(home, mac)).payments).toBe(4);
  });

  test('puts no ledger in the place of one of another wallet that is on its way', async () => {
    const [one, other] = [await folderWithLedger(), await folderWithLedger()];
    using _one = one.folder;
    using _other = other.folder;
    const place = server.place('on_its_way');
    await arriveOnly(place, join(one.home, 'purser.db'));
    await expect(moveToPostgres(other.home, place, mac)).rejects.toMatchObject({ code: 'already_set_up' });
    expect((await moveToPostgres(one.home, place, mac)).payments).toBe(3);
  });

  test('moves no ledger that does not hold, and leaves one whose rows arrive changed where it was', async () => {
    const { folder, home } = await folderWithLedger();
    using _folder = folder;
    const place = server.place('changed');
    await expect(moveToPostgres(home, place, testMac('others'))).rejects.toMatchObject({
      code: 'ledger_foreign',
    });
    // The database changes what it is given.
    await server.query(`CREATE FUNCTION change_it() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF to_regclass('changed.sessions') IS NOT NULL THEN
        CREATE OR REPLACE RULE twist AS ON INSERT TO changed.sessions DO INSTEAD NOTHING; END IF; END $$`);
    await server.query(`CREATE EVENT TRIGGER change_it ON ddl_command_end
      WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION change_it()`);
    try {
      await sessionIn(home);
      await expect(moveToPostgres(home, place, mac)).rejects.toMatchObject({ code: 'ledger_damaged' });
    } finally {
      await server.query('DROP EVENT TRIGGER change_it');
    }
    expect(existsSync(join(home, 'ledger.json'))).toBe(false);
    const ledger = await new SqliteStore(home).open({ mac });
    expect((await ledger.audit()).payments).toBe(3);
    await ledger.close();
  });

  test('brings a ledger of an older Purser to the newest schema, in the database', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'old.db');
    writeFileSync(path, gunzipSync(readFileSync(new URL('../schema4.db.gz', import.meta.url))), {
      mode: 0o600,
    });
    copyFileSync(path, join(folder.path, 'kept.db'));
    const place = server.place('older');
    const session = await Session.open(place, { waitMaxMs: 10_000 });
    await bringIn(place, session, path);
    session.close();
    const store = new PostgresStore(folder.path, place);
    await expect(store.open({ mac: null })).rejects.toMatchObject({ code: 'keystore_locked' });
    const ledger = await store.open({ mac });
    const { findings, payments } = await ledger.audit();
    expect(findings).toEqual([]);
    expect(payments).toBeGreaterThan(0);
    await held(ledger, { nowMs: (await ledger.head()).timeMs });
    await ledger.close();
    expect(await server.query('SELECT schema_version::int AS v FROM older.purser_head')).toEqual([{ v: 6 }]);
  });

  test('says so where the file that names the database is damaged', async () => {
    using folder = scratchFolder();
    writeFileSync(join(folder.path, 'ledger.json'), '{"url": 1}');
    await expect(moveToFile(folder.path, mac)).rejects.toMatchObject({ code: 'home_unusable' });
  });

  async function arriveOnly(place: PostgresPlace, path: string): Promise<void> {
    const session = await Session.open(place, { waitMaxMs: 10_000 });
    await bringIn(place, session, path, { state: 'arriving' });
    session.close();
  }

  async function sessionIn(home: string): Promise<void> {
    const ledger = await new SqliteStore(home).open({ mac });
    await ledger.touchSession('default', T0);
    await ledger.close();
  }
});
