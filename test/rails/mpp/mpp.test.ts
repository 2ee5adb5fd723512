import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMppShop, type MppShop } from '../../../sandbox/mppShop.ts';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { CHAINS, startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers on the published servers of MPP, which nobody here wrote.
describe.each([...CHAINS, 'tempo'] as const)('a charge of MPP on %s', (chain) => {
  let world: TestWorld;
  let shop: MppShop;
  let mine: TestWallet;
  let wallet: Wallet;
  const method = { base: 'evm', solana: 'solana', tempo: 'tempo' }[chain];
  const path = `/${method}`;
  const scheme = 'charge';

  beforeAll(async () => {
    world = await startTestWorld(chain);
    shop = await startMppShop({
      ...world.sandbox,
      ...(world.tempo === undefined ? {} : { tempo: world.tempo.chain }),
    });
    mine = await world.wallet();
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort, world.sandbox.shop.hostPort]));
    wallet = mine.open();
  });

  afterAll(async () => {
    await shop.close();
    await world.stop();
  });

  test('is quoted, and paid by its quote, to the cent', async () => {
    const before = await world.ground.balanceOf(world.ground.payTo);
    const quoted = await wallet.quote({ url: `${shop.url}${path}?usd=0.02` }, anyCall());
    expect(quoted).toMatchObject({
      code: 'quoted',
      protocol: 'mpp',
      method,
      usd: '0.02',
      network: world.ground.caip2,
    });
    const paid = await wallet.pay({ quote_id: quoted['quote_id'] }, anyCall());
    expect(paid).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' });
    expect(paid['response']).toMatchObject({ status: 200 });
    expect(await world.ground.balanceOf(world.ground.payTo)).toBe(before + 20_000n);
    const [payment] = await paymentsIn(await wallet.engine());
    expect(payment).toMatchObject({ protocol: 'mpp', scheme, state: 'captured' });
    expect(payment?.tx).not.toBeNull();
  });

  // On the EVM and Tempo the challenge sets the nonce; a message on Solana is new each time, and the seller refuses it.
  test.runIf(chain !== 'solana')('one challenge is answered once (T23)', async () => {
    const quoted = await wallet.quote({ url: `${shop.url}${path}?usd=0.012` }, anyCall());
    expect(await wallet.pay({ quote_id: quoted['quote_id'] }, anyCall())).toMatchObject({ code: 'paid' });
    expect(await wallet.pay({ quote_id: quoted['quote_id'], repeat: true }, anyCall())).toMatchObject({
      code: 'quote_expired',
      money: 'none',
      retry: 'new_quote',
    });
  });

  test("carries the seller's own reference", async () => {
    const call = { url: `${shop.url}${path}?reference=order-7`, max_usd: '0.01' };
    expect(await wallet.pay(call, anyCall())).toMatchObject({ status: 'ok', code: 'paid' });
  });

  // The method `evm` of mppx 0.11.0 asks for the other header, and reads Authorization all the same.
  test.runIf(chain !== 'base')(
    'leaves Authorization to the caller where the seller wants it so',
    async () => {
      const headers = { authorization: 'Bearer mine' };
      const call = { url: `${shop.url}${path}?requires_auth=1`, max_usd: '0.01', headers };
      expect(await wallet.pay(call, anyCall())).toMatchObject({ status: 'ok', code: 'paid' });
      const order = shop.orders.entries.at(-1);
      expect(order?.authorization).toBe('Bearer mine');
      expect(order?.paymentAuthorization).toMatch(/^Payment /);
    },
  );

  test("never overwrites the caller's own Authorization", async () => {
    const headers = { authorization: 'Bearer mine' };
    const call = { url: `${shop.url}${path}?usd=0.011`, max_usd: '0.02', headers };
    const refused = await wallet.pay(call, anyCall());
    expect(refused).toMatchObject({ status: 'refused', code: 'unsupported_scheme', money: 'none' });
    expect(String(refused['message'])).toContain('Authorization');
    expect(shop.orders.entries.at(-1)?.authorization).toBe('Bearer mine');
  });

  test('an answer that is lost is found on the chain, and is not bought twice', async () => {
    const call = { url: `${shop.url}${path}?fault=lost`, max_usd: '0.01' };
    const before = await world.ground.balanceOf(world.ground.payTo);
    expect(await wallet.pay(call, anyCall())).toMatchObject({ status: 'failed', money: 'captured' });
    expect(await wallet.pay(call, anyCall())).toMatchObject({ money: 'captured', replayed: true });
    expect(await world.ground.balanceOf(world.ground.payTo)).toBe(before + 10_000n);
  });

  test('a seller that settles and asks again is paid once', async () => {
    const call = { url: `${shop.url}${path}?fault=again`, max_usd: '0.01' };
    const before = await world.ground.balanceOf(world.ground.payTo);
    expect(await wallet.pay(call, anyCall())).toMatchObject({ money: 'captured' });
    expect(await world.ground.balanceOf(world.ground.payTo)).toBe(before + 10_000n);
  });

  test.runIf(chain === 'base')('is passed over for an offer of x402 at the same price', async () => {
    const quoted = await wallet.quote({ url: `${shop.url}${path}?x402=1` }, anyCall());
    expect(quoted).toMatchObject({ code: 'quoted', protocol: 'x402', usd: '0.01' });
  });

  test('one cap counts it together with x402, and ledger and chain agree', async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    await mine.set('limits.per_day_usd', '0.07');
    await mine.set('ceilings.per_day_usd', '0.07');
    // What was paid on Tempo counts where x402 is paid, too.
    if (chain === 'tempo') await mine.set('networks.enabled', '["eip155:42431","eip155:84532"]');
    const url = `${world.sandbox.shop.url}/v2/json?usd=0.05`;
    expect(await wallet.pay({ url, max_usd: '0.05' }, anyCall())).toMatchObject({
      status: 'refused',
      code: 'above_ceiling',
      money: 'none',
    });
  });
});
