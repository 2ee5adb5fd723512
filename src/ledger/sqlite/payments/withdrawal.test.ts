import type { WithdrawalRequest } from '../../attempts/withdrawal.js';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findAsset } from '../../../money/asset.js';
import { addAgent, capLine, held, holdRequest, newLedger, sent, T0 } from '../fixtures.js';
import type { Ledger } from '../../ledger.js';

const USDC = findAsset('eip155:84532', '0x036CbD53842c5426634e7929541eC2318f3dCF7e')!;
const FROM = holdRequest().payFrom;
const DOLLAR = 1_000_000n;

async function request(ledger: Ledger, over: Partial<WithdrawalRequest> = {}): Promise<WithdrawalRequest> {
  return {
    agent: 'default',
    network: USDC.network,
    asset: USDC,
    scheme: 'eip3009',
    payFrom: FROM,
    payTo: '0x3333333333333333333333333333333333333333',
    amountAtomic: DOLLAR,
    onChainAtomic: 10n * DOLLAR,
    readSeq: (await ledger.head()).seq,
    takesHeld: false,
    nonce: `0x${randomBytes(32).toString('hex')}`,
    validAfterSec: 0,
    validBeforeSec: T0 / 1000 + 300,
    nowMs: T0,
    ...over,
  };
}

const facts = (amount: bigint, confirmed = true) => ({
  capturedAtomic: amount,
  capturedUsdMicros: amount,
  tx: null,
  receipt: null,
  confirmed,
  chainMs: null,
});

async function opened(ledger: Ledger, over: Partial<WithdrawalRequest> = {}) {
  const result = await ledger.withdrawals.open(await request(ledger, over));
  if (result.kind !== 'held') throw new Error(`The withdrawal ended as ${result.kind}`);
  return result.withdrawal;
}

