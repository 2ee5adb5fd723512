import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMppShop, type MppShop } from '../../../sandbox/mppShop.ts';
import { TEMPO_FEE_ATOMIC_MAX } from '../../../src/payment/intent.js';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { withdraw } from '../../../src/treasury/withdraw.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import { attemptsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers on Tempo that leave the fee to the buyer, as the published server does unless it is told otherwise.
let world: TestWorld;
let shop: MppShop;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld('tempo');
  shop = await startMppShop({ ...world.sandbox, tempo: world.tempo!.chain });
  mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort, world.sandbox.shop.hostPort]));
  wallet = mine.open();
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

const urlOf = (more = ''): string => `${shop.url}/tempo?fee=own${more}`;

test('the fee at its most is part of the price, and told apart from it', async () => {
  expect(await wallet.quote({ url: urlOf('&usd=0.02') }, anyCall())).toMatchObject({
    code: 'quoted',
    protocol: 'mpp',
    method: 'tempo',
    usd: '0.0376',
    price_usd: '0.02',
    fee_usd_max: '0.0176',
  });
});

test('a bound that has no room for the fee pays nothing', async () => {
  expect(await wallet.pay({ url: urlOf(), max_usd: '0.02' }, anyCall())).toMatchObject({
    status: 'refused',
    money: 'none',
  });
  expect(signaturesIn(mine.home)).toBe(0);
});

test('it is held with the price, and what was not used is free again once the chain shows it', async () => {
  const before = await world.ground.balanceOf(world.ground.payTo);
  expect(await wallet.pay({ url: urlOf(), max_usd: '0.05' }, anyCall())).toMatchObject({
    status: 'ok',
    code: 'paid',
    money: 'captured',
  });
  expect(await world.ground.balanceOf(world.ground.payTo)).toBe(before + 10_000n);
  const engine = await wallet.engine();
  await reconcileAll(engine, new AbortController().signal);
  const [payment] = await attemptsIn(engine);
  const fee = await world.tempo!.chain.fees(mine.address);
  expect(fee).toBeGreaterThan(0n);
  expect(payment).toMatchObject({
    ...{ state: 'captured', confirmed: true, heldAtomic: 10_000n + TEMPO_FEE_ATOMIC_MAX },
    capturedAtomic: 10_000n + fee,
  });
});

test('an answer that is lost is one signature, captured by what the chain took', async () => {
  const before = signaturesIn(mine.home);
  const call = { url: urlOf('&usd=0.011&fault=lost'), max_usd: '0.05' };
  expect(await wallet.pay(call, anyCall())).toMatchObject({ status: 'failed', money: 'captured' });
  expect(await wallet.pay(call, anyCall())).toMatchObject({ money: 'captured', replayed: true });
  expect(signaturesIn(mine.home)).toBe(before + 1);
});

test('ledger and chain agree to the atomic unit, fees and all', async () => {
  await settleAll(world, wallet);
  const { captured } = await expectLedgerIsChain(world, mine, wallet);
  expect(captured).toHaveLength(2);
});

test('money is taken out to the last unit: its fee comes off the amount, and ledger, audit and chain agree', async () => {
  const engine = await wallet.engine();
  const to = await world.ground.newOwner();
  const done = await withdraw(
    engine,
    { to, usdMicros: 'all', takesHeld: false, network: 'eip155:42431' },
    async () => true,
    anyCall().signal,
  );
  expect(done).toMatchObject({ via: 'own_gas', withdrawal: { state: 'captured', payTo: to } });
  await reconcileAll(engine, new AbortController().signal);
  const there = await world.ground.balanceOf(to);
  const left = await world.ground.balanceOf(mine.address);
  // What was set aside for the fee and not used stays.
  expect(left).toBeGreaterThan(0n);
  expect(left).toBeLessThan(TEMPO_FEE_ATOMIC_MAX);
  expect(there).toBe(done!.withdrawal.heldAtomic - TEMPO_FEE_ATOMIC_MAX);
  await expectLedgerIsChain(world, mine, wallet);
  const { findings } = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(findings).toEqual([]);
  await expect(
    withdraw(engine, { to, usdMicros: 'all', takesHeld: false }, async () => true, anyCall().signal),
  ).rejects.toMatchObject({ code: 'gas_missing' });
});
