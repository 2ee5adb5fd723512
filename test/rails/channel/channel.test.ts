import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startChannelShop, type ChannelShop } from '../../../sandbox/channel/shop.ts';
import type { Payment } from '../../../src/ledger/attempts/payment.js';
import type { Entitlement } from '../../../src/ledger/books/entitlement.js';
import { DATABASE_FILE } from '../../../src/ledger/sqlite/sqliteStore.js';
import { rebuildLedger } from '../../../src/owner/ledger/ledgerCare.js';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { changeKept, keptOf } from '../../../src/wallet/entitlement/deposit.js';
import { closeDeposit } from '../../../src/wallet/settle/depositClose.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { playChannel } from '../../adversary/channels/play.ts';
import { CHANNEL_ATTACKS } from '../../adversary/channels/table.ts';
import { addOwner, answerAs } from '../../approvals/owner.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { startPaidMcpShop } from '../../mcp/paidShop.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// A seller of `batch-settlement` on the published server and facilitator, over the real contracts.
const DEPOSIT = 100_000n;
let world: TestWorld;
let shop: ChannelShop;

beforeAll(async () => {
  world = await startTestWorld();
  shop = await startChannelShop(world.sandbox, {
    payTo: (await world.ground.newOwner()) as `0x${string}`,
  });
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

interface Mine {
  readonly mine: TestWallet;
  readonly wallet: Wallet;
}

async function newWallet(settings: Record<string, string> = {}): Promise<Mine> {
  const mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  for (const [key, value] of Object.entries({ 'limits.deposit_usd': '1', ...settings }))
    await mine.set(key, value);
  return { mine, wallet: mine.open() };
}

const balanceOf = ({ mine }: Mine): Promise<bigint> => world.ground.balanceOf(mine.address);
const pay = ({ wallet }: Mine, path: string, more = {}) =>
  wallet.pay({ url: `${shop.url}${path}`, max_usd: '1', ...more }, anyCall());

async function rowsOf({ wallet }: Mine): Promise<{ deposits: Payment[]; calls: Payment[] }> {
  const rows = await paymentsIn(await wallet.engine());
  const of = (scheme: string) => rows.filter((one) => one.scheme === scheme);
  return { deposits: of('channel'), calls: of('batch-settlement') };
}

async function channelOf({ wallet }: Mine): Promise<Entitlement> {
  const [channel] = await (await wallet.engine()).ledger.entitlements.list({}, 10);
  if (channel === undefined) throw new Error('there is no channel');
  return channel;
}

async function close(one: Mine) {
  const engine = await one.wallet.engine();
  const signal = AbortSignal.timeout(60_000);
  return closeDeposit(engine, await engine.config(), await channelOf(one), { onChain: true, signal });
}

/** Everything that counts against the day's cap, in micro-dollars. */
async function countedIn({ wallet }: Mine): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: 86_400 } as const;
  const [counted] = await ledger.usage([line as never], world.now());
  return counted!;
}

test('calls are paid out of one deposit, which counts whole until nothing is left and then for what was taken', async () => {
  const one = await newWallet();
  expect(await one.wallet.quote({ url: `${shop.url}/one` }, anyCall())).toMatchObject({
    ...{ code: 'quoted', usd: '0.01', deposit_usd: '0.10', scheme: 'batch-settlement' },
    withdraw_delay_sec: 900,
  });
  for (const n of [1, 2, 3]) {
    const paid = await pay(one, `/one?n=${n}`);
    expect(paid).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.01' });
  }
  const { deposits, calls } = await rowsOf(one);
  expect(deposits).toMatchObject([{ state: 'unknown', heldAtomic: DEPOSIT }]);
  expect(calls.map(({ state, capturedAtomic }) => [state, capturedAtomic])).toEqual(
    Array(3).fill(['captured', 10_000n]),
  );
  expect(
    shop.orders.entries.map(({ payload: { type, voucher } }) => [type, voucher.maxClaimableAmount]),
  ).toEqual([
    ['deposit', '10000'],
    ['voucher', '20000'],
    ['voucher', '30000'],
  ]);
  expect(await balanceOf(one)).toBe(one.mine.fundedAtomic - DEPOSIT);
  expect(await countedIn(one)).toBe(DEPOSIT);

  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(one.mine.fundedAtomic - 30_000n);
  expect(await countedIn(one)).toBe(30_000n);
  const after = await rowsOf(one);
  expect(after.deposits).toMatchObject([
    { state: 'captured', confirmed: true, capturedAtomic: 30_000n, tx: expect.stringMatching(/^0x/) },
  ]);
  expect(after.calls.every(({ state, confirmed }) => state === 'captured' && confirmed)).toBe(true);
  expect(keptOf(await channelOf(one))).toMatchObject({ settled_atomic: '30000' });
  // A channel that is empty is never used: the next call makes another one.
  expect(await pay(one, '/one?n=4')).toMatchObject({ code: 'paid' });
  expect(shop.orders.entries.at(-1)?.payload).toMatchObject({ type: 'deposit' });
  const engine = await one.wallet.engine();
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(compared).toMatchObject({ compared: 2, unknown: 0, findings: [] });
});

