import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Order } from '../../sandbox/shop/order.ts';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain } from '../support/truth.js';
import { startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

// Nothing here asks a chain: what is told apart is told apart before one is chosen.
let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
let other: WalletProcess;
const patience = new Patience();

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open();
  other = await startWalletProcess(mine.home, { aheadMs: 0 });
  await pay(world.url('/v2/json'));
  await patience.measure(() => pay(world.url('/v2/json')));
});

afterAll(async () => {
  await other.kill();
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.pay(callOf(url, more), anyCall());
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const REUSED = { status: 'failed', code: 'idempotency_key_reused', money: 'none', response: null };

/** Passes an order on to the till, as a proxy in front of it does. */
async function relay({ url, headers }: Order, response: ServerResponse, path: string): Promise<void> {
  const signature = headers['payment-signature'];
  const answer = await fetch(`${world.sandbox.shop.url}${path}?timeout=60&id=${url.searchParams.get('id')}`, {
    headers: typeof signature === 'string' ? { 'payment-signature': signature } : {},
  });
  const kept = ['payment-required', 'payment-response', 'content-type'];
  response.writeHead(
    answer.status,
    Object.fromEntries([...answer.headers].filter(([name]) => kept.includes(name))),
  );
  response.end(Buffer.from(await answer.arrayBuffer()));
}

/** Two URLs that tell their price only once both were asked for it: both calls have looked at what was paid before. */
function togetherUrls(): [string, string] {
  let letGo = (): void => undefined;
  const bothAsked = new Promise<void>((resolve) => (letGo = resolve));
  let asked = 0;
  const urls = ['json', 'text'].map((goods) => {
    const path = `/own/together/${goods}`;
    world.sandbox.shop.handle(path, async (order, response) => {
      if (++asked === 2) letGo();
      await bothAsked;
      await relay(order, response, `/v2/${goods}`);
    });
    return world.url(path);
  });
  return urls as [string, string];
}

describe('one idempotency_key for two requests', () => {
  test.each(['one process', 'two processes'])(
    'at once, of %s, pays for one and refuses the other',
    async (who) => {
      const [a, b] = togetherUrls();
      const key = { idempotency_key: `key of ${who}` };
      const signatures = signaturesIn(mine.home);
      const outcomes = await Promise.all([
        pay(a, key),
        who === 'one process' ? pay(b, key) : other.pay(callOf(b, key)),
      ]);
      const [paid, refused] = outcomes.sort((one, two) => one.status.localeCompare(two.status)).reverse();
      expect(paid).toMatchObject({ status: 'ok', money: 'captured', spent_usd: '0.01' });
      expect(refused).toMatchObject({ ...REUSED, spent_usd: '0.00', retry: 'with_changes' });
      expect(refused?.message).toContain(paid?.payment?.id);
      expect(signaturesIn(mine.home)).toBe(signatures + 1);
    },
  );

  test('that differ in a credential alone refuses, whether paid or still open', async () => {
    const url = world.url('/v2/json');
    const key = { idempotency_key: `key of ${url}` };
    await pay(url, { ...key, ...as('alice') });
    expect(await pay(url, { ...key, ...as('bob') })).toMatchObject(REUSED);
    expect(await pay(url, key)).toMatchObject(REUSED);
    expect(await pay(url, { ...key, ...as('alice') })).toMatchObject({ status: 'ok', replayed: true });
    const open = world.url('/v2/json', { fault: 'hang' });
    const late = { idempotency_key: `key of ${open}` };
    await patience.lose((bound) => pay(open, { ...late, ...as('alice'), ...bound }));
    expect(await pay(open, { ...late, ...as('bob') })).toMatchObject(REUSED);
  });
});

describe('callers told apart by their credentials', () => {
  test('buy at once and a moment later, each an answer of its own', async () => {
    const url = world.url('/v2/slow', { ms: '100' });
    const tokens = ['alice', 'bob', 'carol'];
    const outcomes = await Promise.all([
      ...tokens.map((token) => pay(url, as(token))),
      pay(url),
      pay(url, { headers: { cookie: 'session=alice' } }),
    ]);
    const ids = outcomes.map(({ payment }) => payment?.id);
    expect(new Set(ids).size).toBe(5);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
      expect(outcome).not.toHaveProperty('replayed');
    }
    for (const [i, token] of tokens.entries())
      expect(await other.pay(callOf(url, as(token)))).toMatchObject({
        replayed: true,
        payment: { id: ids[i] },
      });
    const dave = await pay(url, as('dave'));
    expect(dave).toMatchObject({ status: 'ok', spent_usd: '0.01' });
    expect(ids).not.toContain(dave.payment?.id);
  });

  test('do not wait for each other over processes', async () => {
    const { shop } = world.sandbox;
    const url = world.url('/v2/gate');
    const id = new URL(url).searchParams.get('id')!;
    const first = other.pay(callOf(url, as('alice')));
    await shop.begun(id, 1);
    const next = pay(url, as('bob'));
    // The second is paid and at work while the first has not ended.
    await shop.begun(id, 2);
    shop.letGo(id);
    shop.letGo(id);
    const second = await next;
    expect(second).toMatchObject({ status: 'ok', money: 'captured', spent_usd: '0.01' });
    expect((await first).payment?.id).not.toBe(second.payment?.id);
  });

  test('have quotes of their own', async () => {
    const url = world.url('/v2/json');
    const signatures = signaturesIn(mine.home);
    const { quote_id } = await wallet.quote({ url, ...as('alice') }, anyCall());
    const wrong = [as('bob'), { headers: { authorization: '' } }];
    for (const more of wrong)
      expect(await wallet.pay({ quote_id: quote_id as string, ...more }, anyCall())).toMatchObject({
        code: 'quote_mismatch',
        money: 'none',
        retry: 'new_quote',
      });
    // Another process knows nothing of the credentials until they are given again.
    expect(await other.pay({ quote_id, ...as('bob') })).toMatchObject({ code: 'quote_mismatch' });
    expect(await other.pay({ quote_id })).toMatchObject({ code: 'quote_mismatch' });
    expect(signaturesIn(mine.home)).toBe(signatures);
    expect(await other.pay({ quote_id, ...as('alice') })).toMatchObject({ status: 'ok', spent_usd: '0.01' });
  });
});

describe('what was paid by a Purser before schema 3, which hashed no credentials,', () => {
  /** Hashes as it did, for calls without credentials. */
  async function olderWallet(): Promise<Wallet> {
    const older = mine.open();
    Object.assign(await older.engine(), {
      keyedHash: (text: string) => createHash('sha256').update(text).digest('hex'),
    });
    return older;
  }

  test('still stands in the way while it is open, and is sent again instead of a new one', async () => {
    const older = await olderWallet();
    const url = world.url('/v2/json', { fault: 'hang', times: '1' });
    const first = await patience.lose((bound) => older.pay(callOf(url, bound), anyCall()));
    const signatures = signaturesIn(mine.home);
    await world.sandbox.rpc.setFault({ kind: 'down' });
    for (const more of [{}, as('alice'), { repeat: true }])
      expect(await pay(url, { ...patience.short(), ...more })).toMatchObject({
        code: 'payment_unresolved',
        payment: { id: first.payment?.id },
      });
    await world.sandbox.rpc.setFault(null);
    expect(await pay(url, as('alice'))).toMatchObject({
      status: 'ok',
      presented_again: true,
      payment: { id: first.payment?.id },
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('answers its key and its minute, and keeps its answer for whoever asks by its id', async () => {
    const older = await olderWallet();
    const url = world.url('/v2/json');
    const key = { idempotency_key: `key of ${url}` };
    const first = await older.pay(callOf(url, key), anyCall());
    const id = first.payment?.id;
    for (const more of [{}, as('alice'), key, { ...key, ...as('alice') }]) {
      const again = await pay(url, more);
      expect(again).toMatchObject({
        status: 'ok',
        money: 'captured',
        spent_usd: '0.00',
        replayed: true,
        payment: { id },
        response: null,
        next: { tool: 'wallet_response', arguments: { id } },
      });
      expect(again.message).toMatch(/^Not paid again/);
    }
    expect(await pay(world.url('/v2/text'), key)).toMatchObject(REUSED);
    expect(await wallet.response({ id })).toMatchObject({
      status: 'ok',
      text: expect.stringContaining('Lisbon'),
    });
    expect(await pay(url, { repeat: true })).toMatchObject({ status: 'ok', spent_usd: '0.01' });
  });

  test('leaves no quote and no question that could pay', async () => {
    const older = await olderWallet();
    const url = world.url('/v2/json');
    const { quote_id } = await older.quote({ url }, anyCall());
    expect(await pay(url, { quote_id })).toMatchObject({ code: 'quote_expired', retry: 'new_quote' });
    await mine.set('limits.per_call_usd', '0.001');
    const asked = await older.pay(callOf(url), anyCall());
    expect(asked).toMatchObject({ code: 'approval_required' });
    expect(await wallet.pay({ approval_id: asked['approval_id'] as string }, anyCall())).toMatchObject({
      code: 'approval_expired',
      money: 'none',
    });
    await mine.set('limits.per_call_usd', '0.50');
  });
});
