import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPermit2Shop, type Permit2Shop } from '../../../sandbox/permit2/shop.ts';
import { setAllowance } from '../../../src/treasury/allowance.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import type { Death } from '../../support/walletChild.js';
import { ProcessEnded, startWalletProcess } from '../../support/walletProcess.js';
import { callOf, startTestWorld, type TestWorld } from '../../support/world.js';

// A process that is killed while it pays through Permit2: one signature, the whole ceiling until the chain says what it was.
const ALLOWED = 5_000_000n;
let world: TestWorld;
let shop: Permit2Shop;
let mine: TestWallet;

beforeAll(async () => {
  world = await startTestWorld();
  shop = await startPermit2Shop(world.sandbox);
  mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const engine = await mine.open().engine();
  await world.ground.giveGas(await engine.address());
  const order = { usdMicros: ALLOWED, network: undefined, asset: undefined };
  await setAllowance(engine, order, async () => Promise.resolve(true), anyCall().signal);
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

async function dieWhilePaying(url: string, death: Death): Promise<Wallet> {
  const process = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
  await process.ask({ do: 'balance', input: {} });
  await process.dieAt(death);
  await expect(process.pay(callOf(url))).rejects.toThrow(ProcessEnded);
  expect(await process.exit).toBe('SIGKILL');
  return mine.open();
}

async function countedIn(wallet: Wallet): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: 86_400 } as const;
  return (await ledger.usage([line as never], world.now()))[0]!;
}

/** The distinct payments that reached the shop for one path. */
function shownFor(path: string): Set<string> {
  type Shown = { payload: { permit2Authorization: { nonce: string } } };
  const of = shop.payments.filter((one) => one.path === path);
  return new Set(of.map(({ payload }) => (payload as Shown).payload.permit2Authorization.nonce));
}

const at = (when: Death['when'], point: Death['point']): Death => ({ when, point });
const UPTO = { path: '/upto/a?usd=0.10&charge=0.02', heldAtomic: 100_000n, takenAtomic: 20_000n };
const NOTHING = { path: '/upto/b?usd=0.10&charge=0', heldAtomic: 100_000n, takenAtomic: 0n };
const EXACT = { path: '/exact/sponsored/a?usd=0.04', heldAtomic: 40_000n, takenAtomic: 40_000n };

const AGAIN = { status: 'ok', code: 'paid' };
const LOST = { code: 'paid_not_delivered', money: 'captured', replayed: true };

const CASES = [
  // Before it is signed, and signed before that is durable: nothing of it has left, and it is free.
  { death: at('after', 'held'), sale: UPTO, state: 'held', retry: AGAIN, counted: UPTO.heldAtomic },
  { death: at('before', 'sent'), sale: EXACT, state: 'held', retry: AGAIN, counted: EXACT.heldAtomic },
  // Durable and not sent: the very same bytes go.
  {
    ...{ death: at('after', 'sent'), sale: NOTHING, state: 'sent', counted: NOTHING.heldAtomic },
    retry: { money: 'unknown', presented_again: true },
  },
  // Settled and answered, which nobody noted: the chain says what was taken, at once.
  { death: at('before', 'answered'), sale: UPTO, state: 'sent', retry: LOST, counted: UPTO.takenAtomic },
  { death: at('before', 'answered'), sale: EXACT, state: 'sent', retry: LOST, counted: EXACT.takenAtomic },
] as const;

test.each(CASES)(
  'killed $death.when $death.point for $sale.path: all of it counts, and one payment is ever shown',
  async ({ death, sale, state, retry, counted }) => {
    const path = `${sale.path}&n=${death.when}-${death.point}`;
    const url = `${shop.url}${path}`;
    const before = await countedIn(mine.open());
    const wallet = await dieWhilePaying(url, death);
    const left = (await paymentsIn(await wallet.engine())).find((one) => one.url === url);
    expect(left).toMatchObject({ state, heldAtomic: sale.heldAtomic });
    expect((await countedIn(wallet)) - before).toBe(sale.heldAtomic);
    if (state === 'held') expect(shownFor(path).size).toBe(0);
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject(retry);
    expect((await countedIn(wallet)) - before).toBe(counted);
    expect(shownFor(path).size).toBe(1);
  },
);

test('in the end the ledger has what the chain moved, and the rest is free by the proof', async () => {
  const wallet = mine.open();
  await settleAll(world, wallet);
  const { captured } = await expectLedgerIsChain(world, mine, wallet);
  const taken = CASES.map(({ sale }) => sale.takenAtomic).filter((one) => one > 0n);
  expect(captured.map(({ capturedAtomic }) => capturedAtomic).sort()).toEqual(taken.sort());
  expect(await countedIn(wallet)).toBe(taken.reduce((sum, one) => sum + one, 0n));
  // One signature for each payment that a seller was shown, and none for what died before it was durable.
  expect(signaturesIn(mine.home)).toBe(CASES.length);
});
