import type { Offer, RejectedOffer } from '../payment/challenge.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assetsOf } from '../money/asset.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { hostPortOf } from './host.js';
import { chooseOffer } from './offer.js';
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
  [500_001n, undefined, 'ask needs_owner'],
  [5_000_000n, undefined, 'ask needs_owner'],
  [5_000_001n, undefined, 'refuse above_ceiling'],
  [10_000n, 10_000n, 'allow'],
  [10_001n, 10_000n, 'refuse price_above_max'],
  [600_000n, 550_000n, 'refuse price_above_max'],
  [600_000n, 1_000_000n, 'ask needs_owner'],
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
    code: 'needs_owner',
    sentence:
      'The price of $0.75 is above the cap of $0.50 a call (limits.per_call_usd), which only the owner can lift; do not retry.',
    line: { name: 'limits.per_call_usd', usdMicrosMax: 500_000n, usdMicrosLeft: 500_000n },
    owner: {
      say: 'The agent wants to pay $0.75 for one call; your cap is $0.50 a call.',
      action: { kind: 'setSetting', key: 'limits.per_call_usd', value: '0.75' },
    },
  });
  expect(judgeOffer({ offer: offerOf(BASE, 7_000_000n), ...rules })).toMatchObject({
    sentence:
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

const none = { offers: [], rejected: [], otherProtocols: [] };

test('the cheapest on an enabled network is chosen, then the owner’s order, then the seller’s', () => {
  const enabled = { ...rules, networksEnabled: [POLYGON, BASE] };
  const pick = (...offers: Offer[]) => chooseOffer({ ...none, offers, ...enabled }).offer?.index;
  expect(pick(offerOf(BASE, 3n, 0), offerOf(BASE, 2n, 1), offerOf(POLYGON, 3n, 2))).toBe(1);
  expect(pick(offerOf(BASE, 2n, 0), offerOf(POLYGON, 2n, 1))).toBe(1);
  expect(pick(offerOf(BASE, 2n, 4), offerOf(BASE, 2n, 3))).toBe(3);
  expect(pick(offerOf('eip155:1', 1n, 0), offerOf(BASE, 9n, 1))).toBe(1);
  expect(chooseOffer({ ...none, offers: [offerOf(BASE, 600_000n)], ...enabled }).verdict).toMatchObject({
    verdict: 'ask',
  });
});

test('the order in which a seller lists its offers decides nothing (T1)', () => {
  const offer = fc.record({
    caip2: fc.constantFrom(BASE, POLYGON, BASE_SEPOLIA, 'eip155:1' as Caip2),
    usdMicros: fc.bigInt({ min: 1n, max: 9n }),
  });
  fc.assert(
    fc.property(
      fc.array(offer, { maxLength: 8 }),
      fc.subarray([BASE, POLYGON]),
      fc.func(fc.integer()),
      (list, networksEnabled, key) => {
        const offers = list.map(({ caip2, usdMicros }, index) => offerOf(caip2, usdMicros, index));
        const shuffled = [...offers].sort((a, b) => key(a.index) - key(b.index) || b.index - a.index);
        const choice = chooseOffer({ ...none, offers, ...rules, networksEnabled });
        expect(chooseOffer({ ...none, offers: shuffled, ...rules, networksEnabled }).offer).toBe(
          choice.offer,
        );
        const payable = offers.filter((one) => networksEnabled.includes(one.network.caip2));
        expect(choice.offer === undefined).toBe(payable.length === 0);
        for (const one of payable) expect(choice.offer?.usdMicros).toBeLessThanOrEqual(one.usdMicros);
      },
    ),
  );
});

const rejected = (code: RejectedOffer['code']): RejectedOffer => ({
  index: 0,
  code,
  reason: `Said of ${code}.`,
});

test.each([
  [
    'a disabled network before anything else',
    { offers: [offerOf(POLYGON, 1n)], rejected: [rejected('unsupported_asset')] },
    'network_disabled',
  ],
  [
    'the nearest rejection',
    {
      rejected: [rejected('malformed_offer'), rejected('unsupported_scheme'), rejected('unsupported_asset')],
    },
    'unsupported_asset',
  ],
  [
    'a rejection before another protocol',
    { rejected: [rejected('unsupported_scheme')], otherProtocols: ['l402'] },
    'unsupported_scheme',
  ],
  ['another protocol', { otherProtocols: ['mpp', 'l402'] }, 'other_protocol'],
  ['nothing at all', {}, 'no_payable_offer'],
] as const)('where nothing can be paid it says why: %s', (_name, required, code) => {
  const choice = chooseOffer({ ...none, ...required, ...rules });
  expect(choice).toMatchObject({ offer: undefined, verdict: { verdict: 'refuse', code } });
  expect(choice.verdict).toMatchObject({ sentence: expect.stringMatching(/; do not retry\.$/) });
});

test('a network the owner could enable is named before one that could not', () => {
  const choice = chooseOffer({
    ...none,
    offers: [offerOf(BASE_SEPOLIA, 1n), offerOf(POLYGON, 2n, 1)],
    ...rules,
  });
  expect(choice.verdict).toHaveProperty('owner.action');
});

test('the strictest verdict wins, the first of equals', () => {
  const ask: Verdict = { verdict: 'ask', code: 'needs_owner', sentence: '1' };
  const refuse: Verdict = { verdict: 'refuse', code: 'host_denied', sentence: '2' };
  expect(strictest([])).toBe(ALLOW);
  expect(strictest([ALLOW, ask, { ...ask }, ALLOW])).toBe(ask);
  expect(strictest([ask, refuse, { ...refuse }])).toBe(refuse);
});
