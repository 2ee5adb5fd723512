import { expect, test } from 'vitest';
import { CallDeadline } from './callDeadline.js';
import { TIMEOUT_DEFAULT_MS } from '../input.js';

const SEC = 1000;

/** A call of which so much is over. */
function deadline(timeoutMs: number, overMs = 0): CallDeadline {
  return new CallDeadline(timeoutMs, {
    signal: new AbortController().signal,
    startedMs: performance.now() - overMs,
  });
}

test('a call that bounds itself by nothing waits the 45 s of the default for its owner', () => {
  expect(deadline(TIMEOUT_DEFAULT_MS, 2 * SEC).personMs()).toBeGreaterThanOrEqual(45 * SEC);
  expect(deadline(20 * SEC).personMs()).toBeLessThanOrEqual(18 * SEC);
  expect(deadline(2 * SEC, SEC).personMs()).toBeLessThanOrEqual(SEC / 2);
});

test('it is late where a payment might not hear what became of it, and never at its beginning', () => {
  expect(deadline(TIMEOUT_DEFAULT_MS, 30 * SEC).isLate()).toBe(false);
  expect(deadline(TIMEOUT_DEFAULT_MS, 45 * SEC).isLate()).toBe(true);
  expect(deadline(60 * SEC).isLate()).toBe(false);
  expect(deadline(8 * SEC, 5 * SEC).isLate()).toBe(true);
});

test('a payment is begun only with time left for the seller to be heard', () => {
  expect(deadline(TIMEOUT_DEFAULT_MS, 40 * SEC).isTooLateToSend()).toBe(false);
  // Two seconds are kept back, and a second is for the seller.
  expect(deadline(TIMEOUT_DEFAULT_MS, 47.5 * SEC).isTooLateToSend()).toBe(true);
  expect(deadline(1 * SEC).isTooLateToSend()).toBe(false);
});
