import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendJson } from '../../sandbox/jsonHttp.ts';
import { PNG_BYTES } from '../../sandbox/shop/goods.ts';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn } from '../support/books.js';
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

const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.pay(callOf(url, more), anyCall());
const quote = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.quote({ url, ...more }, anyCall());
/** Makes the call that a result names. */
const follow = ({ next }: Outcome): Promise<Outcome> => {
  expect(next?.tool).toBe('wallet_quote');
  return wallet.quote(next?.arguments, anyCall());
};

/** A handler that answers one path with a status, headers and JSON of its own. */
let paths = 0;
function own(status: number, headers: Record<string, string>, body: unknown = { error: 'no' }): string {
  const path = `/free/own-${++paths}`;
  world.sandbox.shop.handle(path, (_order, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    sendJson(response, status, body);
  });
  return world.url(path);
}

describe('an error before any price says what may be done about it', () => {
  test.each([400, 404, 405, 409, 415, 422])('HTTP %i: the call with changes', async (status) => {
    const outcome = await quote(own(status, {}, { error: { field: 'city', problem: 'missing' } }));
    expect(outcome).toMatchObject({
      ...{ status: 'failed', code: 'upstream_error', money: 'none', retry: 'with_changes' },
      response: { body: { error: { field: 'city' } } },
    });
    expect(outcome.message).toMatch(/nothing was paid.*correct the call/);
  });

  test.each([
    [429, '7', 7],
    [503, '7', 7],
    // Bounds: an hour at most, a second at least.
    [429, '86400', 3_600],
    [503, '0', 1],
    // A seller that says nothing of when.
    [429, undefined, 30],
    [429, 'soon', 30],
  ])('HTTP %i with Retry-After %s: the same call in %i s', async (status, after, seconds) => {
    const outcome = await pay(own(status, after === undefined ? {} : { 'retry-after': after }));
    expect(outcome).toMatchObject({ code: 'upstream_error', retry: 'after_delay', retry_after_s: seconds });
  });

  test('a date in Retry-After is seconds from now', async () => {
    const at = new Date(Date.now() + 100_000).toUTCString();
    const { retry_after_s: seconds } = await quote(own(503, { 'retry-after': at }));
    expect(seconds).toBeGreaterThan(60);
    expect(seconds).toBeLessThanOrEqual(101);
  });

  test.each([500, 502, 503, 408])('HTTP %i alone: the same call', async (status) => {
    expect(await quote(own(status, {}))).toMatchObject({ retry: 'same_call', retry_after_s: null });
  });

  test.each([
    ['an argument that is none', { max_usd: '1', urll: 'https://x.example' }],
    ['a URL that is none', { max_usd: '1', url: 'nowhere' }],
  ])('%s: the call with changes', async (_what, input) => {
    expect(await wallet.pay(input, anyCall())).toMatchObject({ money: 'none', retry: 'with_changes' });
  });
});

describe('an error of the seller after the payment was sent', () => {
  test.each([404, 422])('HTTP %i, unused on the chain: told, and correctable', async (status) => {
    const outcome = await pay(world.url(`/v1/status/${status}`));
    expect(outcome).toMatchObject({
      ...{
        status: 'failed',
        code: 'error_answer',
        money: 'unknown',
        retry: 'with_changes',
        retry_after_s: null,
      },
      ...{ spent_usd: '0.00', payment: { state: 'unknown' }, response: { status } },
      // The corrected call comes next: nothing else is proposed before it.
      next: null,
    });
    expect(outcome.message).toContain(`HTTP ${status}`);
    expect(outcome.message).toMatch(/unused.*held until.*corrected call/);
    // A look at it does not say the opposite.
    const looked = await wallet.ledger({ payment_id: outcome.payment?.id }, anyCall());
    expect(looked).toMatchObject({ payment: { state: 'unknown' }, next: null });
    expect(looked.message).toMatch(/corrected call is a new purchase/);
    expect(looked.message).not.toContain('Do not buy');
    // What is corrected is bought beside it, and both count.
    const corrected = await pay(world.url('/v1/json'));
    expect(corrected).toMatchObject({ status: 'ok', money: 'captured' });
    const rows = await paymentsIn(await wallet.engine());
    expect(rows.find(({ id }) => id === outcome.payment?.id)).toMatchObject({ state: 'unknown' });
  });

  test('HTTP 429: the same call later, which presents the same payment', async () => {
    const url = world.url('/v1/status/429');
    const first = await pay(url);
    expect(first).toMatchObject({ code: 'error_answer', retry: 'after_delay', retry_after_s: 15 });
    const again = await pay(url);
    expect(again).toMatchObject({ presented_again: true, payment: { id: first.payment?.id } });
  });

  test('a chain that is silent leaves it unknown', async () => {
    await world.ground.rpc.setFault({ kind: 'down' });
    const outcome = await pay(world.url('/v1/status/404'));
    await world.ground.rpc.setFault(null);
    expect(outcome).toMatchObject({ status: 'unknown', code: 'payment_unknown', money: 'unknown' });
  });
});