test('the tools of an MCP server are paid out of one deposit too; its rest the chain alone gives back', async () => {
  const front = await startPaidMcpShop(world.sandbox);
  onTestFinished(() => front.close());
  front.behind = `${shop.url}/tools`;
  const one = await newWallet();
  await one.mine.set('net.allow_private', JSON.stringify([front.hostPort, shop.hostPort]));
  const call = (n: number) => ({ mcp: { url: `${front.url}/mcp`, tool: 'article', arguments: { n } } });
  expect(await one.wallet.quote(call(1), anyCall())).toMatchObject({ usd: '0.01', deposit_usd: '0.10' });
  for (const n of [1, 2, 3])
    expect(await one.wallet.pay({ ...call(n), max_usd: '1' }, anyCall())).toMatchObject({
      ...{ code: 'paid', money: 'captured', spent_usd: '0.01' },
    });
  const { deposits, calls } = await rowsOf(one);
  expect(deposits).toHaveLength(1);
  expect(calls.map(({ state, capturedAtomic }) => [state, capturedAtomic])).toEqual(
    Array(3).fill(['captured', 10_000n]),
  );
  expect(await countedIn(one)).toBe(DEPOSIT);
  // Over MCP there is no way to ask for a rest that is sure to run no work.
  await expect(close(one)).rejects.toMatchObject({ code: 'gas_missing', money: 'none' });
  expect(await countedIn(one)).toBe(DEPOSIT);
});

test('without the owner’s word there is no deposit', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0' });
  const refused = await pay(one, '/none');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(refused['message'])).toContain('limits.deposit_usd');
  expect(signaturesIn(one.mine.home)).toBe(0);
});

test('calls side by side are served one after the other, out of one deposit', async () => {
  const one = await newWallet();
  const paid = await Promise.all([1, 2, 3, 4].map((n) => pay(one, `/side?n=${n}`)));
  expect(paid.map(({ code }) => code)).toEqual(Array(4).fill('paid'));
  const { deposits, calls } = await rowsOf(one);
  expect(deposits).toHaveLength(1);
  const amounts = calls.map(({ nonce }) => Number(nonce.split('/')[1])).sort((a, b) => a - b);
  expect(amounts).toEqual([10_000, 20_000, 30_000, 40_000]);
});

test('where a channel has too little left another one is made beside it, and all of them are within the owner’s bound', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0.15', 'limits.per_session_usd': '5' });
  expect(await pay(one, '/much?n=1&usd=0.06')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: 150_000n }]);
  expect(await pay(one, '/much?n=2&usd=0.06')).toMatchObject({ code: 'paid' });
  const signed = signaturesIn(one.mine.home);
  const refused = await pay(one, '/much?n=3&usd=0.06');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(refused['message'])).toContain('limits.deposit_usd');
  expect(signaturesIn(one.mine.home)).toBe(signed);
  await one.mine.set('limits.deposit_usd', '0.25');
  expect(await pay(one, '/much?n=3&usd=0.06')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits.map(({ heldAtomic }) => heldAtomic)).toEqual([150_000n, 100_000n]);
  expect(await countedIn(one)).toBe(250_000n);
  // What is left in the first still pays what costs no more.
  expect(await pay(one, '/much?n=4&usd=0.02')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toHaveLength(2);
});

