import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RpcFault, RpcProxy } from '../../sandbox/rpcProxy.ts';
import type { RpcSource } from '../../src/chain/chain.js';
import type { Config } from '../../src/config/settings.js';
import type { Network } from '../../src/money/network.js';
import type * as Chains from '../../src/wallet/chains.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, CHAINS, startTestWorld, type ChainName, type TestWorld } from '../support/world.js';

/** The operators that the product's own table would name, of which two must agree. */
const table = vi.hoisted(() => ({ urls: [] as string[] }));
vi.mock('../../src/wallet/chains.js', async (original) => {
  const real = await original<typeof Chains>();
  const rpcSourceOf = (): RpcSource => ({ urls: [...table.urls], ownerSet: false });
  return {
    ...real,
    rpcSourceOf,
    openChain: (config: Config, network: Network, nowMs?: () => number) =>
      real.openChain(config, network, nowMs, rpcSourceOf()),
  };
});

/** Longer than anything signed lives, and than an operator's own count of blocks takes. */
const PAST_ALL_SEC = 180;
const CAP_ATOMIC = 20_000n;
const CAPS = {
  'limits.per_session_usd': '0.02',
  'limits.per_day_usd': '0.02',
  'limits.per_month_usd': '0.02',
};

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
  world.sandbox.solana.mine(500);
});
afterAll(() => world.stop());

