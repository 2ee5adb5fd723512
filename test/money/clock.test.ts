import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import { addPassphrase } from '../../src/owner/auth/ownerFactors.js';
import { rebaseLedger } from '../../src/owner/ledger/ledgerRebase.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { OWNER_PASSPHRASE } from '../approvals/owner.js';
import { leaveLedgerAt } from '../support/aheadLedger.js';
import { attemptsIn } from '../support/books.js';
import { nameOperators } from '../support/operators.js';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import {
  callOf,
  CHAINS,
  PAST_EXPIRY_SEC,
  startTestWorld,
  type ChainName,
  type TestWorld,
} from '../support/world.js';

/** The seller takes the payment, answers with an error, and settles when it is told to. */
const SETTLES_LATER = { leg: 'paid', settle: 'later', answer: 'error', receipt: 'none' } as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

/** A clock that a test sets wrong. */
class Skewed {
  skewMs = 0;
  readonly now = (): number => world.now() + this.skewMs;
}

/** How many signatures have reached the seller. */
const signatures = (): number =>
  world.sandbox.shop.requests.entries.filter(({ payment }) => payment?.nonce !== undefined).length;

const journalOf = async (wallet: Wallet) => {
  const { ledger } = await wallet.engine();
  const { seq, timeMs } = await ledger.head();
  return { seq, timeMs };
};

/** Has a wallet read its chain by two operators of which both must agree, as by those that the table names. */
async function useTwoOperators(mine: TestWallet, name: ChainName): Promise<void> {
  const { caip2 } = world.on(name).ground;
  const operators = [await world.sandbox.addRpc(name), await world.sandbox.addRpc(name)];
  onTestFinished(async () => {
    await Promise.all(operators.map((one) => one.stop()));
  });
  nameOperators({ [caip2]: operators.map(({ url }) => url) });
  await mine.set(`networks.${caip2}.rpc_url`, 'none');
}

