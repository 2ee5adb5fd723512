import { expect, test } from 'vitest';
import type { Offer } from '../payment/challenge.js';
import { DIFFERING_REQUESTS, paymentsThatFix, type PastPrice } from './payAhead.js';

const OFFER = {
  ...{ protocol: 'x402', scheme: 'exact', payTo: '0xA', amountAtomic: 10_000n },
  ...{ network: { caip2: 'eip155:8453' }, asset: { address: '0xU' } },
} as unknown as Offer;

const PAST: PastPrice = {
  ...{ requestHash: '', protocol: 'x402', scheme: 'exact', network: 'eip155:8453', asset: '0xU' },
  ...{ payTo: '0xA', heldAtomic: 10_000n, note: null },
};

/** Payments of differing requests, newest first, the one at `position` another way. */
function past(count: number, position = -1, over: Partial<PastPrice> = {}): PastPrice[] {
  return Array.from({ length: count }, (_, i) => ({
    ...PAST,
    requestHash: `r${i}`,
    ...(i === position ? over : {}),
  }));
}

test('five differing requests that were asked the same fix a price, and four do not', () => {
  expect(paymentsThatFix(OFFER, past(DIFFERING_REQUESTS))).toHaveLength(DIFFERING_REQUESTS);
  expect(paymentsThatFix(OFFER, past(DIFFERING_REQUESTS - 1))).toBeNull();
  expect(paymentsThatFix(OFFER, [])).toBeNull();
});

test('a request that was repeated counts once', () => {
  const repeated = past(DIFFERING_REQUESTS, 1, { requestHash: 'r0' });
  expect(paymentsThatFix(OFFER, repeated)).toBeNull();
  expect(paymentsThatFix(OFFER, [...repeated, { ...PAST, requestHash: 'more' }])).toHaveLength(6);
});

test.each<Partial<PastPrice>>([
  { heldAtomic: 9_999n },
  { heldAtomic: 10_001n },
  { payTo: '0xB' },
  { asset: '0xV' },
  { network: 'eip155:137' },
  { scheme: 'upto' },
  { protocol: 'mpp' },
  { note: 'second_402' },
])('one of them that was %o fixes nothing', (over) => {
  for (let position = 0; position < DIFFERING_REQUESTS; position++)
    expect(paymentsThatFix(OFFER, past(DIFFERING_REQUESTS, position, over))).toBeNull();
  // What is older than the five has no voice.
  expect(paymentsThatFix(OFFER, past(DIFFERING_REQUESTS + 1, DIFFERING_REQUESTS, over))).not.toBeNull();
});
