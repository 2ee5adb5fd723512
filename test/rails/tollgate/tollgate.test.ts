import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalServer } from '../../../sandbox/localServer.ts';
import { PROTOCOLS } from '../../../src/rails/table.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';
import { tollgate } from './protocol.js';
import { startTollShop } from './shop.js';

// A rail of a made-up protocol: it comes in by its folder and its row, and nothing else of the wallet knows of it.
let world: TestWorld;
let shop: LocalServer;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
  shop = await startTollShop(world.sandbox);
  mine = await world.wallet();
  await mine.set('limits.per_day_usd', '0.05');
  await mine.set('ceilings.per_day_usd', '0.05');
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort, world.sandbox.shop.hostPort]));
  wallet = mine.open({ protocols: [...PROTOCOLS, tollgate] });
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

test('it is quoted, and paid by its quote', async () => {
  const quoted = await wallet.quote({ url: `${shop.url}/once` }, anyCall());
  expect(quoted).toMatchObject({ code: 'quoted', usd: '0.02', network: 'eip155:84532', gate: 'north' });
  const paid = await wallet.pay({ quote_id: quoted['quote_id'] }, anyCall());
  expect(paid).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' });
  expect(paid['response']).toMatchObject({ status: 200 });
  expect((await paymentsIn(await wallet.engine()))[0]).toMatchObject({
    protocol: 'tollgate',
    scheme: 'barrier',
  });
});

test('an answer that is lost is found on the chain, and the same call is not paid twice', async () => {
  const call = { url: `${shop.url}/lost`, max_usd: '0.02' };
  const lost = await wallet.pay(call, anyCall());
  expect(lost).toMatchObject({ status: 'failed', money: 'captured' });
  const again = await wallet.pay(call, anyCall());
  expect(again).toMatchObject({ money: 'captured', replayed: true });
  expect(await paymentsIn(await wallet.engine())).toHaveLength(2);
});

test('one cap counts it together with x402', async () => {
  const url = `${world.sandbox.shop.url}/v2/json?usd=0.02`;
  expect(await wallet.pay({ url, max_usd: '0.02' }, anyCall())).toMatchObject({
    status: 'refused',
    code: 'above_ceiling',
    money: 'none',
  });
});

test('it is reconciled and audited like any other', async () => {
  await settleAll(world, wallet);
  const { captured } = await expectLedgerIsChain(world, mine, wallet);
  expect(captured).toHaveLength(2);
});
