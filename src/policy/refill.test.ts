import fc from 'fast-check';
import { expect, test } from 'vitest';
import { refilledAgents, refillRule, refillVerdict, type RefillRule, type RefillSettings } from './refill.js';

const DOLLAR = 1_000_000n;
const RULE: RefillRule = {
  ...{ agent: 'researcher', from: 'default' },
  ...{ belowUsdMicros: 2n * DOLLAR, toUsdMicros: 10n * DOLLAR, perDayUsdMicros: 20n * DOLLAR },
};

test('an agent is refilled where all three amounts are there, from the first agent unless another is named', () => {
  const settings = (over: Partial<RefillSettings> = {}): RefillSettings => ({
    refillBelowUsdMicros: new Map([['researcher', 2n * DOLLAR]]),
    refillToUsdMicros: new Map([['researcher', 10n * DOLLAR]]),
    refillPerDayUsdMicros: new Map([['researcher', 20n * DOLLAR]]),
    refillFrom: new Map(),
    ...over,
  });
  expect(refillRule(settings(), 'researcher')).toEqual(RULE);
  expect(refilledAgents(settings())).toEqual(['researcher']);
  const named = settings({ refillFrom: new Map([['researcher', 'treasury']]) });
  expect(refillRule(named, 'researcher')?.from).toBe('treasury');
  expect(refillRule(settings(), 'other')).toBeNull();
  for (const field of ['refillBelowUsdMicros', 'refillToUsdMicros', 'refillPerDayUsdMicros'] as const) {
    expect(refillRule(settings({ [field]: new Map() }), 'researcher')).toBeNull();
    expect(refilledAgents(settings({ [field]: new Map() }))).toEqual([]);
  }
});

test.each([
  ['at its line', 2n, 0n, 100n, { kind: 'enough' }],
  ['below it', 1n, 0n, 100n, { kind: 'refill', usdMicros: 9n * DOLLAR }],
  ['where the day leaves less', 1n, 15n, 100n, { kind: 'refill', usdMicros: 5n * DOLLAR }],
  ['where the source has less', 1n, 0n, 3n, { kind: 'refill', usdMicros: 3n * DOLLAR }],
  ['where the day leaves too little', 0n, 19n, 100n, { kind: 'not', why: 'day_used' }],
  ['where the source has too little', 0n, 0n, 1n, { kind: 'not', why: 'source_empty' }],
])('%s', (_when, left, refilled, free, verdict) => {
  const funds = { leftUsdMicros: left * DOLLAR, refilledUsdMicros: refilled * DOLLAR };
  expect(refillVerdict(RULE, { ...funds, freeUsdMicros: free * DOLLAR })).toEqual(verdict);
});

test('never passes the day, what the source has, or what the agent is brought up to; and ends the need', () => {
  const dollars = fc.bigInt({ min: 0n, max: 30n * DOLLAR });
  const funds = fc.record({ leftUsdMicros: dollars, refilledUsdMicros: dollars, freeUsdMicros: dollars });
  fc.assert(
    fc.property(funds, (now) => {
      const verdict = refillVerdict(RULE, now);
      if (verdict.kind !== 'refill') return;
      const { usdMicros } = verdict;
      expect(now.refilledUsdMicros + usdMicros <= RULE.perDayUsdMicros).toBe(true);
      expect(usdMicros <= now.freeUsdMicros).toBe(true);
      expect(now.leftUsdMicros + usdMicros <= RULE.toUsdMicros).toBe(true);
      expect(refillVerdict(RULE, { ...now, leftUsdMicros: now.leftUsdMicros + usdMicros }).kind).toBe(
        'enough',
      );
    }),
  );
});
