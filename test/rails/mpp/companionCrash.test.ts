import { afterAll, beforeAll, expect, test } from 'vitest';
import { addChannels, type TempoChannels } from '../../../sandbox/tempo/channels.ts';
import { startSessionShop, type SessionShop } from '../../../sandbox/tempo/sessionShop.ts';
import { startSubscriptionShop, type SubscriptionShop } from '../../../sandbox/tempo/subscriptionShop.ts';
import { closeDeposit } from '../../../src/wallet/settle/depositClose.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import type { Death } from '../../support/walletChild.js';
import { ProcessEnded, startWalletProcess } from '../../support/walletProcess.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// A process that is killed between what outlives a call and the call that it is made with.
const START = 5_000_000n;
const DEPOSIT = 500_000n;
const CALL = 10_000n;
const DAY_SEC = 86_400;
let world: TestWorld;
let channels: TempoChannels;
let sessions: SessionShop;
let subscriptions: SubscriptionShop;

beforeAll(async () => {
  world = await startTestWorld('tempo');
  channels = await addChannels(world.tempo!.chain);
  sessions = await startSessionShop(channels);
  subscriptions = await startSubscriptionShop(world.tempo!.chain, world.now);
});

afterAll(async () => {
  await sessions.close();
  await subscriptions.close();
  await world.stop();
});

async function newWallet(): Promise<TestWallet> {
  const mine = await world.wallet({ usdMicros: 0n });
  await mine.set('net.allow_private', JSON.stringify([sessions.hostPort, subscriptions.hostPort]));
  for (const key of ['limits.deposit_usd', 'limits.commitment_usd']) await mine.set(key, '2');
  await mine.set('limits.per_call_usd', '2');
  await channels.fund(mine.address as `0x${string}`, START);
  return mine;
}

/** Has a process die at a commit point while it pays, and opens the wallet anew. */
async function dieWhilePaying(mine: TestWallet, url: string, death: Death): Promise<Wallet> {
  const process = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
  await process.ask({ do: 'balance', input: {} });
  await process.dieAt(death);
  await expect(process.pay({ url, max_usd: '1' })).rejects.toThrow(ProcessEnded);
  expect(await process.exit).toBe('SIGKILL');
  return mine.open();
}

async function countedIn(wallet: Wallet): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: DAY_SEC } as const;
  return (await ledger.usage([line as never], world.now()))[0]!;
}

async function close(wallet: Wallet) {
  const engine = await wallet.engine();
  const [channel] = (await engine.ledger.entitlements.list({ isLive: true }, 10)).filter(
    ({ kind }) => kind === 'channel',
  );
  const signal = AbortSignal.timeout(20_000);
  return closeDeposit(engine, await engine.config(), channel!, { onChain: true, signal });
}

const at = (when: Death['when'], point: Death['point']): Death => ({ when, point });

test.each([
  // Of the deposit alone, which nothing is kept of yet; then with what is kept; then before its signature is durable.
  at('after', 'held'),
  at('after', 'entitlement'),
  at('before', 'sent'),
])('killed $when $point a deposit is made again, once', async (death) => {
  const mine = await newWallet();
  const url = `${sessions.url}/again/${death.when}-${death.point}`;
  const wallet = await dieWhilePaying(mine, url, death);
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
  expect(await countedIn(wallet)).toBe(0n);
  expect(await wallet.pay({ url, max_usd: '1' }, anyCall())).toMatchObject({ code: 'paid' });
  expect(await countedIn(wallet)).toBe(DEPOSIT);
  expect(await close(wallet)).toMatchObject({ kind: 'closed' });
  expect(await world.ground.balanceOf(mine.address)).toBe(START - CALL);
});

test.each([
  // Held with more, which nobody ever brings; and brought to the chain by its seller, which nobody noted.
  {
    death: at('after', 'sent'),
    then: { status: 'refused', money: 'none' },
    thereAtomic: DEPOSIT,
    taken: 30n,
  },
  { death: at('before', 'entitlement'), then: { code: 'paid' }, thereAtomic: 2n * DEPOSIT, taken: 60n },
])(
  'killed $death.when $death.point a deposit is added to: both count until it is closed, and none is added twice',
  async ({ death, then, thereAtomic, taken }) => {
    const mine = await newWallet();
    const url = `${sessions.url}/added/${death.when}-${death.point}?usd=0.30`;
    const first = mine.open();
    expect(await first.pay({ url, max_usd: '1' }, anyCall())).toMatchObject({ code: 'paid' });
    const wallet = await dieWhilePaying(mine, `${url}&n=2`, death);
    expect(await countedIn(wallet)).toBe(2n * DEPOSIT);
    expect(await wallet.pay({ url: `${url}&n=2`, max_usd: '1' }, anyCall())).toMatchObject(then);
    expect(await countedIn(wallet)).toBe(2n * DEPOSIT);
    const [row] = (await paymentsIn(await wallet.engine())).filter(({ scheme }) => scheme === 'channel');
    expect(await channels.state(row!.nonce as `0x${string}`)).toMatchObject({ deposit: thereAtomic });
    expect(await close(wallet)).toMatchObject({ kind: 'closed' });
    expect(await countedIn(wallet)).toBe(taken * CALL);
    expect(await world.ground.balanceOf(mine.address)).toBe(START - taken * CALL);
  },
);

test('killed with a deposit durable and its call not, it counts whole, nothing new is deposited, and it is free by proof', async () => {
  const mine = await newWallet();
  const url = `${sessions.url}/between`;
  const wallet = await dieWhilePaying(mine, url, at('after', 'sent'));
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
  expect(await countedIn(wallet)).toBe(DEPOSIT);
  expect(await wallet.pay({ url, max_usd: '1' }, anyCall())).toMatchObject({
    status: 'refused',
    money: 'none',
  });
  expect(
    sessions.orders.entries.filter(({ path, payload }) => path === '/between' && payload !== null),
  ).toEqual([]);
  await world.advance(60);
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
  expect(await countedIn(wallet)).toBe(0n);
  expect(await world.ground.balanceOf(mine.address)).toBe(START);
});

// From here on the chain is ahead of the machine's clock, by which the server of sessions signs: nothing is sold by it.
test('killed with a subscription durable and its call not, it counts by its rate, and nothing is subscribed to again', async () => {
  const mine = await newWallet();
  const url = `${subscriptions.url}/killed?usd=0.50&days=1&life=2`;
  const wallet = await dieWhilePaying(mine, url, at('after', 'sent'));
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
  expect(await countedIn(wallet)).toBe(2n * DEPOSIT);
  const again = await wallet.pay({ url, max_usd: '1' }, anyCall());
  expect(again).toMatchObject({ status: 'refused', money: 'none' });
  expect(subscriptions.orders.entries.filter(({ authorization }) => authorization !== null)).toEqual([]);
  const rows = await paymentsIn(await wallet.engine());
  expect(rows.map(({ scheme, state }) => `${scheme} ${state}`).sort()).toEqual([
    'commitment unknown',
    'subscription released',
  ]);
});
