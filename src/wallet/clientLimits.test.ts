import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialSettings, type Config } from '../config/settings.js';
import { formatUsd } from '../money/decimal.js';
import { CLIENT_LIMITS, lowerLimits } from './clientLimits.js';

const CONFIG: Config = {
  version: 1,
  walletId: 'w',
  keystore: 'file',
  testnet: true,
  ...initialSettings(true),
};
const NAMES = Object.keys(CLIENT_LIMITS) as (keyof typeof CLIENT_LIMITS)[];

test('a client lowers a limit for its own process, and nothing else', () => {
  const lowered = lowerLimits(CONFIG, { PURSER_LIMIT_PER_DAY_USD: ' 1.25 ', PURSER_LIMIT_PER_CALL_USD: '0' });
  expect(lowered.limits).toEqual({ ...CONFIG.limits, perDayUsdMicros: 1_250_000n, perCallUsdMicros: 0n });
  const { lowered: variables, ...rest } = lowered;
  expect({ ...rest, limits: CONFIG.limits }).toEqual(CONFIG);
  expect([...(variables ?? [])]).toEqual([
    ['limits.per_call_usd', 'PURSER_LIMIT_PER_CALL_USD'],
    ['limits.per_day_usd', 'PURSER_LIMIT_PER_DAY_USD'],
  ]);
});

test('nothing, an empty field and none leave the config as it is', () => {
  for (const text of [undefined, '', '  ', 'none']) {
    expect(lowerLimits(CONFIG, { PURSER_LIMIT_PER_CALL_USD: text })).toBe(CONFIG);
  }
});

test('whatever a client gives, no limit rises', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.bigInt({ min: 0n, max: 10n ** 15n }), (name, usdMicros) => {
      const { limits, ceilings } = lowerLimits(CONFIG, { [name]: formatUsd(usdMicros) });
      const field = CLIENT_LIMITS[name];
      const own = CONFIG.limits[field];
      expect(limits[field]).toBe(usdMicros < own ? usdMicros : own);
      expect(ceilings).toBe(CONFIG.ceilings);
    }),
  );
});

describe('what is no amount stops the wallet, and is not repeated', () => {
  test.each([
    '__encrypted__:c2VjcmV0',
    '${user_config.limit_per_day_usd}',
    '-1',
    '1e3',
    '0x10',
    '$5',
    '5,00',
    'NaN',
    'Infinity',
    '9'.repeat(400),
  ])('%s', (text) => {
    const lower = (): Config => lowerLimits(CONFIG, { PURSER_LIMIT_PER_DAY_USD: text });
    expect(lower).toThrow(expect.objectContaining({ code: 'config_invalid', money: 'none' }));
    expect(lower).toThrow(/^This client starts Purser with a PURSER_LIMIT_PER_DAY_USD that is no amount/);
    if (text.length > 3) expect(lower).not.toThrow(text);
  });
});
