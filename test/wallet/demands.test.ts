import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendJson } from '../../sandbox/jsonHttp.ts';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open();
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const quote = (url: string): Promise<Outcome> => wallet.quote({ url }, anyCall());
const pay = (input: Record<string, unknown>): Promise<Outcome> => wallet.pay(input, anyCall());

let paths = 0;
/** A page of the shop's whose answers are made by `make`. */
function page(make: Parameters<TestWorld['sandbox']['shop']['handle']>[1]): string {
  const path = `/free/demand-${++paths}`;
  world.sandbox.shop.handle(path, make);
  return world.url(path);
}

/** Sells what `/v2/json` sells, and says by `status` that it wants to be paid. */
function soldUnder(status: number, body: unknown): string {
  return page(async ({ headers }, response) => {
    const payment = headers['payment-signature'];
    const answer = await fetch(world.url('/v2/json'), {
      headers: typeof payment === 'string' ? { 'payment-signature': payment } : {},
    });
    const asked = answer.headers.get('payment-required');
    const receipt = answer.headers.get('payment-response');
    if (asked !== null) response.setHeader('PAYMENT-REQUIRED', asked);
    if (receipt !== null) response.setHeader('PAYMENT-RESPONSE', receipt);
    sendJson(
      response,
      answer.status === 402 ? status : answer.status,
      answer.status === 402 ? body : { sold: true },
    );
  });
}

/** The challenge of `/v2/json`, as JSON. */
async function challenge(): Promise<{ accepts: unknown[] }> {
  const { headers } = await fetch(world.url('/v2/json'));
  const text = Buffer.from(headers.get('payment-required') ?? '', 'base64').toString();
  return JSON.parse(text) as { accepts: unknown[] };
}

describe('a demand that comes under another status than 402', () => {
  test.each([401, 403, 412])('HTTP %i with a PAYMENT-REQUIRED header is paid as a 402', async (status) => {
    const url = soldUnder(status, { error: 'denied' });
    expect(await quote(url)).toMatchObject({ status: 'ok', code: 'quoted', usd: '0.01', verdict: 'allow' });
    const bought = await pay({ url, max_usd: '0.05' });
    expect(bought).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', delivery: 'delivered' });
    expect(bought.response?.body).toEqual({ sold: true });
  });

  test('HTTP 200 with one: its answer is shown and nothing paid, and a quote of it can be paid', async () => {
    const url = soldUnder(200, { preview: 'The first line' });
    const shown = await pay({ url, max_usd: '0.05' });
    expect(shown).toMatchObject({
      ...{ status: 'ok', code: 'not_priced', money: 'none', payment: null },
      ...{
        response: { body: { preview: 'The first line' } },
        next: { tool: 'wallet_quote', arguments: { url } },
      },
    });
    expect(shown.message).toMatch(/\$0\.01 in USDC on Base Sepolia/);
    const quoted = await quote(url);
    expect(quoted).toMatchObject({ code: 'quoted', usd: '0.01', performed: true });
    expect(quoted.response?.body).toEqual({ preview: 'The first line' });
    const bought = await pay({ quote_id: quoted['quote_id'] });
    expect(bought).toMatchObject({ code: 'paid', money: 'captured', response: { body: { sold: true } } });
  });

  test('an ATXP 402, whose other methods stand beside in a form of their own, is paid by its x402 offer', async () => {
    const url = page(async ({ headers }, response) => {
      const payment = headers['payment-signature'];
      if (typeof payment === 'string') {
        const answer = await fetch(world.url('/v2/json'), { headers: { 'payment-signature': payment } });
        response.setHeader('PAYMENT-RESPONSE', answer.headers.get('payment-response') ?? '');
        return sendJson(response, answer.status, { sold: true });
      }
      const tempo = 'amount="0.01", currency="USDC", network="tempo", recipient="0x01"';
      response.setHeader('WWW-Authenticate', `Payment method="tempo", intent="charge", id="r", ${tempo}`);
      response.setHeader('X-ATXP-Payment-Request', JSON.stringify({ paymentRequestId: 'r' }));
      sendJson(response, 402, await challenge());
    });
    expect(await quote(url)).toMatchObject({ status: 'ok', code: 'quoted', usd: '0.01', verdict: 'allow' });
    expect(await pay({ url, max_usd: '0.02' })).toMatchObject({ code: 'paid', money: 'captured' });
  });

  test('a plain 401 asks for no payment', async () => {
    const url = page((_order, response) => {
      response.setHeader('WWW-Authenticate', 'Bearer');
      sendJson(response, 401, { error: 'token' });
    });
    expect(await quote(url)).toMatchObject({ code: 'upstream_error', retry: 'with_changes' });
  });
});

