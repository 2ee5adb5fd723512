import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { startTestWorld, type ChainName, type TestWorld } from '../../support/world.js';
import { startOddShop, type OddShop } from './shop.js';

// Sellers of x402 v2 as some published packages are: each is sold to, by one signature.
let world: TestWorld;
let shop: OddShop;
const wallets = new Map<ChainName, { mine: TestWallet; wallet: Wallet }>();

beforeAll(async () => {
  world = await startTestWorld();
  shop = await startOddShop(world.sandbox);
  for (const chain of ['base', 'solana'] as const) {
    const mine = await world.on(chain).wallet();
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
    wallets.set(chain, { mine, wallet: mine.open() });
  }
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

test.each([
  ['reads scheme and network at the top of a payment', '/top', 'base', 1],
  ['shows its challenge in the body, and reads X-PAYMENT alone', '/body', 'base', 2],
  ['names no seconds on Solana', '/zero', 'solana', 1],
] as const)('one that %s', async (_kind, path, chain, headers) => {
  const { mine, wallet } = wallets.get(chain)!;
  const signatures = signaturesIn(mine.home);
  const outcome = await wallet.pay({ url: `${shop.url}${path}`, max_usd: '0.02' }, anyCall());
  expect(outcome).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' });
  expect(signaturesIn(mine.home)).toBe(signatures + 1);
  const came = shop.payments.filter((one) => one.path === path);
  expect(came).toHaveLength(1);
  // One signature, one nonce, whatever the header's name.
  expect(came[0]!.values).toHaveLength(headers);
  expect(new Set(came[0]!.values).size).toBe(1);
});

test('each was paid what it asked for', async () => {
  for (const [chain, { mine, wallet }] of wallets) {
    await settleAll(world.on(chain), wallet);
    const { captured } = await expectLedgerIsChain(world.on(chain), mine, wallet);
    expect(captured).toHaveLength(chain === 'base' ? 2 : 1);
  }
});
