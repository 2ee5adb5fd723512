import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setKey } from '../../config/change.js';
import { initialSettings, type Config } from '../../config/settings.js';
import type { HoldRequest } from '../../ledger/attempts/hold.js';
import type { Ledger } from '../../ledger/ledger.js';
import { approve, captured, CENT, newLedger, T0 } from '../../ledger/sqlite/fixtures.js';
import { capLines } from '../../policy/limits.js';
import { lineRequest } from '../../wallet/call/ownerRules.js';
import { testPolicy } from './policyTest.js';

const DAY_MS = 86_400_000;
const initial: Config = {
  ...{ version: 1, walletId: 'wallet', keystore: 'file', testnet: true },
  ...initialSettings(true),
};

function policy(...settings: readonly (readonly [string, string])[]): Config {
  return settings.reduce((config, [key, text]) => setKey(config, key, text).config, initial);
}

/** Pays at a time; the ledger's own clock goes on with it. */
async function pay(ledger: Ledger, atMs: number, cents: number, over: Partial<HoldRequest> = {}) {
  return captured(ledger, { nowMs: T0 + atMs, heldUsdMicros: BigInt(cents) * CENT, ...over });
}

async function tested(ledger: Ledger, config: Config, fromMs = 0, untilMs = 60 * DAY_MS) {
  const period = { fromMs: T0 + fromMs, untilMs: T0 + untilMs };
  const result = await testPolicy({ payments: ledger, approvals: ledger.approvals }, config, period);
  const stopped = result.stopped.map(({ payment, decision, reasons: [{ code, line }] }) => [
    payment.id,
    decision,
    line?.name ?? code,
  ]);
  return { ...result, stopped };
}

test('what the policy in force let go is let go again', async () => {
  const { ledger } = newLedger();
  for (let i = 0; i < 5; i += 1) await pay(ledger, i * 60_000, 1);
  expect(await tested(ledger, initial)).toMatchObject({
    stopped: [],
    judged: { payments: 5, usdMicros: 5n * CENT },
  });
});

test('each rule says which payment it stops, and what is refused counts no more', async () => {
  const { ledger } = newLedger();
  const call = (name: string) => ({ url: `https://api.example.com/${name}` });
  const first = await pay(ledger, 0, 10, call('first'));
  const dear = await pay(ledger, 60_000, 30, call('dear'));
  const elsewhere = await pay(ledger, 120_000, 5, { host: 'other.example' });
  const last = await pay(ledger, 180_000, 10, call('last'));
  const of = async (...settings: readonly (readonly [string, string])[]) =>
    (await tested(ledger, policy(...settings))).stopped;
  expect(await of(['hosts.deny', '["other.example"]'])).toEqual([[elsewhere.id, 'refuse', 'host_denied']]);
  expect(await of(['limits.per_call_usd', '0.20'])).toEqual([[dear.id, 'ask', 'limits.per_call_usd']]);
  expect(await of(['limits.per_call_usd', '0.20'], ['ceilings.per_call_usd', '0.20'])).toEqual([
    [dear.id, 'refuse', 'ceilings.per_call_usd'],
  ]);
  expect(await of(['networks.enabled', '["eip155:42431"]'])).toHaveLength(4);
  // 30 do not fit beside 10; as they are refused, what comes later fits.
  const day = await of(['limits.per_day_usd', '0.25'], ['ceilings.per_day_usd', '0.25']);
  expect(day).toEqual([[dear.id, 'refuse', 'ceilings.per_day_usd']]);
  // Asked about, it counts in all but the cap that it passes: the ceiling is full with it.
  const asked = await of(['limits.per_day_usd', '0.25'], ['ceilings.per_day_usd', '0.45']);
  expect(asked).toEqual([
    [dear.id, 'ask', 'limits.per_day_usd'],
    [last.id, 'refuse', 'ceilings.per_day_usd'],
  ]);
  expect(await of(['limits.calls_per_minute', '0'])).toHaveLength(4);
  expect(
    (await of(['budgets.research.per_month_usd', '0.12'], ['agents.default.budget', 'research']))[0],
  ).toEqual([dear.id, 'refuse', 'budgets.research.per_month_usd']);
  expect(first.id).not.toBe(dear.id);
});

