import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addChannels, type TempoChannels } from '../../../sandbox/tempo/channels.ts';
import { startSessionShop, type SessionShop } from '../../../sandbox/tempo/sessionShop.ts';
import type { Payment } from '../../../src/ledger/attempts/payment.js';
import type { Entitlement } from '../../../src/ledger/books/entitlement.js';
import { DATABASE_FILE } from '../../../src/ledger/sqlite/sqliteStore.js';
import { rebuildLedger } from '../../../src/owner/ledger/ledgerCare.js';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { keptOf } from '../../../src/wallet/entitlement/deposit.js';
import { closeDeposit } from '../../../src/wallet/settle/depositClose.js';
import { reconcileAll, reconcileAttempt } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { playSession } from '../../adversary/sessions/play.ts';
import { SESSION_ATTACKS, type SessionAttack } from '../../adversary/sessions/table.ts';
import { readQuestion } from '../../../src/wallet/approval/approvalQuestion.js';
import { addOwner, answerAs } from '../../approvals/owner.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers of sessions on the published server of MPP; the chain's reserve by a contract that stands for it.
const START = 5_000_000n;
const DEPOSIT = 500_000n;
let world: TestWorld;
let channels: TempoChannels;
let shop: SessionShop;

beforeAll(async () => {
  world = await startTestWorld('tempo');
  channels = await addChannels(world.tempo!.chain);
  shop = await startSessionShop(channels);
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
  const mine = await world.wallet({ usdMicros: 0n });
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  for (const [key, value] of Object.entries({ 'limits.deposit_usd': '1', ...settings }))
    await mine.set(key, value);
  await channels.fund(mine.address as `0x${string}`, START);
  return { mine, wallet: mine.open() };
}

const balanceOf = ({ mine }: Mine): Promise<bigint> => world.ground.balanceOf(mine.address);
const pay = ({ wallet }: Mine, path: string, more = {}) =>
  wallet.pay({ url: `${shop.url}${path}`, max_usd: '1', ...more }, anyCall());

async function playedWell(row: SessionAttack): Promise<void> {
  const stage = { world, channels, shop, ...(await newWallet()), startAtomic: START };
  expect(await playSession(stage, row)).toEqual([]);
}

async function rowsOf({ wallet }: Mine): Promise<{ deposits: Payment[]; calls: Payment[] }> {
  const rows = await paymentsIn(await wallet.engine());
  const of = (scheme: string) => rows.filter((one) => one.scheme === scheme);
  return { deposits: of('channel'), calls: of('session') };
}

async function channelOf({ wallet }: Mine): Promise<Entitlement> {
  const [channel] = await (await wallet.engine()).ledger.entitlements.list({}, 10);
  if (channel === undefined) throw new Error('there is no channel');
  return channel;
}

async function close(one: Mine) {
  const engine = await one.wallet.engine();
  const signal = AbortSignal.timeout(20_000);
  return closeDeposit(engine, await engine.config(), await channelOf(one), { onChain: true, signal });
}

/** Everything that counts against the day's cap, in micro-dollars. */
async function countedIn({ wallet }: Mine): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: 86_400 } as const;
  const [counted] = await ledger.usage([line as never], Date.now());
  return counted!;
}

