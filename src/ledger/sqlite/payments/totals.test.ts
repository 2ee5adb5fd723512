import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captured, capLine, CENT, newLedger, T0 } from '../fixtures.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

test('a window holds what was captured in it, and at most a minute’s worth from before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(70 * DAY_MS), fc.integer({ min: 1, max: 9 })), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.array(fc.integer({ min: 60, max: 40 * 86_400 }), { minLength: 3, maxLength: 3 }),
      fc.nat(5 * DAY_MS),
      async (payments, windows, lateMs) => {
        using world = newLedger();
        const ordered = payments
          .map(([afterMs, cents]) => ({ atMs: T0 + afterMs, usdMicros: BigInt(cents) * CENT }))
          .sort((a, b) => a.atMs - b.atMs);
        for (const { atMs, usdMicros } of ordered)
          await captured(world.ledger, { nowMs: atMs, heldUsdMicros: usdMicros });
        const nowMs = (ordered.at(-1)?.atMs ?? 0) + lateMs;
        const since = (ms: number) =>
          ordered.filter(({ atMs }) => atMs > ms).reduce((sum, { usdMicros }) => sum + usdMicros, 0n);
        const used = await world.ledger.usage(
          windows.map((windowSec) => capLine({ windowSec })),
          nowMs,
        );
        windows.forEach((windowSec, i) => {
          const fromMs = nowMs - windowSec * 1000;
          expect(used[i]).toBeGreaterThanOrEqual(since(fromMs));
          expect(used[i]).toBeLessThanOrEqual(since(fromMs - MINUTE_MS));
        });
        expect((await world.ledger.audit()).findings).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});
