import { describe, expect, test } from 'vitest';
import { openedWallMs } from '../../attempts/attempt.js';
import type { Payment } from '../../attempts/payment.js';
import { journalHash } from './authenticity.js';
import {
  approve,
  capLine,
  captured,
  captureFacts,
  CENT,
  editBehind,
  held,
  holdRequest,
  newLedger,
  sent,
  T0,
} from '../fixtures.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AHEAD_MS = 48 * HOUR_MS;
const DAY = capLine({ windowSec: 86_400 });
const MONTH = capLine({ name: 'limits.per_month_usd', windowSec: 30 * 86_400 });

/** A ledger with money in several windows, whose time a clock that was two days fast has moved on. The truth is T0. */
async function ledgerAhead() {
  const world = newLedger();
  const { ledger } = world;
  await captured(ledger, { nowMs: T0 + 1_000, heldUsdMicros: 3n * CENT });
  const fast = await captured(ledger, { nowMs: T0 + AHEAD_MS, heldUsdMicros: 4n * CENT });
  return { ...world, ledger, fast, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

test('a ledger that is not ahead stays as it is', async () => {
  using world = newLedger();
  await captured(world.ledger);
  const { seq } = await world.ledger.head();
  expect(await world.ledger.rebase(T0)).toBeNull();
  expect(await world.ledger.rebase(T0 + DAY_MS)).toBeNull();
  expect((await world.ledger.head()).seq).toBe(seq);
});

describe('a ledger that is ahead', () => {
  test('begins again from now, with all of the last 30 days in every window', async () => {
    using world = newLedger();
    const { ledger } = world;
    const month = T0 + 31 * DAY_MS;
    await captured(ledger, { heldUsdMicros: 2n * CENT }); // More than 30 days old by then.
    await captured(ledger, { nowMs: T0 + 10 * DAY_MS, heldUsdMicros: 3n * CENT });
    await captured(ledger, { nowMs: month + AHEAD_MS, heldUsdMicros: 4n * CENT });
    expect(await ledger.usage([DAY, MONTH], month)).toEqual([4n * CENT, 7n * CENT]);
    expect(await ledger.rebase(month)).toEqual({
      aheadMs: AHEAD_MS,
      counted: 2,
      countedUsdMicros: 7n * CENT,
    });
    expect((await ledger.head()).timeMs).toBe(month);
    expect(await ledger.usage([DAY, MONTH], month)).toEqual([7n * CENT, 7n * CENT]);
    // And leaves them as anything captured now does.
    const tomorrow = month + DAY_MS + 60_000;
    expect(await ledger.usage([DAY, MONTH], tomorrow)).toEqual([0n, 7n * CENT]);
    expect(await ledger.usage([MONTH], month + 30 * DAY_MS + 60_000)).toEqual([0n]);
    expect((await ledger.audit()).findings).toEqual([]);
    expect(await ledger.rebase(month)).toBeNull();
  });

  test('a cap that those fill lets nothing through, and a further payment counts from now', async () => {
    using world = await ledgerAhead();
    const { ledger } = world;
    await ledger.rebase(T0 + 2_000);
    const over = { nowMs: T0 + 3_000, capLines: [capLine({ usdMicrosMax: 7n * CENT })] };
    expect(await ledger.openHold(holdRequest(over))).toMatchObject({ kind: 'exceeded' });
    const wide = { ...over, capLines: [capLine({ usdMicrosMax: 8n * CENT })] };
    const payment = await held(ledger, wide);
    expect(payment.openedMs).toBe(T0 + 3_000);
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('what is open goes on, keeps its look, and counts until it ends', async () => {
    using world = newLedger();
    const { ledger } = world;
    const open = await sent(ledger, { nowMs: T0 + AHEAD_MS, heldUsdMicros: 5n * CENT });
    await ledger.markUnknown(open.id, 'timed_out', T0 + AHEAD_MS);
    const look = { paymentId: open.id, dueMs: T0 + 60_000, failures: 3, reason: 'rpc_down' };
    await ledger.saveLook(look);
    expect(await ledger.rebase(T0)).toEqual({ aheadMs: AHEAD_MS, counted: 0, countedUsdMicros: 0n });
    expect(await ledger.findLook(open.id)).toEqual(look);
    expect(await ledger.usage([DAY], T0)).toEqual([5n * CENT]);
    const moved = (await ledger.findPayment(open.id)) as Payment;
    expect(moved).toMatchObject({ state: 'unknown', openedMs: T0, changedMs: T0 });
    expect(openedWallMs(moved)).toBe(openedWallMs(open));
    const done = await ledger.capture(open.id, captureFacts(open), T0 + 1_000);
    expect(done).toMatchObject({ kind: 'done', attempt: { countedMs: T0 + 1_000 } });
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('a release that is still watched is watched on (T32)', async () => {
    using world = newLedger();
    const { ledger } = world;
    const payment = await sent(ledger, { nowMs: T0 + AHEAD_MS });
    await ledger.release(payment.id, 'expired_unused', T0);
    await ledger.rebase(T0);
    expect(await ledger.watchedAttempts(T0 + 600_000, 10)).toMatchObject([{ id: payment.id }]);
  });

  test('a rate counts what was opened from now on, and not until the clock was right', async () => {
    using world = await ledgerAhead();
    const { ledger } = world;
    await ledger.rebase(T0);
    const rateLines = [
      { name: 'limits.calls_per_minute', scope: { kind: 'wallet' }, windowSec: 60, callsMax: 1 },
    ] as const;
    const asked = (nowMs: number) => ledger.openHold(holdRequest({ nowMs, rateLines }));
    expect(await asked(T0)).toMatchObject({ kind: 'rate', retryAfterSec: 60 });
    expect(await asked(T0 + 61_000)).toMatchObject({ kind: 'held' });
  });

  test('the session of an agent ends after 30 idle minutes from now, no later', async () => {
    using world = newLedger();
    const { ledger } = world;
    const session = await ledger.touchSession('default', T0 + AHEAD_MS);
    await ledger.rebase(T0);
    expect(await ledger.currentSession('default', T0 + 60_000)).toMatchObject({ id: session.id });
    expect(await ledger.currentSession('default', T0 + 32 * 60_000)).toBeNull();
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('failures and prompts count as of now', async () => {
    using world = newLedger();
    const { ledger } = world;
    const origin = 'https://api.example.com';
    const over = { nowMs: T0 + AHEAD_MS, heldUsdMicros: 9n * CENT };
    await approve(ledger, over);
    await ledger.resetCircuitBreaker(origin, T0 + AHEAD_MS);
    await ledger.rebase(T0);
    expect(await ledger.approvals.elicitedUsdMicros('default', T0)).toBe(9n * CENT);
    expect(await ledger.approvals.elicitedUsdMicros('default', T0 + DAY_MS + 1)).toBe(0n);
    const payment = await sent(ledger, { nowMs: T0 + 1_000 });
    await ledger.markUnknown(payment.id, 'second_402', T0 + 2_000);
    await ledger.capture(payment.id, captureFacts(payment), T0 + 3_000);
    expect(await ledger.originHistory(origin, 'eip155')).toMatchObject({ failures: 1 });
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('another process goes on with it, also from a checkpoint of before', async () => {
    using world = await ledgerAhead();
    const other = world.open();
    const before = await world.ledger.checkpoint();
    expect(await other.usage([DAY], T0)).toEqual([4n * CENT]);
    await world.ledger.rebase(T0 + 2_000);
    expect(await other.usage([DAY], T0 + 2_000)).toEqual([7n * CENT]);
    await other.verifyCheckpoint(before);
    expect(await held(other, { nowMs: T0 + 4_000 })).toMatchObject({ openedMs: T0 + 4_000 });
  });

  test('nobody without the keys can set it back', async () => {
    using world = await ledgerAhead();
    const { seq } = await world.ledger.head();
    const { headHash: prevHash } = await world.ledger.checkpoint();
    await world.ledger.close();
    const entry = {
      seq: seq + 1,
      timeMs: T0,
      kind: 'rebase',
      subject: 'time',
      data: '{}',
      prevHash,
    } as const;
    const hash = journalHash(entry);
    editBehind(world.path, (db) => {
      const values = [entry.seq, entry.timeMs, entry.kind, entry.subject, entry.data, prevHash, hash];
      db.prepare('INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)').run(...values);
      db.prepare('UPDATE control SET head_seq = ?, head_hash = ?, head_ms = ?').run(entry.seq, hash, T0);
    });
    expect(() => world.open()).toThrow(expect.objectContaining({ code: 'ledger_damaged' }));
  });
});
