import { expect, it } from 'vitest';
import { findAsset, toUsdMicros } from './asset.js';
import { formatUsd, parseUsd } from './decimal.js';
import type { AtomicAmount, UsdMicros } from './unit.js';

it('an amount of a token and an amount of dollars cannot be swapped', () => {
  const usdc = findAsset('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913')!;
  const atomic: AtomicAmount = 2_000n;
  const dollars: UsdMicros = parseUsd('0.002', 'price');
  // @ts-expect-error -- tokens are no dollars
  formatUsd(atomic);
  // @ts-expect-error -- dollars are no tokens
  toUsdMicros(usdc, dollars);
  // @ts-expect-error -- nor in a record
  const record: { amountAtomic: AtomicAmount } = { amountAtomic: dollars };
  expect(record.amountAtomic).toBe(2_000n);
  expect(toUsdMicros(usdc, atomic)).toBe(dollars);
});
