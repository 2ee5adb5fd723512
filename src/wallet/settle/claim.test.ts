import { expect, test } from 'vitest';
import type { Payment } from '../../ledger/attempts/payment.js';
import { newLedger, sent, T0 } from '../../ledger/sqlite/fixtures.js';
import { NetFailure } from '../../net/failure.js';
import { Rails } from '../../rails/table.js';
import { readSettlement } from '../../protocols/x402/receipt.js';
import { moneyOf } from '../answer/outcome.js';
import { mayHaveLeft, recordClaim, recordSilence } from './claim.js';

const UNREACHED = new NetFailure('unreachable', 'It could not be reached.', {
  leg: 'connect',
  bytesLeft: false,
});
const UNHEARD = new NetFailure('timed_out', 'It did not answer.', { leg: 'sent', bytesLeft: true });
const FAILED = readSettlement({ success: false, errorReason: 'fetch failed', transaction: '' });
const PENDING = readSettlement({ success: false, transaction: `0x${'ab'.repeat(32)}` });

/** A payment that is sent as often as there are ends to it; its note, and what is said of its money, after each. */
async function sendings(ends: readonly (NetFailure | [number, typeof FAILED])[]): Promise<unknown[]> {
  using world = newLedger();
  const { ledger } = world;
  const engine = { ledger, now: () => T0, funds: { spent: () => undefined }, rails: new Rails() };
  let before: Payment = { ...(await sent(ledger)), state: 'held' };
  const told: unknown[] = [];
  for (const end of ends) {
    if (before.state === 'unknown')
      await ledger.markSent(before.id, { configVersion: 1, capLines: [], nowMs: T0 });
    before =
      end instanceof NetFailure
        ? await recordSilence(engine, before, end)
        : await recordClaim(engine, before, ...end);
    told.push([before.note, moneyOf(before)]);
  }
  return told;
}

test('what never left is held, and what may have left once is unknown, however the next sending ends', async () => {
  expect(await sendings([UNREACHED, UNREACHED, UNHEARD, UNREACHED, UNREACHED])).toEqual([
    ['not_sent', 'held'],
    ['not_sent', 'held'],
    ['timed_out', 'unknown'],
    ['not_sent_again', 'unknown'],
    ['not_sent_again', 'unknown'],
  ]);
});

test.each([
  [[402, FAILED], 'settle_failed'],
  [[500, FAILED], 'settle_failed'],
  [[200, FAILED], 'receipt_failed'],
  [[200, null], 'no_receipt'],
  [[402, PENDING], 'settlement_pending'],
  [[402, null], 'second_402'],
  [[307, null], 'redirected'],
  [[500, null], 'error_answer'],
] as const)('%j is noted as %s, of money that is unknown', async (end, note) => {
  expect(await sendings([[...end]])).toEqual([[note, 'unknown']]);
});

test.each([
  [[402, FAILED], 'refused_again'],
  [[402, null], 'refused_again'],
  [[200, FAILED], 'receipt_failed'],
  [[402, PENDING], 'settlement_pending'],
  [[500, null], 'error_answer'],
] as const)('%j to a second sending is noted as %s', async (end, note) => {
  expect((await sendings([UNHEARD, [...end]])).at(-1)).toEqual([note, 'unknown']);
});

test.each([
  ['held', null, false],
  ['signed', null, false],
  ['unknown', 'not_sent', false],
  ['unknown', 'process_ended', true],
  ['unknown', 'verify_failed', true],
  ['unknown', null, true],
] as const)('of a payment that is %s (%s), bytes may have left: %s', (state, note, expected) => {
  expect(mayHaveLeft({ state, note })).toBe(expected);
});
