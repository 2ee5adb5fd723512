import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atomicFromUsd, usdFromAtomic } from './usd.ts';

test('every amount survives the way to text and back', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 20n), (atomic) => atomicFromUsd(usdFromAtomic(atomic)) === atomic),
  );
});

test.each([
  ['0.001', 1_000n],
  ['1', 1_000_000n],
  ['100.10', 100_100_000n],
])('%s is %s atomic', (usd, atomic) => {
  expect(atomicFromUsd(usd)).toBe(atomic);
});

test.each(['', '-1', '1e3', '0.0000001', '1.', '.5', '0x10', ' 1'])('%j is no amount', (text) => {
  expect(() => atomicFromUsd(text)).toThrow(RangeError);
});
