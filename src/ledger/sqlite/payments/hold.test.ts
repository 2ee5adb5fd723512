import { LEASE_MS, THIS_HOLDER } from '../../attempts/lease.js';
import type { HoldRequest } from '../../attempts/hold.js';
import { describe, expect, test } from 'vitest';
import type { CapLine, RateLine } from '../../../money/cap.js';
import { addAgent, capLine, captured, CENT, held, holdRequest, newLedger, sent, T0 } from '../fixtures.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A line of five cents over one scope. */
function fiveCents(scope: CapLine['scope'], over: Partial<CapLine> = {}): CapLine {
  return capLine({ scope, usdMicrosMax: 5n * CENT, ...over });
}

test('a hold is a row with this process’s lease, before anything is signed', async () => {
  using world = newLedger();
  const payment = await held(world.ledger, { heldUsdMicros: 3n * CENT });
  expect(payment).toMatchObject({
    state: 'held',
    heldUsdMicros: 3n * CENT,
    payload: null,
  });
  expect(await world.open().findPayment(payment.id)).toEqual(payment);
  const lease = { holder: THIS_HOLDER, untilMs: T0 + LEASE_MS };
  expect(await world.ledger.findLease(payment.id)).toEqual(lease);
  expect((await world.ledger.audit()).findings).toEqual([]);
});

