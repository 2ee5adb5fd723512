import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, CHAINS, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';

describe.each(CHAINS)('on %s', (chain) => {
  let world: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;
  const patience = new Patience();

  beforeAll(async () => {
    world = await startTestWorld(chain);
    mine = await world.wallet();
    wallet = mine.open();
    await pay(world.url('/v2/json'));
  });

  beforeEach(async () => void (await patience.measure(() => pay(world.url('/v2/json')))));

  afterEach(async () => {
    await world.ground.rpc.setFault(null);
    world.sandbox.shop.clearFaults();
    world.sandbox.shop.dropPending();
    await settleAll(world, wallet);
  });

  afterAll(async () => {
    await expectLedgerIsChain(world, mine, wallet);
    await world.stop();
  });

  const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
    wallet.pay(callOf(url, more), anyCall());

  /** The payment headers that reached the shop for one URL, in order. */
  function headersFor(url: string): string[] {
    const { pathname, search } = new URL(url);
    return world.sandbox.shop.requests.entries
      .filter((order) => order.path === pathname && order.url.search === search)
      .flatMap(({ payment }) => payment?.header ?? []);
  }

  const idOf = (url: string): string => new URL(url).searchParams.get('id') ?? '';

  async function onChain(): Promise<number> {
    return (await world.ground.payments(mine.payAddress)).length;
  }

  /** Pays a seller who hangs until the caller leaves. */
  const payShort = (url: string, atOnce = 1): Promise<Outcome> =>
    patience.lose((bound) => pay(url, bound), atOnce);

  describe('twins', () => {
    test.each(['/v1/slow', '/v2/slow'])(
      'twenty at once on %s share one payment and one answer',
      async (path) => {
        const url = world.url(path, { ms: '150' });
        const before = await onChain();
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => pay(url)));
        const ids = new Set(outcomes.map(({ payment }) => payment?.id));
        expect(ids.size).toBe(1);
        for (const outcome of outcomes) {
          expect(outcome).toMatchObject({
            status: 'ok',
            money: 'captured',
            response: { body: { slow: true } },
          });
        }
        expect(outcomes.filter(({ spent_usd }) => spent_usd === '0.01')).toHaveLength(1);
        expect(outcomes.filter(({ replayed }) => replayed === true)).toHaveLength(19);
        expect(headersFor(url)).toHaveLength(1);
        expect(world.sandbox.shop.runs(idOf(url))).toBe(1);
        expect(await onChain()).toBe(before + 1);
      },
    );

    test('of a payment that ends open share that, and nobody sends it again on their behalf', async () => {
      const url = world.url('/v2/json', { fault: 'error_before_settle' });
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => pay(url, { method: 'POST', body: 'x' })),
      );
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'unknown', money: 'unknown', payment: { state: 'unknown' } });
      }
      expect(new Set(outcomes.map(({ payment }) => payment?.id)).size).toBe(1);
      expect(headersFor(url)).toHaveLength(1);
    });

    test('of a payment that was taken and not answered are told so', async () => {
      const url = world.url('/v2/json', { fault: 'drop_after_settle' });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => pay(url)));
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'failed', code: 'paid_not_delivered', money: 'captured' });
      }
      expect(headersFor(url)).toHaveLength(1);
    });

    test('that retry an open payment at once send its bytes once', async () => {
      const url = world.url('/v2/slow', { fault: 'error_before_settle', times: '1', ms: '150' });
      expect(await pay(url)).toMatchObject({ status: 'unknown' });
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => pay(url)));
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
      expect(headersFor(url)).toHaveLength(2);
      expect(new Set(headersFor(url)).size).toBe(1);
      expect(world.sandbox.shop.runs(idOf(url))).toBe(1);
    });

    test('wait for the whole answer, not for its receipt', async () => {
      const url = world.url('/v2/stream', { events: '20', ms: '20' });
      const first = pay(url);
      await world.sandbox.shop.requests.waitFor(
        (order) => order.url.searchParams.get('id') === idOf(url) && order.payment !== undefined,
      );
      const twins = await Promise.all([pay(url), pay(url)]);
      const { response } = await first;
      expect(response?.body).toContain('[DONE]');
      for (const twin of twins) expect(twin).toMatchObject({ status: 'ok', replayed: true, response });
    });

    test('of which one was still asking the price while the other was paid sign once', async () => {
      // Relays to the till; the second question is held back until the first call has been paid and answered.
      const { shop } = world.sandbox;
      const path = '/own/overtaken';
      let asked = 0;
      let letGo = (): void => undefined;
      const paid = new Promise<void>((resolve) => (letGo = resolve));
      shop.handle(path, async (order, response) => {
        if (order.payment === undefined && ++asked === 2) await paid;
        const signature = order.headers['payment-signature'];
        const answer = await fetch(`${shop.url}/v2/json?timeout=60`, {
          headers: typeof signature === 'string' ? { 'payment-signature': signature } : {},
        });
        const kept = ['payment-required', 'payment-response', 'content-type'];
        response.writeHead(
          answer.status,
          Object.fromEntries([...answer.headers].filter(([name]) => kept.includes(name))),
        );
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
      const signatures = signaturesIn(mine.home);
      const first = pay(shop.url + path);
      await shop.requests.waitFor((order) => order.path === path);
      const second = pay(shop.url + path);
      const one = await first;
      letGo();
      const two = await second;
      expect(one).toMatchObject({ status: 'ok', spent_usd: '0.01' });
      expect(two).toMatchObject({
        status: 'ok',
        spent_usd: '0.00',
        replayed: true,
        payment: { id: one.payment?.id },
      });
      expect(signaturesIn(mine.home)).toBe(signatures + 1);
    });

    test('that differ in anything, a credential too, are none', async () => {
      const url = world.url('/v2/echo');
      const post = { method: 'POST', body: { a: 1 } };
      const variants: Record<string, unknown>[] = [
        {},
        post,
        { ...post, method: 'PUT' },
        { ...post, body: { a: 2 } },
        { ...post, headers: { 'x-page': '2' } },
        { ...post, headers: { authorization: 'Bearer another' } },
      ];
      const outcomes = await Promise.all(variants.map((more) => pay(url, more)));
      expect(new Set(outcomes.map(({ payment }) => payment?.id)).size).toBe(variants.length);
    });
  });

  describe('within a minute of a capture', () => {
    test('the same request gets the stored answer, paid for once', async () => {
      const url = world.url('/v2/json');
      const first = await pay(url);
      const second = await pay(url.replace('127.0.0.1', '127.0.0.1').concat('#fragment'));
      expect(second).toMatchObject({
        status: 'ok',
        code: 'paid',
        money: 'captured',
        replayed: true,
        spent_usd: '0.00',
        payment: { id: first.payment?.id },
        response: { status: 200, body: { city: 'Lisbon' } },
      });
      expect(headersFor(url)).toHaveLength(1);
    });

    test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
      'a %s says first of all that it was NOT sent again',
      async (method) => {
        const url = world.url('/v2/echo');
        await pay(url, { method });
        const second = await pay(url, { method });
        expect(second).toMatchObject({ replayed: true, response: { body: { method } } });
        expect(second.message).toMatch(/^NOT sent again/);
        expect(world.sandbox.shop.runs(idOf(url))).toBe(1);
      },
    );

    test('large and binary answers are there again, too', async () => {
      const url = world.url('/v2/large', { bytes: '100000' });
      const first = await pay(url);
      expect((await pay(url)).response).toEqual(first.response);
    });

    test('a paid error answer is replayed as the failure it was', async () => {
      const url = world.url('/v2/json', { fault: 'error_with_receipt' });
      const first = await pay(url);
      expect(first).toMatchObject({ status: 'failed', code: 'paid_error_answer', money: 'captured' });
      expect(await pay(url)).toMatchObject({
        ...first,
        message: expect.anything(),
        spent_usd: '0.00',
        replayed: true,
      });
    });

    test('repeat: true buys again', async () => {
      const url = world.url('/v2/json');
      const first = await pay(url);
      const second = await pay(url, { repeat: true });
      expect(second).toMatchObject({ status: 'ok', spent_usd: '0.01' });
      expect(second.payment?.id).not.toBe(first.payment?.id);
      expect(new Set(headersFor(url)).size).toBe(2);
    });

    test('after it the same request is bought again', async () => {
      const url = world.url('/v2/json');
      const first = await pay(url);
      await world.advance(61);
      const second = await pay(url);
      expect(second).toMatchObject({ status: 'ok', spent_usd: '0.01' });
      expect(second.payment?.id).not.toBe(first.payment?.id);
    });
  });

  describe('an idempotency_key', () => {
    test('pays once however much later', async () => {
      const url = world.url('/v2/json');
      const first = await pay(url, { idempotency_key: `k-${url}` });
      await world.advance(3600);
      const second = await pay(url, { idempotency_key: `k-${url}`, repeat: true });
      expect(second).toMatchObject({ replayed: true, payment: { id: first.payment?.id }, spent_usd: '0.00' });
      expect(headersFor(url)).toHaveLength(1);
    });

    test('that is new buys the same request again', async () => {
      const url = world.url('/v2/json');
      const first = await pay(url, { idempotency_key: `a-${url}` });
      const second = await pay(url, { idempotency_key: `b-${url}` });
      expect(second).toMatchObject({ status: 'ok', spent_usd: '0.01' });
      expect(second.payment?.id).not.toBe(first.payment?.id);
    });

    test('with another request is refused, and nothing is signed', async () => {
      const url = world.url('/v2/json');
      await pay(url, { idempotency_key: `c-${url}` });
      const signatures = signaturesIn(mine.home);
      expect(await pay(world.url('/v2/text'), { idempotency_key: `c-${url}` })).toMatchObject({
        status: 'failed',
        code: 'idempotency_key_reused',
        money: 'none',
      });
      expect(signaturesIn(mine.home)).toBe(signatures);
    });

    test('twenty at once with one key pay once', async () => {
      const url = world.url('/v2/slow', { ms: '100' });
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => pay(url, { idempotency_key: `d-${url}`, repeat: true })),
      );
      expect(new Set(outcomes.map(({ payment }) => payment?.id)).size).toBe(1);
      expect(headersFor(url)).toHaveLength(1);
    });

    test('never skips an unresolved payment, nor does repeat', async () => {
      const url = world.url('/v2/json', { fault: 'hang' });
      const signatures = signaturesIn(mine.home);
      await payShort(url);
      await world.ground.rpc.setFault({ kind: 'down' });
      for (const more of [{ repeat: true }, { idempotency_key: `e-${url}` }]) {
        expect(await pay(url, { ...patience.short(), ...more })).toMatchObject({
          status: 'unknown',
          code: 'payment_unresolved',
        });
      }
      expect(signaturesIn(mine.home)).toBe(signatures + 1);
    });
  });

  describe('a retry of an unresolved payment', () => {
    test.each([1, 2])('five times after a timeout signs once (v%i)', async (version) => {
      const url = world.url(`/v${version}/json`, { fault: 'hang' });
      const signatures = signaturesIn(mine.home);
      for (let i = 0; i < 5; i++) {
        const outcome = await payShort(url);
        expect(outcome).toMatchObject({ status: 'unknown', money: 'unknown', retry: 'after_delay' });
        expect(outcome.next).toEqual({
          tool: 'wallet_ledger',
          arguments: { payment_id: outcome.payment!.id },
        });
      }
      const headers = headersFor(url);
      expect(headers).toHaveLength(5);
      expect(new Set(headers).size).toBe(1);
      expect(signaturesIn(mine.home)).toBe(signatures + 1);
    });

    test('that was settled meanwhile is captured: paid, nothing delivered', async () => {
      const url = world.url('/v2/json', { fault: 'hang_settles_later', times: '1' });
      const first = await payShort(url);
      expect(first).toMatchObject({ status: 'unknown', code: 'payment_unknown' });
      await world.sandbox.shop.releasePending();
      const second = await pay(url);
      expect(second).toMatchObject({
        status: 'failed',
        code: 'paid_not_delivered',
        money: 'captured',
        retry: 'never',
        payment: { id: first.payment?.id, confirmed: true },
      });
      expect(headersFor(url)).toHaveLength(1);
    });

    test('whose answer came without a receipt gets that answer once the chain shows it', async () => {
      const url = world.url('/v2/json', { fault: 'settles_later', times: '1' });
      const first = await pay(url);
      expect(first).toMatchObject({ status: 'ok', money: 'unknown', response: { body: { city: 'Lisbon' } } });
      await world.sandbox.shop.releasePending();
      expect(await pay(url)).toMatchObject({
        status: 'ok',
        money: 'captured',
        replayed: true,
        payment: { id: first.payment?.id },
        response: { body: { city: 'Lisbon' } },
      });
    });

    test.each(['GET', 'POST'])('that is unused and valid sends the same bytes again (%s)', async (method) => {
      const url = world.url('/v2/echo', { fault: 'error_before_settle', times: '1' });
      const first = await pay(url, { method });
      expect(first).toMatchObject({ status: 'unknown', response: { status: 500 } });
      const second = await pay(url, { method });
      expect(second).toMatchObject({
        status: 'ok',
        money: 'captured',
        presented_again: true,
        payment: { id: first.payment?.id },
      });
      expect(second.message.includes('may have run twice')).toBe(method === 'POST');
      const [one, two] = headersFor(url);
      expect(two).toBe(one);
      expect(headersFor(url)).toHaveLength(2);
    });

    test.each([{ kind: 'down' }, { kind: 'garbled' }] as const)(
      'of which nothing can be known ($kind) says when to ask again',
      async (fault) => {
        const url = world.url('/v2/json', { fault: 'drop', times: '1' });
        const first = await pay(url);
        await world.ground.rpc.setFault(fault);
        const second = await pay(url);
        expect(second).toMatchObject({
          status: 'unknown',
          code: 'payment_unresolved',
          money: 'unknown',
          retry: 'after_delay',
          payment: { id: first.payment?.id },
          next: { tool: 'wallet_ledger' },
        });
        expect(second.retry_after_s).toBeGreaterThan(0);
        expect(second.retry_after_s).toBeLessThanOrEqual(600);
        expect(headersFor(url)).toHaveLength(1);

        await world.ground.rpc.setFault(null);
        expect(await pay(url)).toMatchObject({ status: 'ok', payment: { id: first.payment?.id } });
      },
    );

    test('after its expiry was proven: it is released, and a new payment is possible', async () => {
      const url = world.url('/v2/json', { fault: 'verify_refused', times: '1' });
      const first = await pay(url);
      expect(first).toMatchObject({ status: 'failed', code: 'payment_rejected', money: 'held' });
      // Time alone proves nothing: the wallet's clock is past the expiry, the chain's is not. On Solana no clock is
      // asked at all.
      if (chain === 'base') {
        const ahead = mine.open({ now: () => world.now() + PAST_EXPIRY_SEC * 1000 });
        expect(await ahead.pay(callOf(url), anyCall())).toMatchObject({
          status: 'unknown',
          code: 'payment_unresolved',
          payment: { id: first.payment?.id },
        });
      }
      await world.advance(PAST_EXPIRY_SEC);
      const second = await pay(url);
      expect(second).toMatchObject({ status: 'ok', spent_usd: '0.01' });
      expect(second.payment?.id).not.toBe(first.payment?.id);
      expect(new Set(headersFor(url)).size).toBe(2);
      const row = (await paymentsIn(await wallet.engine())).find(({ id }) => id === first.payment?.id);
      expect(row).toMatchObject({ state: 'released', note: 'expired_unused' });
    });

    test('is told the same whoever found out: the tool wallet_ledger, a background pass, or the retry', async () => {
      const urls = ['/v2/json', '/v1/json', '/v2/text'].map((path) =>
        world.url(path, { fault: 'hang_settles_later', times: '1' }),
      );
      const firsts = await Promise.all(urls.map((url) => payShort(url, urls.length)));
      await world.sandbox.shop.releasePending();
      await wallet.ledger({ payment_id: firsts[0]?.payment?.id }, anyCall());
      await reconcileAll(await wallet.engine(), new AbortController().signal);
      for (const [i, url] of urls.entries()) {
        expect(await pay(url)).toMatchObject({
          code: 'paid_not_delivered',
          money: 'captured',
          payment: { id: firsts[i]?.payment?.id },
        });
      }
    });

    test('that nobody was told of is not bought again, however late the agent comes back', async () => {
      // After three payments in a row that brought nothing this seller is paused; once that is over it delivers.
      await world.advance(1_300);
      expect(await patience.measure(() => pay(world.url('/v2/json')))).toMatchObject({ status: 'ok' });
      const url = world.url('/v2/json', { fault: 'hang_settles_later', times: '1' });
      const first = await payShort(url);
      await world.sandbox.shop.releasePending();
      await reconcileAll(await wallet.engine(), new AbortController().signal);
      await world.advance(300);
      expect(await pay(url)).toMatchObject({
        code: 'paid_not_delivered',
        money: 'captured',
        payment: { id: first.payment?.id },
      });
      expect(headersFor(url)).toHaveLength(1);
    });
  });
});
