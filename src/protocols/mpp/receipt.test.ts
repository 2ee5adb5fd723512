import { expect, test } from 'vitest';
import { readReceipt, readRejection } from './receipt.js';

const HASH = `0x${'Ab'.repeat(32)}`;
const write = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const read = (value: string) => readReceipt([['payment-receipt', value]]);

test('success is a claim with its transaction, in one spelling', () => {
  const receipt = { method: 'evm', status: 'success', reference: HASH, timestamp: '2026-11-29T12:00:00Z' };
  expect(read(write(receipt))).toMatchObject({ success: true, transaction: HASH.toLowerCase() });
  expect(read(write({ ...receipt, reference: 'an invoice' }))).toMatchObject({ transaction: undefined });
});

test.each([
  ['another status', write({ status: 'pending', reference: HASH })],
  ['no object', write([1])],
  ['no base64', '{"status":"success"}'],
  ['too long', 'A'.repeat(70_000)],
])('%s claims nothing', (_, value) => {
  expect(read(value)).toBeNull();
});

test('only what is found before anything is settled refuses', () => {
  const problem = (name: string): string =>
    JSON.stringify({ type: `https://paymentauth.org/problems/${name}`, status: 402 });
  expect(readRejection([], problem('malformed-credential'))).toBe('it cannot read the payment');
  for (const name of ['verification-failed', 'invalid-challenge', 'payment-expired', 'constructor'])
    expect(readRejection([], problem(name))).toBeNull();
  expect(readRejection([], 'not JSON')).toBeNull();
});