test('calls are paid out of one deposit, which counts whole until it is closed and then for what was taken', async () => {
  const one = await newWallet();
  expect(await one.wallet.quote({ url: `${shop.url}/one` }, anyCall())).toMatchObject({
    message:
      'The call costs $0.01 on Tempo testnet, out of a deposit of $0.50 that is made with the seller; nothing is paid yet.',
    ...{ code: 'quoted', usd: '0.01', deposit_usd: '0.50' },
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
  const vouchers = shop.orders.entries.flatMap(({ payload }) => payload ?? []);
  expect(vouchers.map(({ action, cumulativeAmount }) => [action, cumulativeAmount])).toEqual([
    ['open', '10000'],
    ['voucher', '20000'],
    ['voucher', '30000'],
  ]);
  expect(await balanceOf(one)).toBe(START - DEPOSIT);
  expect(await countedIn(one)).toBe(DEPOSIT);

  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 30_000n);
  expect(await countedIn(one)).toBe(30_000n);
  const after = await rowsOf(one);
  expect(after.deposits).toMatchObject([{ state: 'captured', confirmed: true, capturedAtomic: 30_000n }]);
  expect(after.calls.every(({ state, confirmed }) => state === 'captured' && confirmed)).toBe(true);
  expect(keptOf(await channelOf(one))).toMatchObject({ settled_atomic: '30000' });
  // A stale channel is never used: the next call makes another one.
  const before = shop.orders.entries.length;
  expect(await pay(one, '/one?n=4')).toMatchObject({ code: 'paid' });
  expect(shop.orders.entries.slice(before).at(-1)?.payload).toMatchObject({ action: 'open' });
  const engine = await one.wallet.engine();
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, Date.now());
  // The allowance that the local reserve needs of a payer is the sandbox's, and so is its fee.
  const own = compared.findings.filter(({ says }) => !says.includes('0xfeec'));
  expect(own).toEqual([]);
});

test('without the owner’s word there is no deposit', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0' });
  const refused = await pay(one, '/none');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(refused['message'])).toContain('limits.deposit_usd');
  expect(signaturesIn(one.mine.home)).toBe(0);
});

test('a deposit is within the owner’s bound, the call’s own, and every cap; the dearer way is not left for it at once', async () => {
  const one = await newWallet({ 'limits.per_day_usd': '0.40' });
  expect(await pay(one, '/capped')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: 400_000n }]);
  // The day is full, and what is paid out of the deposit is in that already.
  expect(await pay(one, '/capped?n=2')).toMatchObject({ code: 'paid' });
  const budget = await newWallet({ 'budgets.field.total_usd': '0.30', 'agents.default.budget': 'field' });
  expect(await pay(budget, '/budget')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(budget)).deposits).toMatchObject([{ heldAtomic: 300_000n }]);
  expect(await pay(budget, '/budget?n=2')).toMatchObject({ code: 'paid' });
  const lower = await newWallet();
  expect(await pay(lower, '/lower', { max_usd: '0.20' })).toMatchObject({ code: 'paid' });
  expect((await rowsOf(lower)).deposits).toMatchObject([{ heldAtomic: 200_000n }]);
  const other = await newWallet();
  // Nobody knows of further calls: the single charge is paid until a session had been cheaper for those already seen.
  expect(await pay(other, '/beside?charge=0.02')).toMatchObject({ code: 'paid', spent_usd: '0.02' });
  expect((await rowsOf(other)).deposits).toEqual([]);
  expect(await pay(other, '/beside?charge=0.02&n=2')).toMatchObject({ code: 'paid', spent_usd: '0.01' });
  expect((await rowsOf(other)).deposits).toHaveLength(1);
});

test('a deposit counts in the caps of its seller’s category, and its fee in what its call may cost', async () => {
  const one = await newWallet({
    'categories.search.hosts': JSON.stringify(['127.0.0.1']),
    'limits.categories.search.per_day_usd': '0.30',
  });
  expect(await pay(one, '/sorted')).toMatchObject({ code: 'paid' });
  const { deposits } = await rowsOf(one);
  expect(deposits).toMatchObject([{ heldAtomic: 300_000n, category: 'search' }]);
  const { ledger } = await one.wallet.engine();
  const scope = { kind: 'category', category: 'search' } as const;
  const line = { name: 'x', kind: 'cap', scope, windowSec: 86_400 } as const;
  expect(await ledger.usage([line as never], world.now())).toEqual([300_000n]);
  const own = await newWallet();
  expect(await pay(own, '/sorted?fee=own', { max_usd: '0.20' })).toMatchObject({ code: 'paid' });
  expect((await rowsOf(own)).deposits).toMatchObject([{ heldAtomic: 200_000n }]);
});

