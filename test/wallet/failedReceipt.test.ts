import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
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
    await patience.measure(() => pay(world.url('/v2/json')));
  });

  afterEach(async () => {
    await world.ground.rpc.setFault(null);
    world.sandbox.facilitator.setFault(null);
    world.sandbox.shop.clearFaults();
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    // A seller that took money and gave nothing is paused for a while; one that delivers again has a clean slate.
    await world.advance(1_300);
    expect(await pay(world.url('/v2/json'))).toMatchObject({ status: 'ok' });
  });

  afterAll(() => world.stop());

  const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
    wallet.pay(callOf(url, more), anyCall());
  const look = (outcome: Outcome): Promise<Outcome> =>
    wallet.ledger({ payment_id: outcome.payment?.id }, anyCall());

  /** A URL that asks as the till does, and settles nothing. */
  function ownUrl(name: string, answer: (response: ServerResponse) => Promise<void>): string {
    const path = `/own/${name}`;
    world.sandbox.shop.handle(path, async (order, response) => {
      if (order.payment !== undefined) return answer(response);
      const priced = await fetch(`${world.sandbox.shop.url}/v2/json?timeout=60`);
      const required = priced.headers.get('payment-required') ?? '';
      response.writeHead(402, { 'payment-required': required }).end('{}');
    });
    return world.url(path);
  }

  /** The money is gone, the endpoint's answer is an error, and both are told. */
  const PAID_FOR_NOTHING = { status: 'failed', code: 'paid_error_answer', money: 'captured', retry: 'never' };

  /** What a later look and the same call again say of a payment that the seller denied and the chain shows. */
  async function expectToldLater(url: string, first: Outcome, status: number): Promise<void> {
    const { id } = first.payment!;
    const signatures = signaturesIn(mine.home);
    const looked = await look(first);
    expect(looked).toMatchObject({
      status: 'ok',
      money: 'captured',
      payment: { id, state: 'captured' },
      next: { tool: 'wallet_response', arguments: { id } },
    });
    expect(looked.message).toContain(`answered with HTTP ${status}`);
    expect(looked.message).toContain('The money is spent');
    expect(await wallet.response({ id })).toMatchObject({ status: 'ok' });
    const again = await pay(url);
    expect(again).toMatchObject({ money: 'captured', replayed: true, payment: { id }, response: { status } });
    expect(again.message).toMatch(/^Not paid again/);
    expect(signaturesIn(mine.home)).toBe(signatures);
  }

  test('the reference server that did not hear its facilitator: what the chain shows is told at once', async () => {
    world.sandbox.facilitator.setFault('lost');
    // Nothing more in the URL: it is the published middleware that answers.
    const url = world.url('/v2/json');
    const outcome = await pay(url);
    expect(outcome).toMatchObject({
      ...PAID_FOR_NOTHING,
      spent_usd: '0.01',
      payment: { state: 'captured' },
      response: { status: 402 },
    });
    expect(outcome.message).toContain('said that the settlement failed, but the chain shows the transfer');
    expect(outcome.message).toContain('The money is spent; do not pay again for the same');
    await expectToldLater(url, outcome, 402);
  });

  test.each([1, 2])(
    'a settlement that failed and lands later is open, then captured (v%i)',
    async (version) => {
      const url = world.url(`/v${version}/json`, { fault: 'fails_then_settles', times: '1' });
      const outcome = await pay(url);
      expect(outcome).toMatchObject({ status: 'unknown', code: 'payment_unknown', money: 'unknown' });
      expect(outcome.message).toContain('its settlement failed');
      expect(outcome.message).toContain('may still settle');
      expect(outcome.message).toContain('do not buy the same elsewhere');
      await world.sandbox.shop.releasePending();
      await expectToldLater(url, outcome, 402);
    },
  );

  test('goods beside a failed receipt are delivered, and not free until the chain says so', async () => {
    const url = world.url('/v2/json', { fault: 'fails_then_settles_delivered', times: '1' });
    const outcome = await pay(url);
    expect(outcome).toMatchObject({
      status: 'ok',
      money: 'unknown',
      retry: 'never',
      response: { body: { city: 'Lisbon' } },
    });
    expect(outcome.message).toContain('may still settle');
    await world.sandbox.shop.releasePending();
    await expectToldLater(url, outcome, 200);
    // What was delivered estranges nobody.
    expect(await pay(world.url('/v2/text'))).toMatchObject({ status: 'ok' });
  });

  test.each([1, 2])(
    'a slow handler that the retry runs twice has taken the money once (v%i)',
    async (version) => {
      const { shop, facilitator } = world.sandbox;
      const url = world.url(`/v${version}/gate`);
      const id = new URL(url).searchParams.get('id')!;
      expect(await patience.lose((bound) => pay(url, bound))).toMatchObject({
        status: 'unknown',
        money: 'unknown',
      });
      const retry = pay(url);
      await shop.begun(id, 2);
      const settled = facilitator.log.entries.length;
      shop.letGo(id);
      await facilitator.log.waitFor((entry) => facilitator.log.entries.indexOf(entry) >= settled);
      shop.letGo(id);
      const second = await retry;
      expect(second).toMatchObject({ ...PAID_FOR_NOTHING, presented_again: true, response: { status: 402 } });
      expect(shop.runs(id)).toBe(2);
      await expectToldLater(url, second, 402);
      // Its first answer found nobody there, which is no fault of the seller's.
      expect(await pay(world.url('/v2/text'))).toMatchObject({ status: 'ok' });
    },
  );

  describe('a refusal in verifying', () => {
    test('is told with its reason, and the money stays held', async () => {
      const outcome = await pay(world.url('/v2/json', { fault: 'verify_refused' }));
      expect(outcome).toMatchObject({ status: 'failed', code: 'payment_rejected', money: 'held' });
      // It is the seller's finding, and this wallet knows better.
      expect(outcome.message).toMatch(
        /^The seller refused .* says that it finds too little money at the paying address, though the wallet has enough \(\d+\.\d+ USDC\)\. /,
      );
      expect(outcome.message).toMatch(
        /nothing is known to be paid; it still could be settled, so \$0\.01 stays held until about \S+Z\. Then .* where it says released, the same call may be made once more\.$/,
      );
      expect(outcome).toMatchObject({ retry: 'after_delay', next: { tool: 'wallet_ledger' } });
      expect(await look(outcome)).toMatchObject({ money: 'held', payment: { state: 'unknown' } });
    });

    test('is not believed while the chain cannot be asked', async () => {
      const outcome = await pay(
        ownUrl('refuses', async (response) => {
          await world.ground.rpc.setFault({ kind: 'down' });
          response.writeHead(402, { 'content-type': 'application/json' });
          response.end('{"x402Version":1,"error":"insufficient_funds","accepts":[]}');
        }),
      );
      expect(outcome).toMatchObject({ status: 'unknown', code: 'payment_unknown', money: 'unknown' });
      expect(await look(outcome)).toMatchObject({ money: 'unknown' });
    });

    test('is not believed of bytes that left before', async () => {
      const { shop } = world.sandbox;
      const url = world.url('/v2/json', { timeout: '60' });
      const { pathname } = new URL(url);
      shop.setFault(pathname, 'error_before_settle', { times: 1 });
      const first = await pay(url);
      expect(first).toMatchObject({ status: 'unknown', money: 'unknown' });
      shop.setFault(pathname, 'verify_refused', { times: 1 });
      expect(await pay(url)).toMatchObject({
        status: 'unknown',
        code: 'payment_unknown',
        money: 'unknown',
        presented_again: true,
        payment: { id: first.payment?.id },
      });
    });
  });

  test('a payment sent once is told as unknown, not as held, where a freeze stops its retry', async () => {
    const url = world.url('/v2/json', { fault: 'drop' });
    const first = await pay(url);
    const { ledger } = await wallet.engine();
    await ledger.freeze(world.now());
    const stopped = await pay(url);
    await ledger.unfreeze(world.now());
    expect(stopped).toMatchObject({
      code: 'frozen',
      money: 'unknown',
      payment: { id: first.payment?.id, state: 'unknown' },
    });
  });

  describe('a payment that is proved dead before its call ends', () => {
    /** Answers what was paid only once nobody can take it any more. */
    const lateUrl = (status: number): string =>
      ownUrl(`late${status}`, async (response) => {
        await world.advance(PAST_EXPIRY_SEC);
        response.writeHead(status, { 'content-type': 'application/json' }).end('{"late":true}');
      });

    test('and brought nothing: nothing was spent, and the same call may be made', async () => {
      expect(await pay(lateUrl(500))).toMatchObject({
        status: 'failed',
        code: 'payment_expired',
        money: 'none',
        spent_usd: '0.00',
        retry: 'same_call',
        next: null,
        payment: { state: 'released' },
        response: { status: 500 },
      });
    });

    test('and brought the goods: they were free', async () => {
      const outcome = await pay(lateUrl(200));
      expect(outcome).toMatchObject({
        status: 'ok',
        money: 'none',
        spent_usd: '0.00',
        payment: { state: 'released' },
        response: { body: { late: true } },
      });
      expect(outcome.message).toContain('nothing was spent');
      expect((await paymentsIn(await wallet.engine())).at(-1)).toMatchObject({ state: 'released' });
    });
  });
});
