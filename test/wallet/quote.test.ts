import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll, spyOnSigner } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

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

const quote = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.quote({ url, ...more }, anyCall());
const pay = (input: Record<string, unknown>): Promise<Outcome> => wallet.pay(input, anyCall());

/** Whether each request to a path bore a payment, in order. */
function paidLegs(url: string): boolean[] {
  const { pathname, search } = new URL(url);
  return world.sandbox.shop.requests.entries
    .filter((order) => order.path === pathname && order.url.search === search)
    .map(({ payment }) => payment !== undefined);
}

test('a quote says price, network, payee, expiry and verdict, and moves nothing', async () => {
  const signed = signaturesIn(mine.home);
  const url = world.url('/v2/json', { usd: '0.02' });
  const quoted = await quote(url);
  expect(quoted).toMatchObject({
    status: 'ok',
    code: 'quoted',
    money: 'none',
    usd: '0.02',
    amount_atomic: '20000',
    network: 'eip155:84532',
    pay_to: world.sandbox.shop.payTo,
    verdict: 'allow',
    next: { tool: 'wallet_pay', arguments: { quote_id: quoted['quote_id'] } },
    payment: null,
  });
  expect(Date.parse(String(quoted['expires_at']))).toBeGreaterThan(world.now());
  expect(paidLegs(url)).toEqual([false]);
  expect(signaturesIn(mine.home)).toBe(signed);
});

test('a quote warns of a payment header that is larger than common servers read', async () => {
  world.sandbox.shop.handle('/free/wordy', async (_order, response) => {
    const asked = await fetch(world.url('/v2/json'));
    const header = asked.headers.get('payment-required') ?? '';
    const challenge = JSON.parse(Buffer.from(header, 'base64').toString()) as object;
    response.statusCode = 402;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...challenge, extensions: { wordy: { info: 'word '.repeat(1_500) } } }));
  });
  const quoted = await quote(world.url('/free/wordy'));
  expect(quoted).toMatchObject({ code: 'quoted', verdict: 'allow' });
  expect(quoted['advice']).toMatch(/has about 1[2-5] KiB; many servers read 8 and answer 431/);
  expect((await quote(world.url('/v2/json')))['advice']).toBeNull();
});

test.each([1, 2])(
  'paying a quote of x402 v%i presents its offer at once, without a second question',
  async (version) => {
    const url = world.url(`/v${version}/json`);
    const quoted = await quote(url);
    expect(await pay({ quote_id: quoted['quote_id'] })).toMatchObject({
      status: 'ok',
      code: 'paid',
      money: 'captured',
      spent_usd: '0.01',
    });
    expect(paidLegs(url)).toEqual([false, true]);
  },
);

test('a quote stands for its whole request: equal fields may be named again', async () => {
  const url = world.url('/v2/echo');
  const request = { method: 'POST', body: { a: [1, 2] }, headers: { 'X-Mine': '1' } };
  const quoted = await quote(url, request);
  const outcome = await pay({ quote_id: quoted['quote_id'], url, ...request, max_usd: '0.05' });
  expect(outcome.response?.body).toMatchObject({ method: 'POST', body: '{"a":[1,2]}' });
});

test.each([
  ['url', () => ({ url: world.url('/v2/text') })],
  ['method', () => ({ method: 'POST' })],
  ['body', () => ({ body: 'other' })],
  ['headers', () => ({ headers: { 'x-other': '1' } })],
])('a quote with another %s is refused before anything is signed', async (_field, other) => {
  const sign = await spyOnSigner(wallet);
  const url = world.url('/v2/echo');
  const quoted = await quote(url, { method: 'PUT', body: 'mine' });
  expect(await pay({ quote_id: quoted['quote_id'], ...other() })).toMatchObject({
    status: 'failed',
    code: 'quote_mismatch',
    money: 'none',
    retry: 'new_quote',
  });
  expect(sign).not.toHaveBeenCalled();
  expect(paidLegs(url)).toEqual([false]);
});

test.each(['quo_00000000000000000000', 'nonsense', ''])('no quote by the id %j', async (quote_id) => {
  expect(await pay({ quote_id })).toMatchObject({ status: 'failed', code: 'quote_unknown', money: 'none' });
});

