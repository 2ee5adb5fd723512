import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { CHAINS, startTestWorld, type TestWorld } from '../../support/world.js';
import { startMemberShop, type MemberShop } from '../../../sandbox/memberShop.ts';

// A page that was bought is given again to who signs in: paying twice for it is a fault.
describe.each(CHAINS)('a seller that knows its buyers by their signature, on %s', (chain) => {
  let world: TestWorld;
  let shop: MemberShop;
  let mine: TestWallet;
  let wallet: Wallet;

  beforeAll(async () => {
    world = await startTestWorld(chain);
    shop = await startMemberShop(world.sandbox);
    mine = await world.wallet();
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
    wallet = mine.open();
  });

  afterAll(async () => {
    await shop.close();
    await world.stop();
  });

  const PAID = { status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' };
  const pay = (path: string): Promise<Outcome> =>
    // Each a call of its own: what was paid within a minute is replayed without a word to the seller.
    wallet.pay({ url: `${shop.url}${path}`, max_usd: '0.02', repeat: true }, anyCall());
  const cameTo = (path: string): number => shop.signIns.filter((one) => one.path === path).length;

  test('is paid once for a page, and signed in to from then on', async () => {
    expect(await pay('/page/one')).toMatchObject(PAID);
    expect(cameTo('/page/one')).toBe(0);
    const signatures = signaturesIn(mine.home);
    const again = await pay('/page/one');
    expect(again).toMatchObject({
      status: 'ok',
      money: 'none',
      spent_usd: '0.00',
      entitlement: { kind: 'siwx_session', origin: shop.url },
      response: { status: 200, body: { page: '/page/one' } },
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
    // What signs in is no secret of the agent's to pass on.
    expect(JSON.stringify(again)).not.toContain(shop.signIns.at(-1)!.value);
    // The session is remembered: the price is not asked, and nothing new is signed.
    expect(await pay('/page/one')).toMatchObject({ status: 'ok', money: 'none', response: { status: 200 } });
    expect(cameTo('/page/one')).toBe(2);
    expect(new Set(shop.signIns.map(({ value }) => value)).size).toBe(1);
    const other = mine.open({ agent: 'default' });
    expect(await other.balance({})).toMatchObject({ prepaid: [{ kind: 'siwx_session', path: '/page/one' }] });
  });

  test('is paid where it does not give the page, and is not asked for ever where it sells by the call', async () => {
    for (let i = 0; i < 5; i++) expect(await pay('/call/one')).toMatchObject(PAID);
    // Once it may have been sold for good; after that was paid and refused again, it was not.
    expect(cameTo('/call/one')).toBe(2);
  });

  test('is signed in to where it wants a signature and no money', async () => {
    expect(await pay('/members')).toMatchObject({ status: 'ok', money: 'none', response: { status: 200 } });
    expect(cameTo('/members')).toBe(1);
  });

  test('gets no signature of a wallet that is frozen', async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    const came = cameTo('/page/one');
    await (await wallet.engine()).ledger.freeze(world.now());
    expect(await pay('/page/one')).toMatchObject({ code: 'frozen', money: 'none' });
    expect(cameTo('/page/one')).toBe(came);
  });
});
