import { afterEach, expect, test, vi } from 'vitest';
import { LEASE_MS, LEASE_RENEW_MS } from '../ledger/attempts/lease.js';
import type { Ledger } from '../ledger/ledger.js';
import { held, newLedger, T0 } from '../ledger/sqlite/fixtures.js';
import { underLease, stillLeased, isLeased, noteLease, takeOver } from './leaseKeeper.js';

const SEND = { configVersion: 1, capLines: [], nowMs: T0 };
const BYTES = { name: 'X-PAYMENT', value: 'bytes' };

afterEach(() => vi.restoreAllMocks());

/** A process of the wallet, whose wall clock is the test's. */
function processOn(ledger: Ledger, clock: { ms: number }) {
  return { ledger, now: () => clock.ms };
}

/** Two processes on one ledger, of which the first holds a payment, and the two clocks that the second goes by. */
async function twoProcesses(world: ReturnType<typeof newLedger>) {
  const first = world.open({ holder: 'first' });
  const wall = { ms: T0 };
  const monotonic = { ms: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic.ms);
  const payment = await held(first);
  return { first, second: processOn(world.open({ holder: 'second' }), wall), wall, monotonic, payment };
}

test('a payment whose process died is taken once its lease is over and was seen to stand still', async () => {
  using world = newLedger();
  const { second, wall, monotonic, payment } = await twoProcesses(world);
  expect(await isLeased(second, payment)).toBe(true);
  wall.ms = T0 + LEASE_MS - 1;
  monotonic.ms = 2 * LEASE_RENEW_MS;
  expect(await takeOver(second, payment.id)).toBe(false);
  wall.ms = T0 + LEASE_MS;
  expect(await isLeased(second, payment)).toBe(false);
  expect(await takeOver(second, payment.id)).toBe(true);
});

test('after a sleep of the machine, or a jump of its clock, a lease that lives is left to its holder', async () => {
  using world = newLedger();
  const { first, second, wall, monotonic, payment } = await twoProcesses(world);
  for (const jumpMs of [8 * 3_600_000, -3_600_000]) {
    wall.ms += jumpMs;
    expect(await takeOver(second, payment.id)).toBe(false);
    // Its holder wakes, and renews.
    monotonic.ms += LEASE_RENEW_MS;
    expect(await first.renewLease(payment.id, wall.ms)).toBe(true);
    expect(await takeOver(second, payment.id)).toBe(false);
    monotonic.ms += LEASE_RENEW_MS;
    expect(await first.renewLease(payment.id, wall.ms)).toBe(true);
  }
});

test('a lease from under a clock that was fast ends as soon as any other', async () => {
  using world = newLedger();
  const { second, wall, monotonic, payment } = await twoProcesses(world);
  wall.ms = T0 - 3_600_000;
  expect(await takeOver(second, payment.id)).toBe(false);
  monotonic.ms = 2 * LEASE_RENEW_MS;
  expect(await takeOver(second, payment.id)).toBe(true);
});

test('whoever stood still while its payment was taken can neither sign nor send it, nor write its end', async () => {
  using world = newLedger();
  const { first, second, wall, monotonic, payment } = await twoProcesses(world);
  await isLeased(second, payment);
  wall.ms = T0 + LEASE_MS;
  monotonic.ms = 2 * LEASE_RENEW_MS;
  expect(await takeOver(second, payment.id)).toBe(true);
  expect((await first.recordSigned(payment.id, BYTES, wall.ms)).kind).toBe('conflict');
  expect((await first.signAndSend(payment.id, BYTES, SEND)).sent.kind).toBe('conflict');
  expect(await first.renewLease(payment.id, wall.ms)).toBe(false);
  const { signed, sent } = await second.ledger.signAndSend(payment.id, BYTES, SEND);
  expect([signed.kind, sent.kind]).toEqual(['done', 'done']);
  expect((await first.markSent(payment.id, SEND)).kind).toBe('conflict');
  expect((await first.markUnknown(payment.id, 'timed_out', wall.ms)).kind).toBe('conflict');
});

test('of two that take the same payment over, one does', async () => {
  using world = newLedger();
  const { second, wall, monotonic, payment } = await twoProcesses(world);
  const third = processOn(world.open({ holder: 'third' }), wall);
  await isLeased(second, payment);
  wall.ms = T0 + LEASE_MS;
  monotonic.ms = 2 * LEASE_RENEW_MS;
  const both = await Promise.all([takeOver(second, payment.id), takeOver(third, payment.id)]);
  expect(both.filter(Boolean)).toHaveLength(1);
});

test('a process that stood still between its commit and the sending asks the ledger whose the payment is', async () => {
  using world = newLedger();
  const { first, second, wall, monotonic, payment } = await twoProcesses(world);
  const own = processOn(first, wall);
  await underLease(own, payment.id, async () => {
    // It was slow, and nobody took it.
    monotonic.ms = 2 * LEASE_RENEW_MS;
    await noteLease(own, payment.id, 0);
    expect(stillLeased(payment.id)).toBe(true);
    // It stood still for as long, and another one took it meanwhile.
    wall.ms = T0 + 2 * LEASE_MS;
    const askedMs = monotonic.ms;
    const lease = await second.ledger.findLease(payment.id);
    expect(await second.ledger.takeLease(payment.id, lease, wall.ms)).toBe(true);
    monotonic.ms += 2 * LEASE_RENEW_MS;
    await noteLease(own, payment.id, askedMs);
    expect(stillLeased(payment.id)).toBe(false);
  });
});

test('bytes are let go only while nobody can have taken the payment', async () => {
  using world = newLedger();
  const wall = { ms: T0 };
  const place = processOn(world.ledger, wall);
  const monotonic = vi.spyOn(performance, 'now').mockReturnValue(0);
  const { id } = await held(world.ledger);
  await underLease(place, id, async () => {
    expect(stillLeased(id)).toBe(false);
    await noteLease(place, id, 0);
    expect(stillLeased(id)).toBe(true);
    // A clock that jumps takes nothing from who lives.
    wall.ms = T0 + 48 * 3_600_000;
    expect(stillLeased(id)).toBe(true);
    monotonic.mockReturnValue(2 * LEASE_RENEW_MS);
    expect(stillLeased(id)).toBe(false);
  });
  expect(stillLeased(id)).toBe(false);
});
