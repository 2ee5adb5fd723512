import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { setKey } from './change.js';
import { policyOf, policySteps, readPolicy, withPolicy, writePolicy } from './policy.js';
import { initialSettings, type Config } from './settings.js';

const initial: Config = {
  ...{ version: 1, walletId: 'wallet', keystore: 'file', testnet: true },
  ...initialSettings(true),
};

const SET: readonly (readonly [string, string])[] = [
  ['limits.hosts.api.example.com.per_day_usd', '1'],
  ['limits.models.gpt-*.per_call_usd', '0.20'],
  ['categories.search.hosts', '["api.example.com"]'],
  ['limits.categories.search.per_day_usd', '1.50'],
  ['budgets.research.per_month_usd', '10'],
  ['budgets.research.until', '2027-03-31'],
  ['agents.default.budget', 'research'],
  ['agents.default.limits.per_day_usd', '2'],
  ['hosts.deny', '["dear.example"]'],
  ['limits.calls_per_minute', '12'],
  // No part of a policy.
  ['proxy.upstreams.shop.base_url', 'https://shop.example'],
];
const rich = SET.reduce((config, [key, text]) => setKey(config, key, text).config, initial);

/** The schema as it is published. */
const schema = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL('../../docs/policy.schema.json', import.meta.url), 'utf8')) as never,
);

test('a policy is read as it is written, fits its schema, and changes nothing where it is in force', () => {
  const text = writePolicy(policyOf(rich));
  expect(text).not.toContain('shop.example');
  expect(schema.safeParse(JSON.parse(text)).error).toBeUndefined();
  expect(readPolicy(text)).toEqual(policyOf(rich));
  expect(policySteps(rich, readPolicy(text))).toEqual([]);
});

test('a policy takes away what it names no more, leaves what always has a value, and touches nothing else', () => {
  const back = withPolicy(rich, readPolicy('{"limits.per_day_usd": "4.00"}'));
  expect(Object.fromEntries(policyOf(back))).toEqual({
    ...Object.fromEntries(policyOf(initial)),
    'limits.per_day_usd': '4.00',
    'limits.calls_per_minute': 12,
    'hosts.deny': ['dear.example'],
  });
  expect(back.proxy).toEqual(rich.proxy);
  expect(policyOf(withPolicy(initial, policyOf(rich)))).toEqual(policyOf(rich));
});

test('caps are raised with their ceilings, whatever stands first', () => {
  const policy = readPolicy('{"limits.per_call_usd": "8.00", "ceilings.per_call_usd": "9.00"}');
  expect(policySteps(initial, policy).map(({ key }) => key)).toEqual([
    'ceilings.per_call_usd',
    'limits.per_call_usd',
  ]);
});

test.each([
  ['[]', 'JSON object'],
  ['{', 'JSON object'],
  ['{"limits.per_week_usd": "1"}', 'is not a setting'],
  ['{"proxy.default_upstream": "shop"}', 'no part of a policy'],
  ['{"agents.default.index": 0}', 'no part of a policy'],
  ['{"agents.default.refill.below_usd": "1"}', 'no part of a policy'],
  ['{"limits.per_day_usd": 4}', 'limits.per_day_usd must be dollars'],
])('%s is no policy', (text, says) => {
  expect(() => readPolicy(text)).toThrow(says);
});

test.each([['{"limits.per_day_usd": 4}'], ['{"limits.per_week_usd": "1"}'], ['{"hosts.deny": "x"}']])(
  'the schema refuses %s',
  (text) => {
    expect(schema.safeParse(JSON.parse(text)).success).toBe(false);
  },
);

test('a policy that contradicts itself is refused with what stands in the way', () => {
  const policy = readPolicy('{"limits.per_call_usd": "8.00"}');
  expect(() => withPolicy(initial, policy)).toThrow('is above its ceiling');
});
