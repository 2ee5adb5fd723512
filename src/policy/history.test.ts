import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeCircuitBreaker, judgePayee, judgePrice, type PriceHistory } from './history.js';

const hostPort = 'api.example.com:443';

test.each([
  [[], 'allow'],
  [['A', 'A'], 'allow'],
  [['A', 'A', 'A'], 'ask'],
  [['A', 'A', 'A', 'B'], 'ask'],
  [['A', 'B', 'A', 'A', 'A'], 'allow'],
  [['A', 'A', 'B'], 'allow'],
  [['X', 'A', 'A', 'A'], 'allow'],
  [['X', 'X', 'X'], 'allow'],
])('payments to %j, then to X: %s', (history, expected) => {
  expect(judgePayee({ hostPort, payTo: 'X', history }).verdict).toBe(expected);
});

test.each<[string, { origin: string[]; endpoint: string[]; byEndpoint?: string[] }, 'allow' | 'ask']>([
  [
    'an endpoint that was always paid at another address',
    { origin: ['B', 'A', 'B'], endpoint: ['A', 'A', 'A'] },
    'ask',
  ],
  [
    'one whose own address it is, among others',
    { origin: ['A', 'A', 'A'], endpoint: ['X', 'X', 'X'] },
    'allow',
  ],
  ['one that was paid there the last time', { origin: ['A', 'A', 'A'], endpoint: ['X'] }, 'allow'],
  ['one that was paid elsewhere the last time', { origin: ['A', 'A', 'A'], endpoint: ['A', 'A'] }, 'ask'],
  [
    'a new one of a seller with one address',
    { origin: ['A', 'A', 'A'], endpoint: [], byEndpoint: ['A', 'A'] },
    'ask',
  ],
  ['a new one of a marketplace', { origin: ['A', 'A', 'A'], endpoint: [], byEndpoint: ['A', 'B'] }, 'allow'],
])('X wants to be paid for %s', (_what, { origin, endpoint, byEndpoint = [] }, expected) => {
  const history = { history: origin, endpointHistory: endpoint, byEndpoint };
  expect(judgePayee({ hostPort, payTo: 'X', ...history }).verdict).toBe(expected);
});

test('a fresh address for each payment never asks; a stable one asks at any change', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 9 }), ([payTo = '', ...history]) => {
      expect(judgePayee({ hostPort, payTo, history }).verdict).toBe('allow');
      const stable = history.slice(0, 1).flatMap((one) => [one, one, one]);
      expect(judgePayee({ hostPort, payTo, history: stable }).verdict).toBe('ask');
    }),
  );
});

const FLOOR = 50_000n;

function historyOf(paid: readonly bigint[], approved: readonly bigint[]): PriceHistory | undefined {
  const sorted = [...paid].sort((a, b) => (a < b ? -1 : 1));
  const medianUsdMicros = sorted[Math.floor((sorted.length - 1) / 2)];
  const highestUsdMicros = sorted.at(-1);
  if (medianUsdMicros === undefined || highestUsdMicros === undefined) return undefined;
  const approvedUsdMicros = approved.reduce((a, b) => (a > b ? a : b), 0n);
  return { medianUsdMicros, highestUsdMicros, ...(approved.length > 0 && { approvedUsdMicros }) };
}

/** Pays one price after the other with an owner who always says yes, and counts the questions. */
function questions(prices: readonly bigint[]): number {
  const paid: bigint[] = [];
  const approved: bigint[] = [];
  for (const usdMicros of prices) {
    const history = historyOf(paid, approved);
    if (judgePrice({ usdMicros, askFloorUsdMicros: FLOOR, history }).verdict === 'ask')
      approved.push(usdMicros);
    paid.push(usdMicros);
  }
  return approved.length;
}

test.each([
  [120_000n, 60_000n, 'allow'],
  [120_001n, 60_000n, 'ask'],
  [50_000n, 1_000n, 'allow'],
  [50_001n, 1_000n, 'ask'],
])('a price of %s against a median of %s: %s', (usdMicros, medianUsdMicros, expected) => {
  const history = { medianUsdMicros, highestUsdMicros: medianUsdMicros };
  const verdict = judgePrice({ usdMicros, askFloorUsdMicros: FLOOR, history });
  expect(verdict.verdict).toBe(expected);
  if (verdict.verdict === 'ask') expect(verdict.message).toMatch(/\$0\.\d+ is more than twice the \$0\.\d+/);
});

test('the first payment to an endpoint has nothing to rise from', () => {
  expect(judgePrice({ usdMicros: 10n ** 9n, askFloorUsdMicros: FLOOR, history: undefined }).verdict).toBe(
    'allow',
  );
});

