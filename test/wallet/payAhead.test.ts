import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Order } from '../../sandbox/shop/order.ts';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { list } from '../support/listed.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import type { Death } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess } from '../support/walletProcess.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

const CENT = 10_000n;
/** Differing calls that prove a price. */
const PROVED = 5;

/** What a seller does with a payment: takes it, or something of its own. */
type Deed = (order: Order, response: ServerResponse) => Promise<void> | void;

/** An endpoint whose seller moves its price, its payee, or more. */
interface Stall {
  readonly path: string;
  readonly url: () => string;
  priceUsd: string;
  payTo: string | null;
  /** What is done with the next payments, one each. */
  readonly deeds: Deed[];
  /** Requests so far: those with a payment, and those without. */
  readonly seen: { paid: number; asked: number };
}

/** What the ledger has durably when the process is killed, and what the same call comes to after it. */
const DEATHS: readonly (readonly [Death, string, object])[] = [
  [{ when: 'after', point: 'held' }, '0.01', { code: 'paid', spent_usd: '0.01' }],
  [{ when: 'after', point: 'sent' }, '0.01', { code: 'paid', presented_again: true }],
  [{ when: 'before', point: 'captured' }, '0.01', { money: 'captured', replayed: true }],
  // The price moved, and it was turned away: the other payment is made by whoever calls next.
  [
    { when: 'after', point: 'unknown' },
    '0.02',
    { code: 'paid', spent_usd: '0.02', sent_ahead: { held_usd: '0.01' } },
  ],
];

