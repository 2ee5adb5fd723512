import { expect, test } from 'vitest';
import { readPaymentInfo } from './paymentInfo.js';

const BASE_USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';

function range(min: bigint, max = min) {
  return { minUsdMicros: min, maxUsdMicros: max };
}

test.each([
  [
    { price: { mode: 'fixed', currency: 'USD', amount: '0.02' }, protocols: [{ x402: {} }] },
    range(20_000n),
    ['x402'],
  ],
  [
    {
      price: { mode: 'dynamic', min: '0.01', max: '0.50' },
      protocols: [{ x402: {} }, { mpp: { method: 'tempo' } }],
    },
    range(10_000n, 500_000n),
    ['x402', 'mpp'],
  ],
  [{ price: { mode: 'dynamic' }, protocols: ['x402'] }, null, ['x402']],
  [{ price: { mode: 'fixed', currency: 'EUR', amount: '0.02' } }, null, []],
  [
    { offers: [{ intent: 'charge', method: 'tempo', amount: '20000', currency: 'USDC' }, { amount: null }] },
    range(20_000n),
    ['mpp'],
  ],
  [
    { offers: [{ method: 'x402', amount: 5000, currency: BASE_USDC, network: 'base' }] },
    range(5_000n),
    ['x402'],
  ],
  [{ intent: 'charge', method: 'stripe', amount: '150', currency: 'usd' }, null, ['mpp']],
  [
    {
      intent: 'charge',
      method: 'tempo',
      amount: '1',
      currency: '0x2222222222222222222222222222222222222222',
    },
    null,
    ['mpp'],
  ],
  [{ pricingMode: 'fixed', price: '0.005' }, range(5_000n), []],
  [{ pricingMode: 'fixed', price: 0.1 }, range(100_000n), []],
  [{ pricingMode: 'dynamic', minPrice: '$0.01', maxPrice: '$0.02' }, range(10_000n, 20_000n), []],
  [{ pricingMode: 'dynamic', minPrice: '0.5', maxPrice: '0.1' }, null, []],
  [{ price: { amount: '-1' } }, null, []],
  [{ price: { amount: '1e3' } }, null, []],
])('%j', (info, price, protocols) => {
  expect(readPaymentInfo(info)).toEqual({ price, protocols });
});

test.each([undefined, null, 7, 'free', [], {}])('%j is no payment info', (info) => {
  expect(readPaymentInfo(info)).toBeUndefined();
});
