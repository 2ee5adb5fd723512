import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { BalanceLine } from '../../src/wallet/balance.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

const CENT = 10_000n;

describe.each(CHAINS)('money held on %s', (chain) => {
  let world: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;
  const patience = new Patience();

  beforeAll(async () => {
    world = await startTestWorld(chain);
    // Four cents: two payments that go well, one whose answer is lost, and what is left for others.
    mine = await world.wallet({ usdMicros: 4n * CENT });
    wallet = mine.open();
    await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    await patience.measure(() => wallet.pay(callOf(world.url('/v2/json')), anyCall()));
  });

  afterEach(() => world.ground.rpc.setFault(null));

  afterAll(async () => {
    world.sandbox.shop.dropPending();
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    await world.stop();
  });

  const lose = (): Promise<Outcome> => {
    const url = world.url('/v2/json', { fault: 'hang_settles_later', times: '1' });
    return patience.lose((bound) => wallet.pay(callOf(url, bound), anyCall()));
  };

  async function lineOf(of: Wallet): Promise<BalanceLine | undefined> {
    const { balances } = await of.balance({ network: world.ground.caip2 });
    return (balances as BalanceLine[])[0];
  }

  test('is taken off the balance while it is there, and not once more when it has left', async () => {
    const lost = await lose();
    expect(lost).toMatchObject({ status: 'unknown', payment: { state: 'unknown' } });
    expect(await lineOf(wallet)).toMatchObject({ on_chain: '0.02', held: '0.01', spendable: '0.01' });
    await world.sandbox.shop.releasePending();
    expect(await lineOf(wallet)).toMatchObject({ on_chain: '0.01', held: '0', spendable: '0.01' });
    expect(await wallet.ledger({ payment_id: lost.payment?.id }, anyCall())).toMatchObject({
      money: 'captured',
    });
  });

  test('refuses no call that the rest still pays', async () => {
    // Half of it is lost on the way, and with it as much as is left.
    const url = world.url('/v2/price/0.005', { fault: 'hang_settles_later', times: '1' });
    await patience.lose((bound) => wallet.pay(callOf(url, bound), anyCall()));
    await world.sandbox.shop.releasePending();
    // Another process knows no balance of before.
    const other = mine.open();
    expect(await other.pay(callOf(world.url('/v2/price/0.005')), anyCall())).toMatchObject({
      status: 'ok',
      spent_usd: '0.005',
    });
    expect(await other.pay(callOf(world.url('/v2/price/0.001')), anyCall())).toMatchObject({
      code: 'insufficient_funds',
    });
  });
});

test('money of an authorization that is spent, nobody can show by what, is not taken off', async () => {
  const world = await startTestWorld();
  const mine = await world.wallet({ usdMicros: 3n * CENT });
  const wallet = mine.open();
  await wallet.pay(callOf(world.url('/v2/json', { fault: 'drop' })), anyCall());
  await world.sandbox.rpc.setFault({ kind: 'lying', used: true });
  const { balances } = await wallet.balance({});
  expect(balances).toMatchObject([{ on_chain: '0.03', held: '0', spendable: '0.03' }]);
  // Toward the caps it counts all the same.
  const { ledger } = await wallet.engine();
  expect(
    await ledger.heldAtomic('eip155:84532', '0x036CbD53842c5426634e7929541eC2318f3dCF7e', mine.address),
  ).toBe(CENT);
  await world.stop();
});

test('an agent without money is told how to fund its own address', async () => {
  const world = await startTestWorld();
  const mine = await world.wallet();
  const engine = await mine.open().engine();
  const added = { act: 'add', index: 1, tokenHash: 'f'.repeat(64) } as const;
  await engine.ledger.agents.change('researcher', added, world.now());
  const its = mine.open({ agent: 'researcher' });
  const outcome = await its.pay(callOf(world.url('/v2/json')), anyCall());
  expect(outcome).toMatchObject({ code: 'insufficient_funds', money: 'none' });
  expect(told(outcome)).toContain('The agent researcher is short of money');
  expect(told(outcome)).toContain(await (await its.engine()).address());
  expect(told(outcome)).toMatch(/purser.* fund --agent researcher --wait/);
  expect(told(outcome)).not.toContain(mine.address);
  await world.stop();
});
