import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CONFIG_FILE } from '../../src/config/home.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { encodeHeader } from '../../sandbox/shop/order.ts';
import { signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open();
});

afterEach(() => {
  // Whatever the input, nothing was signed and nothing reached the seller with a payment.
  expect(signaturesIn(mine.home)).toBe(0);
  expect(world.sandbox.shop.payments()).toEqual([]);
});

afterAll(() => world.stop());

const url = (): string => `${world.sandbox.shop.url}/v2/json`;

/** A JSON value so many levels deep. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('wallet_pay', () => {
  test.each<[string, () => Record<string, unknown>, RegExp]>([
    ['neither quote_id nor max_usd', () => ({ url: url() }), /quote_id or max_usd/],
    ['no url', () => ({ max_usd: '0.05' }), /needs a url/],
    [
      'an unknown argument',
      () => ({ url: url(), max_usd: '0.05', amount: '1' }),
      /Unknown argument "amount"/,
    ],
    ['two unknown arguments', () => ({ url: url(), a: 1, b: 2 }), /Unknown argument "a", "b"/],
    ['a negative max_usd', () => ({ url: url(), max_usd: '-0.05' }), /max_usd/],
    ['a negative number', () => ({ url: url(), max_usd: -1 }), /max_usd/],
    ['words as max_usd', () => ({ url: url(), max_usd: 'five cents' }), /max_usd/],
    ['an exponent', () => ({ url: url(), max_usd: '5e-2' }), /max_usd/],
    ['a comma', () => ({ url: url(), max_usd: '0,05' }), /max_usd/],
    ['a currency sign', () => ({ url: url(), max_usd: '$0.05' }), /max_usd/],
    ['hexadecimal', () => ({ url: url(), max_usd: '0x10' }), /max_usd/],
    ['nothing as max_usd', () => ({ url: url(), max_usd: '' }), /max_usd/],
    ['a list as max_usd', () => ({ url: url(), max_usd: ['0.05'] }), /max_usd/],
    ['not a number', () => ({ url: url(), max_usd: Number.NaN }), /max_usd/],
    ['infinity', () => ({ url: url(), max_usd: Number.POSITIVE_INFINITY }), /max_usd/],
    ['a method of its own', () => ({ url: url(), max_usd: '0.05', method: 'BREW' }), /method must be one of/],
    [
      'a body that nests without end',
      () => ({ url: url(), max_usd: '0.05', method: 'POST', body: nested(20_000) }),
      /Argument "body": nests deeper than 500 levels/,
    ],
    ['a GET with a body', () => ({ url: url(), max_usd: '0.05', body: 'x' }), /carries no body/],
    ['headers that are no text', () => ({ url: url(), max_usd: '0.05', headers: { a: 1 } }), /headers/],
    [
      'a header that breaks the line',
      () => ({ url: url(), max_usd: '0.05', headers: { a: 'b\r\nc: d' } }),
      /header/,
    ],
    [
      'a body beyond the bound',
      () => ({ ...callOf(url()), method: 'POST', body: 'x'.repeat(1 << 21) }),
      /larger/,
    ],
    ['an empty idempotency key', () => ({ ...callOf(url()), idempotency_key: '' }), /idempotency_key/],
    ['no time at all', () => ({ ...callOf(url()), timeout_ms: 0 }), /timeout_ms/],
    ['an hour', () => ({ ...callOf(url()), timeout_ms: 3_600_000 }), /timeout_ms/],
    ['repeat as text', () => ({ ...callOf(url()), repeat: 'yes' }), /repeat/],
  ])('%s', async (_name, input, words) => {
    const outcome = await wallet.pay(input(), anyCall());
    expect(outcome).toMatchObject({
      status: 'failed',
      code: 'bad_input',
      money: 'none',
      retry: 'with_changes',
    });
    expect(outcome.message).toMatch(words);
    expect(outcome.message).toMatch(/^[A-Zwm][^\n]{5,200}\.$/);
  });

  test.each([null, 'text', 7, []])('arguments that are %j', async (input) => {
    expect(await wallet.pay(input, anyCall())).toMatchObject({ status: 'failed', code: 'bad_input' });
  });

  test.each<[string, string]>([
    ['ftp://example.com/x', 'bad_url'],
    ['file:///etc/passwd', 'bad_url'],
    ['javascript:alert(1)', 'bad_url'],
    ['not a url', 'bad_url'],
    ['//example.com/x', 'bad_url'],
    ['https://user:secret@example.com/', 'bad_url'],
    ['http://example.com/', 'bad_url'],
    ['https://169.254.169.254/latest/meta-data/', 'address_refused'],
    ['https://127.0.0.1:1/', 'address_refused'],
    ['https://2130706433/', 'address_refused'],
    ['https://[::ffff:10.0.0.1]/', 'address_refused'],
  ])('the URL %s is %s', async (bad, code) => {
    for (const outcome of [
      await wallet.pay(callOf(bad), anyCall()),
      await wallet.quote({ url: bad }, anyCall()),
    ]) {
      expect(outcome).toMatchObject({ code, money: 'none' });
      expect(['failed', 'refused']).toContain(outcome.status);
      expect(outcome.message).not.toContain('secret');
    }
  });

  test('max_usd finer than a micro-dollar is rounded against the agent', async () => {
    const refused = await wallet.pay({ url: url(), max_usd: '0.0099999999' }, anyCall());
    expect(refused).toMatchObject({ status: 'refused', code: 'price_above_max', money: 'none' });
    expect(refused.message).toContain('max_usd of $0.009999');
  });

  test('max_usd as a JSON number means its shortest decimal text', async () => {
    const refused = await wallet.pay({ url: `${url()}?usd=0.3`, max_usd: 0.1 + 0.1 }, anyCall());
    expect(refused).toMatchObject({ code: 'price_above_max', money: 'none' });
    expect(refused.message).toContain('max_usd of $0.20');
  });
});

describe('a 402 that this wallet cannot pay', () => {
  const OFFER = {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '10000',
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    payTo: '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11',
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
  };

  /** A shop path that demands this. */
  function demand(name: string, accepts: unknown[]): string {
    const path = `/own/${name}`;
    world.sandbox.shop.handle(path, (order, response) => {
      const required = { x402Version: 2, error: 'pay', resource: { url: order.url.href }, accepts };
      response.writeHead(402, { 'PAYMENT-REQUIRED': encodeHeader(required) }).end('{}');
    });
    return world.sandbox.shop.url + path;
  }

  test.each<[string, Record<string, unknown>, string]>([
    ['another asset', { asset: '0x00000000000000000000000000000000000000Aa' }, 'unsupported_asset'],
    ['an unknown network', { network: 'eip155:31337' }, 'unsupported_network'],
    [
      'real money to a wallet of test money',
      {
        network: 'eip155:8453',
        asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
        extra: { name: 'USD Coin', version: '2' },
      },
      'network_disabled',
    ],
    ['another scheme', { scheme: 'auth-capture' }, 'unsupported_scheme'],
    ['a ceiling that nobody could settle', { scheme: 'upto' }, 'malformed_offer'],
    ['an amount in hexadecimal', { amount: '0x10' }, 'malformed_offer'],
    ['a negative amount', { amount: '-1' }, 'malformed_offer'],
    ['nothing', { amount: '0' }, 'malformed_offer'],
    ['a window as text', { maxTimeoutSeconds: '60' }, 'malformed_offer'],
  ])('%s', async (name, odd, code) => {
    const where = demand(name.replaceAll(' ', '-'), [{ ...OFFER, ...odd }]);
    const outcome = await wallet.pay(callOf(where), anyCall());
    expect(outcome).toMatchObject({ status: 'refused', code, money: 'none', retry: 'never', payment: null });
  });

  test.each([10n ** 15n + 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 256n - 1n])(
    'a price of %s micro-dollars, quoted or to be paid',
    async (amount) => {
      const where = demand(`price-${amount}`, [{ ...OFFER, amount: `${amount}` }]);
      const refused = { status: 'refused', code: 'above_ceiling', money: 'none', payment: null };
      expect(await wallet.quote({ url: where }, anyCall())).toMatchObject(refused);
      expect(await wallet.pay(callOf(where), anyCall())).toMatchObject(refused);
      // Beside it an honest offer is quoted.
      const both = demand(`both-${amount}`, [{ ...OFFER, amount: `${amount}` }, OFFER]);
      expect(await wallet.quote({ url: both }, anyCall())).toMatchObject({ code: 'quoted', usd: '0.01' });
    },
  );

  test('that nests without end, in what is read and in what is passed over', async () => {
    const deep = '@deep@';
    const places: unknown[] = [
      { ...OFFER, extra: { ...OFFER.extra, deep } },
      { ...OFFER, outputSchema: { input: deep, output: deep } },
      deep,
    ];
    for (const [i, place] of places.entries()) {
      const path = `/own/deep-${i}`;
      const levels = 50_000;
      const required = { x402Version: 2, error: 'pay', accepts: [place], extensions: { bazaar: deep } };
      const text = JSON.stringify(required).replaceAll(`"${deep}"`, '['.repeat(levels) + ']'.repeat(levels));
      world.sandbox.shop.handle(path, (_order, response) => void response.writeHead(402).end(text));
      const url = world.sandbox.shop.url + path;
      for (const outcome of [
        await wallet.quote({ url }, anyCall()),
        await wallet.pay(callOf(url), anyCall()),
      ])
        expect(outcome).toMatchObject({ status: 'refused', money: 'none', payment: null });
    }
  });

  test.each<[string, string]>([
    ['no offers', '[]'],
    ['unreadable', 'nonsense'],
  ])('%s', async (name, text) => {
    const path = `/own/${name.replace(' ', '-')}`;
    world.sandbox.shop.handle(path, (_order, response) => void response.writeHead(402).end(text));
    const outcome = await wallet.pay(callOf(world.sandbox.shop.url + path), anyCall());
    expect(outcome).toMatchObject({ status: 'refused', code: 'no_payable_offer', money: 'none' });
  });
});

