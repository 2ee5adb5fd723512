import type { ReportFilter } from '../../books/report.js';
import { describe, expect, test } from 'vitest';
import { addAgent, captured, CENT, held, newLedger, sent, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';
import type { Payment } from '../../attempts/payment.js';

const DAY_MS = 86_400_000;

/** All pages of a report, one id after the other. */
async function readAll(ledger: Ledger, filter: ReportFilter, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.listPayments(filter, limit, cursor);
    expect(page.payments.length).toBeLessThanOrEqual(limit);
    ids.push(...page.payments.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return ids;
}

describe('pages', () => {
  test.each([1, 2, 3, 5, 6, 7])(
    'of %i hold each payment once, newest first, at equal times too',
    async (limit) => {
      using world = newLedger();
      const made: Payment[] = [];
      for (const second of [0, 1, 1, 1, 2, 2])
        made.push(await held(world.ledger, { nowMs: T0 + second * 1000 }));
      const expected = made
        .sort((a, b) => b.openedMs - a.openedMs || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id);
      expect(await readAll(world.ledger, {}, limit)).toEqual(expected);
    },
  );

  test('a last page that is exactly full has no next', async () => {
    using world = newLedger();
    await held(world.ledger);
    await held(world.ledger);
    expect((await world.ledger.listPayments({}, 2, null)).nextCursor).toBeNull();
    expect((await world.ledger.listPayments({}, 1, null)).nextCursor).not.toBeNull();
  });

  test('a payment made meanwhile shifts nothing', async () => {
    using world = newLedger();
    const first = await held(world.ledger, { nowMs: T0 });
    const second = await held(world.ledger, { nowMs: T0 + 1 });
    const page = await world.ledger.listPayments({}, 1, null);
    expect(page.payments).toEqual([second]);
    await held(world.ledger, { nowMs: T0 + 2 });
    expect((await world.ledger.listPayments({}, 1, page.nextCursor)).payments).toEqual([first]);
  });

  test('a cursor of nobody’s begins at the newest', async () => {
    using world = newLedger();
    const payment = await held(world.ledger);
    for (const cursor of ['', 'x', '1; DROP TABLE payments', `99999999999999999999.${payment.id}`])
      expect((await world.ledger.listPayments({}, 1, cursor)).payments).toEqual([payment]);
  });
});

test('each filter keeps what it names; until is not included', async () => {
  using world = newLedger();
  const { ledger } = world;
  await addAgent(ledger);
  const one = await held(ledger, { nowMs: T0, host: 'a.example' });
  const two = await captured(ledger, { nowMs: T0 + 1000, host: 'b.example', agent: 'other' });
  const three = await sent(ledger, { nowMs: T0 + 2000, host: 'a.example' });
  const ids = async (filter: ReportFilter) =>
    (await ledger.listPayments(filter, 10, null)).payments.map(({ id }) => id);
  expect(await ids({ agent: 'other' })).toEqual([two.id]);
  expect(await ids({ host: 'a.example' })).toEqual([three.id, one.id]);
  expect(await ids({ state: 'captured' })).toEqual([two.id]);
  expect(await ids({ paymentId: one.id })).toEqual([one.id]);
  expect(await ids({ paymentId: one.id, agent: 'other' })).toEqual([]);
  expect(await ids({ sinceMs: T0 + 1000 })).toEqual([three.id, two.id]);
  expect(await ids({ untilMs: T0 + 1000 })).toEqual([one.id]);
  expect(await ids({ sinceMs: T0 + 1000, untilMs: T0 + 1000 })).toEqual([]);
});

test('groups add up captured and open money, days in UTC, the largest spending first', async () => {
  using world = newLedger();
  const { ledger } = world;
  const midnight = Math.ceil(T0 / DAY_MS) * DAY_MS;
  await captured(ledger, { nowMs: midnight - 1, host: 'a.example', category: 'search', heldUsdMicros: CENT });
  await captured(ledger, { nowMs: midnight, host: 'b.example', heldUsdMicros: 3n * CENT });
  await sent(ledger, {
    nowMs: midnight + 1,
    host: 'a.example',
    sessionId: 'ses_2',
    heldUsdMicros: 2n * CENT,
  });
  const { id } = await held(ledger, { nowMs: midnight + 2, host: 'a.example', heldUsdMicros: 9n * CENT });
  await ledger.release(id, 'never_signed', midnight + 3);
  const groups = async (by: Parameters<Ledger['groupPayments']>[0], filter: ReportFilter = {}) =>
    (await ledger.groupPayments(by, filter, 10)).map((g) => [
      g.key,
      g.payments,
      g.capturedUsdMicros,
      g.heldUsdMicros,
    ]);
  expect(await groups('by_host')).toEqual([
    ['b.example', 1, 3n * CENT, 0n],
    ['a.example', 3, CENT, 2n * CENT],
  ]);
  expect(await groups('by_day')).toEqual([
    ['2026-06-02', 3, 3n * CENT, 2n * CENT],
    ['2026-06-01', 1, CENT, 0n],
  ]);
  expect(await groups('by_session')).toEqual([
    ['ses_1', 3, 4n * CENT, 0n],
    ['ses_2', 1, 0n, 2n * CENT],
  ]);
  expect(await groups('by_category')).toEqual([
    ['uncategorised', 3, 3n * CENT, 2n * CENT],
    ['search', 1, CENT, 0n],
  ]);
  expect(await groups('by_host', { host: 'a.example', untilMs: midnight })).toEqual([
    ['a.example', 1, CENT, 0n],
  ]);
  expect(await ledger.groupPayments('by_host', {}, 1)).toHaveLength(1);
  expect((await ledger.groupPayments('by_host', {}, 10))[1]).toMatchObject({
    firstMs: midnight - 1,
    lastMs: midnight + 2,
  });
});

test('groups by the values of one label, and keeps apart what has none', async () => {
  using world = newLedger();
  const { ledger } = world;
  await captured(ledger, { nowMs: T0, labels: { team: 'search', 'cost-centre': '7' }, heldUsdMicros: CENT });
  await captured(ledger, { nowMs: T0 + 1, labels: { team: 'search', 'a.b': 'x' }, heldUsdMicros: CENT });
  await captured(ledger, { nowMs: T0 + 2, labels: { team: 'maps "1"' }, heldUsdMicros: 3n * CENT });
  await captured(ledger, { nowMs: T0 + 3, heldUsdMicros: 5n * CENT });
  const groups = async (name: string, filter: ReportFilter = {}) =>
    (await ledger.groupByLabel(name, filter, 10)).map(({ key, payments, capturedUsdMicros }) => [
      ...[key, payments, capturedUsdMicros],
    ]);
  expect(await groups('team')).toEqual([
    ['', 1, 5n * CENT],
    ['maps "1"', 1, 3n * CENT],
    ['search', 2, 2n * CENT],
  ]);
  expect(await groups('team', { untilMs: T0 + 1 })).toEqual([['search', 1, CENT]]);
  expect(await groups('cost-centre', { untilMs: T0 + 2 })).toEqual([
    ['', 1, CENT],
    ['7', 1, CENT],
  ]);
  expect(await groups('a.b', { sinceMs: T0 + 1, untilMs: T0 + 2 })).toEqual([['x', 1, CENT]]);
  expect(await ledger.groupByLabel('team', {}, 1)).toHaveLength(1);
  await expect(groups('team"')).rejects.toThrow('a label has a name');
});

test('reports are read without the keys', async () => {
  using world = newLedger();
  const payment = await sent(world.ledger);
  const locked = world.open({ mac: null });
  expect((await locked.listPayments({}, 1, null)).payments).toEqual([payment]);
  expect(await locked.heldAtomic(payment.network, payment.asset, payment.payFrom)).toBe(payment.heldAtomic);
  expect(await locked.heldAtomic(payment.network, payment.asset, '0xother')).toBe(0n);
  expect(await locked.groupPayments('by_host', {}, 1)).toHaveLength(1);
});
