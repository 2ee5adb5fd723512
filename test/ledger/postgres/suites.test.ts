import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capLine, CENT, holdRequest, T0 } from '../../../src/ledger/sqlite/fixtures.js';
import type { CommitPoint } from '../../../src/ledger/commitPoint.js';
import { PostgresStore } from '../../../src/ledger/postgres/postgresStore.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { bundleChild, startChild } from '../children.js';
import { describeLedgerContract } from '../contract.js';
import type { CrashOrder } from '../crash.child.js';
import { LIFE_REQUEST } from '../crash.js';
import { checkAgainstModel } from '../modelRun.js';
import type { RaceReport, RaceRound } from '../race.child.js';
import { PostgresWorld } from './postgresWorld.js';

/** Four runs are few: these hold something. */
const SEED = 11;

let server: TestPostgres;

describe.skipIf(NO_POSTGRES !== null)('the suites of the ledger, on PostgreSQL', () => {
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  const schemaOf = (home: string): string => basename(home).toLowerCase().replaceAll('-', '_');
  describeLedgerContract('PostgreSQL', (home) => new PostgresStore(home, server.place(schemaOf(home))));

  test('whatever happens in whatever order on two servers, the ledger is the model', async () => {
    const { payments } = await checkAgainstModel(
      async (run) => {
        await using world = await PostgresWorld.begin(server);
        const holder = 'both';
        const ledger = await world.open('one', { holder });
        let opened = 0;
        // Each on a copy of its own, or on one that another one made.
        const open = (options = {}) =>
          world.open(['two', 'one', 'three'][opened++ % 3] ?? '', { holder, ...options });
        await run({ ledger, open });
      },
      4,
      SEED,
    );
    expect(payments).toBeGreaterThan(10);
  });

  test('eight processes on four servers fill a cap to the atomic unit, and not one unit more (T13, T41)', async () => {
    const program = await bundleChild('race');
    await using world = await PostgresWorld.begin(server);
    const children = Array.from({ length: 8 }, (_, i) =>
      startChild(program, { home: world.home(`server${i % 4}`), place: world.place }),
    );
    for (const child of children) expect(await child.next()).toBe('ready');
    const [amount, holds] = [10_007n, 25];
    const grants = (children.length * holds) / 2;
    const cap = amount * BigInt(grants + 1) - 1n;
    for (const child of children)
      child.say({ holds, amount: String(amount), cap: String(cap) } satisfies RaceRound);
    const reports = await Promise.all(children.map((child) => child.next<RaceReport>()));
    expect(reports.reduce((total, { held }) => total + held, 0)).toBe(grants);
    for (const child of children) child.process.stdin?.end();
    for (const child of children) expect((await child.ended).code).toBe(0);
    const ledger = await world.open('one');
    expect(await ledger.audit()).toMatchObject({
      ...{ payments: grants, liveUsdMicros: amount * BigInt(grants), findings: [] },
    });
  });

  const crashes: [CommitPoint, CrashOrder['side'], string | null][] = [
    ['held', 'beforeCommit', null],
    ['held', 'afterCommit', 'held'],
    ['sent', 'beforeCommit', 'signed'],
    ['sent', 'afterCommit', 'sent'],
    ['captured', 'beforeCommit', 'unknown'],
    ['captured', 'afterCommit', 'captured'],
  ];
  test.each(crashes)(
    'a server killed at %s, %s, leaves what was true, and no more',
    async (point, side, state) => {
      const program = await bundleChild('crash');
      await using world = await PostgresWorld.begin(server);
      const place = { home: world.home('killed'), place: world.place };
      const child = startChild(program, { place, point, side } satisfies CrashOrder);
      expect((await child.ended).signal).toBe('SIGKILL');
      // On another server, and on the copy that the killed one left.
      for (const name of ['one', 'killed']) {
        const ledger = await world.open(name);
        expect((await ledger.audit()).findings).toEqual([]);
        const { payments } = await ledger.listPayments({}, 10, null);
        const payment = payments.find(({ requestHash }) => requestHash === LIFE_REQUEST);
        expect(payment?.state ?? null).toBe(state);
        expect(await ledger.usage([capLine()], T0)).toEqual([state === null ? 0n : CENT]);
      }
    },
  );

  test('whatever was promised is there after a kill at any moment', async () => {
    const hammer = await bundleChild('hammer');
    await using world = await PostgresWorld.begin(server);
    const child = startChild(hammer, { home: world.home('killed'), place: world.place });
    const promised = [await child.next<string>()];
    setTimeout(() => child.process.kill('SIGKILL'), 60);
    try {
      for (;;) promised.push(await child.next<string>());
    } catch {
      expect((await child.ended).signal).toBe('SIGKILL');
    }
    const ledger = await world.open('killed');
    const { payments, findings } = await ledger.audit();
    expect(findings).toEqual([]);
    expect(payments).toBeGreaterThanOrEqual(promised.length);
    expect(payments).toBeLessThanOrEqual(promised.length + 4);
    for (const id of promised) expect((await ledger.findPayment(id))?.state).toBe('held');
  });

  test('keeps texts that PostgreSQL could not, and other servers read them as they are', async () => {
    await using world = await PostgresWorld.begin(server);
    const [one, two] = [await world.open('one'), await world.open('two')];
    const reason = 'a NUL \0, \u{F8FF} and \u{1F600}';
    const result = await one.openHold(holdRequest({ reason }));
    const id = result.kind === 'held' ? result.payment.id : '';
    expect((await two.findPayment(id))?.reason).toBe(reason);
    expect((await (await world.open('three')).findPayment(id))?.reason).toBe(reason);
    expect((await two.audit()).findings).toEqual([]);
  });
});