describe('a withdrawal in the ledger', () => {
  test('counts in no cap, no rate and no total, and is held all the same', async () => {
    using world = newLedger();
    const { ledger } = world;
    const row = await opened(ledger, { amountAtomic: 9n * DOLLAR });
    expect(await ledger.heldAtomic(USDC.network, USDC.address, FROM)).toBe(9n * DOLLAR);
    expect(
      await ledger.usage([capLine(), capLine({ scope: { kind: 'agent', agent: 'default' } })], T0),
    ).toEqual([0n, 0n]);
    // It is the owner's own money that is moved: no part of what is spent.
    const spent = { heldUsdMicros: 0n, capturedUsdMicros: 0n };
    expect(await ledger.openBooks(0)).toMatchObject(spent);
    await ledger.withdrawals.recordSigned(row.id, { name: 'withdrawal', value: '{}' }, T0);
    await ledger.withdrawals.markSent(row.id, { configVersion: 1, capLines: [], nowMs: T0 });
    await ledger.withdrawals.capture(row.id, facts(9n * DOLLAR), T0);
    expect(await ledger.openBooks(0)).toMatchObject(spent);
    expect(await ledger.usage([capLine()], T0)).toEqual([0n]);
    expect(await ledger.groupPayments('by_day', {}, 10)).toEqual([]);
    expect(await ledger.groupByCategory(() => null, {}, 10)).toEqual([]);
    const rate = { name: 'limits.calls_per_minute', scope: { kind: 'wallet' }, callsMax: 1, windowSec: 60 };
    await held(ledger, { rateLines: [rate as never], capLines: [capLine()] });
    expect(await ledger.audit()).toMatchObject({
      payments: 1,
      withdrawals: 1,
      withdrawnUsdMicros: 9n * DOLLAR,
      capturedUsdMicros: 0n,
      findings: [],
    });
    const withdrawals = await ledger.listAttempts({ kind: 'withdrawal' }, 10, null);
    expect(withdrawals.attempts.map(({ id }) => id)).toEqual([row.id]);
    expect((await ledger.listAttempts({ kind: 'payment' }, 10, null)).attempts).toHaveLength(1);
    expect((await ledger.listPayments({}, 10, null)).payments).toHaveLength(1);
    // A page that ends at a withdrawal goes on behind it.
    const first = await ledger.listAttempts({}, 1, null);
    expect((await ledger.listAttempts({}, 1, first.nextCursor)).attempts).toHaveLength(1);
  });

  test('has no request, and no step of a payment reaches it, nor one of its own a payment', async () => {
    using world = newLedger();
    const { ledger } = world;
    const payment = await held(ledger);
    const row = await opened(ledger);
    const from = { network: USDC.network, asset: USDC.address, payFrom: FROM };
    for (const found of [
      row,
      await ledger.withdrawals.find(row.id),
      await ledger.withdrawals.findOpen(from, 'owner'),
      await ledger.withdrawals.findLatest('default', from, 'owner'),
      ...(await ledger.openAttempts(10)).filter(({ id }) => id === row.id),
    ]) {
      expect(found).toMatchObject({ kind: 'withdrawal', id: row.id, heldAtomic: DOLLAR });
      for (const field of ['url', 'protocol', 'requestHash', 'sessionId'])
        expect(found).not.toHaveProperty(field);
    }
    expect(await ledger.withdrawals.findLatest('default', from, 'refill')).toBeNull();
    expect(await ledger.findPayment(row.id)).toBeNull();
    expect(await ledger.withdrawals.find(payment.id)).toBeNull();
    const head = await ledger.head();
    const fault = { code: 'internal' };
    await expect(ledger.release(row.id, 'never_signed', T0)).rejects.toMatchObject(fault);
    await expect(ledger.withdrawals.release(payment.id, 'never_signed', T0)).rejects.toMatchObject(fault);
    expect(await ledger.head()).toEqual(head);
    expect((await ledger.withdrawals.find(row.id))?.state).toBe('held');
  });

  test('leaves what is held where it is, unless the owner takes that too', async () => {
    using world = newLedger();
    const { ledger } = world;
    await held(ledger, { heldUsdMicros: 4n * DOLLAR });
    const short = await ledger.withdrawals.open(await request(ledger, { amountAtomic: 6n * DOLLAR + 1n }));
    expect(short).toEqual({ kind: 'short', spendableAtomic: 6n * DOLLAR, heldAtomic: 4n * DOLLAR });
    expect(await ledger.withdrawals.open(await request(ledger, { amountAtomic: 0n }))).toMatchObject({
      kind: 'short',
    });
    await opened(ledger, { amountAtomic: 10n * DOLLAR, takesHeld: true });
  });

  test('takes off what was captured since the balance was read, whichever of the two the balance shows', async () => {
    using world = newLedger();
    const { ledger } = world;
    const before = await sent(ledger, { heldUsdMicros: 2n * DOLLAR });
    const readSeq = (await ledger.head()).seq;
    const after = await sent(ledger, { heldUsdMicros: 3n * DOLLAR });
    await ledger.capture(before.id, facts(2n * DOLLAR), T0);
    await ledger.capture(after.id, facts(3n * DOLLAR, false), T0);
    const asked = await request(ledger, { readSeq, amountAtomic: 5n * DOLLAR + 1n });
    expect(await ledger.withdrawals.open(asked)).toMatchObject({
      kind: 'short',
      spendableAtomic: 5n * DOLLAR,
    });
  });

  test('is one at a time for an address and an asset', async () => {
    using world = newLedger();
    const other = world.open();
    const results = await Promise.all([
      world.ledger.withdrawals.open(await request(world.ledger, { amountAtomic: 6n * DOLLAR })),
      other.withdrawals.open(await request(other, { amountAtomic: 6n * DOLLAR })),
    ]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(['held', 'open']);
  });

  test('and a payment never reserve the same coins', async () => {
    using world = newLedger();
    const { ledger } = world;
    const row = await opened(ledger, { amountAtomic: 9n * DOLLAR });
    const funds = { onChainAtomic: 10n * DOLLAR, atMs: T0 };
    const dear = { heldUsdMicros: DOLLAR + 1n, heldAtomic: DOLLAR + 1n };
    expect(await ledger.openHold(holdRequest({ ...dear, funds }))).toEqual({
      kind: 'withdrawn',
      spendableAtomic: DOLLAR,
    });
    expect(await ledger.openHold(holdRequest({ funds: null }))).toMatchObject({ kind: 'withdrawn' });
    expect(await ledger.openHold(holdRequest({ funds }))).toMatchObject({ kind: 'held' });
    await ledger.withdrawals.recordSigned(row.id, { name: 'withdrawal', value: '{}' }, T0);
    await ledger.withdrawals.capture(row.id, facts(9n * DOLLAR), T0 + 5);
    // The reading is older than the capture, so the coins may still be in it.
    expect(await ledger.openHold(holdRequest({ ...dear, funds }))).toMatchObject({ kind: 'withdrawn' });
    const newer = { onChainAtomic: 10n * DOLLAR, atMs: T0 + 6 };
    expect(await ledger.openHold(holdRequest({ ...dear, funds: newer }))).toMatchObject({ kind: 'held' });
  });

  test('goes on in a frozen wallet, where a payment does not; never while the ledger is rebuilt', async () => {
    using world = newLedger();
    const { ledger } = world;
    await ledger.freeze(T0);
    const row = await opened(ledger);
    await ledger.withdrawals.recordSigned(row.id, { name: 'withdrawal', value: '{}' }, T0);
    expect(
      await ledger.withdrawals.markSent(row.id, { configVersion: 1, capLines: [], nowMs: T0 }),
    ).toMatchObject({
      kind: 'done',
    });
    expect(await ledger.openHold(holdRequest())).toEqual({ kind: 'frozen' });
    await ledger.beginRebuild(T0);
    await expect(
      ledger.withdrawals.open(
        await request(ledger, { payFrom: '0x4444444444444444444444444444444444444444' }),
      ),
    ).rejects.toMatchObject({ code: 'ledger_rebuilding' });
  });
});

describe('a refill in the ledger', () => {
  const MINUTE_MS = 60_000;
  const DAY_MS = 24 * 60 * MINUTE_MS;
  const TO = '0x5555555555555555555555555555555555555555';

  async function refillRequest(
    ledger: Ledger,
    over: Partial<WithdrawalRequest> = {},
    agent = 'other',
  ): Promise<WithdrawalRequest> {
    const refill = { agent, addresses: [TO], perDayUsdMicros: 3n * DOLLAR };
    return request(ledger, { payTo: TO, onChainAtomic: 100n * DOLLAR, refill, ...over });
  }

  async function arrived(ledger: Ledger, nowMs: number, over: Partial<WithdrawalRequest> = {}) {
    const result = await ledger.withdrawals.open(await refillRequest(ledger, { nowMs, ...over }));
    if (result.kind !== 'held') return result.kind;
    const { id, heldAtomic } = result.withdrawal;
    await ledger.withdrawals.recordSigned(id, { name: 'withdrawal', value: '{}' }, nowMs);
    await ledger.withdrawals.markSent(id, { configVersion: 1, capLines: [], nowMs });
    await ledger.withdrawals.capture(id, facts(heldAtomic), nowMs);
    return result.withdrawal.refills;
  }

  const inDay = (ledger: Ledger, nowMs: number) =>
    ledger.withdrawals.refilledUsdMicros({ agent: 'other', addresses: [TO] }, nowMs);

  test('is bounded by the day, and frees it only as the day goes by', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    const amountAtomic = 2n * DOLLAR;
    expect(await arrived(ledger, T0, { amountAtomic })).toBe('other');
    expect(await inDay(ledger, T0)).toBe(2n * DOLLAR);
    const soon = T0 + 2 * MINUTE_MS;
    expect(await arrived(ledger, soon, { amountAtomic })).toBe('day_used');
    expect(await arrived(ledger, soon)).toBe('other');
    expect(await inDay(ledger, soon)).toBe(3n * DOLLAR);
    expect(await arrived(ledger, T0 + DAY_MS - 1, { amountAtomic: 1n })).toBe('day_used');
    expect(await arrived(ledger, T0 + DAY_MS + 1, { amountAtomic })).toBe('other');
    // It is no spending of anybody's.
    expect(await ledger.usage([capLine()], T0 + DAY_MS)).toEqual([0n]);
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('is one for one need, in whichever process, and rests until every RPC shows the last', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    const other = world.open();
    const asked = await refillRequest(ledger);
    const elsewhere = { ...asked, payFrom: '0x4444444444444444444444444444444444444444' };
    const results = await Promise.all([ledger.withdrawals.open(asked), other.withdrawals.open(elsewhere)]);
    expect(results.map(({ kind }) => kind).sort()).toEqual(['held', 'just_refilled']);
    const id = results.flatMap((one) => (one.kind === 'held' ? [one.withdrawal.id] : []))[0] ?? '';
    const { readSeq } = await refillRequest(ledger);
    for (const control of [ledger.withdrawals, other.withdrawals])
      await control.recordSigned(id, { name: 'withdrawal', value: '{}' }, T0);
    await ledger.withdrawals.capture(id, facts(DOLLAR), T0);
    expect(await arrived(ledger, T0 + MINUTE_MS - 1)).toBe('just_refilled');
    // Its process slept since it read the balance.
    expect(await arrived(ledger, T0 + 60 * MINUTE_MS, { readSeq })).toBe('just_refilled');
    expect(await arrived(ledger, T0 + 60 * MINUTE_MS)).toBe('other');
  });

  test('in doubt holds up no withdrawal of the owner’s: it counts, and nothing else of it stands in the way', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    const from = { network: USDC.network, asset: USDC.address, payFrom: FROM };
    const refillOf = await ledger.withdrawals.open(
      await refillRequest(ledger, { amountAtomic: 3n * DOLLAR }),
    );
    const refill = refillOf.kind === 'held' ? refillOf.withdrawal.id : '';
    await ledger.withdrawals.recordSigned(refill, { name: 'withdrawal', value: '{}' }, T0);
    await ledger.withdrawals.markSent(refill, { configVersion: 1, capLines: [], nowMs: T0 });
    await ledger.withdrawals.markUnknown(refill, 'silent', T0);
    expect(await ledger.withdrawals.findOpen(from, 'owner')).toBeNull();
    expect(await ledger.withdrawals.findOpen(from, 'anybody')).toMatchObject({
      id: refill,
      refills: 'other',
    });

    // Of ten dollars the refill may still take three.
    const much = await ledger.withdrawals.open(await request(ledger, { amountAtomic: 7n * DOLLAR + 1n }));
    expect(much).toEqual({ kind: 'short', spendableAtomic: 7n * DOLLAR, heldAtomic: 3n * DOLLAR });
    const own = await opened(ledger, { amountAtomic: 7n * DOLLAR });
    expect(await ledger.withdrawals.findOpen(from, 'owner')).toMatchObject({ id: own.id, refills: null });
    // Both are live: a second one of either waits, and a payment finds nothing left.
    expect(await ledger.withdrawals.open(await request(ledger))).toMatchObject({
      kind: 'open',
      withdrawal: { id: own.id },
    });
    const elsewhere = { ...(await refillRequest(ledger, {}, 'default')), agent: 'other' };
    expect(await ledger.withdrawals.open(elsewhere)).toMatchObject({ kind: 'open' });
    const funds = { onChainAtomic: 10n * DOLLAR, atMs: T0 };
    expect(await ledger.openHold(holdRequest({ funds }))).toEqual({ kind: 'withdrawn', spendableAtomic: 0n });

    // Its end, either way, is its own.
    await ledger.withdrawals.release(refill, 'expired_unused', T0);
    await ledger.withdrawals.recapture(refill, { ...facts(3n * DOLLAR), chainMs: null }, T0);
    expect((await ledger.withdrawals.find(refill))?.state).toBe('captured');
    expect((await ledger.withdrawals.find(own.id))?.state).toBe('held');
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('waits for a withdrawal of the owner’s that is under way', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    const own = await opened(ledger);
    expect(await ledger.withdrawals.open(await refillRequest(ledger))).toMatchObject({
      kind: 'open',
      withdrawal: { id: own.id },
    });
  });

  test('stops at a freeze and at a suspension of either agent, up to its sending', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    const opened = await ledger.withdrawals.open(await refillRequest(ledger));
    const id = opened.kind === 'held' ? opened.withdrawal.id : '';
    const send = { configVersion: 1, capLines: [], nowMs: T0 };
    for (const name of ['other', 'default']) {
      await ledger.agents.change(name, { act: 'suspend' }, T0);
      const signed = await ledger.withdrawals.recordSigned(id, { name: 'withdrawal', value: '{}' }, T0);
      expect(signed).toEqual({ kind: 'barred', bar: 'suspended' });
      const asked = await refillRequest(ledger, { payFrom: '0x4444444444444444444444444444444444444444' });
      expect(await ledger.withdrawals.open(asked)).toEqual({ kind: 'barred', bar: 'suspended' });
      await ledger.agents.change(name, { act: 'resume' }, T0);
    }
    await ledger.withdrawals.recordSigned(id, { name: 'withdrawal', value: '{}' }, T0);
    await ledger.agents.change('other', { act: 'suspend' }, T0);
    expect(await ledger.withdrawals.markSent(id, send)).toEqual({ kind: 'barred', bar: 'suspended' });
    await ledger.agents.change('other', { act: 'resume' }, T0);
    await ledger.freeze(T0);
    expect(await ledger.withdrawals.markSent(id, send)).toEqual({ kind: 'frozen' });
    expect(await ledger.withdrawals.open(await refillRequest(ledger))).toEqual({ kind: 'frozen' });
  });

  test('counts what a rebuilt ledger knows as a transfer to the agent, for it cannot tell them apart', async () => {
    using world = newLedger();
    const { ledger } = world;
    await addAgent(ledger);
    await ledger.beginRebuild(T0);
    const shown = {
      agent: 'default',
      toOwn: true,
      payFrom: FROM,
      payTo: TO,
      network: USDC.network,
      named: null,
    };
    await ledger.finishRebuild(
      [
        {
          ...{ ...shown, asset: USDC.address, amountAtomic: 3n * DOLLAR, usdMicros: 3n * DOLLAR },
          ...{
            protocol: 'x402' as const,
            scheme: 'exact',
            nonce: `0x${'1'.repeat(64)}`,
            tx: `0x${'2'.repeat(64)}`,
          },
          blockTimeMs: T0,
        },
      ],
      T0,
    );
    await ledger.unfreeze(T0);
    expect(await inDay(ledger, T0)).toBe(3n * DOLLAR);
    expect(await arrived(ledger, T0 + 2 * MINUTE_MS)).toBe('day_used');
  });
});
