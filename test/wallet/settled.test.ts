import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { capLine } from '../../src/ledger/sqlite/fixtures.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
import { anyCall } from '../support/testWallet.js';
import { callOf, CHAINS, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';

/** Past what an operator's own count of blocks on Solana takes. */
const PAST_ALL_SEC = 2 * PAST_EXPIRY_SEC;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterEach(() => world.sandbox.setSettling(true));
afterAll(() => world.stop());

const reconcile = async (wallet: Wallet) => reconcileAll(await wallet.engine(), new AbortController().signal);

/** A payment that settled, in a block that is not settled yet, and whose answer was lost. */
async function payUnsettled(place: TestWorld) {
  const mine = await place.wallet();
  const wallet = mine.open();
  const engine = await wallet.engine();
  world.sandbox.setSettling(false);
  const fault = { leg: 'paid', settle: 'yes', answer: 'error', receipt: 'none' } as const;
  world.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
  const outcome = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
  expect(outcome).toMatchObject({ money: 'captured', payment: { state: 'captured', confirmed: false } });
  return { wallet, engine };
}

describe.each(CHAINS)('on the owner’s own RPC of %s', (chain) => {
  test('a payment counts at once, and is confirmed by a settled block alone', async () => {
    const { wallet, engine } = await payUnsettled(world.on(chain));
    expect(await engine.ledger.usage([capLine()], world.now())).toEqual([10_000n]);
    expect(await reconcile(wallet)).toMatchObject([{ verdict: 'waits', attempt: { confirmed: false } }]);
    expect(await paymentsIn(engine)).toMatchObject([{ state: 'captured', confirmed: false }]);

    world.sandbox.setSettling(true);
    expect(await reconcile(wallet)).toMatchObject([{ verdict: 'confirmed', attempt: { confirmed: true } }]);
    expect(await engine.ledger.usage([capLine()], world.now())).toEqual([10_000n]);
  });
});

test('a payment in a block that a reorganisation undoes is not confirmed, and is released once it can land no more', async () => {
  const before = await world.sandbox.chain.checkpoint();
  const { wallet, engine } = await payUnsettled(world);
  expect(await reconcile(wallet)).toMatchObject([{ attempt: { state: 'captured', confirmed: false } }]);
  await before.revert();
  expect(await reconcile(wallet)).toMatchObject([{ attempt: { state: 'captured', confirmed: false } }]);
  expect(await engine.ledger.usage([capLine()], world.now())).toEqual([10_000n]);
  await world.advance(PAST_ALL_SEC);
  expect(await reconcile(wallet)).toMatchObject([
    { verdict: 'released', attempt: { state: 'released', note: 'capture_undone' } },
  ]);
  expect(await engine.ledger.usage([capLine()], world.now())).toEqual([0n]);
});
