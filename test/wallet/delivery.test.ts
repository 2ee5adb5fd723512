import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Order } from '../../sandbox/shop/order.ts';
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

// An origin that gives nothing three times in a row is paused: each test begins with something delivered.
let goods = 0;
beforeEach(async () => {
  expect(await pay(world.url(`/v2/text?id=good-${++goods}`))).toMatchObject({ delivery: 'delivered' });
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.pay(callOf(url, more), anyCall());
const deliveryOf = async ({ payment }: Outcome): Promise<unknown> => {
  const { ledger } = await wallet.engine();
  return (await ledger.findPayment(payment?.id ?? ''))?.delivery;
};

let paths = 0;
interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A page that sells what `/v2/json` sells, and answers a payment as `make` says once it has settled; hangs up for null. */
function sold(make: (order: Order) => Answer | null | Promise<Answer | null>, query = ''): string {
  const path = `/free/sold-${++paths}`;
  world.sandbox.shop.handle(path, async (order, response) => {
    const payment = order.headers['payment-signature'];
    const headers = typeof payment === 'string' ? { 'payment-signature': payment } : undefined;
    const answer = await fetch(world.url(`/v2/json${query}`), headers === undefined ? {} : { headers });
    for (const name of ['payment-required', 'payment-response']) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    if (answer.status === 402) return sendJson(response, 402, {});
    const made = await make(order);
    if (made === null) return void response.destroy();
    const { status, body } = made;
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    response.end(body);
  });
  return world.url(path);
}

describe('what a payment brought is told, and kept with it', () => {
  test.each([
    ['delivered', 200, '{"temp":21}'],
    ['error', 200, '{"error":"no such city"}'],
    ['error', 500, '{"error":"down"}'],
    ['empty', 200, ''],
    ['pending', 202, '{"status_url":"/free/json"}'],
  ] as const)('%s: HTTP %i with %j', async (delivery, status, body) => {
    const outcome = await pay(sold(() => ({ status, body })));
    expect(outcome).toMatchObject({ money: 'captured', payment: { state: 'captured' } });
    expect(await deliveryOf(outcome)).toBe(delivery);
    if (status < 400) expect(outcome['delivery']).toBe(delivery);
  });

  test('lost: the money moved and no answer came; what the ledger lists is what was lost to whom', async () => {
    const outcome = await pay(world.url('/v2/json?fault=drop_after_settle'));
    expect(outcome).toMatchObject({ status: 'failed', code: 'paid_not_delivered', money: 'captured' });
    expect(outcome.next).toEqual({
      tool: 'wallet_discover',
      arguments: { origin: new URL(world.url('/')).origin },
    });
    expect(await deliveryOf(outcome)).toBe('lost');
    const lost = await wallet.ledger({ view: 'lost' }, anyCall());
    expect(lost.message).toMatch(/^\$0\.04 lost to 1 host: 4 payments/);
    expect(lost['groups']).toMatchObject([{ key: '127.0.0.1', payments: 4, lost_usd: '0.04' }]);
    const byHost = await wallet.ledger({ view: 'by_host' }, anyCall());
    expect(byHost['groups']).toMatchObject([{ payments: 12, delivered: 7, lost_usd: '0.04' }]);
    expect(byHost.message).toMatch(/\$0\.04 for what brought nothing/);
  });
});

test('a seller that takes an identifier gives a lost answer again: fetched, and nothing signed anew', async () => {
  const path = '/v2/json';
  world.sandbox.shop.setFault(path, 'drop_after_settle', { times: 1 });
  const url = world.url(`${path}?payment_id=offered&id=fetched`);
  const before = world.sandbox.shop.payments(path).length;
  const outcome = await pay(url);
  world.sandbox.shop.clearFaults();
  expect(outcome).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', fetched_again: true });
  expect(outcome.response?.body).toMatchObject({ city: 'Lisbon' });
  expect(await deliveryOf(outcome)).toBe('delivered');
  const [first, second, ...more] = world.sandbox.shop.payments(path).slice(before);
  expect(more).toEqual([]);
  expect(second?.header).toBe(first?.header);
});

test('a token in an answer that is fetched again is kept by the wallet, as in any other (T38)', async () => {
  const token = `canary-${'x'.repeat(20)}`;
  let payments = 0;
  const url = sold(() => {
    payments += 1;
    return payments === 1 ? null : { status: 200, body: JSON.stringify({ access_token: token }) };
  }, '?payment_id=offered');
  const outcome = await pay(url);
  expect(outcome).toMatchObject({ fetched_again: true, bought: { kind: 'bearer' } });
  expect(JSON.stringify(outcome)).not.toContain(token);
  const again = await pay(url);
  expect(again).toMatchObject({ replayed: true });
  expect(JSON.stringify(again)).not.toContain(token);
});

describe('a further 402 for the same payee and amount', () => {
  /** A page whose 402 asks for `echo` anew each time, and takes a payment that echoes what it wants. */
  function picky(
    accepts: (order: Order, turn: number) => boolean | Promise<boolean>,
    error: string,
  ): { url: string; paid: Order[] } {
    const path = `/free/picky-${++paths}`;
    const paid: Order[] = [];
    let turn = 0;
    world.sandbox.shop.handle(path, async (order, response) => {
      const payment = order.headers['payment-signature'];
      if (typeof payment === 'string') paid.push(order);
      const isTaken = typeof payment === 'string' && (await accepts(order, turn));
      const headers = isTaken ? { 'payment-signature': payment } : undefined;
      const answer = await fetch(world.url('/v2/json'), headers === undefined ? {} : { headers });
      const receipt = answer.headers.get('payment-response');
      if (receipt !== null) response.setHeader('payment-response', receipt);
      if (answer.status !== 402) return sendJson(response, answer.status, { sold: true });
      const asked = Buffer.from(answer.headers.get('payment-required') ?? '', 'base64').toString();
      const challenge = {
        ...(JSON.parse(asked) as object),
        error,
        extensions: { turn: { info: { n: ++turn } } },
      };
      response.setHeader('payment-required', Buffer.from(JSON.stringify(challenge)).toString('base64'));
      sendJson(response, 402, {});
    });
    return { url: world.url(path), paid };
  }
  const echoOf = ({ payment }: Order): unknown =>
    (payment?.payload as { extensions?: { turn?: { info?: { n?: number } } } }).extensions?.turn?.info?.n;

  test('gets the same authorization with its new echo', async () => {
    // The quote saw the first turn, and by the time of the payment only the second is taken.
    const { url, paid } = picky((order, turn) => echoOf(order) === turn && turn > 1, 'stale terms');
    const outcome = await pay(url);
    expect(outcome).toMatchObject({ status: 'ok', money: 'captured', response: { body: { sold: true } } });
    expect(paid.map(echoOf)).toEqual([1, 2]);
    expect(new Set(paid.map(({ payment }) => payment?.nonce)).size).toBe(1);
    expect(new Set(paid.map(({ payment }) => payment?.signature)).size).toBe(1);
  });

  test('gets it once: what is refused again is a further 402', async () => {
    const { url, paid } = picky(() => false, 'stale terms');
    expect(await pay(url)).toMatchObject({ money: 'unknown', payment: { state: 'unknown' } });
    expect(paid.map(echoOf)).toEqual([1, 2]);
  });

  test('gets it under the name X-PAYMENT where the seller asks for that', async () => {
    const { url, paid } = picky(
      ({ headers }) => headers['x-payment'] !== undefined,
      'X-PAYMENT header is required',
    );
    expect(await pay(url)).toMatchObject({ status: 'ok', money: 'captured' });
    const [first, second] = paid;
    expect(first?.headers['x-payment']).toBeUndefined();
    expect(second?.headers['x-payment']).toBe(second?.headers['payment-signature']);
    expect(second?.payment?.nonce).toBe(first?.payment?.nonce);
  });

  // T12, T42: what the owner stopped while the seller thought is not sent once more.
  test.each([
    ['the wallet is frozen', () => freeze(true), () => freeze(false)],
    ['its agent is suspended', () => change('suspend'), () => change('resume')],
  ])('gets nothing more once %s', async (_how, stop, goOn) => {
    const { url, paid } = picky(async (_order, turn) => {
      if (turn === 1) await stop();
      return false;
    }, 'stale terms');
    try {
      expect(await pay(url)).toMatchObject({ money: 'unknown' });
      expect(paid.map(echoOf)).toEqual([1]);
    } finally {
      await goOn();
    }
  });
});

test('a lost answer is not asked for again for an agent that was suspended meanwhile', async () => {
  let payments = 0;
  const url = sold(async () => {
    payments += 1;
    await change('suspend');
    return null;
  }, '?payment_id=offered');
  try {
    expect(await pay(url)).toMatchObject({ money: expect.stringMatching(/captured|unknown/) as string });
    expect(payments).toBe(1);
  } finally {
    await change('resume');
  }
});

async function change(act: 'suspend' | 'resume'): Promise<void> {
  await (await wallet.engine()).ledger.agents.change('default', { act }, world.now());
}

async function freeze(frozen: boolean): Promise<void> {
  const { ledger } = await wallet.engine();
  await (frozen ? ledger.freeze(world.now()) : ledger.unfreeze(world.now()));
}
