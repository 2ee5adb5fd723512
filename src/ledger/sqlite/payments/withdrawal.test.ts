import type { WithdrawalRequest } from '../../attempts/withdrawal.js';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findAsset } from '../../../money/asset.js';
import { capLine, held, holdRequest, newLedger, sent, T0 } from '../fixtures.js';
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
      await ledger.withdrawals.findOpen(from),
      await ledger.withdrawals.findLatest(from),
      ...(await ledger.openAttempts(10)).filter(({ id }) => id === row.id),
    ]) {
      expect(found).toMatchObject({ kind: 'withdrawal', id: row.id, heldAtomic: DOLLAR });
      for (const field of ['url', 'protocol', 'requestHash', 'sessionId'])
        expect(found).not.toHaveProperty(field);
    }
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