describe('a job that was paid for', () => {
  test.each(['both', 'header', 'body'])(
    'named by %s: pending, then fetched by the call in next',
    async (where) => {
      const outcome = await pay(world.url(`/v2/job/by-${where}`, { in: where }));
      expect(outcome).toMatchObject({
        ...{ status: 'ok', code: 'paid', money: 'captured', delivery: 'pending', spent_usd: '0.01' },
        ...{ retry: 'after_delay', retry_after_s: 1 },
      });
      expect(outcome.message).not.toMatch(/got the answer|has done its work/);
      const look = await wallet.quote({ url: outcome.next?.arguments['url'] }, anyCall());
      expect(look).toMatchObject({
        ...{ status: 'ok', money: 'none', delivery: 'pending', retry: 'after_delay', retry_after_s: 1 },
        next: { tool: 'wallet_quote', arguments: { url: outcome.next?.arguments['url'] } },
      });
      expect(look.message).not.toMatch(/do not call it again|done its work/);
      expect(await follow(look)).toMatchObject({
        ...{
          code: 'ok',
          retry: 'never',
          response: { body: { status: 'completed', result: { words: 42 } } },
        },
        message: expect.stringContaining('What was bought before is here') as string,
      });
      // What was pending came: the ledger says so, too.
      const told = await wallet.ledger({ payment_id: outcome.payment?.id }, anyCall());
      expect(told['entries']).toMatchObject([{ delivery: 'delivered' }]);
    },
  );

  test('a 200 that says queued and where to ask is one too; a word alone is an answer', async () => {
    const job = await pay(world.url('/v2/job/two-hundred', { status: '200', in: 'body' }));
    expect(job).toMatchObject({ delivery: 'pending', next: { tool: 'wallet_quote' } });
    // The status of a parcel, say.
    const path = '/v2/echo';
    const answered = await pay(world.url(path), { method: 'POST', body: { status: 'pending' } });
    expect(answered).toMatchObject({ delivery: 'delivered', next: null });
  });

  test('wait_s waits for it in the same call, with progress, and the result is what is kept', async () => {
    const heard: string[] = [];
    const url = world.url('/v2/job/waited');
    const outcome = await wallet.pay(callOf(url, { wait_s: 60 }), {
      ...anyCall(),
      progress: (message) => void heard.push(message),
    });
    expect(outcome).toMatchObject({
      ...{ status: 'ok', code: 'paid', money: 'captured', delivery: 'delivered', retry: 'never', next: null },
      response: { status: 200, body: { status: 'completed' } },
    });
    expect(heard.filter((message) => message.includes('not ready yet'))).toHaveLength(3);
    // One payment, and asking for the result carried none.
    expect(world.sandbox.shop.payments('/v2/job/waited')).toHaveLength(1);
    expect(world.sandbox.shop.payments('/free/job/waited')).toHaveLength(0);
    expect(await pay(url)).toMatchObject({ replayed: true, response: { body: { status: 'completed' } } });
  });

  test('a wait that is too short ends with the job still pending', async () => {
    const outcome = await pay(world.url('/v2/job/long', { looks: '1000' }), { wait_s: 2 });
    expect(outcome).toMatchObject({ status: 'ok', delivery: 'pending', next: { tool: 'wallet_quote' } });
  });

  test('the same call again says that it is pending, and where', async () => {
    const url = world.url('/v2/job/again');
    const first = await pay(url);
    expect(await pay(url)).toMatchObject({ replayed: true, delivery: 'pending', next: first.next });
  });

  test('a job that says it failed is told so', async () => {
    const place = own(200, {}, { status: 'failed', reason: 'no such voice' });
    world.sandbox.shop.handle('/free/queue', (_order, response) => {
      response.setHeader('location', place);
      sendJson(response, 202, { status: 'queued' });
    });
    const outcome = await quote(world.url('/free/queue'), { wait_s: 30 });
    expect(outcome.response).toMatchObject({ body: { status: 'failed' } });
  });
});

describe('a redirect after the payment', () => {
  test.each(['303', '302'])('HTTP %s: paid, and the call in next gets the result', async (status) => {
    const outcome = await pay(world.url('/v2/elsewhere', { status }));
    expect(outcome).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', delivery: 'pending' });
    expect(outcome.message).toContain(`The result is elsewhere (HTTP ${status})`);
    expect(await follow(outcome)).toMatchObject({ response: { status: 200, body: { city: 'Lisbon' } } });
  });
});

