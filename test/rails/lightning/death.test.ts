import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyAttempt } from '../../../src/ledger/attempts/withdrawal.js';
import { findLightning } from '../../../src/money/network.js';
import { invoiceQuery } from '../../../src/rails/lightning/invoice.js';
import { readChain } from '../../../src/owner/ledger/chainImport.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { attemptsIn } from '../../support/books.js';
import { startLightningWorld, type LightningWorld } from '../../support/lightningWorld.js';
import { anyCall } from '../../support/testWallet.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../../support/walletProcess.js';

// Processes that end, or stand still, while a wallet over Nostr pays: no invoice is asked for twice, and all that may have left
// counts. Real processes; the node's own books are the judge.
let world: LightningWorld;
let wallet: Wallet;
let child: WalletProcess;
let page = 0;
let aheadMs = 0;
/** Past what a request may be acted on after it was asked, and what two clocks may be apart. */
const COPIES_END_MS = 160_000;

beforeAll(async () => {
  world = await startLightningWorld('nwc', { now: () => Date.now() + aheadMs });
  wallet = world.open();
});
beforeEach(async () => {
  child = await startWalletProcess(world.home);
});
afterEach(async () => {
  world.shop.rewrite = null;
  await child.kill();
});
afterAll(() => world.close());

const fresh = (): string => `${world.shop.url}/l402/500/d${page++}/`;
const orderOf = (url: string) => ({ url, max_usd: '1.00', timeout_ms: 20_000 });
const pay = (url: string) => wallet.pay({ ...orderOf(url), timeout_ms: 8_000 }, anyCall());
const rowOf = async (url: string): Promise<AnyAttempt | undefined> =>
  (await attemptsIn(await wallet.engine())).findLast((one) => one.kind === 'payment' && one.url === url);
const reconcile = async () => reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
const hashOf = (url: string): string =>
  world.shop.challenges.find(({ path }) => url.endsWith(path))?.paymentHash ?? '';
const askedFor = (url: string): number => world.node.asked.filter((hash) => hash === hashOf(url)).length;

async function dieAt(url: string, at: Parameters<WalletProcess['dieAt']>[0]): Promise<void> {
  await child.dieAt(at);
  await expect(child.pay(orderOf(url))).rejects.toThrow(ProcessEnded);
}

test('one that dies before the wallet is asked leaves the amount held, and nobody asks in its place', async () => {
  const url = fresh();
  await dieAt(url, { point: 'sent', when: 'after' });
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'unknown', heldAtomic: 510_000n });
  expect(await pay(url)).toMatchObject({ code: 'payment_unresolved' });
  expect(askedFor(url)).toBe(0);
});

test('one that is killed while the payment is under way leaves it to the wallet’s books', async () => {
  const url = fresh();
  world.node.behave({ kind: 'holds' });
  const ended = expect(child.pay(orderOf(url))).rejects.toThrow(ProcessEnded);
  await expect.poll(() => askedFor(url)).toBe(1);
  await child.kill();
  await ended;
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'unknown' });
  world.node.settle(hashOf(url));
  expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
  expect(await rowOf(url)).toMatchObject({ state: 'captured', capturedAtomic: 501_000n });
  expect(askedFor(url)).toBe(1);
});

test.each([
  ['before the proof is written down', { point: 'confirmed', when: 'before' }],
  ['before the seller is shown the proof', { point: 'confirmed', when: 'after' }],
] as const)('one that dies %s has paid once, and the same call brings what was bought', async (_when, at) => {
  const url = fresh();
  await dieAt(url, at);
  expect(askedFor(url)).toBe(1);
  expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
  expect(await rowOf(url)).toMatchObject({ state: 'captured', capturedAtomic: 501_000n });
  expect(askedFor(url)).toBe(1);
});

test('one that stood still until another one took its payment over does not ask any more', async () => {
  const url = fresh();
  await child.ask({ do: 'stall', at: { point: 'sent', when: 'after' } });
  const told = child.pay(orderOf(url));
  await expect.poll(async () => (await rowOf(url))?.state).toBe('sent');
  await expect.poll(async () => (await reconcile(), (await rowOf(url))?.state)).toBe('unknown');
  child.resume();
  expect(await told).toMatchObject({ status: 'unknown' });
  expect(askedFor(url)).toBe(0);
});

