import { describe, expect, test } from 'vitest';
import {
  capLine,
  captured,
  captureFacts,
  CENT,
  held,
  holdRequest,
  newLedger,
  sent,
  T0,
} from '../fixtures.js';
import type { Ledger } from '../../ledger.js';
import type { Payment } from '../../attempts/payment.js';
import { done, isOpen, LIFE, MOVES, placeOf, PLACES, type Move, type Place } from '../lifeFixtures.js';

describe.each(Object.keys(PLACES) as Place[])('from %s', (from) => {
  test.each(Object.keys(MOVES) as Move[])('%s', async (move) => {
    using world = newLedger();
    const { ledger } = world;
    const before = await PLACES[from](ledger);
    const head = await ledger.head();
    const result = await MOVES[move](ledger, before);
    const to = LIFE[from][move];
    if (to === undefined) {
      expect(result).toEqual({ kind: 'conflict', attempt: before });
      expect(await ledger.head()).toEqual(head);
    } else {
      expect(placeOf(done(result))).toBe(to);
      expect((await ledger.head()).seq).toBe(head.seq + 1);
    }
    const counts = to ?? from;
    const live = isOpen(counts);
    const used = (await ledger.usage([capLine()], T0))[0];
    expect(used).toBe(live || counts === 'captured' || counts === 'confirmed' ? CENT : 0n);
    expect((await ledger.findLive(before.requestHash)) !== null).toBe(live);
    expect(await ledger.audit()).toMatchObject({ findings: [], liveUsdMicros: live ? CENT : 0n });
  });
});

test('a move of a payment that is not there is a fault', async () => {
  using world = newLedger();
  await expect(world.ledger.markUnknown('pay_none', 'timeout', T0)).rejects.toMatchObject({
    code: 'internal',
  });
});

describe('sending', () => {
  const send = { configVersion: 1, capLines: [], nowMs: T0 };

  test('a freeze since the signature stops the bytes', async () => {
    using world = newLedger();
    const { id } = await PLACES.signed(world.ledger);
    await world.open({ mac: null }).freeze(T0);
    expect(await world.ledger.markSent(id, send)).toEqual({ kind: 'frozen' });
    expect((await world.ledger.findPayment(id))?.state).toBe('signed');
  });

  test('a config that moved on stops the bytes, until they were judged by it', async () => {
    using world = newLedger();
    const { id } = await PLACES.signed(world.ledger);
    await world.ledger.noteConfigVersion(2, T0);
    expect(await world.ledger.markSent(id, send)).toEqual({ kind: 'config_changed', configVersion: 2 });
    const capLines = [capLine({ usdMicrosMax: CENT - 1n })];
    expect(await world.ledger.markSent(id, { ...send, configVersion: 2, capLines })).toEqual({
      kind: 'exceeded',
      exceeded: [{ line: capLines[0], usedUsdMicros: CENT }],
    });
    const sentOn = done(
      await world.ledger.markSent(id, {
        ...send,
        configVersion: 3,
        capLines: [capLine({ usdMicrosMax: CENT })],
      }),
    );
    expect(sentOn).toMatchObject({ state: 'sent', configVersion: 3 });
    expect((await world.ledger.head()).configVersion).toBe(3);
  });

  test('a host that was put in a category meanwhile is measured by it, and counts there from then on', async () => {
    using world = newLedger();
    const { ledger } = world;
    const category = { kind: 'category', category: 'search' } as const;
    const session = { kind: 'session', agent: 'default', sessionId: 'ses_1', category: 'search' } as const;
    const spent = async (windows = [category, session]) =>
      ledger.usage(
        windows.map((scope) => capLine({ scope, windowSec: scope === session ? null : 86_400 })),
        T0,
      );
    await held(ledger, { category: 'search' });
    const { id } = await PLACES.signed(ledger);
    const moved = { ...send, configVersion: 2, category: 'search' };
    for (const scope of [category, session]) {
      const capLines = [capLine({ scope, usdMicrosMax: 2n * CENT - 1n })];
      expect(await ledger.markSent(id, { ...moved, capLines })).toMatchObject({ kind: 'exceeded' });
    }
    const capLines = [capLine({ scope: category, usdMicrosMax: 2n * CENT })];
    const sentOn = done(await ledger.markSent(id, { ...moved, capLines }));
    expect(sentOn).toMatchObject({ state: 'sent', category: 'search' });
    expect(await spent()).toEqual([2n * CENT, 2n * CENT]);
    expect(await ledger.audit()).toMatchObject({ findings: [] });
    // And taken out again: it counts there no more.
    await ledger.markUnknown(id, 'timeout', T0);
    done(await ledger.markSent(id, { ...send, configVersion: 3, category: null }));
    expect(await spent()).toEqual([CENT, CENT]);
    expect(await ledger.audit()).toMatchObject({ findings: [] });
  });

  test('lines are not measured again under the config that held it', async () => {
    using world = newLedger();
    const { id } = await PLACES.signed(world.ledger);
    const capLines = [capLine({ usdMicrosMax: 0n })];
    expect((await world.ledger.markSent(id, { ...send, capLines })).kind).toBe('done');
  });
});