test.each<[string, (wallet: Wallet) => ReturnType<Wallet['balance']>, string]>([
  [
    'balance of a network that is not enabled',
    (it) => it.balance({ network: 'eip155:1' }),
    'network_disabled',
  ],
  ['ledger with a view of its own', (it) => it.ledger({ view: 'by_mood' }, anyCall()), 'bad_input'],
  ['ledger of no payment', (it) => it.ledger({ payment_id: 'pay_00' }, anyCall()), 'not_found'],
  ['ledger since nonsense', (it) => it.ledger({ since: 'yesterday' }, anyCall()), 'bad_input'],
  ['ledger of too many', (it) => it.ledger({ limit: 1_000_000 }, anyCall()), 'bad_input'],
  ['response by no id', (it) => it.response({ id: '../../etc/passwd' }), 'not_found'],
])('%s', async (_name, call, code) => {
  const outcome = await call(wallet);
  expect(outcome).toMatchObject({ code, money: 'none' });
  expect(['failed', 'refused']).toContain(outcome.status);
});

describe('a wallet that is not ready says what its owner has to do', () => {
  test('before set-up', async () => {
    const nowhere = mine.open({ home: join(mine.home, 'nowhere') });
    for (const outcome of [await nowhere.balance({}), await nowhere.pay(callOf(url()), anyCall())]) {
      expect(outcome).toMatchObject({ status: 'failed', code: 'not_set_up', retry: 'after_owner' });
      expect(told(outcome)).toMatch(/purser.* init/);
    }
  });

  test.each<[string, string | null, string]>([
    ['without its passphrase', null, 'keystore_locked'],
    ['with a wrong passphrase', 'not this one', 'wrong_passphrase'],
  ])('%s', async (_name, passphrase, code) => {
    const locked = mine.open({ passphrase: async () => passphrase });
    const outcome = await locked.pay(callOf(url()), anyCall());
    expect(outcome).toMatchObject({ status: 'failed', code, retry: 'after_owner', money: 'none' });
    expect(told(outcome)).not.toBe('');
  });

  test.each<[string, string, string]>([
    ['does not parse', '{"version": 1,', 'config_invalid'],
    ['is no config', '{}', 'config_invalid'],
  ])('with a config that %s', async (_name, text, code) => {
    const other = await world.wallet();
    writeFileSync(join(other.home, CONFIG_FILE), text);
    const outcome = await other.open().pay(callOf(url()), anyCall());
    expect(outcome).toMatchObject({ status: 'failed', code, retry: 'after_owner', money: 'none' });
  });
});
