import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll, spyOnSigner } from '../support/truth.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

describe.each(CHAINS)('on %s', (chain) => {
  let world: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;

  beforeAll(async () => {
    world = await startTestWorld(chain);
    mine = await world.wallet();
    wallet = mine.open();
  });

  afterAll(async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    await world.stop();
  });

  const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
    wallet.pay(callOf(url, more), anyCall());

  async function balances(): Promise<{ buyer: bigint; seller: bigint }> {
    const { ground } = world;
    return { buyer: await ground.balanceOf(mine.payAddress), seller: await ground.balanceOf(ground.payTo) };
  }

  /** The requests that reached the shop for one URL. */
  function requestsFor(url: string) {
    const { pathname, search } = new URL(url);
    return world.sandbox.shop.requests.entries.filter(
      (order) => order.path === pathname && order.url.search === search,
    );
  }

  describe.each([1, 2] as const)('a paid call over x402 v%i', (version) => {
    test.each([
      ['0.002', 2_000n],
      ['0.01', 10_000n],
      ['0.043219', 43_219n],
    ])('costs %s and moves exactly that from buyer to seller', async (usd, atomic) => {
      const before = await balances();
      const url = world.url(`/v${version}/json`, { usd });
      const outcome = await pay(url);
      expect(outcome).toMatchObject({
        status: 'ok',
        code: 'paid',
        money: 'captured',
        retry: 'never',
        next: null,
        spent_usd: usd,
        payment: {
          state: 'captured',
          usd,
          amount_atomic: String(atomic),
          asset: 'USDC',
          network: world.ground.caip2,
          pay_to: world.ground.payTo,
          held_until: null,
        },
        response: { untrusted: true, status: 200, body: { city: 'Lisbon' }, truncated: false },
      });
      const after = await balances();
      expect(before.buyer - after.buyer).toBe(atomic);
      expect(after.seller - before.seller).toBe(atomic);
      // One request to ask, one to pay, and the second alone bears a payment: ours, over this amount.
      const requests = requestsFor(url);
      expect(requests.map(({ payment }) => payment?.version)).toEqual([undefined, version]);
      expect(requests[1]?.payment).toMatchObject({ from: mine.payAddress, value: String(atomic) });
    });

    test('gives text as text', async () => {
      const { response } = await pay(world.url(`/v${version}/text`));
      expect(response).toMatchObject({
        status: 200,
        body: 'All is well, said the paid endpoint.\n',
        bytes: 37,
      });
    });

    test('gives an event stream whole', async () => {
      const { response } = await pay(world.url(`/v${version}/stream`, { events: '3', ms: '5' }));
      expect(response?.truncated).toBe(false);
      expect(String(response?.body)).toMatch(/"index":0[\s\S]*"index":2[\s\S]*\[DONE\]/);
    });

    test('keeps a binary answer in a file of the wallet, byte for byte', async () => {
      const { response } = await pay(world.url(`/v${version}/png`));
      expect(response).toMatchObject({ status: 200, truncated: false });
      expect(response).not.toHaveProperty('body');
      const bytes = readFileSync(response!.path!);
      expect(bytes.subarray(1, 4).toString()).toBe('PNG');
      expect(bytes.length).toBe(response!.bytes);
    });

    test('keeps a large text in a file, shows its head and pages through the rest', async () => {
      const url = world.url(`/v${version}/large`, { bytes: '300000' });
      const { response, payment } = await pay(url);
      expect(response).toMatchObject({ bytes: 300_000, truncated: true });
      expect(response!.head!.length).toBeLessThan(4_000);
      expect(readFileSync(response!.path!).length).toBe(300_000);
      const page = await wallet.response({ id: payment!.id, offset: 299_990 });
      expect(page).toMatchObject({ status: 'ok', untrusted: true, total: 300_000, next: null });
      expect(page['text']).toHaveLength(10);
      expect(await wallet.response({ id: response!.stored_id, find: 'lazy dog' })).toMatchObject({
        status: 'ok',
        places: expect.arrayContaining([expect.objectContaining({ offset: 35 })]),
      });
    });

    test('sends a JSON body once to a seller who works once', async () => {
      const id = `post-v${version}`;
      const url = `${world.sandbox.shop.url}/v${version}/echo`;
      const outcome = await pay(url, { method: 'POST', body: { id, question: 'how much?' } });
      expect(outcome.response?.body).toMatchObject({
        method: 'POST',
        content_type: 'application/json',
        body: JSON.stringify({ id, question: 'how much?' }),
      });
      expect(world.sandbox.shop.runs(id)).toBe(1);
    });

    test.each([
      ['PUT', 'plain words', 'text/plain;charset=utf-8'],
      ['PATCH', '{"already":"json"}', 'application/json'],
      ['DELETE', undefined, null],
    ])('sends %s with its body as it was given', async (method, body, contentType) => {
      const url = world.url(`/v${version}/echo`, { method });
      const outcome = await pay(url, body === undefined ? { method } : { method, body });
      expect(outcome.response?.body).toMatchObject({ method, content_type: contentType, body: body ?? '' });
    });
  });

  test('an endpoint that asks nothing is simply called', async () => {
    const url = world.url('/free/json');
    const signed = (await paymentsIn(await wallet.engine())).length;
    expect(await pay(url)).toMatchObject({
      status: 'ok',
      code: 'not_priced',
      money: 'none',
      performed: true,
      spent_usd: '0.00',
      payment: null,
      response: { status: 200, body: { city: 'Lisbon' } },
    });
    expect(requestsFor(url)).toHaveLength(1);
    expect(await paymentsIn(await wallet.engine())).toHaveLength(signed);
  });

  test.each([
    ['404', 'with_changes'],
    ['503', 'same_call'],
  ])('an unpaid answer of HTTP %s is the seller’s failure, not a payment', async (status, retry) => {
    expect(await pay(world.url(`/free/status/${status}`))).toMatchObject({
      status: 'failed',
      code: 'upstream_error',
      money: 'none',
      retry,
      payment: null,
    });
  });

  test('of several offers the cheapest one it can pay is paid, wherever it stands', async () => {
    const url = world.url('/v2/json', { offers: 'many', usd: '0.02' });
    expect(await pay(url)).toMatchObject({ status: 'ok', payment: { amount_atomic: '20000' } });
  });

  test.each(['offered', 'required'])(
    'a payment-identifier that is %s is the id of the payment',
    async (how) => {
      const url = world.url('/v2/json', { payment_id: how });
      const { status, payment } = await pay(url);
      expect(status).toBe('ok');
      expect(requestsFor(url).at(-1)?.payment?.payload).toMatchObject({
        extensions: { 'payment-identifier': { info: { id: payment!.id } } },
      });
    },
  );

  describe('headers of the caller', () => {
    test('reach the seller on both legs', async () => {
      const url = world.url('/v2/json');
      await pay(url, { headers: { 'X-Trace': 'abc', 'accept-language': 'pt' } });
      for (const { headers } of requestsFor(url)) {
        expect(headers).toMatchObject({ 'x-trace': 'abc', 'accept-language': 'pt' });
      }
      expect(requestsFor(url)).toHaveLength(2);
    });

    test('that carry a secret are sent and never written down', async () => {
      const secret = 'sk-canary-5f1c9d';
      const url = world.url('/v2/echo');
      const headers = { authorization: `Bearer ${secret}`, 'x-api-key': secret, cookie: `session=${secret}` };
      const quote = await wallet.quote({ url, method: 'POST', body: 'x', headers }, anyCall());
      const outcome = await wallet.pay({ quote_id: quote['quote_id'] }, anyCall());
      expect(outcome.status).toBe('ok');
      expect(requestsFor(url).map((order) => order.headers.authorization)).toEqual([
        `Bearer ${secret}`,
        `Bearer ${secret}`,
      ]);
      for (const file of ['', '-wal']) {
        expect(readFileSync(join(mine.home, DATABASE_FILE + file)).includes(secret)).toBe(false);
      }
      expect(JSON.stringify([quote, outcome])).not.toContain(secret);
    });

    test('that are the wallet’s own are refused', async () => {
      const sign = await spyOnSigner(wallet);
      for (const name of ['X-PAYMENT', 'payment-signature', 'sign-in-with-x', 'host']) {
        expect(await pay(world.url('/v2/json'), { headers: { [name]: 'mine' } })).toMatchObject({
          status: 'failed',
          code: 'bad_input',
          money: 'none',
        });
      }
      expect(sign).not.toHaveBeenCalled();
    });
  });

  test('balance and ledger agree with the chain and with each other', async () => {
    await pay(world.url('/v1/json', { usd: '0.03' }));
    const { buyer } = await balances();
    const balance = await wallet.balance({});
    expect(balance).toMatchObject({ status: 'ok', frozen: false });
    expect(balance['balances']).toMatchObject([
      {
        network: world.ground.caip2,
        address: mine.payAddress,
        on_chain_atomic: String(buyer),
        held_atomic: '0',
      },
    ]);
    const captured = (await paymentsIn(await wallet.engine())).reduce(
      (sum, { capturedUsdMicros }) => sum + (capturedUsdMicros ?? 0n),
      0n,
    );
    expect(mine.fundedAtomic - buyer).toBe(captured);
    const byHost = await wallet.ledger({ view: 'by_host' }, anyCall());
    const groups = byHost['groups'] as { captured_usd: string; payments: number }[];
    expect(groups).toHaveLength(1);
    expect(BigInt(groups[0]!.captured_usd.replace('.', '').padEnd(7, '0'))).toBe(captured);
    const limits = balance['limits'] as { name: string; used_usd: string | null }[];
    expect(limits.find(({ name }) => name === 'limits.per_day_usd')?.used_usd).toBe(groups[0]!.captured_usd);
  });

  test('the ledger pages through every payment once, newest first', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Outcome = await wallet.ledger(
        { limit: 3, ...(cursor === null ? {} : { cursor }) },
        anyCall(),
      );
      seen.push(...(page['entries'] as { id: string }[]).map(({ id }) => id));
      cursor = page['next_cursor'] as string | null;
    } while (cursor !== null);
    const all = (await paymentsIn(await wallet.engine())).map(({ id }) => id);
    expect([...seen].reverse()).toEqual(all);
    expect(new Set(seen).size).toBe(all.length);
  });
});
