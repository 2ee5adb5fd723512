import { expect, test } from 'vitest';
import {
  agreedRate,
  bitcoinUsdMicros,
  hasJumped,
  isFreshRate,
  RATE_AGE_MAX_MS,
  routingFeeMax,
  shareOfHold,
} from './bitcoin.js';

const RATE = { usdMicrosPerBtc: '65000000000' };
const DAY_MS = 86_400_000;

test('dollars of bitcoin are rounded up, to the last millionth', () => {
  expect(bitcoinUsdMicros(1n, RATE)).toBe(1n);
  expect(bitcoinUsdMicros(1_000_000n, RATE)).toBe(650_000n);
  expect(bitcoinUsdMicros(1_000_001n, RATE)).toBe(650_001n);
});

test('routing may cost the flat amount or the share, whichever is more', () => {
  const bound = { feeSatMax: 10, feePercentMax: 1 };
  expect(routingFeeMax(5_000n, bound)).toBe(10_000n);
  expect(routingFeeMax(5_000_000n, bound)).toBe(50_000n);
  expect(routingFeeMax(5_000_000n, { feeSatMax: 0, feePercentMax: 0 })).toBe(0n);
});

test('a part of a hold counts by the hold’s own rate, never above it and never as nothing', () => {
  const held = { atomic: 15_000n, usdMicros: 9_750n };
  expect(shareOfHold(held, 15_000n)).toBe(9_750n);
  expect(shareOfHold(held, 5_000n)).toBe(3_250n);
  expect(shareOfHold(held, 1n)).toBe(1n);
});

test('two sources of different hosts have to agree, and the dearer one counts', () => {
  const of = (host: string, usdMicrosPerBtc: bigint) => ({ host, usdMicrosPerBtc });
  expect(agreedRate([of('a', 65_000_000_000n), of('b', 65_500_000_000n)])).toBe(65_500_000_000n);
  expect(agreedRate([of('a', 65_000_000_000n), of('a', 65_000_000_000n)])).toMatch('fewer than two');
  expect(agreedRate([of('a', 65_000_000_000n), of('b', 70_000_000_000n)])).toMatch('disagree');
  // One that lies does not spoil two that agree, in either direction.
  expect(agreedRate([of('a', 65_000_000_000n), of('b', 65_100_000_000n), of('c', 1_000_000n)])).toBe(
    65_100_000_000n,
  );
  expect(agreedRate([of('a', 65_000_000_000n), of('b', 65_100_000_000n), of('c', 9_000_000_000_000n)])).toBe(
    65_100_000_000n,
  );
  expect(agreedRate([of('a', 65_000_000_000n)])).toMatch('fewer');
  expect(agreedRate([of('a', 0n), of('b', 0n)])).toMatch('fewer');
});

test('a rate that jumps is not believed; a day that went by makes room', () => {
  const before = { usdMicrosPerBtc: 65_000_000_000n, atMs: 1_000 };
  expect(hasJumped(before, 78_000_000_000n, 2_000)).toBe(false);
  expect(hasJumped(before, 78_000_000_001n, 2_000)).toBe(true);
  expect(hasJumped(before, 51_999_999_999n, 2_000)).toBe(true);
  expect(hasJumped(before, 51_999_999_999n, 1_000 + DAY_MS)).toBe(false);
});

test('an old rate is none, and neither is one from the future; one set by hand has no age', () => {
  expect(isFreshRate(1_000, 1_000 + RATE_AGE_MAX_MS)).toBe(true);
  expect(isFreshRate(1_000, 1_001 + RATE_AGE_MAX_MS)).toBe(false);
  expect(isFreshRate(1_001, 1_000)).toBe(false);
  expect(isFreshRate(null, 1)).toBe(true);
});
