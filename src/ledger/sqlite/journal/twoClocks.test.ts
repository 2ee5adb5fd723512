import { describe, expect, test } from 'vitest';
import { openedWallMs, toWallMs } from '../../attempts/attempt.js';
import {
  approve,
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

const HOUR_MS = 3_600_000;
const AHEAD_MS = 3 * HOUR_MS;
const ORIGIN = 'https://api.example.com';

/** A ledger whose time a clock that was three hours fast has moved on; the clock now says T0. */
async function ledgerAhead() {
  const world = newLedger();
  await held(world.ledger, { nowMs: T0 + AHEAD_MS });
  return world;
}

describe('while ledger time is ahead of the clock', () => {
  test('limits go by ledger time, and the row keeps when it was signed', async () => {
    using world = await ledgerAhead();
    const payment = await held(world.ledger, { nowMs: T0 });
    expect(payment.openedMs).toBe(T0 + AHEAD_MS);
    expect(openedWallMs(payment)).toBe(T0);
    expect(toWallMs(payment, payment.changedMs)).toBe(T0);
    expect(await world.ledger.usage([capLine({ windowSec: 60 })], T0)).toEqual([2n * CENT]);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });

  test('an approval is alive for as long as it says, and dead after', async () => {
    using world = await ledgerAhead();
    const { ledger } = world;
    const over = { nowMs: T0, heldUsdMicros: 9n * CENT, capLines: [capLine({ usdMicrosMax: CENT })] };
    const approval = await approve(ledger, over);
    expect(await ledger.approvals.pending(10, T0)).toEqual([]);
    expect(await ledger.openHold(holdRequest({ ...over, ...approval }))).toMatchObject({ kind: 'held' });
    const late = await approve(ledger, over);
    const request = holdRequest({ ...over, ...late, nowMs: T0 + 600_000 });
    expect(await ledger.openHold(request)).toEqual({ kind: 'approval', problem: 'expired' });
  });

  test('what was paid a minute ago is a minute old', async () => {
    using world = await ledgerAhead();
    const { ledger } = world;
    const payment = await sent(ledger, { nowMs: T0 });
    await ledger.capture(payment.id, captureFacts(payment), T0 + 5_000);
    const found = async (sinceMs: number): Promise<string | undefined> =>
      (await ledger.findCaptured(payment.requestHash, sinceMs))?.id;
    expect(await found(T0 + 5_000)).toBe(payment.id);
    expect(await found(T0 + 5_001)).toBeUndefined();
  });

  test('a failure is as old as the clock says, and counts though ledger time stands still', async () => {
    using world = await ledgerAhead();
    const { ledger } = world;
    await captured(ledger, { nowMs: T0 });
    const payment = await sent(ledger, { nowMs: T0 + 1_000 });
    await ledger.markUnknown(payment.id, 'second_402', T0 + 2_000);
    await ledger.capture(payment.id, captureFacts(payment), T0 + 3_000);
    expect(await ledger.originHistory(ORIGIN, 'eip155')).toMatchObject({
      failures: 1,
      lastFailureMs: T0 + 3_000,
    });
  });

  test('a rebuilding began when the clock says', async () => {
    using world = await ledgerAhead();
    await world.ledger.beginRebuild(T0);
    expect(await world.ledger.rebuildingSinceMs()).toBe(T0);
  });
});

describe('while nobody can check the clock, and ledger time stays behind it', () => {
  const DAY_MS = 24 * HOUR_MS;
  const DAY = capLine({ windowSec: 86_400 });
  /** Ledger time may not go on: the machine slept, or the process is new and the newest entry is old. */
  const unchecked = { clock: { latestMs: (newestMs: number) => newestMs } };

  test.each([
    ['by the seller’s word', { chainMs: null }],
    ['by the chain', { chainMs: T0 + AHEAD_MS, confirmed: true }],
  ])('what is captured %s counts for a whole day all the same', async (_how, facts) => {
    using world = newLedger();
    const lagging = world.open(unchecked);
    const payment = await sent(lagging, { nowMs: T0 + AHEAD_MS });
    expect(payment.openedMs).toBe(T0);
    await lagging.capture(payment.id, captureFacts(payment, facts), T0 + AHEAD_MS);
    const used = async (nowMs: number): Promise<bigint | undefined> =>
      (await world.ledger.usage([DAY], nowMs))[0];
    expect(await used(T0 + AHEAD_MS)).toBe(CENT);
    expect(await used(T0 + DAY_MS + HOUR_MS)).toBe(CENT);
    expect(await used(T0 + AHEAD_MS + DAY_MS - 1_000)).toBe(CENT);
    expect(await used(T0 + AHEAD_MS + DAY_MS + 61_000)).toBe(0n);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });
});

test('a clock set back ends no replay before the payment is as old as that', async () => {
  using world = newLedger();
  const { ledger } = world;
  const payment = await sent(ledger, { nowMs: T0 });
  await ledger.capture(payment.id, captureFacts(payment), T0 - 24 * HOUR_MS);
  expect((await ledger.findCaptured(payment.requestHash, T0))?.id).toBe(payment.id);
});

test('a wrong try of before the clock went back is waited for from now, not from what the clock once was', async () => {
  using world = newLedger();
  const waits = async (nowMs: number): Promise<number> => {
    const { passedMs } = await world.ledger.factors.countTry(
      'terminal',
      ({ lastWrongMs }) => ({ allowed: lastWrongMs === 0, passedMs: nowMs - lastWrongMs }),
      nowMs,
    );
    return passedMs;
  };
  await waits(T0 + 24 * HOUR_MS);
  expect(await waits(T0)).toBe(0);
  expect(await waits(T0 + 60_000)).toBe(60_000);
});
