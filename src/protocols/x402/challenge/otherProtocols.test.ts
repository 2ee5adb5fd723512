import { describe, expect, it } from 'vitest';
import { readOtherProtocols } from './otherProtocols.js';

function named(...values: string[]): string[] {
  return readOtherProtocols(values.map((value) => ['www-authenticate', value] as const));
}

describe('readOtherProtocols', () => {
  it.each([
    [
      'one',
      'Payment id="a1", realm="shop.example", method="tempo", intent="charge", request="eyJ9"',
      ['mpp'],
    ],
    ['parameters parted by commas', 'L402 version="0", token="t", invoice="lnbc1"', ['l402']],
    ['parameters parted by blanks', 'L402 version="0" token="t", invoice="lnbc1"', ['l402']],
    ['the old name', 'LSAT macaroon="m", invoice="lnbc1"', ['l402']],
    ['both names of one', 'LSAT macaroon="m", invoice="lnbc1", L402 macaroon="m", invoice="lnbc1"', ['l402']],
    [
      'two in one value',
      'L402 macaroon="m", invoice="lnbc1", Payment id="a1", method="lightning"',
      ['l402', 'mpp'],
    ],
    ['any case', 'PAYMENT id="a1", l402 token="t"', ['mpp', 'l402']],
    ['a scheme without parameters', 'Payment', ['mpp']],
    ['others beside it', 'Bearer realm="x", Payment id="a1", Basic realm="y"', ['mpp']],
  ])('names %s', (_what, value, protocols) => {
    expect(named(value)).toEqual(protocols);
  });

  it('reads every header of the name, in order, each protocol once', () => {
    expect(named('Payment id="1"', 'Payment id="2"', 'L402 token="t"')).toEqual(['mpp', 'l402']);
  });

  it.each([
    ['nothing', ''],
    ['other schemes', 'Bearer realm="api", x402'],
    ['a parameter of that name', 'Bearer payment="yes", l402="no"'],
    ['a name inside quotes', 'Bearer realm="a, Payment id=1, L402 token=t"'],
    ['a name behind an escaped quote', 'Bearer realm="a\\", Payment id=1"'],
    ['a name in quotes that never close', 'Bearer realm="a, Payment id=1'],
    ['a longer word', 'Payments id="1", L4022 token="t", PaymentX'],
  ])('does not see one in %s', (_what, value) => {
    expect(named(value)).toEqual([]);
  });

  it('is not slowed by a value of nothing but quotes and commas', () => {
    expect(named(`${'"\\'.repeat(300_000)}${',"'.repeat(300_000)}", Payment id="1"`)).toEqual(['mpp']);
  });
});
