import { renameSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import { reconcileAll, reconcileDue } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

// Events that an honest person meets: docs/liveness.md has a row for each.

const HOUR_SEC = 3_600;
const DAY_SEC = 24 * HOUR_SEC;
/** Past what is signed on either chain, and past a proof by an RPC that was not asked at the signing. */
const LATER_SEC = 600;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
  world.sandbox.solana.mine(500);
});
afterAll(() => world.stop());

const never = (): AbortSignal => new AbortController().signal;

/** Two payments whose answers are lost: one that lands after it, and one that never does. */
async function payTwoLost(wallet: Wallet): Promise<void> {
  const { shop } = world.sandbox;
  for (const settle of ['later', 'no'] as const) {
    shop.setFault('/v2/json', { leg: 'paid', settle, answer: 'error', receipt: 'none' }, { times: 1 });
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ money: 'unknown' });
  }
  await shop.releasePending();
}

const ENDED = ['captured true', 'released false'];
const endsOf = (rows: readonly Payment[]): string[] =>
  rows.map(({ state, confirmed }) => `${state} ${confirmed}`).sort();

describe.each(CHAINS)('on %s', (chain) => {
  let mine: TestWallet;
  beforeAll(async () => {
    mine = await world.on(chain).wallet();
  });
  afterEach(async () => {
    await world.on(chain).ground.rpc.setFault(null);
    mine = await world.on(chain).wallet();
  });

  const rows = async (wallet: Wallet): Promise<Payment[]> => paymentsIn(await wallet.engine());

  test('a machine that slept for a night settles by itself at its first look', async () => {
    const wallet = mine.open();
    await payTwoLost(wallet);
    await world.advance(8 * HOUR_SEC);
    await reconcileDue(await wallet.engine(), never());
    expect(endsOf(await rows(wallet))).toEqual(ENDED);
  });

  // The local Solana makes every block of the time that passes: longer than a day takes minutes.
  test.each([['a day', DAY_SEC]] as [string, number][])(
    'an RPC that was gone for %s leaves all held, names the way out, and settles all when it is back',
    async (_long, seconds) => {
      const wallet = mine.open();
      const { rpc, caip2 } = world.on(chain).ground;
      await payTwoLost(wallet);
      const before = endsOf(await rows(wallet));
      await rpc.setFault({ kind: 'down' });
      await world.advance(seconds);
      await reconcileDue(await wallet.engine(), never());
      expect(endsOf(await rows(wallet))).toEqual(before);
      const [open] = await reconcileAll(await wallet.engine(), never());
      expect(open).toMatchObject({
        openReason: 'rpc_down',
        owner: { action: { kind: 'chooseSetting', key: `networks.${caip2}.rpc_url` } },
      });
      await rpc.setFault(null);
      // Its next look is ten minutes away at the most.
      await world.advance(LATER_SEC);
      await reconcileDue(await wallet.engine(), never());
      expect(endsOf(await rows(wallet))).toEqual(ENDED);
    },
  );

  test('another RPC than the one that was there at the signing settles all', async () => {
    const wallet = mine.open();
    await payTwoLost(wallet);
    const { ground } = world.on(chain);
    await ground.rpc.setFault({ kind: 'down' });
    const other = await world.sandbox.addRpc(chain);
    await mine.set(`networks.${ground.caip2}.rpc_url`, other.url);
    await world.advance(LATER_SEC);
    await reconcileDue(await wallet.engine(), never());
    expect(endsOf(await rows(wallet))).toEqual(ENDED);
  });

  test('a wallet that moved to another machine settles there what the old one left', async () => {
    const wallet = mine.open();
    await payTwoLost(wallet);
    await wallet.close();
    const home = `${mine.home}-moved`;
    renameSync(mine.home, home);
    try {
      const moved = mine.open({ home });
      await world.advance(LATER_SEC);
      await reconcileDue(await moved.engine(), never());
      expect(endsOf(await rows(moved))).toEqual(ENDED);
      await moved.close();
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