test('a yes to a call is no yes to a deposit: none above the owner’s bound is made with it, whatever was drawn meanwhile', async () => {
  const one = await newWallet({
    ...{ 'limits.deposit_usd': '0.15', 'limits.per_call_usd': '0.05', 'approvals.wait_s': '0' },
  });
  const engine = await one.wallet.engine();
  await addOwner(engine);
  expect(await pay(one, '/bound?usd=0.03')).toMatchObject({ code: 'paid' });
  const left = (await rowsOf(one)).deposits[0]!.heldAtomic - 30_000n;
  const asked = await pay(one, '/bound?n=2&usd=0.06');
  expect(asked).toMatchObject({ status: 'approval_required', money: 'none', usd: '0.06' });
  const approval_id = String(asked['approval_id']);
  await answerAs(engine, approval_id, { kind: 'once' });
  for (let n = 0n; n < left / 30_000n; n++)
    expect(await pay(one, `/bound?n=${n + 3n}&usd=0.03`)).toMatchObject({ code: 'paid' });
  const signed = signaturesIn(one.mine.home);
  expect(await one.wallet.pay({ approval_id }, anyCall())).toMatchObject({
    status: 'refused',
    money: 'none',
  });
  expect(signaturesIn(one.mine.home)).toBe(signed);
  expect((await rowsOf(one)).deposits).toHaveLength(1);
});

test('an answer that is lost is one voucher: the same call shows it again, and the next one goes on from it', async () => {
  const one = await newWallet();
  expect(await pay(one, '/lost?n=1')).toMatchObject({ code: 'paid' });
  expect(await pay(one, '/lost?n=2&fault=lost')).toMatchObject({ status: 'unknown', money: 'unknown' });
  const signed = await channelOf(one);
  const again = await pay(one, '/lost?n=2&fault=lost');
  expect(again).toMatchObject({ money: 'unknown' });
  expect(await channelOf(one)).toMatchObject({ valueLeft: signed.valueLeft });
  expect(await pay(one, '/lost?n=3')).toMatchObject({ code: 'paid' });
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(one.mine.fundedAtomic - 30_000n);
  expect((await rowsOf(one)).calls.map(({ state }) => state)).toEqual(Array(3).fill('captured'));
});

test('what the seller did not charge comes back: a further voucher says no more than it asks, and never more than was signed', async () => {
  const one = await newWallet();
  expect(await pay(one, '/fails?n=1')).toMatchObject({ code: 'paid' });
  expect(await pay(one, '/fails?n=2&fault=fails')).toMatchObject({ money: 'unknown' });
  const from = shop.orders.entries.length;
  expect(await pay(one, '/fails?n=3')).toMatchObject({ code: 'paid' });
  // The seller says that it charged one cent so far, and gets a voucher for two in place of the one for three.
  expect(
    shop.orders.entries.slice(from).map(({ payload: { voucher } }) => voucher.maxClaimableAmount),
  ).toEqual(['30000', '20000']);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(one.mine.fundedAtomic - 20_000n);
  expect(await countedIn(one)).toBe(20_000n);
});

