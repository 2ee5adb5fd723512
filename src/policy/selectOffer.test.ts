import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assetsOf } from '../money/asset.js';
import type { CapLine } from '../money/cap.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import type { Offer, RejectedOffer } from '../payment/challenge.js';
import {
  selectOffer,
  type Candidate,
  type Readiness,
  type Selection,
  type SelectionFacts,
  type SellerHistory,
} from './selectOffer.js';
import type { Stop } from './verdict.js';

const BASE: Caip2 = 'eip155:8453';
const POLYGON: Caip2 = 'eip155:137';
const BASE_SEPOLIA: Caip2 = 'eip155:84532';
const SOLANA: Caip2 = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const PAYEE = '0x000000000000000000000000000000000000dEaD';

function offerOf(caip2: Caip2, usdMicros: bigint, index = 0): Offer {
  const network = findNetwork(caip2);
  const asset = assetsOf(caip2)[0];
  if (network === undefined || asset === undefined) throw new Error(`no row for ${caip2}`);
  const terms = { index, payTo: PAYEE, amountAtomic: usdMicros, usdMicros };
  return { ...terms, protocol: 'x402', scheme: 'exact', network, asset, facts: {} };
}

/** An offer of which nothing is known. */
function candidate(offer: Offer, known: Partial<Candidate> = {}): Candidate {
  return { offer, proofTime: 'minutes', readiness: { kind: 'assumed' }, history: null, ...known };
}

function factsOf(candidates: readonly Candidate[], more: Partial<SelectionFacts> = {}): SelectionFacts {
  return {
    candidates,
    demand: { rejected: [], otherProtocols: [] },
    rules: {
      limits: { perCallUsdMicros: 500_000n },
      ceilings: { perCallUsdMicros: 5_000_000n },
      networksEnabled: [BASE, POLYGON, SOLANA],
      testnet: false,
      hosts: { allow: [], deny: [] },
      commitmentUsdMicros: 0n,
      askFloorUsdMicros: 10_000n,
    },
    hostPort: 'api.example.com:443',
    usage: null,
    isApproved: false,
    nowMs: 0,
    ...more,
  };
}

/** The index of the offer that is paid, or the decision and its code. */
function outcomeOf(selection: Selection): number | string {
  if (selection.decision === 'pay') return selection.offer.index;
  return selection.decision === 'ask' ? 'ask' : `refuse ${selection.reason.code}`;
}

const chosenOf = (...candidates: Candidate[]): number | string => outcomeOf(selectOffer(factsOf(candidates)));

const fault = (code: 'rpc_unavailable' | 'malformed_offer'): Readiness => ({
  kind: 'unready',
  reason: { verdict: 'refuse', code, message: `Said of ${code}.` },
  scope: code === 'rpc_unavailable' ? 'network' : 'offer',
});
const short: Readiness = { kind: 'short', spendableAtomic: 1n, address: 'ADDRESS' };

test('the cheapest wins, then the sooner proof, then the owner’s order, then the seller’s', () => {
  const cheap = candidate(offerOf(POLYGON, 2n, 1), { proofTime: 'days' });
  const soon = candidate(offerOf(POLYGON, 3n, 2));
  const hours = candidate(offerOf(SOLANA, 3n, 3), { proofTime: 'hours' });
  const first = candidate(offerOf(BASE, 3n, 4), { proofTime: 'days' });
  const second = candidate(offerOf(POLYGON, 3n, 5), { proofTime: 'days' });
  const last = candidate(offerOf(POLYGON, 3n, 6), { proofTime: 'days' });
  const all = [last, second, first, hours, soon, cheap];
  for (let left = all.length; left > 0; left--)
    expect(chosenOf(...all.slice(0, left))).toBe([6, 5, 4, 3, 2, 1][left - 1]);
});

