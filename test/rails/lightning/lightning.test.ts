import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/wallet/answer/outcome.js';
import { checkUpLocally } from '../../../src/doctor/checkUp.js';
import { countLightning } from '../../../src/owner/lightningCount.js';
import { findLightning } from '../../../src/money/network.js';
import { invoiceQuery } from '../../../src/rails/lightning/invoice.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { anyCall } from '../../support/testWallet.js';
import { attemptsIn } from '../../support/books.js';
import { ownerOf } from '../../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import { startLightningWorld, WAYS, type LightningWorld } from '../../support/lightningWorld.js';

/** Past what a request may be acted on after it was asked, and what two clocks may be apart. */
const COPIES_END_MS = 160_000;

// Each end of a payment is told by the money in the node's own books, never by what the wallet says of itself.
describe.each(WAYS)('an L402 seller, paid over %s', (way) => {
  let world: LightningWorld;
  let wallet: Wallet;
  let page = 0;
  let aheadMs = 0;

  beforeAll(async () => {
    world = await startLightningWorld(way, { now: () => Date.now() + aheadMs });
    wallet = world.open();
  });

  afterAll(() => world.close());

  afterEach(() => (world.shop.rewrite = null));

  /** A page that nothing was bought of. */
  const fresh = (sats = 500, kind = 'l402'): string => `${world.shop.url}/${kind}/${sats}/p${page++}/`;
  const pay = (url: string, more: object = {}): Promise<Outcome> =>
    wallet.pay({ url, max_usd: '1.00', ...more }, anyCall());
  const reconcile = async () => reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
  /** What came of looking at one payment beside all that is open. */
  const lookAt = async (id: string) => (await reconcile()).find(({ attempt }) => attempt.id === id);
  /** Dollars that count, of all payments together. */
  const counted = async (): Promise<bigint> => {
    const { ledger } = await wallet.engine();
    const line = {
      name: 'limits.per_day_usd',
      kind: 'cap',
      scope: { kind: 'wallet' },
      windowSec: 86_400,
    } as const;
    return (await ledger.usage([line], Date.now()))[0] ?? 0n;
  };
  const spentBefore = (): { readonly spent: bigint; readonly asked: number } => ({
    spent: world.node.spentMsat,
    asked: world.node.asked.length,
  });

  test('is connected as the wallet says that it is', () => {
    expect(world.view).toMatchObject({ kind: way, alias: 'sandbox', balance_sat: '100000' });
    expect(JSON.stringify(world.view)).not.toMatch(/secret|macaroon/);
  });

  test('is quoted in satoshi and in dollars, with the most that routing may cost', async () => {
    const quote = await wallet.quote({ url: fresh() }, anyCall());
    expect(quote).toMatchObject({ status: 'ok', code: 'quoted' });
    const text = JSON.stringify(quote);
    for (const part of ['"price_sat":"500"', '"fee_sat_max":"10"', '"price_usd":"0.50"'])
      expect(text).toContain(part);
    expect(world.node.asked).toEqual([]);
  });

  test('is paid once, counted to the millisatoshi, and gives further pages for what was bought', async () => {
    const url = fresh();
    expect(await pay(url)).toMatchObject({
      ...{ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.501' },
      response: { status: 200 },
    });
    expect(world.node.spentMsat).toBe(501_000n);
    expect(await counted()).toBe(501_000n);
    const before = spentBefore();
    expect(await pay(url)).toMatchObject({ status: 'ok', replayed: true });
    expect(await pay(`${url}further`)).toMatchObject({ status: 'ok', money: 'none', spent_usd: '0.00' });
    expect(spentBefore()).toEqual(before);
    expect(JSON.stringify(await wallet.ledger({}, anyCall()))).not.toContain(
      world.shop.credentials.at(-1) ?? '?',
    );
  });

  test('is paid by MPP on the same rail', async () => {
    const url = fresh(300, 'mpp');
    const before = spentBefore();
    expect(await pay(url)).toMatchObject({
      status: 'ok',
      code: 'paid',
      money: 'captured',
      spent_usd: '0.301',
    });
    expect(world.node.spentMsat - before.spent).toBe(301_000n);
  });

  test('costs nothing where the node finds no way, and the same call may be made again', async () => {
    world.node.behave({ kind: 'fails' });
    const url = fresh();
    const [before, countedBefore] = [spentBefore(), await counted()];
    const told = await pay(url, { timeout_ms: 6_000 });
    if (way === 'lnd')
      expect(told).toMatchObject({ status: 'failed', code: 'payment_failed', money: 'none' });
    else {
      // A relay may bring the request once more, and then it may be paid.
      expect(told).toMatchObject({ status: 'unknown', code: 'payment_unknown' });
      expect(await counted()).toBe(countedBefore + 510_000n);
      aheadMs += COPIES_END_MS;
      expect(await reconcile()).toMatchObject([{ verdict: 'released' }]);
    }
    expect(await counted()).toBe(countedBefore);
    expect(world.node.spentMsat).toBe(before.spent);
    expect(await pay(url)).toMatchObject({ status: 'ok', code: 'paid' });
  });

  test('costs and holds nothing where the wallet cannot be reached', async () => {
    const [before, countedBefore] = [spentBefore(), await counted()];
    (world.lnd ?? world.relay).setDown(true);
    const told = await pay(fresh(), { timeout_ms: 4_000 });
    (world.lnd ?? world.relay).setDown(false);
    expect(told).toMatchObject({ money: 'none' });
    expect(told.status).not.toBe('ok');
    expect(await counted()).toBe(countedBefore);
    expect(spentBefore()).toEqual(before);
  });

  test('is not paid where its price is above the caller’s bound, the fee counted in', async () => {
    const before = spentBefore();
    expect(await pay(fresh(500), { max_usd: '0.505' })).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
    });
    expect(spentBefore()).toEqual(before);
  });

  test('T40: an invoice that was swapped, or that names no amount, is not paid', async () => {
    const before = spentBefore();
    // The token of one challenge with the invoice of another cannot be told from an honest one; changed letters can.
    world.shop.rewrite = (header) =>
      header.replace(
        /(invoice="\w{40})(\w)/,
        (_all, head: string, one: string) => head + (one === 'q' ? 'p' : 'q'),
      );
    expect(await pay(fresh())).toMatchObject({ status: 'refused', money: 'none' });
    world.shop.rewrite = (header) => header.replace(/lnbcrt\d+\w1/, 'lnbcrt1');
    expect(await pay(fresh())).toMatchObject({ status: 'refused', money: 'none' });
    expect(spentBefore()).toEqual(before);
  });

  test('T40: one payment hash is paid once, however often it is asked for', async () => {
    await pay(fresh());
    const { invoice } = world.shop.challenges.at(-1)!;
    world.shop.rewrite = (header) => header.replace(/invoice="\w+"/, `invoice="${invoice}"`);
    const before = spentBefore();
    for (const url of [fresh(), fresh()]) expect(await pay(url)).toMatchObject({ money: 'none' });
    expect(spentBefore()).toEqual(before);
  });

  test('shows the same proof again where the seller’s answer was lost', async () => {
    world.shop.dropped = 1;
    const url = fresh();
    expect(await pay(url)).toMatchObject({
      code: 'paid_not_delivered',
      money: 'captured',
      retry: 'same_call',
    });
    const before = spentBefore();
    expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
    expect(spentBefore()).toEqual(before);
  });

  test('a node whose answer is lost is asked again by the payment hash', async () => {
    world.node.behave({ kind: 'pays_in_silence' });
    const url = fresh();
    const before = spentBefore();
    expect(await pay(url, { timeout_ms: 6_000 })).toMatchObject({ status: 'ok', money: 'captured' });
    expect(world.node.spentMsat - before.spent).toBe(501_000n);
    expect(world.node.asked.length - before.asked).toBe(1);
  });

  test('a hold invoice keeps its amount held until the payee takes it, and says so', async () => {
    world.node.behave({ kind: 'holds' });
    const url = fresh();
    const [before, countedBefore] = [spentBefore(), await counted()];
    const held = await pay(url, { timeout_ms: 4_000 });
    expect(held).toMatchObject({ status: 'unknown', code: 'payment_unknown' });
    expect(held.message).toContain('hold invoice');
    expect(await counted()).toBe(countedBefore + 510_000n);
    // Asked again, it is neither paid anew nor let go.
    expect(await pay(url, { timeout_ms: 4_000 })).toMatchObject({ code: 'payment_unresolved' });
    expect(world.node.asked.length - before.asked).toBe(1);
    world.node.settle(world.shop.challenges.find(({ path }) => url.endsWith(path))!.paymentHash);
    const [verdict] = await reconcile();
    expect(verdict).toMatchObject({ verdict: 'captured' });
    expect(await counted()).toBe(countedBefore + 501_000n);
    // What was bought is shown for, and nothing more is paid.
    expect(await pay(url)).toMatchObject({ status: 'ok', response: { status: 200 } });
    expect(world.node.asked.length - before.asked).toBe(1);
  });

  test('a hold invoice that its payee lets go of is free again by the node’s own record', async () => {
    world.node.behave({ kind: 'holds' });
    const url = fresh();
    const countedBefore = await counted();
    await pay(url, { timeout_ms: 4_000 });
    world.node.cancel(world.shop.challenges.find(({ path }) => url.endsWith(path))!.paymentHash);
    if (way === 'nwc') aheadMs += COPIES_END_MS;
    const [verdict] = await reconcile();
    expect(verdict).toMatchObject({ verdict: 'released' });
    expect(await counted()).toBe(countedBefore);
  });

  test('T40: a node that shows a false proof is not believed, and nothing is shown to the seller', async () => {
    world.node.behave({ kind: 'lies' });
    const shown = world.shop.credentials.length;
    expect(await pay(fresh(), { timeout_ms: 4_000 })).toMatchObject({ status: 'unknown' });
    expect(world.shop.credentials.length).toBe(shown);
  });

  test('a request that never arrived stays held, since nobody can know that', async () => {
    world.node.behave({ kind: 'deaf' });
    const [before, countedBefore] = [spentBefore(), await counted()];
    const url = fresh();
    expect(await pay(url, { timeout_ms: 4_000 })).toMatchObject({ status: 'unknown' });
    expect(await pay(url, { timeout_ms: 4_000 })).toMatchObject({ code: 'payment_unresolved' });
    expect(await counted()).toBe(countedBefore + 510_000n);
    expect(world.node.asked.length).toBe(before.asked);
  });

  test('two processes that are asked at once pay once', async () => {
    const url = fresh();
    const other = world.open();
    const before = spentBefore();
    const outcomes = await Promise.all([pay(url), other.pay({ url, max_usd: '1.00' }, anyCall())]);
    expect(outcomes.map(({ money }) => money)).toContain('captured');
    expect(world.node.spentMsat - before.spent).toBe(501_000n);
    expect(world.node.asked.length - before.asked).toBe(1);
  });

  test('T40: a wallet that takes more than its bound is counted whole, told of, and asked for nothing more', async () => {
    world.node.behave({ kind: 'overcharges', feeMsat: 40_000n, isSilent: true });
    const countedBefore = await counted();
    const url = fresh();
    const told = await pay(url, { timeout_ms: 6_000 });
    expect(told).toMatchObject({ money: 'captured', spent_usd: '0.54', response: { status: 200 } });
    expect(told.message).toContain('took $0.03 more');
    expect(told.tell_owner?.action).toEqual({ kind: 'connectLightning' });
    expect(await counted()).toBe(countedBefore + 540_000n);
    const before = spentBefore();
    const refused = await world.open().pay({ url: fresh(), max_usd: '1.00' }, anyCall());
    expect(refused).toMatchObject({ status: 'refused', code: 'lightning_stopped', money: 'none' });
    expect(refused.tell_owner?.action).toEqual({ kind: 'connectLightning' });
    const { checks } = await checkUpLocally({ ...ownerOf(world.home, TEST_PASSPHRASE), env: {} });
    expect(checks.find(({ name }) => name === 'lightning')).toMatchObject({ state: 'fail' });
    expect(spentBefore()).toEqual(before);
    // The books of a stopped wallet are still read, and what was bought of it still serves.
    expect(await pay(`${url}further`)).toMatchObject({ status: 'ok', money: 'none' });
    await world.connect();
    expect(await pay(fresh())).toMatchObject({ status: 'ok', code: 'paid' });
  });

  test('T40: a node that pays and shows no proof stays held, is paid once, and ends by its owner’s word', async () => {
    world.node.behave({ kind: 'hides_proof' });
    const url = fresh();
    const [before, countedBefore] = [spentBefore(), await counted()];
    const { payment } = await pay(url, { timeout_ms: 4_000 });
    expect(await lookAt(payment!.id)).toMatchObject({
      ...{ verdict: 'waits', openReason: 'no_proof' },
      owner: { action: { kind: 'countLightning', id: payment!.id } },
    });
    expect(await pay(url, { timeout_ms: 4_000 })).toMatchObject({ code: 'payment_unresolved' });
    const owner = { ...ownerOf(world.home, TEST_PASSPHRASE), now: () => Date.now() + aheadMs };
    expect(await countLightning(owner, payment!.id)).toMatchObject({ kind: 'counted' });
    expect(await counted()).toBe(countedBefore + 510_000n);
    expect(world.node.spentMsat - before.spent).toBe(501_000n);
    expect(world.node.asked.length - before.asked).toBe(1);
    expect(await pay(url)).toMatchObject({ money: 'captured' });
    expect(world.node.asked.length - before.asked).toBe(1);
  });

  test('T40: a payment that a wallet called failed and then shows as paid counts again', async () => {
    world.node.behave({ kind: 'calls_failed' });
    const url = fresh();
    const countedBefore = await counted();
    const { payment } = await pay(url, { timeout_ms: 4_000 });
    if (way === 'nwc') aheadMs += COPIES_END_MS;
    await reconcile();
    expect(await counted()).toBe(countedBefore);
    world.node.admit(world.shop.challenges.find(({ path }) => url.endsWith(path))!.paymentHash);
    expect(await lookAt(payment!.id)).toMatchObject({ verdict: 'recaptured' });
    expect(await counted()).toBe(countedBefore + 501_000n);
  });

  test('T40: a wallet that was connected after the hold is not asked to pay for it', async () => {
    await pay(fresh());
    const engine = await wallet.engine();
    const config = await engine.config();
    const [last] = await attemptsIn(engine);
    const { network: caip2 } = last!;
    const chain = engine.chain(config, findLightning('bcrt')!);
    const query = invoiceQuery({ ...last!, payFrom: 'nwc:another' });
    expect(caip2).toBe(world.view.network);
    const before = spentBefore();
    const ended = await chain.pay({ ...query!, invoice: '' }, AbortSignal.timeout(5_000));
    expect(ended).toMatchObject({ kind: 'failed' });
    expect(spentBefore()).toEqual(before);
  });

  test.runIf(way === 'lnd')(
    'T40: another node at the place of the connected one is asked for nothing',
    async () => {
      world.node.behave({ kind: 'holds' });
      const url = fresh();
      const { payment } = await pay(url, { timeout_ms: 4_000 });
      const before = spentBefore();
      world.lnd!.setIdentity(`02${'ab'.repeat(32)}`);
      const stopped = await world.open().pay({ url: fresh(), max_usd: '1.00' }, anyCall());
      expect(stopped).toMatchObject({ code: 'payment_failed', money: 'none', retry: 'after_owner' });
      expect(stopped.message).toContain('another node answers than the one that was connected');
      expect(stopped.tell_owner?.action).toEqual({ kind: 'connectLightning' });
      // Its books, which know of nothing, free nothing.
      world.node.cancel(world.shop.challenges.find(({ path }) => url.endsWith(path))!.paymentHash);
      const [verdict] = await reconcile();
      expect(verdict).toMatchObject({ verdict: 'waits', openReason: 'other_wallet' });
      expect(spentBefore()).toEqual(before);
      world.lnd!.setIdentity(null);
      expect(await lookAt(payment!.id)).toMatchObject({ verdict: 'released' });
    },
  );

  test('is bounded by the same caps as every other way of paying', async () => {
    await world.set('limits.per_call_usd', '0.50');
    const before = spentBefore();
    expect(await pay(fresh(495))).toMatchObject({ code: 'approval_required' });
    await world.set('rates.source', 'none');
    const off = await pay(fresh(10));
    expect(off).toMatchObject({ status: 'refused' });
    expect(JSON.stringify(off)).toContain('rates.source');
    expect(spentBefore()).toEqual(before);
  });
});
