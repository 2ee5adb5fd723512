import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chargesWithin, readCommitmentNonce, writeCommitmentNonce } from './commitment.js';

const DAY = 86_400;

test.each([
  ['a day of one a day', DAY, DAY, 2n],
  ['a month of one a week', 30 * DAY, 7 * DAY, 6n],
  ['a day of one a month', DAY, 30 * DAY, 2n],
  ['a month of one a month', 30 * DAY, 30 * DAY, 2n],
])('%s', (_, windowSec, periodSec, charges) => {
  expect(chargesWithin(windowSec, { periodSec, fromSec: 0, endsSec: 400 * DAY })).toBe(charges);
});

test('no span sees more than are left to its end, and a promise that is over none', () => {
  expect(chargesWithin(DAY, { periodSec: 30 * DAY, fromSec: 0, endsSec: 10 * DAY })).toBe(1n);
  expect(chargesWithin(null, { periodSec: DAY, fromSec: 0, endsSec: 10 * DAY - 60 })).toBe(10n);
  expect(chargesWithin(null, { periodSec: DAY, fromSec: 1_000, endsSec: 0 })).toBe(0n);
});

test('no way to take one a period takes more in any span', () => {
  const secs = fc.integer({ min: 1, max: 500 });
  fc.assert(
    fc.property(
      secs,
      secs,
      secs,
      fc.nat(50),
      fc.array(fc.nat(499), { maxLength: 60 }),
      (window, period, life, late, takes) => {
        // The chain learns of it `late` after the signing; one take a period, each at any moment of its period.
        const times = takes
          .map((offset, index) => late + index * period + (offset % period))
          .filter((time) => time < life);
        const most = chargesWithin(window, { periodSec: period, fromSec: 0, endsSec: life });
        for (const from of times)
          expect(
            BigInt(times.filter((time) => time >= from && time < from + window).length),
          ).toBeLessThanOrEqual(most);
      },
    ),
  );
});

test('a nonce is read as it was written, and no other text', () => {
  const key = { accessKey: `0x${'a'.repeat(40)}`, witness: `0x${'b'.repeat(64)}` } as const;
  expect(readCommitmentNonce(writeCommitmentNonce(key, 60))).toMatchObject({ ...key, periodSec: 60 });
  for (const text of ['', '0x1/2/3', 'commitment a 5', 'commitment a:b 0', 'commitment a:b x'])
    expect(() => readCommitmentNonce(text)).toThrow();
});
