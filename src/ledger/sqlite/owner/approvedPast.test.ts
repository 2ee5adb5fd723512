import type { HoldRequest } from '../../attempts/hold.js';
import { expect, test } from 'vitest';
import type { CapLine } from '../../../money/cap.js';
import {
  approve,
  capLine,
  captured,
  captureFacts,
  CENT,
  held,
  holdRequest,
  newLedger,
  sent,
  T0,
} from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

const HOUR_MS = 3_600_000;

/** The caps and ceilings of a session of the default agent: $0.04 and $0.30 of it, $0.10 and $0.20 a day. */
function linesOf(sessionId: string): CapLine[] {
  const session = { scope: { kind: 'session', agent: 'default', sessionId }, windowSec: null } as const;
  return [
    capLine({ name: 'limits.per_session_usd', ...session, usdMicrosMax: 4n * CENT }),
    capLine({ name: 'limits.per_day_usd', usdMicrosMax: 10n * CENT }),
    capLine({ name: 'ceilings.per_session_usd', kind: 'ceiling', ...session, usdMicrosMax: 30n * CENT }),
    capLine({ name: 'ceilings.per_day_usd', kind: 'ceiling', usdMicrosMax: 20n * CENT }),
  ];
}

const LINES = linesOf('ses_1');

function hold(ledger: Ledger, cents: bigint, over: Partial<HoldRequest> = {}) {
  return ledger.openHold(holdRequest({ heldUsdMicros: cents * CENT, capLines: LINES, ...over }));
}

/** What a hold of so many cents takes, with the owner's yes to it. */
async function withYes(ledger: Ledger, cents: bigint, over: Partial<HoldRequest> = {}) {
  const wanted = { heldUsdMicros: cents * CENT, capLines: LINES, ...over };
  return { ...wanted, ...(await approve(ledger, wanted)) };
}

async function usage(ledger: Ledger, lines = LINES, nowMs = T0): Promise<number[]> {
  return (await ledger.usage(lines, nowMs)).map((used) => Number(used / CENT));
}

test('what was approved past a cap leaves it free, and uses up the other caps and every ceiling', async () => {
  using world = newLedger();
  const { ledger } = world;
  const approved = await captured(ledger, await withYes(ledger, 6n));
  expect(approved.pastCaps).toEqual([['limits.per_session_usd', 'session:ses_1']]);
  expect(await usage(ledger)).toEqual([0, 6, 6, 6]);
  expect(await hold(ledger, 4n)).toMatchObject({ kind: 'held', payment: { pastCaps: [] } });
  expect(await usage(ledger)).toEqual([4, 10, 10, 10]);
  expect(await hold(ledger, 1n)).toMatchObject({
    kind: 'exceeded',
    exceeded: [
      { line: { name: 'limits.per_session_usd' }, usedUsdMicros: 4n * CENT },
      { line: { name: 'limits.per_day_usd' }, usedUsdMicros: 10n * CENT },
    ],
  });
  expect(await ledger.openHold(holdRequest(await withYes(ledger, 11n)))).toMatchObject({
    kind: 'exceeded',
    exceeded: [{ line: { name: 'ceilings.per_day_usd' }, usedUsdMicros: 10n * CENT }],
  });
  expect((await ledger.audit()).findings).toEqual([]);
});

test('an approval given for another reason than a cap takes nothing past one', async () => {
  using world = newLedger();
  const payment = await held(world.ledger, await withYes(world.ledger, 4n));
  expect(payment.pastCaps).toEqual([]);
  expect(await usage(world.ledger)).toEqual([4, 4, 4, 4]);
});

test.each(['held', 'sent', 'captured for less', 'released'] as const)(
  'in each place of its life it counts the same way: %s',
  async (place) => {
    using world = newLedger();
    const { ledger } = world;
    const request = await withYes(ledger, 12n);
    const payment = place === 'held' ? await held(ledger, request) : await sent(ledger, request);
    const seven = { capturedAtomic: 7n * CENT, capturedUsdMicros: 7n * CENT };
    if (place === 'captured for less') await ledger.capture(payment.id, captureFacts(payment, seven), T0);
    if (place === 'released') await ledger.release(payment.id, 'expired_unused', T0);
    const counts = { held: 12, sent: 12, 'captured for less': 7, released: 0 }[place];
    expect(await usage(ledger)).toEqual([0, 0, counts, counts]);
    expect(await usage(world.open())).toEqual([0, 0, counts, counts]);
    expect((await ledger.audit()).findings).toEqual([]);
  },
);

test('while it is open it does not fill the same cap of the agent’s next session either', async () => {
  using world = newLedger();
  await sent(world.ledger, await withYes(world.ledger, 12n));
  expect(await usage(world.ledger, linesOf('ses_2'))).toEqual([0, 0, 12, 12]);
  expect(await hold(world.ledger, 4n, { sessionId: 'ses_2', capLines: linesOf('ses_2') })).toMatchObject({
    kind: 'held',
  });
});

test('of two caps of one scope it leaves free only the one it was approved past', async () => {
  using world = newLedger();
  const narrow = capLine({ name: 'agents.default.limits.per_day_usd', usdMicrosMax: 2n * CENT });
  const lines = [...LINES, narrow];
  await captured(world.ledger, await withYes(world.ledger, 3n, { capLines: lines }));
  expect(await usage(world.ledger, lines)).toEqual([3, 3, 3, 3, 0]);
});

test('it leaves a window in the same minute for the cap and for what was approved past it', async () => {
  using world = newLedger();
  const { ledger } = world;
  await captured(ledger, await withYes(ledger, 12n));
  for (const nowMs of [T0, T0 + 23 * HOUR_MS, T0 + 24 * HOUR_MS, T0 + 24 * HOUR_MS + 30_000]) {
    const [, cap, , ceiling] = await usage(ledger, LINES, nowMs);
    expect([cap, [0, 12]]).toEqual([0, expect.arrayContaining([ceiling])]);
  }
  expect(await usage(ledger, LINES, T0 + 24 * HOUR_MS + 60_000)).toEqual([0, 0, 12, 0]);
});

test('a seller or a host cannot name itself into what was approved', async () => {
  using world = newLedger();
  const { ledger } = world;
  const category = 'x past ["limits.per_day_usd","wallet"]';
  await captured(ledger, { category, heldUsdMicros: 5n * CENT });
  expect(await usage(ledger)).toEqual([5, 5, 5, 5]);
  const bounded = capLine({ name: 'wallet', scope: { kind: 'category', category }, windowSec: 3600 });
  expect(await usage(ledger, [bounded])).toEqual([5]);
});