test('a seller that names another operator with each call has no more in deposits than the owner allows one seller', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0.50' });
  expect(await pay(one, '/shifty')).toMatchObject({ code: 'paid' });
  const refused = await pay(one, '/shifty?operator=other');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: DEPOSIT }]);
});

test('calls side by side make one deposit and never sign one amount twice', async () => {
  const one = await newWallet();
  const paid = await Promise.all([1, 2, 3, 4, 5].map((n) => pay(one, `/side?n=${n}`)));
  expect(paid.map(({ code }) => code)).toEqual(Array(5).fill('paid'));
  const { deposits, calls } = await rowsOf(one);
  expect(deposits).toHaveLength(1);
  const amounts = calls.map(({ nonce }) => Number(nonce.split('/')[1])).sort((a, b) => a - b);
  expect(amounts).toEqual([10_000, 20_000, 30_000, 40_000, 50_000]);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 50_000n);
});

test('an answer that is lost is one voucher: the same call shows it again, and nothing new is signed', async () => {
  const one = await newWallet();
  expect(await pay(one, '/lost?n=1')).toMatchObject({ code: 'paid' });
  expect(await pay(one, '/lost?n=2&fault=deaf')).toMatchObject({ status: 'unknown', money: 'unknown' });
  const signed = await channelOf(one);
  expect(await pay(one, '/lost?n=2&fault=deaf')).toMatchObject({ status: 'unknown' });
  expect(await channelOf(one)).toMatchObject({ valueLeft: signed.valueLeft });
  const last = shop.orders.entries.at(-1)?.payload;
  expect(last).toMatchObject({ action: 'voucher', cumulativeAmount: '20000' });
  // The seller never had it: what the owner gets back is all but the one call that it served.
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 10_000n);
  const { calls } = await rowsOf(one);
  expect(calls.map(({ state, capturedAtomic }) => [state, capturedAtomic])).toEqual([
    ['captured', 10_000n],
    ['released', null],
  ]);
});

test('an opening that is lost is found again on the chain', async () => {
  const one = await newWallet();
  expect(await pay(one, '/opened?n=1&fault=lost')).toMatchObject({ money: 'unknown' });
  expect(keptOf(await channelOf(one)).opening).toBe(false);
  expect(await pay(one, '/opened?n=2')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toHaveLength(1);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 20_000n);
  expect((await rowsOf(one)).calls).toMatchObject([{ state: 'captured' }, { state: 'captured' }]);
});

test('a seller that takes vouchers and serves nothing gets two of them, and a receipt that boasts frees and costs nothing', async () => {
  const one = await newWallet();
  expect(await pay(one, '/greedy?n=1&fault=boast')).toMatchObject({ code: 'paid', spent_usd: '0.01' });
  for (const n of [2, 3])
    expect(await pay(one, `/greedy?n=${n}&fault=again`)).toMatchObject({ money: 'unknown' });
  const signed = signaturesIn(one.mine.home);
  const refused = await pay(one, '/greedy?n=4&fault=again');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(refused['message'])).toContain('2 vouchers');
  expect(signaturesIn(one.mine.home)).toBe(signed);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 30_000n);
});

test('one that was released, and is there all the same, counts whole again until it is closed', async () => {
  const one = await newWallet();
  expect(await pay(one, '/falsely')).toMatchObject({ code: 'paid' });
  const engine = await one.wallet.engine();
  const { deposits } = await rowsOf(one);
  await engine.ledger.release(deposits[0]!.id, 'expired_unused', world.now());
  expect(await countedIn(one)).toBe(0n);
  const released = (await engine.ledger.findPayment(deposits[0]!.id))!;
  const signal = AbortSignal.timeout(20_000);
  expect(await reconcileAttempt(engine, released, signal)).toMatchObject({ verdict: 'recaptured' });
  expect(await countedIn(one)).toBe(DEPOSIT);
  // Looked at again it is neither freed nor final: its end is not known.
  const shown = (await engine.ledger.findPayment(released.id))!;
  await reconcileAttempt(engine, shown, signal);
  expect((await rowsOf(one)).deposits).toMatchObject([{ state: 'captured', confirmed: false }]);
  expect(await countedIn(one)).toBe(DEPOSIT);
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
});