describe.each(CHAINS)('on %s', (name) => {
  test.each([
    ['24 h ahead', 24 * HOUR, '24 hours ahead'],
    ['48 h behind', -48 * HOUR, '48 hours behind'],
    ['2 min ahead', 2 * MINUTE, '2 minutes ahead'],
    ['2 min behind', -2 * MINUTE, '2 minutes behind'],
  ])('a clock %s signs nothing and writes nothing down', async (_name, skewMs, told) => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const wallet = mine.open({ now: clock.now });
    clock.skewMs = skewMs;
    const before = await journalOf(wallet);
    const url = world.url('/v2/json');
    const refused = await wallet.pay(callOf(url), anyCall());
    expect(refused).toMatchObject({
      code: 'clock_wrong',
      money: 'none',
      retry: 'after_owner',
      payment: null,
    });
    expect(refused.message).toContain(told);
    expect(refused.tell_owner).toMatchObject({ say: expect.stringContaining(told) });
    expect(await journalOf(wallet)).toEqual(before);
    expect(await attemptsIn(await wallet.engine())).toEqual([]);
    clock.skewMs = 0;
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid' });
    const { timeMs } = await journalOf(wallet);
    expect(Math.abs(timeMs - world.now())).toBeLessThan(MINUTE);
  });

  test.each([
    ['48 h ahead', 48 * HOUR],
    ['48 h behind', -48 * HOUR],
  ])('a jump %s between hold and signature signs nothing, and leaves nothing held', async (_name, skewMs) => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    await useTwoOperators(mine, name);
    const observer = {
      afterCommit: (point: CommitPoint) => void (point === 'held' && (clock.skewMs = skewMs)),
    };
    const wallet = mine.open({ now: clock.now, observer });
    const seen = signatures();
    const url = world.url('/v2/json');
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({
      code: 'clock_wrong',
      money: 'none',
      retry: 'after_owner',
    });
    expect(signatures()).toBe(seen);
    expect(await attemptsIn(await wallet.engine())).toMatchObject([{ state: 'released', payload: null }]);
    const { timeMs } = await journalOf(wallet);
    expect(Math.abs(timeMs - world.now())).toBeLessThan(MINUTE);
    clock.skewMs = 0;
    const again = mine.open({ now: clock.now });
    expect(await again.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid' });
  });

  test.each([
    ['48 h ahead', 48 * HOUR],
    ['48 h behind', -48 * HOUR],
  ])('a jump %s once the payment has left changes nothing of what it bought', async (_name, skewMs) => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const observer = {
      afterCommit: (point: CommitPoint) => void (point === 'sent' && (clock.skewMs = skewMs)),
    };
    const wallet = mine.open({ now: clock.now, observer });
    const url = world.url('/v2/json');
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid', money: 'captured' });
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'clock_wrong' });
    clock.skewMs = 0;
    // Within the minute of a replay, whatever the clock said between.
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid', replayed: true });
    const engine = await wallet.engine();
    const countedMs = async () => (await attemptsIn(engine))[0]?.countedMs ?? 0;
    // Never from earlier than the truth; and from the chain's time once the chain has confirmed it.
    const paidMs = world.now();
    expect(await countedMs()).toBeGreaterThan(paidMs - MINUTE);
    await world.advance(PAST_EXPIRY_SEC * 3);
    await reconcileAll(engine, new AbortController().signal);
    expect(await attemptsIn(engine)).toMatchObject([{ state: 'captured', confirmed: true }]);
    expect(Math.abs((await countedMs()) - paidMs)).toBeLessThan(MINUTE);
  });

  test.each([
    ['48 h ahead', 48 * HOUR],
    ['48 h behind', -48 * HOUR],
  ])('a jump %s while a payment is open releases nothing, and it is found', async (_name, skewMs) => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const wallet = mine.open({ now: clock.now });
    world.sandbox.shop.setFault('/v2/json', SETTLES_LATER, { times: 1 });
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ money: 'unknown' });
    const engine = await wallet.engine();
    const look = async () => reconcileAll(engine, new AbortController().signal);
    clock.skewMs = skewMs;
    await look();
    expect(await attemptsIn(engine)).toMatchObject([{ state: 'unknown' }]);
    await world.sandbox.shop.releasePending();
    await world.advance(PAST_EXPIRY_SEC * 3);
    clock.skewMs = 0;
    await look();
    expect(await attemptsIn(engine)).toMatchObject([{ state: 'captured', confirmed: true }]);
  });

  test('a ledger that a fast clock left ahead signs by the clock, and what settles late is found', async () => {
    const mine = await world.on(name).wallet();
    await leaveLedgerAt(mine.home, TEST_PASSPHRASE, world.now() + 3 * HOUR);
    const wallet = mine.open();
    const engine = await wallet.engine();
    const start = await world.on(name).ground.balanceOf(mine.payAddress);
    world.sandbox.shop.setFault('/v2/json', SETTLES_LATER, { times: 1 });
    const url = world.url('/v2/json');
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ money: 'unknown' });
    const [open] = await attemptsIn(engine);
    // What was signed lives for what its seller asked, not for hours.
    expect((open?.validBeforeSec ?? 0) * 1000 - world.now()).toBeLessThan(10 * MINUTE);
    await world.advance(20);
    await world.sandbox.shop.releasePending();
    await world.advance(PAST_EXPIRY_SEC * 3);
    await reconcileAll(engine, new AbortController().signal);
    expect(await attemptsIn(engine)).toMatchObject([{ state: 'captured', confirmed: true }]);
    expect(start - (await world.on(name).ground.balanceOf(mine.payAddress))).toBe(10_000n);
    const { used_usd: used } = (
      (await wallet.balance({}))['limits'] as { name: string; used_usd: string }[]
    ).find((limit) => limit.name === 'limits.per_day_usd')!;
    expect(used).toBe('0.01');
  });

  test('one that was set right while the machine slept pays at once', async () => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    await useTwoOperators(mine, name);
    const wallet = mine.open({ now: clock.now });
    const pay = () => wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(await pay()).toMatchObject({ code: 'paid' });
    clock.skewMs = 30 * 24 * HOUR;
    expect(await pay()).toMatchObject({ code: 'clock_wrong', money: 'none' });
    // By what was read before, the clock would be off by the sleep, or by a month.
    await world.advance(200);
    clock.skewMs = 0;
    expect(await pay()).toMatchObject({ code: 'paid' });
  });

  test('neither does a withdrawal, though its owner says yes', async () => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const wallet = mine.open({ now: clock.now });
    const engine = await wallet.engine();
    const to = await world.on(name).ground.newOwner();
    const order = { to, usdMicros: 1_000_000n, takesHeld: false };
    const take = () =>
      withdraw(engine, order, async () => Promise.resolve(true), new AbortController().signal);
    clock.skewMs = 24 * HOUR;
    await expect(take()).rejects.toMatchObject({ code: 'clock_wrong', money: 'none' });
    expect(await attemptsIn(engine)).toEqual([]);
    clock.skewMs = 0;
    expect(await take()).toMatchObject({ withdrawal: { state: 'captured' } });
  });
});