describe.each(CHAINS)('T37: paying ahead on %s', (chain) => {
  let world: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;
  let stalls = 0;

  beforeAll(async () => {
    world = (await startTestWorld(chain)).on(chain);
    mine = await world.wallet();
    wallet = mine.open();
  });

  afterEach(async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
  });

  afterAll(() => world.stop());

  const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
    wallet.pay(callOf(url, more), anyCall());

  /** An endpoint at one cent, which a catalogue lists at that price unless told otherwise. */
  async function stallAt(listed: { maxUsdMicros: bigint } | null = { maxUsdMicros: CENT }): Promise<Stall> {
    const { shop } = world.sandbox;
    const path = `/ahead/${++stalls}`;
    const stall: Stall = {
      ...{ path, url: () => world.url(path), priceUsd: '0.01', payTo: null },
      ...{ deeds: [], seen: { paid: 0, asked: 0 } },
    };
    shop.handle(path, async (order, response) => {
      stall.seen[order.payment === undefined ? 'asked' : 'paid'] += 1;
      const deed = order.payment === undefined ? undefined : stall.deeds.shift();
      await (deed ?? serve(stall))(order, response);
    });
    if (listed !== null)
      await list(wallet, `test:${path}`, {
        ...{ url: `${shop.url}${path}`, minUsdMicros: CENT, maxUsdMicros: listed.maxUsdMicros },
      });
    return stall;
  }

  /** Hands a request to the shop's published middleware, at the price that the stall has now. */
  function serve(stall: Stall): Deed {
    return async ({ payment }, response) => {
      const headers = payment === undefined ? {} : { 'payment-signature': payment.header };
      const answer = await fetch(
        `${world.sandbox.shop.url}/v2/price/${stall.priceUsd}${chain === 'solana' ? '?chain=solana' : ''}`,
        { headers },
      );
      const required = answer.headers.get('payment-required');
      const told = [
        ...(required === null ? [] : [['payment-required', moved(required, stall)]]),
        ...['payment-response', 'content-type'].map((name) => [name, answer.headers.get(name) ?? '']),
      ].filter(([, value]) => value !== '');
      response.writeHead(answer.status, Object.fromEntries(told));
      response.end(await answer.text());
    };
  }

  function moved(required: string, { payTo }: Stall): string {
    if (payTo === null) return required;
    const demand = JSON.parse(Buffer.from(required, 'base64').toString()) as { accepts: object[] };
    const accepts = demand.accepts.map((offer) => ({ ...offer, payTo }));
    return Buffer.from(JSON.stringify({ ...demand, accepts })).toString('base64');
  }

  /** Asks and pays five differing calls; from then on the price counts as fixed, where it is listed as that. */
  async function prove(stall: Stall): Promise<void> {
    for (let i = 0; i < PROVED; i++) expect(await pay(stall.url())).toMatchObject({ code: 'paid' });
    expect(stall.seen).toEqual({ paid: PROVED, asked: PROVED });
  }

  async function provedStall(): Promise<Stall> {
    const stall = await stallAt();
    await prove(stall);
    return stall;
  }

  const rowsOf = async ({ path }: Stall) =>
    (await paymentsIn(await wallet.engine())).filter(({ url }) => new URL(url).pathname === path);

  test('after five differing calls the payment goes with the first request, and the result is the same', async () => {
    const stall = await provedStall();
    const outcome = await pay(stall.url());
    expect(outcome).toMatchObject({
      ...{ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.01', retry: 'never' },
      response: { status: 200, body: { paid_usd: '0.01' } },
    });
    expect(outcome['sent_ahead']).toBeUndefined();
    expect(stall.seen).toEqual({ paid: PROVED + 1, asked: PROVED });
  });

  test.each([
    ['no catalogue lists it', null, {}],
    ['a catalogue lists a range', { maxUsdMicros: 2n * CENT }, {}],
    ['the owner turned it off', { maxUsdMicros: CENT }, { pay_ahead: 'off' }],
  ] as const)('the price is asked where %s', async (_why, listed, settings) => {
    const stall = await stallAt(listed);
    await prove(stall);
    for (const [key, value] of Object.entries(settings)) await mine.set(key, value);
    expect(await pay(stall.url())).toMatchObject({ code: 'paid' });
    expect(stall.seen).toEqual({ paid: PROVED + 1, asked: PROVED + 1 });
    for (const key of Object.keys(settings)) await mine.set(key, 'fixed');
  });

  test('the same call five times proves nothing of others', async () => {
    const stall = await stallAt();
    const url = stall.url();
    for (let i = 0; i < PROVED; i++) expect(await pay(url, { repeat: true })).toMatchObject({ code: 'paid' });
    expect(await pay(stall.url())).toMatchObject({ code: 'paid' });
    expect(stall.seen).toEqual({ paid: PROVED + 1, asked: PROVED + 1 });
  });

  test.each([
    ['up', '0.02'],
    ['down', '0.005'],
  ])('a price that moved %s is paid beside what is live, and asked from then on', async (_way, priceUsd) => {
    const stall = await provedStall();
    stall.priceUsd = priceUsd;
    const outcome = await pay(stall.url(), { max_usd: '0.03' });
    expect(outcome).toMatchObject({
      ...{ status: 'ok', code: 'paid', money: 'captured', spent_usd: priceUsd.replace(/0$/, '0') },
      sent_ahead: { state: 'unknown', held_usd: '0.01' },
    });
    expect(outcome.message).toContain('$0.01 had gone with the first request');
    const [first, second] = (await rowsOf(stall)).slice(-2);
    expect([first, second]).toMatchObject([{ state: 'unknown', heldUsdMicros: CENT }, { state: 'captured' }]);
    expect(await pay(stall.url())).toMatchObject({ code: 'paid' });
    expect(stall.seen).toEqual({ paid: PROVED + 3, asked: PROVED + 1 });
  });

  test('both together keep to max_usd: nothing more is signed, and the same call goes on with a higher one', async () => {
    const stall = await provedStall();
    stall.priceUsd = '0.02';
    const url = stall.url();
    const signatures = signaturesIn(mine.home);
    const refused = await pay(url, { max_usd: '0.029' });
    expect(refused).toMatchObject({
      code: expect.stringMatching(/^payment_/),
      sent_ahead: { held_usd: '0.01' },
    });
    expect(refused.status).not.toBe('ok');
    expect(refused.message).toContain('It asks $0.02 now');
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
    expect(await pay(url, { max_usd: '0.029' })).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
    });
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
    expect(await pay(url, { max_usd: '0.03' })).toMatchObject({ code: 'paid', spent_usd: '0.02' });
    expect(signaturesIn(mine.home)).toBe(signatures + 2);
    expect(await pay(url, { max_usd: '0.03' })).toMatchObject({ replayed: true });
  });

  test('both together keep to every cap', async () => {
    const stall = await provedStall();
    stall.priceUsd = '0.02';
    await mine.set('limits.per_call_usd', '0.029');
    const signatures = signaturesIn(mine.home);
    expect(await pay(stall.url())).toMatchObject({ sent_ahead: { held_usd: '0.01' } });
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
    await mine.set('limits.per_call_usd', '0.50');
  });

  test('a payee that moved is not paid without the owner', async () => {
    const stall = await provedStall();
    stall.payTo = await world.ground.newOwner();
    stall.deeds.push(async (order, response) => serve(stall)({ ...order, payment: undefined }, response));
    const signatures = signaturesIn(mine.home);
    const outcome = await pay(stall.url());
    expect(outcome.status).not.toBe('ok');
    expect(outcome).toMatchObject({ sent_ahead: { held_usd: '0.01' } });
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
  });

  test('a seller that refuses once is paid once', async () => {
    const stall = await provedStall();
    stall.deeds.push(async (order, response) => serve(stall)({ ...order, payment: undefined }, response));
    const before = await world.ground.balanceOf(mine.payAddress);
    expect(await pay(stall.url())).toMatchObject({ code: 'paid', money: 'captured', spent_usd: '0.01' });
    expect(before - (await world.ground.balanceOf(mine.payAddress))).toBe(CENT);
  });

  test('a seller that gives the goods and leaves the payment is told as that, and asked from then on', async () => {
    const stall = await provedStall();
    stall.deeds.push((_order, response) => void response.writeHead(200).end('{"free":true}'));
    const outcome = await pay(stall.url());
    expect(outcome).toMatchObject({ status: 'ok', money: 'unknown', spent_usd: '0.00' });
    expect(outcome.message).toContain('no readable receipt');
    const { asked } = stall.seen;
    expect(await pay(stall.url())).toMatchObject({ code: 'paid' });
    expect(stall.seen.asked).toBe(asked + 1);
  });

  test('an answer that is lost is one payment, whatever became of it', async () => {
    const stall = await provedStall();
    stall.deeds.push(async (order) => {
      // Whether it settles it or not, nothing is heard of it.
      const silent = { writeHead: () => undefined, end: () => undefined } as unknown as ServerResponse;
      await serve(stall)(order, silent);
      throw new Error('broken off');
    });
    const url = stall.url();
    const signatures = signaturesIn(mine.home);
    const outcome = await pay(url);
    expect(outcome.money).not.toBe('none');
    await pay(url);
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
  });

  test.each(DEATHS)(
    'killed %o at $%s: one payment, or two that fit together',
    async (death, priceUsd, retry) => {
      const stall = await stallAt();
      const child = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
      for (let i = 0; i < PROVED; i++) await child.ask({ do: 'pay', input: callOf(stall.url()) });
      const { asked } = stall.seen;
      stall.priceUsd = priceUsd;
      const url = stall.url();
      const before = await world.ground.balanceOf(mine.payAddress);
      await child.dieAt(death);
      await expect(child.ask({ do: 'pay', input: callOf(url) })).rejects.toThrow(ProcessEnded);
      expect(stall.seen.asked).toBe(asked);
      expect(await pay(url)).toMatchObject(retry);
      await settleAll(world, wallet);
      const spent = before - (await world.ground.balanceOf(mine.payAddress));
      expect(spent).toBe(priceUsd === '0.01' ? CENT : 2n * CENT);
    },
  );

  test('killed once the other payment is held: the first stays live, and both together keep to max_usd', async () => {
    const stall = await stallAt();
    const child = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
    for (let i = 0; i < PROVED; i++) await child.ask({ do: 'pay', input: callOf(stall.url()) });
    stall.priceUsd = '0.02';
    stall.deeds.push(async (order, response) => {
      await child.dieAt({ when: 'after', point: 'held' });
      await serve(stall)(order, response);
    });
    const url = stall.url();
    await expect(child.ask({ do: 'pay', input: callOf(url) })).rejects.toThrow(ProcessEnded);
    const signatures = signaturesIn(mine.home);
    expect(await pay(url, { max_usd: '0.029' })).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
    const outcome = await pay(url, { max_usd: '0.03' });
    expect(outcome).toMatchObject({ code: 'paid', spent_usd: '0.02', sent_ahead: { held_usd: '0.01' } });
    expect(signaturesIn(mine.home)).toBe(signatures + 1);
  });

  test('calls side by side each pay once', async () => {
    const stall = await provedStall();
    const before = await world.ground.balanceOf(mine.payAddress);
    const same = stall.url();
    const urls = [...Array.from({ length: 6 }, () => stall.url()), same, same, same];
    for (const outcome of await Promise.all(urls.map((url) => pay(url))))
      expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
    expect(before - (await world.ground.balanceOf(mine.payAddress))).toBe(7n * CENT);
    expect(stall.seen).toEqual({ paid: PROVED + 7, asked: PROVED });
  });
});
