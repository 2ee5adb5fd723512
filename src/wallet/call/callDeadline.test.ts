import { expect, test } from 'vitest';
import { CallBound } from './callBound.js';
import { TIMEOUT_DEFAULT_MS } from '../input.js';

const SEC = 1000;

/** A call of which so much is over. */
function bound(timeoutMs: number, overMs = 0): CallBound {
  return new CallBound(timeoutMs, {
    signal: new AbortController().signal,
    startedMs: performance.now() - overMs,
  });
}

test('a call that bounds itself by nothing waits the 45 s of the default for its owner', () => {
  expect(bound(TIMEOUT_DEFAULT_MS, 2 * SEC).personMs()).toBeGreaterThanOrEqual(45 * SEC);
  expect(bound(20 * SEC).personMs()).toBeLessThanOrEqual(18 * SEC);
  expect(bound(2 * SEC, SEC).personMs()).toBeLessThanOrEqual(SEC / 2);
});

test('it is late where a payment might not hear what became of it, and never at its beginning', () => {
  expect(bound(TIMEOUT_DEFAULT_MS, 30 * SEC).isLate()).toBe(false);
  expect(bound(TIMEOUT_DEFAULT_MS, 45 * SEC).isLate()).toBe(true);
  expect(bound(60 * SEC).isLate()).toBe(false);
  expect(bound(8 * SEC, 5 * SEC).isLate()).toBe(true);
});

test('a payment is begun only with time left for the seller to be heard', () => {
  expect(bound(TIMEOUT_DEFAULT_MS, 40 * SEC).isTooLateToSend()).toBe(false);
  // Two seconds are kept back, and a second is for the seller.
  expect(bound(TIMEOUT_DEFAULT_MS, 47.5 * SEC).isTooLateToSend()).toBe(true);
  expect(bound(1 * SEC).isTooLateToSend()).toBe(false);
});