test('steps of 1.9 are asked about at the second', () => {
  const paid: bigint[] = [60_000n];
  const steps = [114_000n, 216_600n].map((usdMicros) => {
    const { verdict } = judgePrice({ usdMicros, askFloorUsdMicros: FLOOR, history: historyOf(paid, []) });
    paid.push(usdMicros);
    return verdict;
  });
  expect(steps).toEqual(['allow', 'ask']);
});

test('without the owner no climb by a constant step gets past four times the start', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 101, max: 300 }),
      fc.bigInt({ min: 60_000n, max: 10n ** 6n }),
      (percent, start) => {
        const paid = [start];
        for (let usdMicros = start; usdMicros < start * 100n;) {
          usdMicros = (usdMicros * BigInt(percent)) / 100n;
          const history = historyOf(paid, []);
          if (judgePrice({ usdMicros, askFloorUsdMicros: FLOOR, history }).verdict === 'ask') break;
          paid.push(usdMicros);
        }
        // The median of a geometric climb lies half-way in steps, so twice it is passed at four times the start.
        expect(paid.at(-1)).toBeLessThanOrEqual((start * 4n * BigInt(percent)) / 100n);
      },
    ),
  );
});

test('a mix of small and large bodies asks for none of its prices twice', () => {
  const mix = Array.from({ length: 100 }, (_, index) => (index % 5 === 3 ? 400_000n : 60_000n));
  expect(questions(mix)).toBe(1);
  expect(questions([400_000n, ...mix])).toBe(0);
});

test('a price set by the body asks once a doubling at most, however it moves', () => {
  const price = fc.bigInt({ min: 60_000n, max: 3_840_000n });
  fc.assert(
    fc.property(fc.array(price, { maxLength: 60 }), (prices) => {
      // 3.84 is six doublings of 0.06.
      expect(questions(prices)).toBeLessThanOrEqual(6);
    }),
  );
  const growing = Array.from({ length: 80 }, (_, index) => 60_000n + 590n * BigInt(index * index));
  expect(questions(growing)).toBeGreaterThan(0);
  expect(questions(growing)).toBeLessThanOrEqual(6);
});

test('an origin that took a payment and asked again pauses, longer each time, at most a day', () => {
  const judge = (failures: number, sinceSec: number) =>
    judgeCircuitBreaker({ hostPort, failures, lastFailureMs: 1_000_000, nowMs: 1_000_000 + sinceSec * 1000 });
  expect(judge(0, 0).verdict).toBe('allow');
  expect(judge(1, 0)).toMatchObject({ verdict: 'refuse', code: 'origin_paused', retryAfterSec: 600 });
  expect(judge(1, 0)).toMatchObject({ owner: { action: { kind: 'endPause' } } });
  expect(judge(1, 599.5)).toMatchObject({ retryAfterSec: 1 });
  expect(judge(1, 600).verdict).toBe('allow');
  expect(judge(2, 600)).toMatchObject({ retryAfterSec: 600 });
  expect(judge(2, 1200).verdict).toBe('allow');
  expect(judge(5000, 0)).toMatchObject({ retryAfterSec: 86_400 });
});

describe('against a listing, where nothing was paid yet', () => {
  const judge = (usdMicros: bigint, listedUsdMicros: bigint | null) =>
    judgePrice({ usdMicros, askFloorUsdMicros: 50_000n, history: undefined, listedUsdMicros });

  test.each([
    [100_001n, 50_000n, 'ask'],
    [100_000n, 50_000n, 'allow'],
    [1_000_000n, null, 'allow'],
    // Under the floor nobody is asked, however many times the listing it is.
    [50_000n, 1_000n, 'allow'],
    [60_000n, 0n, 'ask'],
  ] as const)('%s beside a listed %s: %s', (usdMicros, listed, verdict) => {
    expect(judge(usdMicros, listed).verdict).toBe(verdict);
  });

  test('says how many times the listing it is', () => {
    expect(judge(350_000n, 100_000n)).toMatchObject({
      code: 'price_jumped',
      message: expect.stringContaining('$0.35 is 3.5 times the $0.10 that is listed'),
    });
  });

  test('its own history counts, and not the listing, once it was paid', () => {
    const history = { medianUsdMicros: 400_000n, highestUsdMicros: 400_000n };
    const verdict = judgePrice({
      usdMicros: 400_000n,
      askFloorUsdMicros: 50_000n,
      history,
      listedUsdMicros: 1n,
    });
    expect(verdict.verdict).toBe('allow');
  });
});