test('a window rolls, and what lies before the time that is asked about fills it', async () => {
  const { ledger } = newLedger();
  await pay(ledger, 0, 40);
  const late = await pay(ledger, DAY_MS - 60_000, 20);
  await pay(ledger, DAY_MS + 60_000, 20);
  const strict = policy(['limits.per_day_usd', '0.50']);
  const result = await tested(ledger, strict, DAY_MS / 2);
  expect(result.stopped).toEqual([[late.id, 'ask', 'limits.per_day_usd']]);
  expect(result.judged.payments).toBe(2);
});

test('a model’s own cap is asked by the label, and a rise of price by the floor', async () => {
  const { ledger } = newLedger();
  await pay(ledger, 0, 4, { labels: { model: 'large' } });
  const more = await pay(ledger, 60_000, 9, { labels: { model: 'small' } });
  const model = policy(['limits.models.lar*.per_call_usd', '0.01'], ['limits.ask_floor_usd', '0.10']);
  expect((await tested(ledger, model)).stopped).toHaveLength(1);
  expect((await tested(ledger, initial)).stopped).toEqual([[more.id, 'ask', 'price_jumped']]);
  expect((await tested(ledger, policy(['limits.ask_floor_usd', '0.10']))).stopped).toEqual([]);
});

test('what the owner approved then is told apart, and so is what came in from the chain', async () => {
  const { ledger } = newLedger();
  const over = { heldUsdMicros: 60n * CENT, heldAtomic: 60n * CENT, nowMs: T0 };
  await captured(ledger, { ...over, ...(await approve(ledger, over)) });
  const result = await tested(ledger, initial);
  expect(result).toMatchObject({ stopped: [], asked: { payments: 0 }, askedThenToo: { payments: 1 } });
  const strict = policy(['limits.per_call_usd', '0.10'], ['ceilings.per_call_usd', '0.10']);
  expect(await tested(ledger, strict)).toMatchObject({ refused: { payments: 1, usdMicros: 60n * CENT } });
});

test('counts as the ledger counts: what just fits every line by the ledger is let go, and a cent more is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), fc.constantFrom('a', 'b')),
        {
          minLength: 2,
          maxLength: 12,
        },
      ),
      async (steps) => {
        const { ledger } = newLedger();
        let atMs = 0;
        let last: Awaited<ReturnType<typeof pay>> | undefined;
        let used = 0n;
        let most = 0n;
        for (const [hours, cents, session] of steps) {
          most = [most, used + (last?.heldUsdMicros ?? 0n)].reduce((a, b) => (a > b ? a : b));
          // Seven minutes more each time: no payment lies right at the end of a window.
          atMs += hours * 3_600_000 + 420_000;
          const sessionId = `ses_${session}`;
          const asking = { agent: 'default', sessionId, hostPort: 'api.example.com:443' };
          const [line] = capLines(initial, lineRequest(initial, asking, T0 + atMs)).filter(
            ({ name }) => name === 'limits.per_day_usd',
          );
          [used = 0n] = await ledger.usage(line === undefined ? [] : [line], T0 + atMs);
          last = await pay(ledger, atMs, cents, { sessionId });
        }
        const full = used + (last?.heldUsdMicros ?? 0n);
        const bounded = (micros: bigint): Config => ({
          ...initial,
          limits: { ...initial.limits, askFloorUsdMicros: 10n ** 9n, perDayUsdMicros: micros },
        });
        const isLast = ({ stopped }: { stopped: readonly (readonly unknown[])[] }): boolean =>
          stopped.some(([id]) => id === last?.id);
        expect(isLast(await tested(ledger, bounded(full), atMs))).toBe(false);
        // Where one before it would have been stopped, too, that one counts no more.
        if (most < full) expect(isLast(await tested(ledger, bounded(full - 1n), atMs))).toBe(true);
      },
    ),
    { numRuns: 20 },
  );
});