describe('capturing', () => {
  test('it counts from the chain’s time, within the hold and now', async () => {
    const hourLater = T0 + 3_600_000;
    const countedFor = async (chainMs: number | null) => {
      using world = newLedger();
      const payment = await sent(world.ledger, { nowMs: T0 });
      const facts = captureFacts(payment, { confirmed: true, chainMs });
      return done(await world.ledger.capture(payment.id, facts, hourLater)).countedMs;
    };
    expect(await countedFor(T0 + 5000)).toBe(T0 + 5000);
    expect(await countedFor(0)).toBe(T0);
    expect(await countedFor(hourLater * 2)).toBe(hourLater);
    expect(await countedFor(null)).toBe(hourLater);
  });

  test('a clock set back does not make it count from earlier', async () => {
    using world = newLedger();
    const payment = await sent(world.ledger, { nowMs: T0 });
    await held(world.ledger, { nowMs: T0 + 7_200_000 });
    const result = done(await world.ledger.capture(payment.id, captureFacts(payment), T0 + 60_000));
    expect(result).toMatchObject({ countedMs: T0 + 7_200_000, capturedMs: T0 + 7_200_000 });
  });

  test('confirming corrects what was claimed, and moves it to the chain’s time', async () => {
    using world = newLedger();
    const claimed = await captured(world.ledger, { heldUsdMicros: 3n * CENT, nowMs: T0 + 600_000 });
    const result = await world.ledger.capture(
      claimed.id,
      captureFacts(claimed, {
        capturedUsdMicros: CENT,
        confirmed: true,
        chainMs: T0 + 605_000,
        tx: '0xreal',
      }),
      T0 + 900_000,
    );
    expect(done(result)).toMatchObject({ capturedUsdMicros: CENT, tx: '0xreal', capturedMs: T0 + 600_000 });
    expect(await world.ledger.usage([capLine()], T0 + 900_000)).toEqual([CENT]);
    expect(await world.ledger.audit()).toMatchObject({ findings: [], capturedUsdMicros: CENT });
  });

  test.each([
    { capturedAtomic: 2n * CENT },
    { capturedAtomic: -1n },
    { capturedUsdMicros: CENT + 1n },
    { capturedUsdMicros: -1n },
  ])('more than was held, or less than nothing, is a fault: %o', async (facts) => {
    using world = newLedger();
    const payment = await sent(world.ledger);
    await expect(world.ledger.capture(payment.id, captureFacts(payment, facts), T0)).rejects.toMatchObject({
      code: 'internal',
      money: 'unknown',
    });
    expect(await world.ledger.findPayment(payment.id)).toEqual(payment);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });
});