describe('a ledger whose time a fast clock left ahead', () => {
  const CAPS = { 'limits.per_day_usd': '0.05', 'limits.per_session_usd': '0.05' };
  const ownerOfWallet = (mine: TestWallet, more: Partial<OwnerOptions> = {}): OwnerOptions => ({
    ...ownerOf(mine.home, TEST_PASSPHRASE),
    now: world.now,
    ...more,
  });

  /** A wallet that paid 3 cents, and then had a clock that was two days fast. */
  async function walletAhead() {
    const mine = await world.wallet({ settings: CAPS });
    const wallet = mine.open();
    for (let i = 0; i < 3; i++)
      expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
    await wallet.close();
    await leaveLedgerAt(mine.home, TEST_PASSPHRASE, world.now() + 48 * HOUR);
    return mine;
  }

  test('is set back by its owner, and all of the last 30 days counts in every limit', async () => {
    const mine = await walletAhead();
    expect(await rebaseLedger(ownerOfWallet(mine))).toMatchObject({
      counted: 3,
      countedUsdMicros: 30_000n,
    });
    const wallet = mine.open();
    const { timeMs } = await journalOf(wallet);
    expect(Math.abs(timeMs - world.now())).toBeLessThan(MINUTE);
    const pay = () => wallet.pay(callOf(world.url('/v2/json')), anyCall());
    for (let i = 0; i < 2; i++) expect(await pay()).toMatchObject({ code: 'paid' });
    expect(await pay()).toMatchObject({ code: 'approval_required', money: 'none' });
    const { ledger } = await wallet.engine();
    expect((await ledger.audit()).findings).toEqual([]);
    expect(await rebaseLedger(ownerOfWallet(mine))).toBeNull();
  });

  test('stays as it is without the owner’s proof', async () => {
    const mine = await walletAhead();
    const nobody = { passphrase: () => Promise.resolve(null), atTerminal: false };
    const byNobody = ownerOfWallet(mine, { auth: nobody });
    await expect(rebaseLedger(byNobody)).rejects.toMatchObject({ code: 'owner_proof_needed' });
    await addPassphrase(ownerOfWallet(mine), () => Promise.resolve(OWNER_PASSPHRASE), { label: 'first' });
    await expect(rebaseLedger(ownerOfWallet(mine))).rejects.toMatchObject({ code: 'factor_needed' });
    const auth = { ...ownerOfWallet(mine).auth, factor: () => Promise.resolve(OWNER_PASSPHRASE) };
    expect(await rebaseLedger(ownerOfWallet(mine, { auth }))).toMatchObject({ counted: 3 });
  });

  test('stays as it is where the clock is wrong, and where nobody tells the true time', async () => {
    const mine = await walletAhead();
    const { rpc } = world.ground;
    const timeOf = async () => (await journalOf(mine.open())).timeMs;
    const before = await timeOf();
    await rpc.setFault({ kind: 'down' });
    try {
      await expect(rebaseLedger(ownerOfWallet(mine))).rejects.toMatchObject({ code: 'clock_unchecked' });
    } finally {
      await rpc.setFault(null);
    }
    const ahead = ownerOfWallet(mine, { now: () => world.now() + 24 * HOUR });
    // One RPC of the owner's is no majority against the clock, and is enough not to believe it.
    await expect(rebaseLedger(ahead)).rejects.toMatchObject({
      code: expect.stringMatching(/^clock_(wrong|unchecked)$/) as string,
    });
    expect(await timeOf()).toBe(before);
  });
});
