import { expect, expectTypeOf, test } from 'vitest';
import type { Ceilings, Limits } from '../../src/policy/limits.js';
import { capLines, rateLines } from '../../src/policy/limits.js';
import type { HostRules, OfferRules } from '../../src/policy/verdict.js';
import { initialSettings, type Settings } from '../../src/config/settings.js';

test('the config fits what policy reads of it, checked by the compiler', () => {
  expectTypeOf<Settings['limits']>().toExtend<Limits>();
  expectTypeOf<Settings['ceilings']>().toExtend<Ceilings>();
  expectTypeOf<Settings['hosts']>().toExtend<HostRules>();
  expectTypeOf<Settings['networks']['enabled']>().toExtend<OfferRules['networksEnabled']>();
});

test('the first settings of a wallet are lines under those names', () => {
  const settings = initialSettings(false);
  const request = { agent: 'default', sessionId: 's', hostPort: 'api.example.com:443' };
  expect(
    [...capLines(settings, request), ...rateLines(settings.limits, request)].map((line) => line.name),
  ).toEqual([
    'limits.per_session_usd',
    'limits.per_day_usd',
    'limits.per_month_usd',
    'ceilings.per_session_usd',
    'ceilings.per_day_usd',
    'ceilings.per_month_usd',
    'limits.calls_per_minute',
  ]);
});
