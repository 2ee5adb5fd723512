import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capLine, CENT, held, holdRequest, T0, testMac } from '../../../src/ledger/sqlite/fixtures.js';
import { COPY_FILE, Copy } from '../../../src/ledger/postgres/copy.js';
import { makeCertificate } from '../../../src/net/certificate.fixture.js';
import { Cutter } from '../../support/cutter.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { PostgresWorld } from './postgresWorld.js';

const DAY = capLine();

describe.skipIf(NO_POSTGRES !== null)('a ledger in PostgreSQL, when the database fails (T41)', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  test('goes on behind a stop in mid-load, loses nothing and counts nothing twice', async () => {
    await using world = await PostgresWorld.begin(server);
    const ledgers = await Promise.all([world.open('one'), world.open('two')]);
    await held(ledgers[0]);
    const capLines = [capLine({ usdMicrosMax: 41n * CENT })];
    const asked = Array.from({ length: 80 }, async (_, i) =>
      ledgers[i % 2]?.openHold(holdRequest({ capLines })),
    );
    await server.crash();
    await server.begin();
    const results = await Promise.all(asked);
    expect(results.filter((result) => result?.kind === 'held')).toHaveLength(40);
    expect(results.filter((result) => result?.kind === 'exceeded')).toHaveLength(40);
    const { findings, payments } = await ledgers[1].audit();
    expect({ findings, payments }).toEqual({ findings: [], payments: 41 });
  });

  test('holds once where the answer to a commit is cut off', async () => {
    await using world = await PostgresWorld.begin(server);
    const cutter = await Cutter.before(server.port);
    try {
      const ledger = await world.open('one', {}, { ...world.place, port: cutter.port });
      let cuts = 0;
      // The statement itself, and not the level that the step begins with.
      cutter.cutsAfter = (piece) => piece.includes('COMMIT\0') && cuts++ === 0;
      const request = holdRequest();
      const result = await ledger.openHold(request);
      expect(cuts).toBeGreaterThan(0);
      expect(result).toMatchObject({ kind: 'held', payment: { requestHash: request.requestHash } });
      expect(await ledger.audit()).toMatchObject({ findings: [], payments: 1, liveUsdMicros: CENT });
      // A cut before the database has it: nothing was written, and it is written then.
      cutter.cutsAfter = () => false;
      cutter.cut();
      expect((await ledger.openHold(holdRequest())).kind).toBe('held');
      expect(await ledger.usage([DAY], T0)).toEqual([2n * CENT]);
    } finally {
      await cutter.close();
    }
  });

  test('signs nothing while the way to the database is cut, and another server goes on', async () => {
    await using world = await PostgresWorld.begin(server);
    const cutter = await Cutter.before(server.port);
    try {
      const cutOff = await world.open('one', { lockWaitMaxMs: 300 }, { ...world.place, port: cutter.port });
      const other = await world.open('two');
      const { id } = await held(cutOff);
      const lease = await other.findLease(id);
      cutter.isSplit = true;
      cutter.cut();
      const send = { configVersion: 1, capLines: [], nowMs: T0 };
      await expect(cutOff.signAndSend(id, { name: 'n', value: 'v' }, send)).rejects.toMatchObject({
        code: 'ledger_unreachable',
      });
      await expect(cutOff.usage([DAY], T0)).rejects.toMatchObject({ code: 'ledger_unreachable' });
      expect(await other.takeLease(id, lease, T0)).toBe(true);
      cutter.isSplit = false;
      cutter.cut();
      // Back again, it finds that another one took over.
      const late = await cutOff.signAndSend(id, { name: 'n', value: 'v' }, send);
      expect(late.sent.kind).toBe('conflict');
    } finally {
      await cutter.close();
    }
  });

  test('opens beside another process of its folder that writes, however long the way to the database is', async () => {
    await using world = await PostgresWorld.begin(server);
    const cutter = await Cutter.before(server.port);
    cutter.answersAfterMs = 15;
    const writer = await world.open('one');
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await held(writer);
    })();
    try {
      for (let i = 0; i < 3; i++) {
        const late = await world.open('one', {}, { ...world.place, port: cutter.port });
        expect((await late.head()).seq).toBeGreaterThan(0);
        await late.close();
      }
    } finally {
      isOver = true;
      await writing;
      await cutter.close();
    }
  });

  test('reads and writes the newest while an audit reads the rows of before', async () => {
    await using world = await PostgresWorld.begin(server);
    const [ledger, other] = [await world.open('one'), await world.open('two')];
    await held(ledger);
    let isOver = false;
    const audit = ledger.audit().finally(() => (isOver = true));
    let holds = 1n;
    do {
      await held(ledger);
      await held(other);
      holds += 2n;
      expect(await ledger.usage([DAY], T0)).toEqual([holds * CENT]);
    } while (!isOver);
    expect((await audit).findings).toEqual([]);
  });

  test('talks to another host under a certificate of its authority alone, for its own name', async () => {
    await using world = await PostgresWorld.begin(server);
    // This machine in a spelling that is not known as its own: it counts as any other host.
    const HOST = 'LOCALHOST';
    const [own, stranger] = [makeCertificate(['localhost']), makeCertificate(['localhost'])];
    const caFile = join(world.home('one'), 'ca.pem');
    const there = { ...world.place, host: HOST, caFile };
    const refused = async (ca: string): Promise<void> => {
      writeFileSync(caFile, ca);
      await expect(world.open('one', {}, there)).rejects.toMatchObject({ code: 'ledger_unreachable' });
    };
    // It offers no TLS yet: nothing is said in the clear.
    await refused(own.cert);
    await server.useTls(own);
    writeFileSync(caFile, own.cert);
    await held(await world.open('one', {}, there));
    const sessions = await server.query<{ ssl: boolean }>(
      `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'purser' AND ssl`,
    );
    expect(sessions.length).toBeGreaterThan(0);
    await refused(stranger.cert);
    const other = makeCertificate(['db.example.com']);
    await server.useTls(other);
    await refused(other.cert);
  });

  test('takes a copy that was closed under a call for closed, and not for damaged', async () => {
    await using world = await PostgresWorld.begin(server);
    await (await world.open('one')).close();
    const copy = Copy.open(join(world.home('one'), COPY_FILE));
    copy.close();
    expect(() => copy.place()).toThrow(expect.objectContaining({ code: 'cancelled' }));
  });

  test('refuses a database that does not wait for its disk', async () => {
    const careless = await TestPostgres.start({ fsync: 'off' });
    try {
      await expect(PostgresWorld.begin(careless)).rejects.toMatchObject({ code: 'ledger_unreachable' });
    } finally {
      await careless.stop();
    }
  });

  test('goes on at a standby that had every commit, and never at the primary of before', async () => {
    const primary = await TestPostgres.start({ wal_level: 'replica' });
    const standby = await primary.standby('near');
    try {
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names TO 'near'`);
      await primary.query('SELECT pg_reload_conf()');
      await using world = await PostgresWorld.begin(primary);
      const there = { ...world.place, port: standby.port, passwordFile: standby.passwordFile };
      const [one, two] = [await world.open('one'), await world.open('two')];
      const before = [await held(one), await held(two)];
      // A replica is never asked, however near it is.
      await expect(world.open('reader', {}, there)).rejects.toMatchObject({ code: 'ledger_unreachable' });

      await primary.crash();
      standby.promote();
      const [later, other] = [await world.open('one', {}, there), await world.open('two', {}, there)];
      for (const { id } of before) expect((await later.findPayment(id))?.state).toBe('held');
      await held(later);
      await held(other);
      const [{ epoch } = { epoch: 0n }] = await standby.query<{ epoch: string }>(
        `SELECT epoch::text FROM ${world.place.schema}.purser_head`,
      );
      expect(epoch).toBe('2');
      expect(await later.usage([DAY], T0)).toEqual([4n * CENT]);
      expect((await other.audit()).findings).toEqual([]);

      // The primary of before comes back and knows of no failover.
      await primary.begin({ synchronous_standby_names: '' });
      await expect(world.open('one')).rejects.toMatchObject({ code: 'ledger_older' });
      await expect(one.openHold(holdRequest())).rejects.toMatchObject({ code: 'ledger_older' });
    } finally {
      await Promise.all([primary.stop(), standby.stop()]);
    }
  });

  test('signs nothing where a standby that must confirm is away, nor on one that lagged', async () => {
    const primary = await TestPostgres.start({ wal_level: 'replica' });
    const standby = await primary.standby('near');
    try {
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names TO 'near'`);
      await primary.query('SELECT pg_reload_conf()');
      // Whatever the database says of this role: the ledger has each of its commits wait.
      await primary.query('ALTER ROLE purser SET synchronous_commit TO off');
      await using world = await PostgresWorld.begin(primary);
      const there = { ...world.place, port: standby.port, passwordFile: standby.passwordFile };
      const ledger = await world.open('one', { lockWaitMaxMs: 500 });
      await held(ledger);
      await standby.crash();
      // The commit waits for the standby; whoever ends the wait does not make it safe.
      const waits = ledger.openHold(holdRequest());
      const refused = expect(waits).rejects.toMatchObject({
        code: expect.stringMatching(/^ledger_(unreachable|busy)$/) as string,
      });
      const cancel = setInterval(
        () =>
          void primary
            .query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
            .catch(() => undefined),
        50,
      );
      await refused;
      clearInterval(cancel);

      // The owner goes on without it; then the primary is lost, and the standby lacks what was committed meanwhile.
      await primary.query(`ALTER SYSTEM SET synchronous_standby_names TO ''`);
      await primary.query('SELECT pg_reload_conf()');
      const patient = await world.open('two');
      await held(patient);
      await primary.crash();
      await standby.begin({ primary_conninfo: '' });
      standby.promote();
      await expect(world.open('two', {}, there)).rejects.toMatchObject({ code: 'ledger_older' });
      const fresh = await world.store('fresh', there).open({ mac: testMac() });
      // A server that saw none of it cannot know; the keystore's checkpoint does.
      await expect(fresh.verifyCheckpoint(await checkpointOf(world))).rejects.toMatchObject({
        code: 'ledger_older',
      });
      await fresh.close();
    } finally {
      await Promise.all([primary.stop(), standby.stop()]);
    }
  });
});

/** What the keystore of the server `two` would remember, by its copy. */
async function checkpointOf(world: PostgresWorld) {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(`${world.home('two')}/ledger-copy.db`, { readonly: true });
  try {
    const row = db.prepare('SELECT head_seq, head_hash FROM control').get() as {
      head_seq: number;
      head_hash: string;
    };
    const id = db.prepare(`SELECT value FROM meta WHERE key = 'ledger_id'`).pluck().get() as string;
    return { ledgerId: id, seq: row.head_seq, headHash: row.head_hash };
  } finally {
    db.close();
  }
}