test('a deposit that has too little left is added to, within the owner’s bound, and counts whole until it is closed', async () => {
  const one = await newWallet();
  for (const n of [1, 2, 3])
    expect(await pay(one, `/more?usd=0.30&n=${n}`)).toMatchObject({ code: 'paid', spent_usd: '0.30' });
  const { deposits } = await rowsOf(one);
  expect(deposits).toMatchObject([{ state: 'unknown', heldAtomic: 2n * DEPOSIT }]);
  const actions = shop.orders.entries
    .filter(({ path }) => path === '/more')
    .flatMap(({ payload }) => payload ?? []);
  expect(actions.map(({ action }) => action)).toEqual(['open', 'topUp', 'voucher', 'voucher']);
  expect(await channels.state(deposits[0]!.nonce as `0x${string}`)).toMatchObject({ deposit: 2n * DEPOSIT });
  expect(await balanceOf(one)).toBe(START - 2n * DEPOSIT);
  expect(await countedIn(one)).toBe(2n * DEPOSIT);
  // All that the owner allows this seller is in it: no more is added.
  const signed = signaturesIn(one.mine.home);
  expect(await pay(one, '/more?usd=0.30&n=4')).toMatchObject({ status: 'refused', money: 'none' });
  expect(signaturesIn(one.mine.home)).toBe(signed);
  const engine = await one.wallet.engine();
  const look = async (): Promise<unknown[]> => {
    const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
    return compared.findings.filter(({ says }) => !says.includes('0xfeec'));
  };
  expect(await look()).toEqual([]);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 900_000n);
  expect(await countedIn(one)).toBe(900_000n);
  expect(await look()).toEqual([]);
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
});

test('what is added counts also where it is lost on its way, and pays once the chain shows it', async () => {
  const one = await newWallet();
  expect(await pay(one, '/added?usd=0.30')).toMatchObject({ code: 'paid' });
  // It came there, and the answer was lost: the chain says so, and the call is paid.
  expect(await pay(one, '/added?usd=0.30&n=2&deposit=0.20&fault=unsaid')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: 700_000n }]);
  // It never came there: nothing is paid, and it stays counted.
  const lost = await pay(one, '/added?usd=0.30&n=3&deposit=0.25&fault=unheard');
  expect(lost).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(lost['message'])).toContain('more is being added');
  expect(await countedIn(one)).toBe(950_000n);
  expect(keptOf(await channelOf(one))).toMatchObject({ deposit_atomic: '700000', bound_atomic: '950000' });
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await countedIn(one)).toBe(600_000n);
  expect(await balanceOf(one)).toBe(START - 600_000n);
});

test('nothing is added past a cap, nor out of another budget', async () => {
  const one = await newWallet({ 'limits.per_day_usd': '0.70' });
  expect(await pay(one, '/tight?usd=0.30')).toMatchObject({ code: 'paid' });
  expect(await pay(one, '/tight?usd=0.30&n=2')).toMatchObject({ code: 'paid' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: 700_000n }]);
  expect(await pay(one, '/tight?usd=0.30&n=3')).toMatchObject({ status: 'refused', money: 'none' });
  expect(await countedIn(one)).toBe(700_000n);
});

