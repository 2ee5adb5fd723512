import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CapLine } from '../money/cap.js';
import { capLines, rateLines, type Amounts } from './limits.js';

const request = { agent: 'default', sessionId: 's1', hostPort: 'api.example.com:8443' };

function amounts(dollar: bigint, hosts: [string, bigint][] = []): Amounts {
  return {
    perCallUsdMicros: dollar / 2n,
    perSessionUsdMicros: dollar * 2n,
    perDayUsdMicros: dollar * 5n,
    perMonthUsdMicros: dollar * 50n,
    hostPerDayUsdMicros: new Map(hosts),
  };
}

test('caps and ceilings bound the session, the day, the month and the hosts the owner named', () => {
  const lines = capLines(
    {
      limits: amounts(1_000_000n, [
        ['api.example.com', 3n],
        ['api.example.com:443', 4n],
        ['example.com', 5n],
      ]),
      ceilings: amounts(10_000_000n, [['api.example.com:8443', 6n]]),
    },
    request,
  );
  const session = { kind: 'session', agent: 'default', sessionId: 's1' };
  const wallet = { kind: 'wallet' };
  expect(lines).toEqual([
    {
      name: 'limits.per_session_usd',
      kind: 'cap',
      scope: session,
      windowSec: null,
      usdMicrosMax: 2_000_000n,
    },
    { name: 'limits.per_day_usd', kind: 'cap', scope: wallet, windowSec: 86_400, usdMicrosMax: 5_000_000n },
    {
      name: 'limits.per_month_usd',
      kind: 'cap',
      scope: wallet,
      windowSec: 2_592_000,
      usdMicrosMax: 50_000_000n,
    },
    {
      name: 'limits.hosts.api.example.com.per_day_usd',
      kind: 'cap',
      scope: { kind: 'host', host: 'api.example.com' },
      windowSec: 86_400,
      usdMicrosMax: 3n,
    },
    {
      name: 'ceilings.per_session_usd',
      kind: 'ceiling',
      scope: session,
      windowSec: null,
      usdMicrosMax: 20_000_000n,
    },
    {
      name: 'ceilings.per_day_usd',
      kind: 'ceiling',
      scope: wallet,
      windowSec: 86_400,
      usdMicrosMax: 50_000_000n,
    },
    {
      name: 'ceilings.per_month_usd',
      kind: 'ceiling',
      scope: wallet,
      windowSec: 2_592_000,
      usdMicrosMax: 500_000_000n,
    },
    {
      name: 'ceilings.hosts.api.example.com:8443.per_day_usd',
      kind: 'ceiling',
      scope: { kind: 'host', host: 'api.example.com:8443' },
      windowSec: 86_400,
      usdMicrosMax: 6n,
    },
  ]);
});

test("an agent's own limits add lines of its own and take none away", () => {
  const owner = { limits: amounts(1_000_000n), ceilings: amounts(10_000_000n) };
  const without = capLines(owner, request);
  const perAgent = { perSessionUsdMicros: 1n, perDayUsdMicros: 0n, callsPerMinute: 2 };
  const lines = capLines(owner, { ...request, perAgent });
  expect(lines).toEqual(expect.arrayContaining(without));
  expect(lines.filter((line) => !without.some((other) => other.name === line.name))).toEqual([
    {
      name: 'agents.default.limits.per_session_usd',
      kind: 'cap',
      isAgentsOwn: true,
      scope: { kind: 'session', agent: 'default', sessionId: 's1' },
      windowSec: null,
      usdMicrosMax: 1n,
    },
    {
      name: 'agents.default.limits.per_day_usd',
      kind: 'cap',
      isAgentsOwn: true,
      scope: { kind: 'agent', agent: 'default' },
      windowSec: 86_400,
      usdMicrosMax: 0n,
    },
  ]);
  expect(rateLines({ callsPerMinute: 30 }, { ...request, perAgent })).toEqual([
    { name: 'limits.calls_per_minute', scope: { kind: 'wallet' }, windowSec: 60, callsMax: 30 },
    {
      name: 'agents.default.limits.calls_per_minute',
      scope: { kind: 'agent', agent: 'default' },
      windowSec: 60,
      callsMax: 2,
    },
  ]);
});

const usdMicros = fc.bigInt({ min: 0n, max: 10n ** 9n });
const hostName = fc.constantFrom('api.example.com', 'api.example.com:8443', 'other.example');
const anyAmounts: fc.Arbitrary<Amounts> = fc.record({
  perCallUsdMicros: usdMicros,
  perSessionUsdMicros: usdMicros,
  perDayUsdMicros: usdMicros,
  perMonthUsdMicros: usdMicros,
  hostPerDayUsdMicros: fc.array(fc.tuple(hostName, usdMicros)).map((entries) => new Map(entries)),
});

/** Whether a payment passes, where `used` is what each line has counted already. */
function passes(lines: readonly CapLine[], used: bigint, price: bigint): boolean {
  return lines.every((line) => used + price <= line.usdMicrosMax);
}

/** Amounts that are nowhere above the given ones. */
function lowered(from: Amounts, by: Amounts): Amounts {
  const lower = (a: bigint, b: bigint) => (a < b ? a : b);
  const hosts = new Map(from.hostPerDayUsdMicros);
  for (const [host, max] of by.hostPerDayUsdMicros) hosts.set(host, lower(hosts.get(host) ?? max, max));
  return {
    perCallUsdMicros: lower(from.perCallUsdMicros, by.perCallUsdMicros),
    perSessionUsdMicros: lower(from.perSessionUsdMicros, by.perSessionUsdMicros),
    perDayUsdMicros: lower(from.perDayUsdMicros, by.perDayUsdMicros),
    perMonthUsdMicros: lower(from.perMonthUsdMicros, by.perMonthUsdMicros),
    hostPerDayUsdMicros: hosts,
  };
}

test('lower amounts never let through what higher ones stopped', () => {
  fc.assert(
    fc.property(
      anyAmounts,
      anyAmounts,
      anyAmounts,
      usdMicros,
      usdMicros,
      (limits, ceilings, by, used, price) => {
        const before = capLines({ limits, ceilings }, request);
        for (const owner of [
          { limits: lowered(limits, by), ceilings },
          { limits, ceilings: lowered(ceilings, by) },
        ]) {
          const after = capLines(owner, request);
          for (const line of before) {
            const same = after.find((other) => other.name === line.name);
            expect(same?.usdMicrosMax).toBeLessThanOrEqual(line.usdMicrosMax);
          }
          if (passes(after, used, price)) expect(passes(before, used, price)).toBe(true);
        }
      },
    ),
  );
});
