import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addPassphrase } from '../../src/owner/ownerFactors.js';
import { rebaseLedger } from '../../src/owner/ledgerRebase.js';
import type { OwnerOptions } from '../../src/owner/ownerHand.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { OWNER_PASSPHRASE } from '../approvals/owner.js';
import { leaveLedgerAt } from '../support/aheadLedger.js';
import { paymentsIn } from '../support/books.js';
import { nameOperators } from '../support/operators.js';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

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

const journalOf = async (wallet: Wallet) => {
  const { ledger } = await wallet.engine();
  const { seq, timeMs } = await ledger.head();
  return { seq, timeMs };
};

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
    expect(await paymentsIn(await wallet.engine())).toEqual([]);
    clock.skewMs = 0;
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid' });
    const { timeMs } = await journalOf(wallet);
    expect(Math.abs(timeMs - world.now())).toBeLessThan(MINUTE);
  });

  test('one that was set right while the machine slept pays at once', async () => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const { caip2 } = world.on(name).ground;
    const operators = [await world.sandbox.addRpc(name), await world.sandbox.addRpc(name)];
    nameOperators({ [caip2]: operators.map(({ url }) => url) });
    await mine.set(`networks.${caip2}.rpc_url`, 'none');
    const wallet = mine.open({ now: clock.now });
    const pay = () => wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(await pay()).toMatchObject({ code: 'paid' });
    clock.skewMs = 30 * 24 * HOUR;
    expect(await pay()).toMatchObject({ code: 'clock_wrong', money: 'none' });
    // By what was read before, the clock would be off by the sleep, or by a month.
    await world.advance(200);
    clock.skewMs = 0;
    expect(await pay()).toMatchObject({ code: 'paid' });
    await Promise.all(operators.map((one) => one.stop()));
  });

  test('neither does a withdrawal, though its owner says yes', async () => {
    const clock = new Skewed();
    const mine = await world.on(name).wallet();
    const wallet = mine.open({ now: clock.now });
    const engine = await wallet.engine();
    const to = await world.on(name).ground.newOwner();
    const wish = { to, usdMicros: 1_000_000n, takesHeld: false };
    const take = () =>
      withdraw(engine, wish, async () => Promise.resolve(true), new AbortController().signal);
    clock.skewMs = 24 * HOUR;
    await expect(take()).rejects.toMatchObject({ code: 'clock_wrong', money: 'none' });
    expect(await paymentsIn(engine)).toEqual([]);
    clock.skewMs = 0;
    expect(await take()).toMatchObject({ payment: { state: 'captured' } });
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
    const byNobody = ownerOfWallet(mine, { hand: nobody });
    await expect(rebaseLedger(byNobody)).rejects.toMatchObject({ code: 'owner_proof_needed' });
    await addPassphrase(ownerOfWallet(mine), () => Promise.resolve(OWNER_PASSPHRASE), 'first');
    await expect(rebaseLedger(ownerOfWallet(mine))).rejects.toMatchObject({ code: 'factor_needed' });
    const hand = { ...ownerOfWallet(mine).hand, factor: () => Promise.resolve(OWNER_PASSPHRASE) };
    expect(await rebaseLedger(ownerOfWallet(mine, { hand }))).toMatchObject({ counted: 3 });
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