test('the order in which a seller lists its offers decides nothing (T1)', () => {
  const offer = fc.record({
    caip2: fc.constantFrom(BASE, POLYGON, BASE_SEPOLIA, 'eip155:1' as Caip2),
    usdMicros: fc.bigInt({ min: 1n, max: 9n }),
    proofTime: fc.constantFrom('minutes', 'hours', 'days'),
  });
  fc.assert(
    fc.property(
      fc.array(offer, { maxLength: 8 }),
      fc.subarray([BASE, POLYGON]),
      fc.func(fc.integer()),
      (list, networksEnabled, key) => {
        const candidates = list.map(({ caip2, usdMicros, proofTime }, index) =>
          candidate(offerOf(caip2, usdMicros, index), { proofTime }),
        );
        const shuffled = [...candidates].sort(
          (a, b) => key(a.offer.index) - key(b.offer.index) || b.offer.index - a.offer.index,
        );
        const rules = { ...factsOf([]).rules, networksEnabled };
        const choice = selectOffer(factsOf(candidates, { rules }));
        expect(selectOffer(factsOf(shuffled, { rules }))).toMatchObject({
          decision: choice.decision,
          ...(choice.decision === 'pay' ? { offer: choice.offer } : {}),
        });
        const payable = candidates.filter((one) => networksEnabled.includes(one.offer.network.caip2));
        expect(choice.decision === 'pay').toBe(payable.length > 0);
        for (const one of payable) expect(choice.offer?.usdMicros).toBeLessThanOrEqual(one.offer.usdMicros);
      },
    ),
  );
});

test('what the money does not pay is passed over, and with it all that costs as much of it', () => {
  const lacking = candidate(offerOf(BASE, 3n, 1), { readiness: short });
  expect(chosenOf(lacking, candidate(offerOf(BASE, 4n, 2)), candidate(offerOf(POLYGON, 5n, 3)))).toBe(3);
  const none = selectOffer(factsOf([lacking, candidate(offerOf(POLYGON, 4n, 2), { readiness: short })]));
  expect(none).toMatchObject({ decision: 'refuse', reason: { code: 'insufficient_funds' } });
  if (none.decision !== 'refuse') throw new Error('It was to be refused.');
  expect(none.reason.message).toMatch(/^The call costs 0\.000003 USDC or 0\.000004 USDC and the wallet has /);
  expect(none.reason.owner?.say).toContain('USDC on Polygon (eip155:137) to ADDRESS.');
  // A dearer one that would be refused says nothing beside that.
  expect(chosenOf(lacking, candidate(offerOf(POLYGON, 6_000_000n, 2)))).toBe('refuse insufficient_funds');
});

test('a network that cannot be read rules out every offer on it, and a bad offer itself alone', () => {
  const down = candidate(offerOf(BASE, 3n, 1), { readiness: fault('rpc_unavailable') });
  const bad = candidate(offerOf(BASE, 3n, 1), { readiness: fault('malformed_offer') });
  const sameNetwork = candidate(offerOf(BASE, 4n, 2));
  expect(chosenOf(bad, sameNetwork)).toBe(2);
  expect(chosenOf(down, sameNetwork)).toBe('refuse rpc_unavailable');
  const elsewhere = candidate(offerOf(POLYGON, 5n, 3));
  const chosen = selectOffer(factsOf([down, sameNetwork, elsewhere]));
  expect(chosen).toMatchObject({ decision: 'pay', offer: { index: 3 } });
  if (chosen.decision !== 'pay') throw new Error('It was to be paid.');
  expect(chosen.passedOver.map(({ offer, reason }) => [offer.index, reason.code])).toEqual([
    [1, 'rpc_unavailable'],
  ]);
  // Nobody is asked about what came second for it, and a lack of money says less.
  expect(chosenOf(down, candidate(offerOf(POLYGON, 600_000n, 2)))).toBe('refuse rpc_unavailable');
  expect(chosenOf(down, candidate(offerOf(POLYGON, 5n, 2), { readiness: short }))).toBe(
    'refuse rpc_unavailable',
  );
});

const history: SellerHistory = {
  failures: 0,
  lastFailureMs: 0,
  payees: [],
  isPayeeAllowed: false,
  prices: undefined,
  listedUsdMicros: null,
};
const dayCap: CapLine = {
  name: 'limits.per_day_usd',
  kind: 'cap',
  scope: { kind: 'wallet' },
  windowSec: 86_400,
  usdMicrosMax: 1_000_000n,
};
const ownCap: CapLine = { ...dayCap, name: 'agents.ada.limits.per_day_usd', isAgentsOwn: true };

test('every rule that asks is told, the first of the strictest in front, with the limit it comes from', () => {
  const offer = offerOf(BASE, 600_000n);
  const others = { payees: ['0x1', '0x1', '0x1'] };
  const prices = { medianUsdMicros: 20_000n, highestUsdMicros: 20_000n };
  const known = candidate(offer, { history: { ...history, ...others, prices } });
  const usage = [{ line: dayCap, usedUsdMicros: 500_000n }];
  const asked = selectOffer(factsOf([known], { usage }));
  if (asked.decision !== 'ask') throw new Error('It was to be asked about.');
  expect(asked.reasons.map(({ line }) => line?.name)).toEqual([
    'limits.per_call_usd',
    'limits.per_day_usd',
    undefined,
    undefined,
  ]);
  expect(asked).toMatchObject({ asksForPayee: true, ownCapPassed: null });
  // Approved, it is paid; and a ceiling is passed by no approval.
  expect(selectOffer(factsOf([known], { usage, isApproved: true })).decision).toBe('pay');
  const ceiling = { line: { ...dayCap, kind: 'ceiling' as const }, usedUsdMicros: 500_000n };
  expect(outcomeOf(selectOffer(factsOf([known], { usage: [ceiling], isApproved: true })))).toBe(
    'refuse above_ceiling',
  );
});