describe('what the seller says against a payment reaches the agent, labelled', () => {
  test.each([
    ['the error of a further challenge', 'verify_refused', 'insufficient_funds'],
    ['the reason of a failed receipt', 'settle_unheard', 'fetch failed'],
    ['both', 'denied_receipt', 'settle_failed'],
  ] as const)('%s', async (_what, fault, says) => {
    for (const version of [1, 2]) {
      const outcome = await pay(world.url(`/v${version}/json`, { fault }));
      expect(outcome['seller_says']).toBe(says);
      // The pause passes, and a delivery cleans the slate.
      await world.advance(1_300);
      expect(await pay(world.url('/v2/json'))).toMatchObject({ status: 'ok' });
    }
  });

  test('a seller that is content says nothing', async () => {
    expect(await pay(world.url('/v2/json'))).not.toHaveProperty('seller_says');
  });
});

describe('what may be spent', () => {
  test('the balance says what goes without a question, what asks, and what never goes', async () => {
    const { message } = await wallet.balance({});
    expect(message).toMatch(
      /^You may still spend \$\d+\.\d+ without asking \(session\), at most \$0\.50 a call; day \$\d+\.\d+, month \$\d+\.\d+\. What is held counts as used\. Above that the owner is asked; above \$5\.00 a call, .* never\. Base Sepolia: /,
    );
  });

  test('the owner is told of a silent network only where it is needed', async () => {
    expect((await wallet.balance({})).tell_owner).toBeNull();
    await world.ground.rpc.setFault({ kind: 'down' });
    const outcome = await wallet.balance({});
    await world.ground.rpc.setFault(null);
    expect(outcome.tell_owner).toMatchObject({ say: expect.stringContaining('Base Sepolia') as string });
  });

  test('with too little time left for the seller nothing is signed', async () => {
    const url = world.url('/v2/json');
    const started = { startedMs: performance.now() - 1_900 };
    // 1.9 of 2 s are gone when the call begins.
    const outcome = await wallet.pay(callOf(url, { timeout_ms: 2_000 }), { ...anyCall(), ...started });
    expect(outcome).toMatchObject({ status: 'failed', code: 'timed_out', money: 'none', payment: null });
    expect(world.sandbox.shop.payments('/v2/json').filter(({ header }) => header.includes(url))).toEqual([]);
  });
});

describe('a binary answer', () => {
  test('comes as base64 in parts, that make the very bytes', async () => {
    const bought = await pay(world.url('/v2/png'));
    const id = bought.response?.stored_id;
    const parts: Buffer[] = [];
    for (let offset = 0, total = 1; offset < total;) {
      const part = await wallet.response({ id, offset, length: 32 });
      expect(part).toMatchObject({ status: 'ok', untrusted: true, content_type: 'image/png', total: 70 });
      parts.push(Buffer.from(String(part['base64']), 'base64'));
      offset += 32;
      total = Number(part['total']);
    }
    expect(Buffer.concat(parts)).toEqual(PNG_BYTES);
    expect(await wallet.response({ id, find: 'PNG' })).toMatchObject({ code: 'bad_input' });
  });
});

describe('the ledger', () => {
  test('a filter takes a host, host:port or URL; one that fits nothing says where to look', async () => {
    const { hostPort, url } = world.sandbox.shop;
    const count = async (host: string): Promise<number> =>
      ((await wallet.ledger({ host, limit: 200 }, anyCall()))['entries'] as unknown[]).length;
    const all = await count('127.0.0.1');
    expect(all).toBeGreaterThan(0);
    expect(await count(hostPort)).toBe(all);
    expect(await count(`${url}/v2/json?x=1`)).toBe(all);
    const nothing = await wallet.ledger({ host: '127.0.0.1:1' }, anyCall());
    expect(nothing).toMatchObject({ entries: [], next: { arguments: { view: 'by_host' } } });
  });

  test('totals by host have their sum', async () => {
    const { message } = await wallet.ledger({ view: 'by_host' }, anyCall());
    expect(message).toMatch(
      /^1 host: \d+ payments, \$\d+\.\d+ captured, \$\d+\.\d+ held(, \$\d+\.\d+ for what brought nothing)?\.$/,
    );
  });
});

test('a site that cannot be reached is told so', async () => {
  const { hostPort } = world.sandbox.shop;
  const gone = await world.wallet({
    usdMicros: 0n,
    settings: { 'net.allow_private': JSON.stringify([hostPort, '127.0.0.1:9']) },
  });
  expect(await gone.open().discover({ origin: 'http://127.0.0.1:9/' }, anyCall())).toMatchObject({
    ...{ status: 'failed', code: 'unreachable', money: 'none', retry: 'same_call' },
  });
});