test('above the owner’s bound the owner is asked, and what they said yes to is deposited, that much and no more', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0.10', 'approvals.wait_s': '0' });
  const refused = await pay(one, '/asked?usd=0.20');
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(refused['message'])).toContain('limits.deposit_usd');
  const engine = await one.wallet.engine();
  await addOwner(engine);
  const asked = await pay(one, '/asked?usd=0.20', { max_usd: '0.45' });
  expect(asked).toMatchObject({
    status: 'approval_required',
    money: 'none',
    usd: '0.20',
    pay_to: shop.payTo,
  });
  expect(String(asked['why'])).toContain('deposit $0.45');
  expect(signaturesIn(one.mine.home)).toBe(0);
  expect(await countedIn(one)).toBe(0n);
  const approval_id = String(asked['approval_id']);
  const row = await engine.ledger.approvals.find(approval_id);
  expect(JSON.parse(row!.question)).toMatchObject({ deposit: { atomic: '450000', usd: '0.45' } });
  // Whoever changes the amount has another question.
  const changed = { ...row!, question: row!.question.replace('450000', '950000') };
  expect(() => readQuestion(changed)).toThrow();
  await answerAs(engine, approval_id, { kind: 'once' });
  expect(await one.wallet.pay({ approval_id }, anyCall())).toMatchObject({ code: 'paid', spent_usd: '0.20' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ heldAtomic: 450_000n }]);
  expect(await countedIn(one)).toBe(450_000n);
  // It is used like any other, and nothing is added to it without another yes.
  expect(await pay(one, '/asked?usd=0.20&n=2')).toMatchObject({ code: 'paid' });
  expect(await pay(one, '/asked?usd=0.20&n=3')).toMatchObject({ status: 'refused', money: 'none' });
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect(await balanceOf(one)).toBe(START - 400_000n);
});

test('a yes to a deposit passes no other limit: what left less room meanwhile refuses it', async () => {
  const one = await newWallet({ 'limits.deposit_usd': '0', 'approvals.wait_s': '0' });
  const engine = await one.wallet.engine();
  await addOwner(engine);
  const asked = await pay(one, '/narrow?usd=0.20');
  expect(asked).toMatchObject({ status: 'approval_required' });
  const approval_id = String(asked['approval_id']);
  await answerAs(engine, approval_id, { kind: 'once' });
  await one.mine.set('limits.per_day_usd', '0.30');
  const refused = await one.wallet.pay({ approval_id }, anyCall());
  expect(refused).toMatchObject({ status: 'refused', money: 'none' });
  expect(signaturesIn(one.mine.home)).toBe(0);
  expect((await rowsOf(one)).deposits).toEqual([]);
});

test('every lie about a session has a name of its own', () => {
  expect(new Set(SESSION_ATTACKS.map(({ name }) => name)).size).toBe(SESSION_ATTACKS.length);
});

test.each(SESSION_ATTACKS)('$threat: $name', playedWell);

let forgotten: Mine | undefined;
let calls = 0;

test('a wallet whose ledger is deleted has its deposit with the seller still', async () => {
  forgotten = await newWallet();
  for (const usd of ['0.30', '0.30'])
    expect(await pay(forgotten, `/forgotten?usd=${usd}&n=${calls++}`)).toMatchObject({ code: 'paid' });
  await forgotten.wallet.close();
  for (const suffix of ['', '-wal', '-shm'])
    rmSync(join(forgotten.mine.home, `${DATABASE_FILE}${suffix}`), { force: true });
});

// Its chain goes ahead of the machine's clock, by which the published server signs: nothing is sold behind it.
test('one that never came to be is released whole, once the chain proves that', async () => {
  const one = await newWallet();
  expect(await pay(one, '/never?fault=deaf')).toMatchObject({ money: 'unknown' });
  expect(await countedIn(one)).toBe(DEPOSIT);
  expect(await pay(one, '/never?n=2')).toMatchObject({ status: 'refused', money: 'none' });
  await world.advance(60);
  await reconcileAll(await one.wallet.engine(), AbortSignal.timeout(20_000));
  expect(await countedIn(one)).toBe(0n);
  const { deposits, calls } = await rowsOf(one);
  expect([...deposits, ...calls].map(({ state }) => state)).toEqual(['released', 'released']);
});