test('an expired quote asks for a new one and signs nothing', async () => {
  const sign = await spyOnSigner(wallet);
  const quoted = await quote(world.url('/v2/json'));
  await world.advance(5 * 60);
  expect(await pay({ quote_id: quoted['quote_id'] })).toMatchObject({
    status: 'refused',
    code: 'quote_expired',
    retry: 'new_quote',
    money: 'none',
  });
  expect(sign).not.toHaveBeenCalled();
});

test('another wallet’s quote is unknown', async () => {
  const other = await world.wallet({ usdMicros: 0n });
  const foreign = await other.open().quote({ url: world.url('/v2/json') }, anyCall());
  expect(foreign['quote_id']).toMatch(/^quo_/);
  expect(await pay({ quote_id: foreign['quote_id'] })).toMatchObject({
    code: 'quote_unknown',
    money: 'none',
  });
});

test('a quote above max_usd is refused before anything is signed', async () => {
  const sign = await spyOnSigner(wallet);
  const quoted = await quote(world.url('/v2/json', { usd: '0.03' }));
  expect(await pay({ quote_id: quoted['quote_id'], max_usd: '0.029999' })).toMatchObject({
    status: 'refused',
    code: 'price_above_max',
    money: 'none',
  });
  expect(sign).not.toHaveBeenCalled();
});

describe('a seller that changes terms between quote and payment (T2)', () => {
  test.each(['price_moves', 'payto_moves'] as const)(
    '%s: what was quoted is signed, and no more',
    async (fault) => {
      const buyer = await world.wallet();
      const its = buyer.open();
      const url = world.url(`/v2/price/0.0${fault === 'price_moves' ? 3 : 4}`, { fault });
      const quoted = await its.quote({ url }, anyCall());
      const outcome = await its.pay({ quote_id: quoted['quote_id'] }, anyCall());
      // The seller took nothing and asks for other terms; what it holds stays held until it has expired.
      expect(outcome).toMatchObject({ status: 'unknown', money: 'unknown', spent_usd: '0.00' });
      expect(outcome).toMatchObject({ payment: { state: 'unknown' }, next: { tool: 'wallet_ledger' } });
      const payments = world.sandbox.shop.payments(new URL(url).pathname);
      expect(payments).toHaveLength(1);
      expect(payments[0]).toMatchObject({ to: quoted['pay_to'], value: quoted['amount_atomic'] });
      expect((await settleAll(world, its)).map(({ state, note }) => [state, note])).toEqual([
        ['released', 'expired_unused'],
      ]);
      await expectLedgerIsChain(world, buyer, its);
    },
  );

  test('a price that rose above max_usd is never signed', async () => {
    const url = world.url('/v1/price/0.01', { fault: 'price_moves' });
    await quote(url);
    await quote(url);
    const sign = await spyOnSigner(wallet);
    // The third 402 costs three cents.
    expect(await pay({ url, max_usd: '0.025' })).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
      money: 'none',
      next: { tool: 'wallet_quote', arguments: { url } },
    });
    expect(sign).not.toHaveBeenCalled();
  });
});

test.each(['quote', 'pay'] as const)(
  'a large answer that cost nothing is read on by the agent that got it (%s)',
  async (way) => {
    const url = world.url('/free/large', { bytes: way === 'quote' ? '60000' : '70000', type: 'text/plain' });
    const answered = await (way === 'quote' ? quote(url) : pay({ url, max_usd: '0.10' }));
    expect(answered).toMatchObject({ status: 'ok', code: 'not_priced', money: 'none' });
    const id = answered.response?.stored_id ?? '';
    expect(await wallet.response({ id, length: 100 })).toMatchObject({
      status: 'ok',
      text: answered.response?.head?.slice(0, 100),
      next: { tool: 'wallet_response', arguments: { id, offset: 100 } },
    });
  },
);

test('a price on networks that are not enabled comes with the one command that enables the cheapest', async () => {
  await mine.set('networks.enabled', '["eip155:421614"]');
  const url = world.url('/v2/json');
  const action = { kind: 'addToSetting', key: 'networks.enabled', entry: 'eip155:84532' };
  try {
    for (const refused of [await quote(url), await pay({ url, max_usd: '0.05' })]) {
      expect(refused).toMatchObject({ status: 'refused', code: 'network_disabled', tell_owner: { action } });
      expect(refused.message).toContain('$0.01 on Base Sepolia');
    }
  } finally {
    await mine.set('networks.enabled', '["eip155:84532"]');
  }
});
