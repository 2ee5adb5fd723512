import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withdraw } from '../../src/treasury/withdraw.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
import { anyCall } from '../support/testWallet.js';
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
