import { getBase58Codec } from '@solana/kit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBase58, readBase58, writeBase58 } from './base58.js';

it('writes and reads what the published codec does', () => {
  const bytes = fc.tuple(fc.nat(6), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([zeros, some]) => {
    some.fill(0, 0, zeros);
    return some;
  });
  fc.assert(
    fc.property(bytes, (some) => {
      const text = writeBase58(some);
      expect(text).toBe(getBase58Codec().decode(some));
      expect(readBase58(text, 'address')).toEqual(some);
      expect(isBase58(text, 'signature')).toBe(false);
    }),
  );
});

it.each([
  ['', 'address'],
  ['1'.repeat(31), 'address'],
  ['1'.repeat(33), 'address'],
  ['z'.repeat(44), 'address'],
  ['0'.repeat(32), 'address'],
  [`${'1'.repeat(31)}l`, 'address'],
  [` ${'1'.repeat(32)}`, 'address'],
  ['1'.repeat(100_000), 'address'],
  ['1'.repeat(32), 'signature'],
] as const)('%j is no %s', (text, of) => {
  expect(readBase58(text, of)).toBeUndefined();
});

it('takes thirty-two zeros for an address', () => {
  expect(readBase58('1'.repeat(32), 'address')).toEqual(new Uint8Array(32));
  expect(writeBase58(new Uint8Array(32))).toBe('1'.repeat(32));
});
