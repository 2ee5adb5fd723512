import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CapLine } from '../money/cap.js';
import { capLines } from './limits.js';
import { judgeRate, judgeTotals, judgeUsedUp, type LineUse } from './totals.js';

const amounts = {
  perCallUsdMicros: 500_000n,
  perSessionUsdMicros: 2_000_000n,
  perDayUsdMicros: 5_000_000n,
  perMonthUsdMicros: 50_000_000n,
  hostPerDayUsdMicros: new Map([['api.example.com', 1_000_000n]]),
};
const lines = capLines(
  { limits: amounts, ceilings: amounts },
  { agent: 'default', sessionId: 's', hostPort: 'api.example.com:443' },
);

function exceeded(name: string, usedUsdMicros: bigint): LineUse {
  const line = lines.find((one) => one.name === name);
  if (line === undefined) throw new Error(`no line ${name}`);
  return { line, usedUsdMicros };
}

test('no exceeded line allows', () => {
  expect(judgeTotals({ usdMicros: 1n, exceeded: [] })).toEqual({ verdict: 'allow' });
});

test('a cap asks, with what is used and left and the least that would do', () => {
  expect(
    judgeTotals({ usdMicros: 500_000n, exceeded: [exceeded('limits.per_session_usd', 1_800_000n)] }),
  ).toEqual({
    verdict: 'ask',
    code: 'above_cap',
    message:
      'The price of $0.50 passes the cap of $2.00 for this session (limits.per_session_usd), ' +
      'which only the owner can lift: $1.80 is used and $0.20 is left; do not retry.',
    line: { name: 'limits.per_session_usd', usdMicrosMax: 2_000_000n, usdMicrosLeft: 200_000n },
    owner: {
      say: 'The agent wants to pay $0.50, which passes the cap of $2.00 for this session: $1.80 is used and $0.20 is left.',
      action: { kind: 'setSetting', key: 'limits.per_session_usd', value: '2.30' },
    },
  });
});

test('a promise is told by what it adds to the line, and the cap that would do is one that has room for that', () => {
  const passed = [exceeded('limits.per_session_usd', 500_000n)];
  const verdict = judgeTotals({ usdMicros: 1_000_000n, exceeded: passed, addedTo: () => 2_000_000n });
  expect(verdict).toMatchObject({
    verdict: 'ask',
    owner: {
      say: 'The agent wants to pay $1.00 in each period ($2.00 in that time), which passes the cap of $2.00 for this session: $0.50 is used and $1.50 is left.',
      action: { value: '2.50' },
    },
  });
});

test('a ceiling is refused before a cap asks, however little the cap has left', () => {
  const verdict = judgeTotals({
    usdMicros: 500_000n,
    exceeded: [exceeded('limits.per_day_usd', 9_000_000n), exceeded('ceilings.per_month_usd', 49_900_000n)],
  });
  expect(verdict).toMatchObject({
    verdict: 'refuse',
    code: 'above_ceiling',
    message:
      'The price of $0.50 passes the ceiling of $50.00 for 30 days (ceilings.per_month_usd), ' +
      'which no approval lifts: $49.90 is used and $0.10 is left; do not retry.',
  });
});

test('a ceiling with nothing left refuses before a price is known; one with anything left does not', () => {
  expect(judgeUsedUp([exceeded('ceilings.per_day_usd', 4_999_999n)])).toEqual({ verdict: 'allow' });
  const spent = [exceeded('ceilings.per_session_usd', 1n), exceeded('ceilings.per_day_usd', 5_000_000n)];
  expect(judgeUsedUp(spent)).toEqual({
    verdict: 'refuse',
    code: 'above_ceiling',
    message:
      'Nothing is left of the ceiling of $5.00 for 24 hours (ceilings.per_day_usd), which no approval lifts, so ' +
      'the endpoint was not asked; do not retry. What costs nothing can be called without the wallet.',
    line: { name: 'ceilings.per_day_usd', usdMicrosMax: 5_000_000n, usdMicrosLeft: 0n },
    owner: {
      say: 'The agent wants to buy something, and the ceiling of $5.00 for 24 hours is used up.',
    },
  });
});

test('a host’s line says the host, and a lowered cap leaves nothing, not less', () => {
  const verdict = judgeTotals({
    usdMicros: 1n,
    exceeded: [exceeded('limits.hosts.api.example.com.per_day_usd', 3_000_000n)],
  });
  expect(verdict).toMatchObject({ line: { usdMicrosLeft: 0n } });
  expect(verdict).toMatchObject({
    message: expect.stringContaining('cap of $1.00 for 24 hours at api.example.com (limits.hosts.'),
  });
});

test('the least left decides, then the longest window, whatever the order', () => {
  const one = fc.record({
    line: fc.constantFrom(...lines.filter((line) => line.kind === 'cap')),
    usedUsdMicros: fc.bigInt({ min: 0n, max: 60_000_000n }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: ({ line }) => line.name, minLength: 1 }), (list) => {
      const lefts = list.map(({ line, usedUsdMicros }) => line.usdMicrosMax - usedUsdMicros);
      const least = lefts.reduce((a, b) => (a < b ? a : b));
      for (const exceeded of [list, [...list].reverse()]) {
        const usdMicrosLeft = least < 0n ? 0n : least;
        expect(judgeTotals({ usdMicros: 1n, exceeded })).toMatchObject({ line: { usdMicrosLeft } });
      }
    }),
  );
  const [day, month] = [
    exceeded('limits.per_day_usd', 5_000_000n),
    exceeded('limits.per_month_usd', 50_000_000n),
  ];
  expect(judgeTotals({ usdMicros: 1n, exceeded: [day, month] })).toMatchObject({
    line: { name: 'limits.per_month_usd' },
  });
});

test('agents and categories have words of their own', () => {
  const say = (scope: CapLine['scope']) =>
    judgeTotals({
      usdMicros: 1n,
      exceeded: [
        { line: { name: 'k', kind: 'cap', scope, windowSec: 86_400, usdMicrosMax: 0n }, usedUsdMicros: 0n },
      ],
    });
  expect(say({ kind: 'agent', agent: 'a' })).toMatchObject({
    message: expect.stringContaining('24 hours of this agent'),
  });
  expect(say({ kind: 'category', category: 'search' })).toMatchObject({
    message: expect.stringContaining('24 hours in search'),
  });
});

test('too many payments in a minute wait', () => {
  const line = {
    name: 'limits.calls_per_minute',
    scope: { kind: 'wallet' },
    windowSec: 60,
    callsMax: 30,
  } as const;
  expect(judgeRate({ line, retryAfterSec: 12 })).toEqual({
    verdict: 'refuse',
    code: 'rate_limited',
    message:
      'limits.calls_per_minute allows 30 payments in 60 seconds and so many were made; wait 12 s before the next.',
    retryAfterSec: 12,
  });
});