describe.each(CHAINS)('on %s', (chain: ChainName) => {
  let place: TestWorld;
  let one: RpcProxy;
  let two: RpcProxy;
  beforeAll(async () => {
    place = world.on(chain);
    one = await world.sandbox.addRpc(chain);
    two = await world.sandbox.addRpc(chain);
    table.urls.splice(0, 2, one.url, two.url);
  });
  afterEach(async () => {
    for (const rpc of [one, two]) await rpc.setFault(null);
  });

  const spentBy = async (mine: TestWallet): Promise<bigint> =>
    mine.fundedAtomic - (await place.ground.balanceOf(mine.payAddress));
  const reconcile = async (wallet: Wallet) =>
    reconcileAll(await wallet.engine(), new AbortController().signal);
  const rows = async (wallet: Wallet) => paymentsIn(await wallet.engine());

  /** Where the newest block is, by this chain's measure of a place in history. */
  const newest = async (): Promise<number> =>
    chain === 'solana'
      ? world.sandbox.solana.blocks.slot('confirmed')
      : Number(await world.sandbox.chain.client.getBlockNumber({ cacheTime: 0 }));

  /** A seller that takes the payment and keeps it back, so that the answer is lost. */
  async function payLost(wallet: Wallet): Promise<Outcome> {
    const fault = { leg: 'paid', settle: 'later', answer: 'error', receipt: 'none' } as const;
    world.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
    return wallet.pay(callOf(world.url('/v2/json')), anyCall());
  }

  const LIARS: readonly [string, readonly RpcFault[]][] = [
    [
      'names a last block that is past, and denies all',
      [{ kind: 'lying', lastBlock: 1, dead: true, used: false }],
    ],
    ['is far ahead in time, and denies all', [{ kind: 'lying', aheadSec: 3_600, used: false }]],
    ['kept no history', [{ kind: 'pruned', before: Number.MAX_SAFE_INTEGER }]],
    [
      'kept none, says so to nobody, and calls every blockhash dead',
      [
        { kind: 'pruned', before: Number.MAX_SAFE_INTEGER, silent: true },
        { kind: 'lying', dead: true },
      ],
    ],
  ];

  describe.each(LIARS)('one operator %s', (_what, lies) => {
    test.each([
      ['up to date', []],
      ['a block behind', [{ kind: 'lagging', blocks: 1 }]],
      ['far behind', [{ kind: 'lagging', blocks: 400 }]],
    ] as [string, RpcFault[]][])(
      'the other is %s: no cap is passed, and all ends once both are honest',
      async (_lag, lag) => {
        await one.setFault(lies);
        await two.setFault(lag);
        const mine = await place.wallet({ settings: CAPS });
        const wallet = mine.open();
        for (let i = 0; i < 6; i++) {
          await place.advance(16);
          await payLost(wallet);
          await world.sandbox.shop.releasePending();
        }
        expect(await spentBy(mine)).toBeLessThanOrEqual(CAP_ATOMIC);
        for (const { state, note } of await rows(wallet))
          expect(`${state} ${note}`).not.toContain('released');
        await place.advance(PAST_ALL_SEC);
        await reconcile(wallet);
        for (const { state } of await rows(wallet)) expect(state).not.toBe('released');

        for (const rpc of [one, two]) await rpc.setFault(null);
        await reconcile(wallet);
        const final = await rows(wallet);
        const landed = await place.ground.payments(mine.payAddress);
        expect(final.map(({ state, confirmed }) => `${state} ${confirmed}`)).toEqual(
          landed.map(() => 'captured true'),
        );
      },
    );
  });

  test('a payment is confirmed by both at a settled block, and by one of them never', async () => {
    const mine = await place.wallet();
    const wallet = mine.open();
    await two.setFault({ kind: 'down' });
    await payLost(wallet);
    await world.sandbox.shop.releasePending();
    const [shown] = await reconcile(wallet);
    expect(shown).toMatchObject({ verdict: 'captured', attempt: { state: 'captured', confirmed: false } });
    expect(shown?.retryAtMs).not.toBeNull();
    await place.advance(PAST_ALL_SEC);
    expect(await reconcile(wallet)).toMatchObject([{ verdict: 'waits', attempt: { confirmed: false } }]);
    await two.setFault(null);
    expect(await reconcile(wallet)).toMatchObject([{ verdict: 'confirmed', attempt: { confirmed: true } }]);
    expect((await rows(wallet)).map(({ tx }) => tx)).toEqual(
      (await place.ground.payments(mine.payAddress)).map(({ transaction }) => transaction),
    );
  });

  test('one that pruned what the other shows contradicts it not, and a proof waits for one that does not', async () => {
    const mine = await place.wallet();
    const wallet = mine.open();
    const paid = await payLost(wallet);
    await world.sandbox.shop.releasePending();
    const unpaid = await payLost(wallet);
    world.sandbox.shop.dropPending();
    await place.advance(3_600);
    await two.setFault({ kind: 'pruned', before: (await newest()) - 100 });
    const looked = await reconcile(wallet);
    expect(looked.map(({ openReason }) => openReason)).not.toContain('rpc_disagree');
    const stateOf = async (outcome: Outcome) =>
      (await rows(wallet)).find(({ id }) => id === outcome.payment?.id)?.state;
    expect(await stateOf(paid)).toBe('captured');
    if (chain === 'solana') {
      const waiting = looked.find(({ attempt: payment }) => payment.id === unpaid.payment?.id);
      expect(waiting).toMatchObject({
        verdict: 'waits',
        openReason: 'rpc_down',
        owner: { action: { kind: 'chooseSetting', key: `networks.${place.ground.caip2}.rpc_url` } },
      });
      expect(waiting?.message).toContain('keeps no history from when the payment was signed');
      await two.setFault(null);
      await reconcile(wallet);
    }
    // On Base the state alone proves it, at any node.
    expect(await stateOf(unpaid)).toBe('released');
  });

  test('two that contradict each other are named, and so is the way out', async () => {
    const mine = await place.wallet();
    const wallet = mine.open();
    await payLost(wallet);
    await world.sandbox.shop.releasePending();
    await two.setFault({ kind: 'lying', used: false });
    await place.advance(PAST_ALL_SEC);
    const [torn] = await reconcile(wallet);
    expect(torn).toMatchObject({
      verdict: 'waits',
      openReason: 'rpc_disagree',
      owner: { action: { kind: 'chooseSetting', key: `networks.${place.ground.caip2}.rpc_url` } },
    });
    await two.setFault(null);
    expect(await reconcile(wallet)).toMatchObject([{ attempt: { state: 'captured', confirmed: true } }]);
  });
});