test('an opening that is lost is found again on the chain', async () => {
  const one = await newWallet();
  expect(await pay(one, '/opened?n=1&fault=lost')).toMatchObject({ money: 'unknown' });
  await reconcileAll(await one.wallet.engine(), AbortSignal.timeout(60_000));
  expect(keptOf(await channelOf(one)).opening).toBe(false);
  expect(await pay(one, '/opened?n=2')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toHaveLength(1);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(one.mine.fundedAtomic - 20_000n);
});

test.each(CHANNEL_ATTACKS)('$threat: $name', async (row) => {
  expect(await playChannel({ world, shop, ...(await newWallet()) }, row)).toEqual([]);
});

test('the published server has no payment upfront: it answers such terms by an error, and nothing is signed', async () => {
  const upfront = await startChannelShop(world.sandbox, {
    payTo: shop.payTo,
    extra: { paymentFlow: 'upfront' },
  });
  const { mine, wallet } = await newWallet();
  await mine.set('net.allow_private', JSON.stringify([upfront.hostPort]));
  const told = await wallet.pay({ url: `${upfront.url}/x`, max_usd: '1' }, anyCall());
  expect(told).toMatchObject({ code: 'upstream_error', money: 'none', response: { status: 500 } });
  await upfront.close();
  expect(signaturesIn(mine.home)).toBe(0);
});

/** A wallet that has a channel, and whose ledger is deleted. */
let forgotten: Mine | undefined;

// The chain goes ahead of the machine's clock from here on, by which the published server takes deposits.
test('one that never came to be is released whole, once the chain proves that', async () => {
  const one = await newWallet();
  expect(await pay(one, '/never?fault=deaf')).toMatchObject({ money: 'unknown' });
  expect(await countedIn(one)).toBe(DEPOSIT);
  expect(await pay(one, '/never?n=2')).toMatchObject({ status: 'refused', money: 'none' });
  const gone = await newWallet();
  expect(await pay(gone, '/gone?n=1')).toMatchObject({ code: 'paid' });
  forgotten = await newWallet();
  for (const n of [1, 2]) expect(await pay(forgotten, `/forgotten?n=${n}`)).toMatchObject({ code: 'paid' });
  await forgotten.wallet.close();
  for (const suffix of ['', '-wal', '-shm'])
    rmSync(join(forgotten.mine.home, `${DATABASE_FILE}${suffix}`), { force: true });
  await world.advance(100);
  await reconcileAll(await one.wallet.engine(), AbortSignal.timeout(60_000));
  expect(await countedIn(one)).toBe(0n);
  const { deposits, calls } = await rowsOf(one);
  expect([...deposits, ...calls].map(({ state }) => state)).toEqual(['released', 'released']);

  // A seller that is gone: what it did not take comes back by the chain, after its time.
  const engine = await gone.wallet.engine();
  const channel = await channelOf(gone);
  const facts = JSON.stringify({ ...keptOf(channel), url: 'http://127.0.0.1:9/' });
  await engine.ledger.entitlements.update(channel, { facts }, world.now());
  await expect(close(gone)).rejects.toMatchObject({ code: 'gas_missing' });
  await world.ground.giveGas(await engine.address());
  // A request that the chain does not have, as one that its payee made void by what it took at that moment, is made anew.
  await changeKept(engine, channel.id, () => ({ end_asked_ms: world.now() - 10 * 60_000 }));
  expect(await close(gone)).toMatchObject({ kind: 'waits' });
  expect(await pay(gone, '/gone?n=2')).toMatchObject({ status: 'refused', money: 'none' });
  const waits = await close(gone);
  expect(waits).toMatchObject({ kind: 'waits' });
  const requests = keptOf(await channelOf(gone)).end_txs ?? [];
  expect(requests).toHaveLength(1);
  // One that the chain has is not.
  await changeKept(engine, channel.id, () => ({ end_asked_ms: world.now() - 10 * 60_000 }));
  expect(await close(gone)).toMatchObject({ kind: 'waits' });
  expect(keptOf(await channelOf(gone)).end_txs).toEqual(requests);
  // Meanwhile it takes what its voucher says, and not a unit more.
  await shop.claim();
  await world.advance(1_000);
  const ended = await close(gone);
  expect(['closed', 'closing']).toContain(ended.kind);
  await world.advance(10);
  await reconcileAll(engine, AbortSignal.timeout(60_000));
  expect(await balanceOf(gone)).toBe(gone.mine.fundedAtomic - 10_000n);
  expect((await rowsOf(gone)).deposits).toMatchObject([
    { state: 'captured', confirmed: true, capturedAtomic: 10_000n },
  ]);
  expect(await countedIn(gone)).toBe(10_000n);
});

test('a channel that the ledger lost is found again on the chain by its terms, counts whole, and is closed', async () => {
  const { mine } = forgotten!;
  const passphrase = (): Promise<string> => Promise.resolve(TEST_PASSPHRASE);
  const owner = { home: mine.home, now: world.now, passphrase, auth: { passphrase, atTerminal: false } };
  expect(await rebuildLedger(owner)).toMatchObject({ state: 'waiting' });
  await world.advance(12 * 60);
  expect(await rebuildLedger(owner)).toMatchObject({ state: 'done', imported: 1 });
  const one = { mine, wallet: mine.open() };
  const engine = await one.wallet.engine();
  expect((await rowsOf(one)).deposits).toMatchObject([
    { state: 'unknown', heldAtomic: DEPOSIT, payTo: shop.payTo, protocol: 'x402' },
  ]);
  expect(await countedIn(one)).toBe(DEPOSIT);
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(compared).toMatchObject({ unknown: 0, findings: [] });
  // Nobody knows what was signed: the chain is asked for the rest, and its payee takes meanwhile what is its own.
  await world.ground.giveGas(await engine.address());
  expect(await close(one)).toMatchObject({ kind: 'waits' });
  await shop.claim();
  await world.advance(1_000);
  expect(['closed', 'closing']).toContain((await close(one)).kind);
  await world.advance(10);
  await reconcileAll(engine, AbortSignal.timeout(60_000));
  expect((await rowsOf(one)).deposits).toMatchObject([{ state: 'captured', capturedAtomic: 20_000n }]);
  expect(await countedIn(one)).toBe(20_000n);
  expect(await balanceOf(one)).toBe(mine.fundedAtomic - 20_000n);
  expect((await engine.ledger.audit()).findings).toEqual([]);
});