describe('a released payment that the chain shows (T32)', () => {
  const landed = (payment: Payment, chainMs = T0) => ({
    capturedAtomic: payment.heldAtomic,
    capturedUsdMicros: payment.heldUsdMicros,
    tx: '0xlanded',
    confirmed: true,
    chainMs,
  });
  const released = async (ledger: Ledger, over = {}) => {
    const { id } = await sent(ledger, over);
    return done(await ledger.release(id, 'expired_unused', T0));
  };

  test('counts in every window from the chain’s time, also where that passes the cap', async () => {
    using world = newLedger();
    const line = capLine({ usdMicrosMax: CENT, windowSec: 3600 });
    const payment = await released(world.ledger, { capLines: [line] });
    await captured(world.ledger, { capLines: [line] }, { confirmed: true });
    const result = done(
      await world.ledger.recapture(payment.id, landed(payment, T0 + 60_000), T0 + 1_800_000),
    );
    expect(result).toMatchObject({
      state: 'captured',
      confirmed: true,
      tx: '0xlanded',
      countedMs: T0 + 60_000,
      note: 'landed_after_release',
    });
    expect(await world.ledger.usage([line], T0 + 1_800_000)).toEqual([2n * CENT]);
    expect(await world.ledger.usage([line], T0 + 3_600_000 + 30_000)).toEqual([2n * CENT]);
    expect(await world.ledger.usage([line], T0 + 3_600_000 + 180_000)).toEqual([0n]);
    expect((await world.ledger.openHold(holdRequest({ capLines: [line] }))).kind).toBe('exceeded');
    expect(await world.ledger.audit()).toMatchObject({ findings: [], capturedUsdMicros: 2n * CENT });
  });

  test('is released again by a proof where one operator alone had shown it', async () => {
    using world = newLedger();
    const payment = await released(world.ledger);
    await world.ledger.recapture(payment.id, { ...landed(payment), confirmed: false }, T0);
    expect(await world.ledger.openAttempts(10)).toMatchObject([{ id: payment.id, confirmed: false }]);
    done(await world.ledger.release(payment.id, 'receipt_false', T0));
    expect(await world.ledger.usage([capLine()], T0)).toEqual([0n]);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('leaves its idempotency key to the payment that took it meanwhile, and keeps it else', async () => {
    using world = newLedger();
    const { ledger } = world;
    const [first, other] = [
      await released(ledger, { idempotencyKey: 'order-1' }),
      await released(ledger, { idempotencyKey: 'order-2' }),
    ];
    const second = await captured(ledger, { idempotencyKey: 'order-1' });
    for (const payment of [first, other]) done(await ledger.recapture(payment.id, landed(payment), T0));
    expect((await ledger.findByKey('default', 'order-1'))?.id).toBe(second.id);
    expect((await ledger.findByKey('default', 'order-2'))?.id).toBe(other.id);
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('is no failure of its seller any more', async () => {
    using world = newLedger();
    const claimed = await captured(world.ledger);
    done(await world.ledger.release(claimed.id, 'receipt_false', T0));
    expect(await world.ledger.trippedBreakers()).toHaveLength(1);
    done(await world.ledger.recapture(claimed.id, landed(claimed), T0));
    expect(await world.ledger.trippedBreakers()).toEqual([]);
  });

  test('is listed for the next look while it was signed and recent', async () => {
    using world = newLedger();
    const { ledger } = world;
    const { id } = await held(ledger);
    await ledger.release(id, 'never_signed', T0);
    const payment = await released(ledger, { nowMs: T0 + 1 });
    expect((await ledger.releasedAttempts(T0, 10)).map((one) => one.id)).toEqual([payment.id]);
    expect(await ledger.releasedAttempts(T0 + 2, 10)).toEqual([]);
  });
});

test('why it was unknown stays with the row, and sending it again begins anew', async () => {
  using world = newLedger();
  const { id } = await sent(world.ledger);
  expect(done(await world.ledger.markUnknown(id, 'second_402', T0, 'receipt'))).toMatchObject({
    note: 'second_402',
    receipt: 'receipt',
  });
  expect(done(await world.ledger.markUnknown(id, 'timeout', T0))).toMatchObject({
    note: 'timeout',
    receipt: 'receipt',
  });
  const again = done(await world.ledger.markSent(id, { configVersion: 1, capLines: [], nowMs: T0 }));
  expect(again).toMatchObject({ state: 'sent', note: null });
});

describe('waiting for the end', () => {
  test('a change by this process wakes it, one by another is seen soon', async () => {
    using world = newLedger();
    const other = world.open();
    for (const writer of [world.ledger, other]) {
      const payment = await sent(world.ledger);
      const end = world.ledger.waitForEnd(payment.id, new AbortController().signal);
      await writer.capture(payment.id, captureFacts(payment), T0);
      expect((await end).state).toBe('captured');
    }
  });

  test('an unknown one, or an aborted wait, answers with the row as it stands', async () => {
    using world = newLedger();
    const unknown = await PLACES.unknown(world.ledger);
    expect(await world.ledger.waitForEnd(unknown.id, new AbortController().signal)).toEqual(unknown);
    const open = await held(world.ledger);
    expect(await world.ledger.waitForEnd(open.id, AbortSignal.abort())).toEqual(open);
    const controller = new AbortController();
    const end = world.ledger.waitForEnd(open.id, controller.signal);
    controller.abort();
    expect(await end).toEqual(open);
  });
});

test('the reconciler’s list holds what is open or unconfirmed, longest unchanged first', async () => {
  using world = newLedger();
  const { ledger } = world;
  await captured(ledger, { nowMs: T0 }, { confirmed: true });
  const claimed = await captured(ledger, { nowMs: T0 + 1 });
  const open = await sent(ledger, { nowMs: T0 + 2 });
  const { id } = await held(ledger, { nowMs: T0 + 3 });
  await ledger.release(id, 'never_signed', T0 + 4);
  expect((await ledger.openAttempts(10)).map((payment) => payment.id)).toEqual([claimed.id, open.id]);
  expect(await ledger.openAttempts(1)).toHaveLength(1);
  expect(await ledger.heldAtomic(open.network, open.asset, open.payFrom)).toBe(open.heldAtomic);
});