test.each([
  [
    'a tool result',
    (data: unknown) => ({ result: { isError: true, structuredContent: data } }),
    'tool result',
  ],
  ['a JSON-RPC error 402', (data: unknown) => ({ error: { code: 402, data } }), 'JSON-RPC error'],
])('%s with offers: what it asks is named, and where that is paid', async (_what, wrap, form) => {
  const data = await challenge();
  const demand = (id: unknown = 1) => ({ jsonrpc: '2.0', id, ...wrap(data) });
  const served = page((order, response) => {
    const { id, method } = JSON.parse(order.body.toString() || '{}') as { id?: unknown; method?: string };
    const began = { jsonrpc: '2.0', id, result: { protocolVersion: '2025-06-18', capabilities: {} } };
    sendJson(response, 200, method === 'initialize' ? began : demand(id));
  });
  const outcome = await quote(served);
  expect(outcome).toMatchObject({
    ...{ status: 'refused', code: 'other_protocol', money: 'none' },
    next: { tool: 'wallet_discover', arguments: { origin: served } },
  });
  expect(outcome.message).toContain(`$0.01 in USDC on Base Sepolia in a ${form}`);
  // Who only answers in this form cannot be paid in a session, and nobody is sent to try.
  const alike = page((_order, response) => sendJson(response, 200, demand()));
  const told = await quote(alike);
  expect(told).toMatchObject({ code: 'other_protocol', money: 'none', retry: 'never', next: null });
  expect(told).not.toHaveProperty('performed');
  expect(told.message).toMatch(/\$0\.01 .*cannot buy from it; nothing was paid\.$/);
  const tried = await wallet.quote({ mcp: { url: alike, tool: 'search' } }, anyCall());
  expect(tried).toMatchObject({ code: 'other_protocol', money: 'none', retry: 'never', next: null });
});

describe('a demand that this wallet does not pay', () => {
  const refusing = async (
    change: Record<string, unknown>,
    offer: Record<string, unknown> = {},
  ): Promise<Outcome> => {
    const { accepts, ...rest } = await challenge();
    const body = { ...rest, accepts: [{ ...(accepts[0] as object), ...offer }], ...change };
    return quote(page((_order, response) => sendJson(response, 402, body)));
  };

  test('says what it asks where its token is known', async () => {
    const outcome = await refusing({}, { scheme: 'other-scheme' });
    expect(outcome).toMatchObject({ status: 'refused', code: 'unsupported_scheme' });
    expect(outcome.message).toMatch(/^The seller asks \$0\.01\. This wallet does not sign the scheme/);
  });

  test('is not signed where a protocol of another name only looks like x402', async () => {
    const outcome = await refusing({ x402Version: undefined, t402Version: 2 });
    expect(outcome).toMatchObject({ status: 'refused', code: 'unsupported_scheme', money: 'none' });
    expect(outcome.message).toMatch(/a protocol like it/);
  });
});

describe('a page that wants to be signed in to, and no money', () => {
  const extension = (chainId: string) => ({
    'sign-in-with-x': {
      info: {
        domain: new URL(world.url('/')).host,
        uri: world.url('/'),
        version: '1',
        nonce: '0a1b2c3d4e5f6071',
        issuedAt: new Date().toISOString(),
      },
      supportedChains: [{ chainId, type: 'eip191' }],
    },
  });
  const members = (chainId: string, isKnown: boolean): string =>
    page(({ headers }, response) =>
      isKnown && headers['sign-in-with-x'] !== undefined
        ? sendJson(response, 200, { member: true })
        : sendJson(response, 402, { x402Version: 2, accepts: [], extensions: extension(chainId) }),
    );

  test('is told as that, and signed in to for nothing', async () => {
    const told = await quote(members('eip155:84532', true));
    expect(told).toMatchObject({ status: 'ok', code: 'not_priced', money: 'none', performed: false });
    expect(told.message).toMatch(/asks for no money.*signature/);
    const served = await pay(told.next?.arguments ?? {});
    expect(served).toMatchObject({ status: 'ok', money: 'none', response: { body: { member: true } } });
  });

  test('says so where it does not know this wallet, and where it is on another network', async () => {
    const unknown = await pay(callOf(members('eip155:84532', false)));
    expect(unknown).toMatchObject({ status: 'refused', code: 'no_payable_offer', money: 'none' });
    expect(unknown.message).toMatch(/asks for no money.*does not know this wallet/);
    expect((await quote(members('eip155:1', false))).message).toMatch(
      /on a network where this wallet has none/,
    );
  });
});
