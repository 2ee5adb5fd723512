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

it('tells without reading what reading tells', () => {
  const letters = fc.constantFrom(
    ...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
    '0',
    'l',
    ' ',
    'é',
  );
  const good = fc.constantFrom(...'12zZ9A');
  const text = fc.oneof(
    fc.string({ unit: letters, minLength: 30, maxLength: 46 }),
    fc
      .tuple(fc.nat(64), fc.string({ unit: good, maxLength: 90 }))
      .map(([zeros, rest]) => '1'.repeat(zeros) + rest),
    fc.uint8Array({ minLength: 30, maxLength: 66 }).map(writeBase58),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('address' as const, 'signature' as const), (some, of) => {
      expect(isBase58(some, of)).toBe(readBase58(some, of) !== undefined);
    }),
    { numRuns: 2_000 },
  );
});

it.each([0, 1, 16, 31])(
  'knows the least and the greatest number behind %i zeros, and those beside them',
  (zeros) => {
    const bytes = 32 - zeros;
    const least = 256n ** BigInt(bytes - 1);
    const number = (value: bigint): string => {
      const hex = value.toString(16);
      return (
        '1'.repeat(zeros) + writeBase58(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'))
      );
    };
    for (const [value, is] of [
      [least - 1n, false],
      [least, true],
      [256n * least - 1n, true],
      [256n * least, false],
    ] as const) {
      // One byte alone has no smaller number without a zero byte.
      if (value === 0n) continue;
      expect(isBase58(number(value), 'address')).toBe(is);
      expect(readBase58(number(value), 'address') !== undefined).toBe(is);
    }
  },
);

it('takes thirty-two zeros for an address', () => {
  expect(readBase58('1'.repeat(32), 'address')).toEqual(new Uint8Array(32));
  expect(writeBase58(new Uint8Array(32))).toBe('1'.repeat(32));
});