test('an agent’s own cap that is passed is named, as one of a call and as one of a day', () => {
  const paid = selectOffer(
    factsOf([candidate(offerOf(BASE, 2n))], { usage: [{ line: ownCap, usedUsdMicros: 999_999n }] }),
  );
  expect(paid).toMatchObject({ decision: 'ask', ownCapPassed: 'agents.ada.limits.per_day_usd' });
  const { rules } = factsOf([]);
  const agent = { name: 'ada', limits: { perCallUsdMicros: 1n }, ceilings: {} };
  expect(selectOffer(factsOf([candidate(offerOf(BASE, 2n))], { rules: { ...rules, agent } }))).toMatchObject({
    decision: 'ask',
    ownCapPassed: 'agents.ada.limits.per_call_usd',
  });
});

test('a payee that the owner allowed asks nothing, and an origin with a failure is refused', () => {
  const changed = { ...history, payees: ['0x1', '0x1', '0x1'] };
  const offer = offerOf(BASE, 2n);
  expect(chosenOf(candidate(offer, { history: changed }))).toBe('ask');
  expect(chosenOf(candidate(offer, { history: { ...changed, isPayeeAllowed: true } }))).toBe(0);
  expect(chosenOf(candidate(offer, { history: { ...history, failures: 1, lastFailureMs: 0 } }))).toBe(
    'refuse origin_paused',
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
    [offerOf('eip155:1', 1n)],
    { rejected: [rejected('unsupported_asset')] },
    'network_disabled',
  ],
  [
    'the nearest rejection',
    [],
    {
      rejected: [rejected('malformed_offer'), rejected('unsupported_scheme'), rejected('unsupported_asset')],
    },
    'unsupported_asset',
  ],
  [
    'a rejection before another protocol',
    [],
    { rejected: [rejected('unsupported_scheme')], otherProtocols: ['l402'] },
    'unsupported_scheme',
  ],
  ['another protocol', [], { otherProtocols: ['mpp', 'l402'] }, 'other_protocol'],
  ['nothing at all', [], {}, 'no_payable_offer'],
] as const)('where nothing can be paid it says why: %s', (_name, offers, demand, code) => {
  const none = { rejected: [], otherProtocols: [] };
  const refused = selectOffer(
    factsOf(
      offers.map((offer) => candidate(offer)),
      { demand: { ...none, ...demand } },
    ),
  );
  expect(refused).toMatchObject({ decision: 'refuse', offer: null, reason: { verdict: 'refuse', code } });
  expect((refused as { reason: Stop }).reason.message).toMatch(/; do not retry\.$/);
});

test('a network the owner could enable is named before one that could not', () => {
  const offers = [offerOf(BASE_SEPOLIA, 1n), offerOf('eip155:1', 2n, 1)];
  const refused = selectOffer(factsOf(offers.map((offer) => candidate(offer))));
  expect(refused).toHaveProperty('reason.owner.action');
});

test('the cap that an owner is told to set has room for all that a subscription counts by', () => {
  const key = { accessKey: PAYEE, keyType: 'secp256k1', witness: `0x${'11'.repeat(32)}` };
  const commitment = { periodSec: 86_400, endsSec: 10 * 86_400, key } as never;
  const offer = { ...offerOf(BASE, 400_000n), commitment };
  const line = {
    ...{ name: 'limits.per_session_usd', kind: 'cap', scope: { kind: 'session', sessionId: 's' } },
    ...{ windowSec: null, usdMicrosMax: 600_000n, isAgentsOwn: false },
  } as unknown as CapLine;
  const rules = { ...factsOf([]).rules, commitmentUsdMicros: 1_000_000_000n };
  const asked = selectOffer(
    factsOf([candidate(offer)], { rules, usage: [{ line, usedUsdMicros: 100_000n }] }),
  );
  expect(asked).toMatchObject({
    decision: 'ask',
    reasons: [{ owner: { action: { key: 'limits.per_session_usd', value: '0.90' } } }],
  });
});