describe('caps', () => {
  const scopes: [string, CapLine['scope'], Partial<HoldRequest>][] = [
    ['the wallet', { kind: 'wallet' }, {}],
    ['an agent', { kind: 'agent', agent: 'default' }, { agent: 'other' }],
    [
      'a session',
      { kind: 'session', agent: 'default', sessionId: 'ses_1' },
      { agent: 'other', sessionId: 'ses_2' },
    ],
    ['a host', { kind: 'host', host: 'api.example.com' }, { host: 'other.example.com' }],
    [
      'a host and port',
      { kind: 'host', host: 'api.example.com:443' },
      { origin: 'https://api.example.com:8443' },
    ],
    ['a category', { kind: 'category', category: 'search' }, { category: 'media' }],
  ];

  test.each(scopes)(
    '%s is filled to the atomic unit, and not a unit more',
    async (_name, scope, elsewhere) => {
      using world = newLedger();
      const { ledger } = world;
      await addAgent(ledger);
      const lines = [fiveCents(scope)];
      const here = { category: 'search', capLines: lines };
      if (scope.kind !== 'wallet')
        await held(ledger, { category: null, ...elsewhere, heldUsdMicros: 4n * CENT });
      await captured(ledger, { ...here, heldUsdMicros: 2n * CENT });
      await held(ledger, { ...here, heldUsdMicros: 2n * CENT });
      const before = (await ledger.head()).seq;
      expect(await ledger.openHold(holdRequest({ ...here, heldUsdMicros: CENT + 1n }))).toEqual({
        kind: 'exceeded',
        exceeded: [{ line: lines[0], usedUsdMicros: 4n * CENT }],
      });
      expect((await ledger.head()).seq).toBe(before);
      await held(ledger, { ...here, heldUsdMicros: CENT });
      expect(await ledger.usage(lines, T0)).toEqual([5n * CENT]);
      expect((await ledger.openHold(holdRequest({ ...here, heldUsdMicros: 1n }))).kind).toBe('exceeded');
      expect((await ledger.audit()).findings).toEqual([]);
    },
  );

  test('a payment to a port counts for its host, whichever port', async () => {
    using world = newLedger();
    await held(world.ledger, { origin: 'https://api.example.com:8443', heldUsdMicros: 4n * CENT });
    await held(world.ledger, { origin: 'http://api.example.com', heldUsdMicros: CENT });
    const used = async (host: string) =>
      (await world.ledger.usage([fiveCents({ kind: 'host', host })], T0))[0];
    expect(await used('api.example.com')).toBe(5n * CENT);
    expect(await used('api.example.com:8443')).toBe(4n * CENT);
    expect(await used('api.example.com:80')).toBe(CENT);
    expect(await used('api.example.com:443')).toBe(0n);
  });

  test('every line passed is named, ceilings too, and one that holds is not', async () => {
    using world = newLedger();
    const passed = [
      fiveCents({ kind: 'wallet' }),
      fiveCents({ kind: 'agent', agent: 'default' }, { kind: 'ceiling', usdMicrosMax: 8n * CENT }),
    ];
    const holds = fiveCents({ kind: 'wallet' }, { kind: 'ceiling', usdMicrosMax: 50n * CENT });
    await held(world.ledger, { heldUsdMicros: 5n * CENT });
    const result = await world.ledger.openHold(
      holdRequest({ heldUsdMicros: 4n * CENT, capLines: [...passed, holds] }),
    );
    expect(result).toEqual({
      kind: 'exceeded',
      exceeded: passed.map((line) => ({ line, usedUsdMicros: 5n * CENT })),
    });
  });

  test('what can still move counts in every window, whatever its age', async () => {
    using world = newLedger();
    await sent(world.ledger);
    const tenYears = T0 + 3650 * DAY_MS;
    const windows = [60, 3600, 86_400, 30 * 86_400, null];
    expect(
      await world.ledger.usage(
        windows.map((windowSec) => fiveCents({ kind: 'wallet' }, { windowSec })),
        tenYears,
      ),
    ).toEqual(windows.map(() => CENT));
  });

  test.each([3600, 86_400, 30 * 86_400])(
    'what was captured leaves a window of %i s when it has passed, at most a minute late',
    async (windowSec) => {
      using world = newLedger();
      const openedMs = T0 + 12_345;
      await captured(world.ledger, { nowMs: openedMs });
      const used = async (nowMs: number) =>
        (await world.ledger.usage([fiveCents({ kind: 'wallet' }, { windowSec })], nowMs))[0];
      expect(await used(openedMs)).toBe(CENT);
      expect(await used(openedMs + windowSec * 1000)).toBe(CENT);
      expect(await used(openedMs + windowSec * 1000 + MINUTE_MS)).toBe(0n);
    },
  );

  test('a line without a window adds up all there ever was', async () => {
    using world = newLedger();
    await captured(world.ledger);
    const line = fiveCents({ kind: 'wallet' }, { windowSec: null });
    expect(await world.ledger.usage([line], T0 + 3650 * DAY_MS)).toEqual([CENT]);
  });

  test('a seller that takes less than was held gives the rest back', async () => {
    using world = newLedger();
    const lines = [fiveCents({ kind: 'wallet' })];
    await captured(
      world.ledger,
      { heldUsdMicros: 5n * CENT },
      { capturedAtomic: 1n, capturedUsdMicros: CENT },
    );
    expect(await world.ledger.usage(lines, T0)).toEqual([CENT]);
    await held(world.ledger, { heldUsdMicros: 4n * CENT, capLines: lines });
  });

  test('a session counts the open payments of the agent’s earlier ones, and not what those captured', async () => {
    using world = newLedger();
    const session = (sessionId: string) => [
      fiveCents({ kind: 'session', agent: 'default', sessionId }, { windowSec: null }),
    ];
    await addAgent(world.ledger);
    await captured(world.ledger, { sessionId: 'ses_1', heldUsdMicros: 2n * CENT });
    const open = await sent(world.ledger, { sessionId: 'ses_1', heldUsdMicros: CENT });
    await held(world.ledger, { agent: 'other', sessionId: 'ses_3', heldUsdMicros: CENT });
    expect(await world.ledger.usage(session('ses_1'), T0)).toEqual([3n * CENT]);
    expect(await world.ledger.usage(session('ses_2'), T0)).toEqual([CENT]);
    await world.ledger.release(open.id, 'expired_unused', T0);
    expect(await world.ledger.usage(session('ses_2'), T0)).toEqual([0n]);
  });

  test('a hold of nothing, or of less, is a fault and reserves nothing', async () => {
    using world = newLedger();
    for (const heldUsdMicros of [0n, -CENT])
      await expect(world.ledger.openHold(holdRequest({ heldUsdMicros }))).rejects.toMatchObject({
        code: 'internal',
      });
    await expect(world.ledger.openHold(holdRequest({ heldAtomic: 0n }))).rejects.toMatchObject({
      code: 'internal',
    });
    await expect(world.ledger.openHold(holdRequest({ nowMs: Number.NaN }))).rejects.toMatchObject({
      code: 'internal',
    });
    expect((await world.ledger.listPayments({}, 10, null)).payments).toEqual([]);
  });
});