test('T40: a wallet that refuses a second copy of a request does not let go of the first, which is under way', async () => {
  const url = fresh();
  world.node.behave({ kind: 'denies' });
  expect(await pay(url)).toMatchObject({ status: 'unknown', money: 'unknown' });
  expect(await rowOf(url)).toMatchObject({ state: 'unknown', heldAtomic: 510_000n });
  world.node.settle(hashOf(url));
  expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
  expect(askedFor(url)).toBe(1);
});

test('T40: a wallet that has too little money is believed once no copy can come and its books know of nothing', async () => {
  const url = fresh();
  world.node.behave({ kind: 'refuses' });
  expect(await pay(url)).toMatchObject({ status: 'unknown' });
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'unknown', note: 'wallet_refused' });
  aheadMs += COPIES_END_MS;
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'released' });
});

test('T40: a request that failed and that a relay brings again is not let go of before it can come no more', async () => {
  const url = fresh();
  world.node.behave({ kind: 'fails' });
  expect(await pay(url)).toMatchObject({ status: 'unknown' });
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'unknown', heldAtomic: 510_000n });
  // The second copy reaches a wallet that does not know it for one, and pays.
  const invoice = world.shop.challenges.find(({ path }) => url.endsWith(path))?.invoice ?? '';
  await world.node.pay(invoice);
  expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
  expect(await rowOf(url)).toMatchObject({ state: 'captured', capturedAtomic: 501_000n });
});

test('T40: a process that stood still past the end of its request does not ask any more', async () => {
  const chain = (await wallet.engine()).chain(await (await wallet.engine()).config(), findLightning('bcrt')!);
  await pay(fresh());
  const query = invoiceQuery((await attemptsIn(await wallet.engine()))[0]!);
  const asked = world.node.asked.length;
  const { invoice = '' } = world.shop.challenges.at(-1) ?? {};
  const late = { ...query!, invoice, askUntilSec: Math.floor(Date.now() / 1000) + aheadMs / 1000 - 1 };
  expect(await chain.pay(late, AbortSignal.timeout(5_000))).toMatchObject({ kind: 'failed' });
  expect(world.node.asked.length).toBe(asked);
});

test('a rebuilding counts what is under way, which may still arrive', async () => {
  const url = fresh();
  world.node.behave({ kind: 'holds' });
  expect(await pay(url)).toMatchObject({ status: 'unknown' });
  const engine = await wallet.engine();
  const config = await engine.config();
  const bitcoin = await engine.bitcoin(config);
  const times = { now: Date.now, sinceMs: Date.now() - 3_600_000, untilMs: 0 };
  const { found } = await readChain(config, engine.keys, engine.ledger, { ...times, bitcoin });
  expect(found.find(({ nonce }) => nonce === `0x${hashOf(url)}`)).toMatchObject({ usdMicros: 501_000n });
  world.node.cancel(hashOf(url));
});

test('two processes with one invoice ask for it once', async () => {
  const asked = await fetch(fresh());
  const shared = /invoice="(\w+)"/.exec(asked.headers.get('www-authenticate') ?? '')?.[1] ?? '';
  world.shop.rewrite = (header) => header.replace(/invoice="\w+"/, `invoice="${shared}"`);
  const before = world.node.asked.length;
  const outcomes = await Promise.all([child.pay(orderOf(fresh())), pay(fresh())]);
  expect(outcomes.filter(({ money }) => money === 'captured')).toHaveLength(1);
  expect(world.node.asked.length - before).toBe(1);
});

test('T40: one that dies when the wallet took more than its bound leaves that wallet stopped, and all of it counted', async () => {
  const url = fresh();
  world.node.behave({ kind: 'overcharges', feeMsat: 40_000n });
  await dieAt(url, { point: 'confirmed', when: 'before' });
  expect(await pay(fresh())).toMatchObject({ code: 'lightning_stopped', money: 'none' });
  await reconcile();
  expect(await rowOf(url)).toMatchObject({ state: 'captured', capturedAtomic: 540_000n });
  await world.connect();
});
