import fc from 'fast-check';
import { getAddress, isAddress } from 'viem/utils';
import { describe, expect, it } from 'vitest';
import { readAddress } from './address.js';

/** Examples of EIP-55. */
const CHECKSUMMED = [
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
];

describe('readAddress', () => {
  it.each(CHECKSUMMED)('reads %s in its three spellings', (address) => {
    expect(readAddress(address)).toBe(address);
    expect(readAddress(address.toLowerCase())).toBe(address);
    expect(readAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address);
  });

  it('refuses a checksum that is wrong in one letter', () => {
    expect(readAddress('0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed')).toBeUndefined();
  });

  it('accepts exactly what is in one case or carries the right checksum', () => {
    const hexDigit = fc.constantFrom(...'0123456789abcdefABCDEF');
    const digits = fc.string({ unit: hexDigit, minLength: 40, maxLength: 40 });
    const cased = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toLowerCase(),
      (text: string) => text.toUpperCase(),
      (text: string) => getAddress(`0x${text.toLowerCase()}`).slice(2),
    );
    fc.assert(
      fc.property(digits, cased, (text, recase) => {
        const address = `0x${recase(text)}`;
        const isUpper = address.slice(2) === address.slice(2).toUpperCase();
        const expected = isUpper || isAddress(address) ? getAddress(address.toLowerCase()) : undefined;
        expect(readAddress(address)).toBe(expected);
      }),
    );
  });
});