describe('rates', () => {
  const perMinute = (callsMax: number, scope: RateLine['scope'] = { kind: 'wallet' }): RateLine[] => [
    { name: 'limits.calls_per_minute', scope, windowSec: 60, callsMax },
  ];

  test('one more payment waits until the oldest of the allowed ones leaves the window', async () => {
    using world = newLedger();
    const rateLines = perMinute(2);
    await held(world.ledger, { rateLines, nowMs: T0 });
    await held(world.ledger, { rateLines, nowMs: T0 + 10_000 });
    const ask = (nowMs: number) => world.ledger.openHold(holdRequest({ rateLines, nowMs }));
    expect(await ask(T0 + 20_500)).toEqual({ kind: 'rate', line: rateLines[0], retryAfterSec: 40 });
    expect(await ask(T0 + 59_999)).toMatchObject({ kind: 'rate', retryAfterSec: 1 });
    expect((await ask(T0 + 60_000)).kind).toBe('held');
    expect(await ask(T0 + 60_000)).toMatchObject({ kind: 'rate', retryAfterSec: 10 });
  });

  test('a released payment was an opening too', async () => {
    using world = newLedger();
    const rateLines = perMinute(1);
    const { id } = await held(world.ledger, { rateLines });
    await world.ledger.release(id, 'never_signed', T0);
    expect((await world.ledger.openHold(holdRequest({ rateLines }))).kind).toBe('rate');
  });

  test('an agent’s line counts that agent alone', async () => {
    using world = newLedger();
    const rateLines = perMinute(1, { kind: 'agent', agent: 'default' });
    await addAgent(world.ledger);
    await held(world.ledger, { agent: 'other' });
    await held(world.ledger, { rateLines });
    expect((await world.ledger.openHold(holdRequest({ rateLines }))).kind).toBe('rate');
  });

  test('none allowed lets none through', async () => {
    using world = newLedger();
    expect(await world.ledger.openHold(holdRequest({ rateLines: perMinute(0) }))).toMatchObject({
      kind: 'rate',
      retryAfterSec: 60,
    });
  });

  test('after a clock was set back, the wait told is one by that clock', async () => {
    using world = newLedger();
    const rateLines = perMinute(1);
    await held(world.ledger, { rateLines, nowMs: T0 + 3_600_000 });
    expect(await world.ledger.openHold(holdRequest({ rateLines, nowMs: T0 }))).toMatchObject({
      kind: 'rate',
      retryAfterSec: 3660,
    });
  });

  test('a rate over anything else is a fault, never a line that is passed over', async () => {
    using world = newLedger();
    const rateLines = perMinute(1, { kind: 'host', host: 'api.example.com' });
    await expect(world.ledger.openHold(holdRequest({ rateLines }))).rejects.toMatchObject({
      code: 'internal',
    });
  });
});

describe('frozen and config', () => {
  test('a frozen wallet holds nothing', async () => {
    using world = newLedger();
    await world.ledger.freeze(T0);
    expect(await world.ledger.openHold(holdRequest())).toEqual({ kind: 'frozen' });
  });

  test('a config older than the ledger has seen is turned away, a newer one is noted', async () => {
    using world = newLedger();
    await held(world.ledger, { configVersion: 3 });
    expect((await world.ledger.head()).configVersion).toBe(3);
    expect(await world.open().openHold(holdRequest({ configVersion: 2 }))).toEqual({
      kind: 'config_changed',
      configVersion: 3,
    });
    await world.ledger.noteConfigVersion(5, T0);
    await world.ledger.noteConfigVersion(4, T0);
    expect((await world.ledger.head()).configVersion).toBe(5);
    expect((await world.ledger.audit()).findings).toEqual([]);
  });
});

