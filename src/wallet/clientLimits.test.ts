import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialSettings, type Config } from '../config/settings.js';
import { formatUsd } from '../money/decimal.js';
import type { Stop } from '../policy/verdict.js';
import { CLIENT_LIMITS, lowerLimits, nameLowered } from './clientLimits.js';

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

test('a verdict by a lowered limit names the client’s setting, and any other the owner’s own command', () => {
  const ask = (name: string): Stop => ({
    verdict: 'ask',
    code: 'needs_owner',
    sentence: `Above the cap (${name}), do not retry.`,
    line: { name, usdMicrosMax: 1n, usdMicrosLeft: 0n },
    owner: { say: 'It wants more.', action: { kind: 'setSetting', key: name, value: '2' } },
  });
  const lowered = lowerLimits(CONFIG, {
    PURSER_LIMIT_PER_CALL_USD: '0.10',
    PURSER_LIMIT_PER_DAY_USD: '9999',
  });
  const named = nameLowered(ask('limits.per_call_usd'), lowered);
  expect(named.sentence).toBe('Above the cap (PURSER_LIMIT_PER_CALL_USD of this client), do not retry.');
  expect(named.owner?.action).toBeUndefined();
  expect(named.owner?.say).toMatch(/^It wants more\. .*PURSER_LIMIT_PER_CALL_USD.*restart the client\.$/);
  // An amount above the owner's own lowers nothing: their command is the one that works.
  const day = ask('limits.per_day_usd');
  expect(nameLowered(day, lowered)).toBe(day);
  expect(nameLowered(ask('limits.per_call_usd'), CONFIG).owner?.action).toMatchObject({
    key: 'limits.per_call_usd',
  });
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
