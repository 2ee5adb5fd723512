import { expect, test } from 'vitest';
import { writeCommitmentNonce, firstChargeNonce, readCommitmentNonce } from '../../../payment/commitment.js';
import { capLine, CENT, held, newLedger, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

const DAY_MS = 86_400_000;
const PERIOD_SEC = 30 * 86_400;
const DAY = capLine();
const nonce = writeCommitmentNonce(
  { accessKey: `0x${'ac'.repeat(20)}`, witness: `0x${'57'.repeat(32)}` },
  PERIOD_SEC,
);

/** A promise of a cent in thirty days, which was made at the beginning. */
async function promised(ledger: Ledger): Promise<string> {
  const request = {
    ...{ protocol: 'mpp', scheme: 'subscription', nonce: firstChargeNonce(readCommitmentNonce(nonce)) },
    commitment: {
      ...{ requestHash: 'promise', nonce },
      recurrence: { periodSec: PERIOD_SEC, fromSec: T0 / 1000, endsSec: T0 / 1000 + 10 * PERIOD_SEC },
    },
  };
  await held(ledger, request);
  const [promise] = await ledger.commitments(0);
  return promise!.id;
}

const charge = (tx: string, chainMs: number, confirmed = true) => ({
  ...{ tx, amountAtomic: CENT, usdMicros: CENT, chainMs, confirmed },
});

test('a charge that is found late counts from when it was taken, and never from before its promise', async () => {
  using world = newLedger();
  const { ledger } = world;
  const id = await promised(ledger);
  const nowMs = T0 + 40 * DAY_MS;
  const late = await ledger.recordCharge(id, charge('0x1', nowMs - 3 * DAY_MS), nowMs);
  expect(late).toMatchObject({ state: 'captured', countedMs: nowMs - 3 * DAY_MS });
  const fresh = await ledger.recordCharge(id, charge('0x2', nowMs - DAY_MS / 2), nowMs);
  expect(fresh.countedMs).toBe(nowMs - DAY_MS / 2);
  const ahead = await ledger.recordCharge(id, charge('0x3', nowMs + DAY_MS), nowMs);
  expect(ahead.countedMs).toBe(nowMs);
  const before = await ledger.recordCharge(id, charge('0x4', T0 - DAY_MS), nowMs);
  expect(before.countedMs).toBe(T0);
  // Two are in the day's window, beside the first one's hold; the promise reserves nothing above that.
  expect(await ledger.usage([DAY], nowMs)).toEqual([3n * CENT]);
  expect((await ledger.audit()).findings).toEqual([]);
});

test('by the word of one operator it counts in every window, and from its proved time once it is confirmed', async () => {
  using world = newLedger();
  const { ledger } = world;
  const id = await promised(ledger);
  const nowMs = T0 + 40 * DAY_MS;
  const seen = await ledger.recordCharge(id, charge('0x1', nowMs - 9 * DAY_MS, false), nowMs);
  expect(seen).toMatchObject({ state: 'signed', confirmed: false, countedMs: null });
  expect(await ledger.usage([DAY], nowMs)).toEqual([2n * CENT]);
  const shown = await ledger.recordCharge(id, charge('0x1', nowMs - 3 * DAY_MS), nowMs + 1);
  expect(shown).toMatchObject({ id: seen.id, confirmed: true, countedMs: nowMs - 3 * DAY_MS });
});