describe('the same request', () => {
  test('one still open is handed back, and nothing new is held', async () => {
    using world = newLedger();
    const first = await held(world.ledger, { requestHash: 'same' });
    const again = holdRequest({ requestHash: 'same' });
    expect(await world.open().openHold(again)).toEqual({ kind: 'duplicate', payment: first });
    expect(await world.ledger.findLive('same')).toEqual(first);
    expect(await world.ledger.usage([capLine()], T0)).toEqual([CENT]);
  });

  test.each(['captured', 'released'])('one that was %s leaves the request free', async (end) => {
    using world = newLedger();
    if (end === 'captured') await captured(world.ledger, { requestHash: 'same' });
    else {
      const { id } = await held(world.ledger, { requestHash: 'same' });
      await world.ledger.release(id, 'never_signed', T0);
    }
    expect(await world.ledger.findLive('same')).toBeNull();
    await held(world.ledger, { requestHash: 'same' });
  });

  test('a key stands for one payment of its agent, captured too, until that is released', async () => {
    using world = newLedger();
    const { ledger } = world;
    const key = { idempotencyKey: 'order-7', requestHash: 'same' };
    const first = await captured(ledger, key);
    expect(await ledger.openHold(holdRequest(key))).toEqual({ kind: 'duplicate', payment: first });
    expect(await ledger.findByKey('default', 'order-7')).toEqual(first);
    expect(await ledger.findByKey('other', 'order-7')).toBeNull();
    await addAgent(ledger);
    await held(ledger, { ...key, requestHash: 'of the other', agent: 'other' });
    await ledger.release(first.id, 'receipt_false', T0);
    expect(await ledger.findByKey('default', 'order-7')).toBeNull();
    await held(ledger, key);
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test.each(['open', 'captured'])('a key of an %s payment is refused to another request', async (state) => {
    using world = newLedger();
    const key = { idempotencyKey: 'order-7', requestHash: 'one' };
    const first = await (state === 'open' ? held(world.ledger, key) : captured(world.ledger, key));
    const other = holdRequest({ ...key, requestHash: 'other' });
    expect(await world.open().openHold(other)).toEqual({ kind: 'key_reused', payment: first });
    // Also where that other request is open itself.
    await held(world.ledger, { requestHash: 'other' });
    expect(await world.open().openHold(other)).toEqual({ kind: 'key_reused', payment: first });
    expect(await world.ledger.usage([capLine()], T0)).toEqual([2n * CENT]);
  });

  test('a captured one is found by the time it was captured, which confirming does not move', async () => {
    using world = newLedger();
    const payment = await captured(world.ledger, { requestHash: 'same' });
    await world.ledger.capture(
      payment.id,
      {
        capturedAtomic: CENT,
        capturedUsdMicros: CENT,
        tx: null,
        receipt: null,
        confirmed: true,
        chainMs: T0,
      },
      T0 + 50_000,
    );
    expect((await world.ledger.findCaptured('same', T0))?.id).toBe(payment.id);
    expect(await world.ledger.findCaptured('same', T0 + 1)).toBeNull();
    expect(await world.ledger.findCaptured('other', T0)).toBeNull();
  });

  test('a nonce is never used twice', async () => {
    using world = newLedger();
    const first = await held(world.ledger);
    const again = holdRequest({ nonce: first.nonce });
    expect(await world.ledger.openHold(again)).toEqual({ kind: 'nonce_used', payment: first });
    expect((await world.ledger.audit()).findings).toEqual([]);
  });
});

test('a hold that fails half way takes back what it had written', async () => {
  using world = newLedger();
  await held(world.ledger);
  const before = await world.ledger.head();
  // A row without a method is refused by the table, after the config was noted.
  const fails = holdRequest({ method: null as unknown as string, configVersion: 9 });
  const [failed, other] = await Promise.allSettled([world.ledger.openHold(fails), held(world.ledger)]);
  expect([failed.status, other.status]).toEqual(['rejected', 'fulfilled']);
  expect(await world.ledger.head()).toMatchObject({ seq: before.seq + 1, configVersion: 1 });
  expect((await world.ledger.audit()).findings).toEqual([]);
});

test('calls made together share a commit, and one that fails undoes itself alone', async () => {
  const seen: string[] = [];
  using world = newLedger({
    observer: { beforeCommit: () => seen.push('before'), afterCommit: () => seen.push('after') },
  });
  const lines = [fiveCents({ kind: 'wallet' })];
  const requests = Array.from({ length: 8 }, () => holdRequest({ capLines: lines }));
  requests[3] = holdRequest({ heldAtomic: 0n });
  const results = await Promise.allSettled(requests.map((request) => world.ledger.openHold(request)));
  const kinds = results.map((result) => (result.status === 'fulfilled' ? result.value.kind : 'fault'));
  expect(kinds).toEqual(['held', 'held', 'held', 'fault', 'held', 'held', 'exceeded', 'exceeded']);
  expect((await world.ledger.head()).seq).toBe(6);
  expect((await world.ledger.audit()).findings).toEqual([]);
  expect(seen).toEqual([...Array<string>(8).fill('before'), ...Array<string>(8).fill('after')]);
});
