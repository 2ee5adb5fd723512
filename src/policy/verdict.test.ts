import type { Offer } from '../payment/challenge.js';
import { expect, test } from 'vitest';
import { assetsOf } from '../money/asset.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { hostPortOf } from './host.js';
import { ALLOW, judgeOffer, judgeRequest, strictest, type OfferRules, type Verdict } from './verdict.js';

const BASE: Caip2 = 'eip155:8453';
const POLYGON: Caip2 = 'eip155:137';
const BASE_SEPOLIA: Caip2 = 'eip155:84532';

function offerOf(caip2: Caip2, usdMicros: bigint, index = 0): Offer {
  const network = findNetwork(caip2);
  const asset = assetsOf(caip2)[0];
  if (network?.family !== 'evm' || asset?.family !== 'evm') throw new Error(`no row for ${caip2}`);
  return {
    index,
    protocol: 'x402',
    scheme: 'exact',
    network,
    asset,
    payTo: '0x000000000000000000000000000000000000dEaD',
    amountAtomic: usdMicros,
    usdMicros,
    facts: {},
  };
}

const rules: OfferRules = {
  limits: { perCallUsdMicros: 500_000n },
  ceilings: { perCallUsdMicros: 5_000_000n },
  networksEnabled: [BASE],
  testnet: false,
};

function codeOf(verdict: Verdict): string {
  return verdict.verdict === 'allow' ? 'allow' : `${verdict.verdict} ${verdict.code}`;
}

test.each([
  [[], [], 'allow'],
  [['api.example.com'], [], 'allow'],
  [['api.example.com:443'], [], 'allow'],
  [['api.example.com:8443'], [], 'refuse host_not_allowed'],
  [['example.com'], [], 'refuse host_not_allowed'],
  [['xapi.example.com'], [], 'refuse host_not_allowed'],
  [['*.example.com'], [], 'refuse host_not_allowed'],
  [[], ['api.example.com'], 'refuse host_denied'],
  [[], ['api.example.com:443'], 'refuse host_denied'],
  [[], ['api.example.com:8443'], 'allow'],
  [['api.example.com'], ['api.example.com'], 'refuse host_denied'],
  [['api.example.com:443'], ['api.example.com'], 'refuse host_denied'],
])('allow %j, deny %j: %s', (allow, deny, expected) => {
  expect(codeOf(judgeRequest({ hosts: { allow, deny }, hostPort: 'api.example.com:443' }))).toBe(expected);
});

test('a denied host cannot be reached by spelling it otherwise', () => {
  for (const url of [
    'https://EVIL.example./',
    'https://evil.example:443/',
    'https://ｅvil.example/',
    'https://evil.example:1/',
  ]) {
    const verdict = judgeRequest({
      hosts: { allow: [], deny: ['evil.example'] },
      hostPort: hostPortOf(new URL(url)),
    });
    expect(codeOf(verdict)).toBe('refuse host_denied');
  }
});

test('a host not allowed names what the owner would run, and never shell syntax of a URL', () => {
  const hosts = { allow: ['a.example'], deny: [] };
  expect(judgeRequest({ hosts, hostPort: 'b.example:443' })).toMatchObject({
    owner: { action: { kind: 'addToSetting', key: 'hosts.allow', entry: 'b.example' } },
  });
  const hostPort = hostPortOf(new URL("https://b';reboot;'.example/"));
  expect(hostPort).toContain(';reboot;');
  const verdict = judgeRequest({ hosts, hostPort });
  expect(codeOf(verdict)).toBe('refuse host_not_allowed');
  expect(verdict).not.toHaveProperty('owner.action');
});

test.each([
  [500_000n, undefined, 'allow'],
  [500_001n, undefined, 'ask above_cap'],
  [5_000_000n, undefined, 'ask above_cap'],
  [5_000_001n, undefined, 'refuse above_ceiling'],
  [10_000n, 10_000n, 'allow'],
  [10_001n, 10_000n, 'refuse price_above_max'],
  [600_000n, 550_000n, 'refuse price_above_max'],
  [600_000n, 1_000_000n, 'ask above_cap'],
  [6_000_000n, 10_000n, 'refuse above_ceiling'],
])('a price of %s with max_usd %s: %s', (price, maxUsdMicros, expected) => {
  const offer = offerOf(BASE, price);
  expect(codeOf(judgeOffer({ offer, ...rules, ...(maxUsdMicros !== undefined && { maxUsdMicros }) }))).toBe(
    expected,
  );
});

test('a refusal says its figures, its key and that it is final', () => {
  expect(judgeOffer({ offer: offerOf(BASE, 750_000n), ...rules })).toEqual({
    verdict: 'ask',
    code: 'above_cap',
    message:
      'The price of $0.75 is above the cap of $0.50 a call (limits.per_call_usd), which only the owner can lift; do not retry.',
    line: { name: 'limits.per_call_usd', usdMicrosMax: 500_000n, usdMicrosLeft: 500_000n },
    owner: {
      say: 'The agent wants to pay $0.75 for one call; your cap is $0.50 a call.',
      action: { kind: 'setSetting', key: 'limits.per_call_usd', value: '0.75' },
    },
  });
  expect(judgeOffer({ offer: offerOf(BASE, 7_000_000n), ...rules })).toMatchObject({
    message:
      'The price of $7.00 is above the ceiling of $5.00 a call (ceilings.per_call_usd), which no approval passes; do not retry.',
  });
});

test('a disabled network names what the owner would run; the other kind of money cannot be enabled', () => {
  expect(judgeOffer({ offer: offerOf(POLYGON, 1n), ...rules })).toMatchObject({
    code: 'network_disabled',
    owner: { action: { kind: 'addToSetting', key: 'networks.enabled', entry: 'eip155:137' } },
  });
  const testMoney = judgeOffer({ offer: offerOf(BASE_SEPOLIA, 1n), ...rules });
  expect(testMoney).toMatchObject({ verdict: 'refuse', code: 'network_disabled' });
  expect(testMoney).not.toHaveProperty('owner');
});

test('a cap that the client lowered is named by its variable, and any other by the owner’s own command', () => {
  const loweredBy = new Map([['limits.per_call_usd', 'PURSER_LIMIT_PER_CALL_USD']]);
  const offer = offerOf(BASE, 750_000n);
  const named = judgeOffer({ offer, ...rules, loweredBy });
  if (named.verdict === 'allow') throw new Error('It is above the cap.');
  expect(named.message).toContain('(PURSER_LIMIT_PER_CALL_USD of this client)');
  expect(named.owner?.action).toBeUndefined();
  expect(named.owner?.say).toMatch(/^The agent wants .*PURSER_LIMIT_PER_CALL_USD.*restart the client\.$/);
  expect(named.line?.name).toBe('limits.per_call_usd');
  const others = new Map([['limits.per_day_usd', 'PURSER_LIMIT_PER_DAY_USD']]);
  expect(judgeOffer({ offer, ...rules, loweredBy: others })).toEqual(judgeOffer({ offer, ...rules }));
});

test('the strictest verdict wins, the first of equals', () => {
  const ask: Verdict = { verdict: 'ask', code: 'above_cap', message: '1' };
  const refuse: Verdict = { verdict: 'refuse', code: 'host_denied', message: '2' };
  expect(strictest([])).toBe(ALLOW);
  expect(strictest([ALLOW, ask, { ...ask }, ALLOW])).toBe(ask);
  expect(strictest([ask, refuse, { ...refuse }])).toBe(refuse);
});
