import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WalletError } from '../errors/walletError.js';
import { formatUnits, formatUsd, numberToDecimalText, parseUsd } from './decimal.js';

describe('parseUsd', () => {
  it.each([
    ['0', 0n],
    ['0.002', 2_000n],
    ['0.50', 500_000n],
    ['1', 1_000_000n],
    ['007', 7_000_000n],
    ['12.345678', 12_345_678n],
  ])('reads %s', (text, usdMicros) => {
    expect(parseUsd(text, 'max_usd')).toBe(usdMicros);
  });

  it('cuts digits past the sixth instead of rounding a limit up', () => {
    expect(parseUsd('0.0000019', 'max_usd')).toBe(1n);
    expect(parseUsd('0.00000099999', 'max_usd')).toBe(0n);
  });

  it.each(
    [
      [
        '',
        '-1',
        '+1',
        '1e2',
        '0x10',
        '1,000',
        '1_000',
        ' 1',
        '1 ',
        '1\n',
        '.5',
        '5.',
        '1.2.3',
        'NaN',
        'Infinity',
      ],
      ['٣', '１', '$1', '1'.repeat(79)],
    ]
      .flat()
      .map((text) => [text]),
  )('refuses %j', (text) => {
    expect(() => parseUsd(text, 'max_usd')).toThrow(
      expect.objectContaining({ name: 'WalletError', code: 'bad_input', money: 'none' }),
    );
  });

  it('names the argument it refuses', () => {
    expect(() => parseUsd('free', 'limits.per_day_usd')).toThrow(/^limits\.per_day_usd must be dollars/);
  });

  it('throws nothing but its own error, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseUsd(text, 'x')).toBeGreaterThanOrEqual(0n);
        } catch (error) {
          expect(error).toBeInstanceOf(WalletError);
        }
      }),
    );
  });

  it('gives back what formatUsd wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 60n }), (usdMicros) => {
        expect(parseUsd(formatUsd(usdMicros), 'x')).toBe(usdMicros);
      }),
    );
  });
});

describe('numberToDecimalText', () => {
  it.each([
    [0, '0'],
    [0.05, '0.05'],
    [1e-6, '0.000001'],
    [1e-7, '0.0000001'],
    [1.5e-7, '0.00000015'],
    [Number.MIN_VALUE, `0.${'0'.repeat(323)}5`],
    [1e20, '100000000000000000000'],
    [1e21, '1000000000000000000000'],
    [1.2345e22, '12345000000000000000000'],
  ])('writes %d without an exponent', (value, text) => {
    expect(numberToDecimalText(value)).toBe(text);
  });

  it.each([[-1], [-1e-7], [NaN], [Infinity], [-Infinity]])('leaves %d for parseUsd to refuse', (value) => {
    expect(() => parseUsd(numberToDecimalText(value), 'max_usd')).toThrow(WalletError);
  });

  it('keeps the value of every non-negative number', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = numberToDecimalText(value);
        expect(text).toMatch(/^\d+(\.\d+)?$/);
        expect(Number(text)).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe('formatUnits', () => {
  it.each([
    [2_000n, 6, '0.002'],
    [1_000_000n, 6, '1'],
    [0n, 6, '0'],
    [42n, 0, '42'],
    [1n, 18, '0.000000000000000001'],
    [-1_500_000n, 6, '-1.5'],
  ])('writes %d at %d decimals as %s', (units, decimals, text) => {
    expect(formatUnits(units, decimals)).toBe(text);
  });
});

describe('formatUsd', () => {
  it.each([
    [0n, '0.00'],
    [2_000n, '0.002'],
    [10_000n, '0.01'],
    [500_000n, '0.50'],
    [1_000_000n, '1.00'],
    [-20_000n, '-0.02'],
  ])('writes %d with at least cents', (usdMicros, text) => {
    expect(formatUsd(usdMicros)).toBe(text);
  });
});
