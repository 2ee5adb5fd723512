import { expect, test } from 'vitest';
import type { HoldRequest, HoldResult } from '../../attempts/hold.js';
import type { Ledger } from '../../ledger.js';
import { capLine, CENT, held, holdRequest, newLedger, sent, T0 } from '../fixtures.js';

const REQUEST = { requestHash: 'the request', idempotencyKey: 'the key' };

/** A payment that went ahead, in whatever state, and what is asked of the ledger beside it. */
async function beside(
  ledger: Ledger,
  paymentId: string,
  over: Partial<HoldRequest> = {},
  usdMicrosMax = 3n * CENT,
): Promise<HoldResult> {
  return ledger.openHold(
    holdRequest({ ...REQUEST, heldUsdMicros: 2n * CENT, ...over, beside: { paymentId, usdMicrosMax } }),
  );
}

test('a payment that was turned away stands beside another of its request, and counts in every cap', async () => {
  using world = newLedger();
  const { ledger } = world;
  const first = await sent(ledger, REQUEST);
  await ledger.markUnknown(first.id, 'second_402', T0);
  const second = await beside(ledger, first.id);
  if (second.kind !== 'held') throw new Error(second.kind);
  expect(await ledger.usage([capLine()], T0)).toEqual([3n * CENT]);
  // The request and its key are the second one's; the first is found by its id, and ends as any other.
  expect((await ledger.findLive(REQUEST.requestHash))?.id).toBe(second.payment.id);
  expect((await ledger.findByKey('default', REQUEST.idempotencyKey))?.id).toBe(second.payment.id);
  expect(await ledger.findPayment(first.id)).toMatchObject({ state: 'unknown', heldUsdMicros: CENT });
  expect((await ledger.openAttempts(10)).map(({ id }) => id)).toContain(first.id);
  expect((await ledger.audit()).findings).toEqual([]);
  expect(await ledger.release(first.id, 'expired_unused', T0)).toMatchObject({ kind: 'done' });
  expect(await ledger.usage([capLine()], T0)).toEqual([2n * CENT]);
  expect((await world.open().audit()).findings).toEqual([]);
});

test('a third of the same request is refused', async () => {
  using world = newLedger();
  const { ledger } = world;
  const first = await sent(ledger, REQUEST);
  await ledger.markUnknown(first.id, 'second_402', T0);
  const second = await beside(ledger, first.id);
  expect(await beside(ledger, first.id)).toMatchObject({
    kind: 'duplicate',
    payment: { id: second.kind === 'held' ? second.payment.id : '' },
  });
});

test.each<[string, Partial<HoldRequest>, bigint]>([
  ['both are more than they may cost', {}, 3n * CENT - 1n],
  ['a cap has no room for both', { capLines: [capLine({ usdMicrosMax: 3n * CENT - 1n })] }, 3n * CENT],
])('nothing stands beside it where %s', async (_why, over, usdMicrosMax) => {
  using world = newLedger();
  const { ledger } = world;
  const first = await sent(ledger, REQUEST);
  await ledger.markUnknown(first.id, 'second_402', T0);
  const before = await ledger.head();
  expect((await beside(ledger, first.id, over, usdMicrosMax)).kind).toMatch(/^(duplicate|exceeded)$/);
  expect((await ledger.head()).seq).toBe(before.seq);
  expect((await ledger.findLive(REQUEST.requestHash))?.id).toBe(first.id);
});

test('nothing stands beside a payment that is still on its way, or another one than was named', async () => {
  using world = newLedger();
  const { ledger } = world;
  const first = await sent(ledger, REQUEST);
  expect(await beside(ledger, first.id)).toMatchObject({ kind: 'duplicate', payment: { state: 'sent' } });
  await ledger.markUnknown(first.id, 'second_402', T0);
  const other = await held(ledger);
  expect(await beside(ledger, other.id)).toMatchObject({ kind: 'duplicate', payment: { id: first.id } });
});

test('a payment that stands beside is found by its request again, once the one that took its place is let go', async () => {
  using world = newLedger();
  const { ledger } = world;
  const first = await sent(ledger, REQUEST);
  await ledger.markUnknown(first.id, 'second_402', T0);
  const second = await beside(ledger, first.id);
  if (second.kind !== 'held') throw new Error(second.kind);
  await ledger.release(second.payment.id, 'never_signed', T0);
  // Its authorization is live: nothing new is held for the request but beside it, within what both may cost.
  expect((await ledger.findLive(REQUEST.requestHash))?.id).toBe(first.id);
  const alone = await ledger.openHold(holdRequest(REQUEST));
  expect(alone).toMatchObject({ kind: 'duplicate', payment: { id: first.id } });
  expect(await beside(ledger, first.id, {}, 3n * CENT - 1n)).toMatchObject({ kind: 'duplicate' });
  const third = await beside(ledger, first.id);
  expect(third).toMatchObject({ kind: 'held' });
  expect(await ledger.usage([capLine()], T0)).toEqual([3n * CENT]);
  expect((await world.open().audit()).findings).toEqual([]);
});