test('a fee of our own is held with the deposit, and exact in the end; a seller that does not close is left without', async () => {
  const one = await newWallet();
  const chain = world.tempo!.chain;
  const before = await chain.fees(one.mine.address as `0x${string}`);
  expect(await pay(one, '/own?fee=own&n=1')).toMatchObject({ code: 'paid' });
  const fee = (await chain.fees(one.mine.address as `0x${string}`)) - before;
  expect(fee).toBeGreaterThan(0n);
  expect(await balanceOf(one)).toBe(START - DEPOSIT - fee);
  // The seller is gone: what it did not take on the chain comes back whole.
  const engine = await one.wallet.engine();
  const channel = await channelOf(one);
  // As if the chain had been asked long ago, by a transaction that never landed.
  const asked = world.now() - 20 * 60_000;
  const gone = JSON.stringify({ ...keptOf(channel), url: 'http://127.0.0.1:9/', end_asked_ms: asked });
  await engine.ledger.entitlements.update(channel, { facts: gone }, Date.now());
  expect(await close(one)).toMatchObject({ kind: 'closing' });
  await world.advance(11 * 60);
  expect(await close(one)).toMatchObject({ kind: 'waits' });
  expect(await pay(one, '/own?fee=own&n=2')).toMatchObject({ status: 'refused', money: 'none' });
  expect(await close(one)).toMatchObject({ kind: 'waits' });
  await world.advance(20 * 60);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  const { deposits, calls } = await rowsOf(one);
  expect(deposits).toMatchObject([{ state: 'captured', capturedAtomic: fee }]);
  expect(calls).toMatchObject([{ state: 'released' }]);
  const all = (await chain.fees(one.mine.address as `0x${string}`)) - before;
  expect(await balanceOf(one)).toBe(START - all);
});

test('a channel that the ledger lost is found again on the chain, counts whole, and is closed', async () => {
  const { mine } = forgotten!;
  const passphrase = (): Promise<string> => Promise.resolve(TEST_PASSPHRASE);
  const owner = { home: mine.home, now: world.now, passphrase, auth: { passphrase, atTerminal: false } };
  expect(await rebuildLedger(owner)).toMatchObject({ state: 'waiting' });
  // The chain counts in whole seconds, so that a wait of just as long could end a moment before it.
  await world.advance(12 * 60);
  expect(await rebuildLedger(owner)).toMatchObject({ state: 'done' });
  const one = { mine, wallet: mine.open() };
  const engine = await one.wallet.engine();
  const { deposits } = await rowsOf(one);
  expect(deposits).toMatchObject([{ state: 'unknown', heldAtomic: 2n * DEPOSIT, payTo: shop.payTo }]);
  // The sandbox's own fee of the allowance left the address too.
  const others = (await countedIn(one)) - 2n * DEPOSIT;
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(compared.findings).toEqual([]);
  // Nobody knows what was signed: the seller is not asked, and has the chain's quarter of an hour to take what is its own.
  const vouchers = shop.orders.entries
    .filter(({ path }) => path === '/forgotten')
    .flatMap(({ payload }) => payload ?? []);
  expect(await close(one)).toMatchObject({ kind: 'waits' });
  const { descriptor, signature } = vouchers.at(-1)!;
  const taken = { functionName: 'settle', cumulativeAtomic: 600_000n } as const;
  expect(
    await channels.asPayee(shop.payTo, { ...taken, descriptor: descriptor!, signature: signature! }),
  ).toBe(true);
  await world.advance(20 * 60);
  const fees = await world.tempo!.chain.fees(mine.address as `0x${string}`);
  expect(await close(one)).toMatchObject({ kind: 'closed' });
  expect((await rowsOf(one)).deposits).toMatchObject([{ state: 'captured', capturedAtomic: 600_000n }]);
  expect((await countedIn(one)) - others).toBe(600_000n);
  expect(fees).toBeGreaterThan(0n);
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
});
