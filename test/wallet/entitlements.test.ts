import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { startPrepaidShop, type PrepaidShop } from './prepaidShop.js';

const PAID = { status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' };
const FREE = { status: 'ok', money: 'none', spent_usd: '0.00' };

// What is prepaid is used before anything is paid: paying twice for it is a fault.
describe('what was bought before', () => {
  let world: TestWorld;
  let shop: PrepaidShop;
  let other: PrepaidShop;
  let mine: TestWallet;
  let wallet: Wallet;
  const results: Outcome[] = [];

  beforeAll(async () => {
    world = await startTestWorld('base');
    [shop, other] = [await startPrepaidShop(world.sandbox), await startPrepaidShop(world.sandbox)];
    mine = await world.wallet();
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort, other.hostPort]));
    wallet = mine.open();
  });

  beforeEach(async () => {
    shop.instead = null;
    shop.holdsJobs = false;
    const { entitlements } = (await wallet.engine()).ledger;
    for (const { id } of await entitlements.list({ isLive: true }, 100))
      await entitlements.end(id, 'revoked', world.now());
  });

  afterAll(async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    // T38: no token stands in a result, in the ledger, or in a file of the wallet's.
    const tokens = [...shop.tokens.keys()];
    expect(tokens.length).toBeGreaterThan(0);
    const files = readdirSync(mine.home, { recursive: true, encoding: 'utf8' })
      .map((name) => join(mine.home, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path).toString('latin1'));
    for (const token of tokens) {
      expect(JSON.stringify(results)).not.toContain(token);
      expect(files.filter((text) => text.includes(token))).toEqual([]);
    }
    await Promise.all([shop.close(), other.close()]);
    await world.stop();
  });

  async function pay(path: string, more: Record<string, unknown> = {}, at = shop): Promise<Outcome> {
    const call = { url: `${at.url}${path}`, max_usd: '0.02', repeat: true, ...more };
    const outcome = await wallet.pay(call, anyCall());
    results.push(outcome);
    return outcome;
  }

  async function quote(path: string): Promise<Outcome> {
    const outcome = await wallet.quote({ url: `${shop.url}${path}` }, anyCall());
    results.push(outcome);
    return outcome;
  }

  const credentialsAt = (at: PrepaidShop, path: string): (string | undefined)[] =>
    at.came.filter((one) => one.path === path).map(({ authorization }) => authorization);

  test('an access token serves the calls it was sold for, and no agent ever reads it', async () => {
    const sold = await pay('/v1/token');
    expect(sold).toMatchObject({
      ...PAID,
      response: { body: { access_token: '[kept by the wallet]', token_type: 'Bearer' } },
      bought: { kind: 'bearer', origin: shop.url, path: '/v1/' },
    });
    const signatures = signaturesIn(mine.home);
    expect(await pay('/v1/a')).toMatchObject({
      ...FREE,
      entitlement: { kind: 'bearer', origin: shop.url, payment_id: sold.payment?.id },
      response: { status: 200, body: { page: '/v1/a', you_sent: expect.stringMatching(/^\*+$/) as string } },
    });
    expect(await pay('/v1/b', { method: 'POST', body: { x: 1 } })).toMatchObject(FREE);
    expect(await quote('/v1/c')).toMatchObject({ ...FREE, entitlement: { kind: 'bearer' } });
    expect(signaturesIn(mine.home)).toBe(signatures);
    // One request each: the price is not asked where the token is taken.
    expect(credentialsAt(shop, '/v1/a')).toHaveLength(1);
  });

  test('a token goes to no other path, origin or agent, and replaces no credential of the caller’s', async () => {
    expect(await pay('/v1/token')).toMatchObject(PAID);
    expect(await pay('/elsewhere')).toMatchObject(PAID);
    expect(await pay('/v1x')).toMatchObject(PAID);
    expect(await pay('/v1/a', {}, other)).toMatchObject(PAID);
    expect(await pay('/v1/own', { headers: { authorization: 'Bearer mine' } })).toMatchObject(PAID);
    expect([...new Set([...credentialsAt(shop, '/elsewhere'), ...credentialsAt(shop, '/v1x')])]).toEqual([
      undefined,
    ]);
    expect(new Set(credentialsAt(other, '/v1/a'))).toEqual(new Set([undefined]));
    expect(new Set(credentialsAt(shop, '/v1/own'))).toEqual(new Set(['Bearer mine']));
    const { entitlements } = (await wallet.engine()).ledger;
    expect(await entitlements.usable('second', shop.url, world.now())).toEqual([]);
    expect(await entitlements.usable('default', shop.url, world.now())).toHaveLength(1);
  });

  test('a redirect takes no token along', async () => {
    expect(await pay('/v1/token')).toMatchObject(PAID);
    shop.instead = ({ url }, response) => {
      if (url !== '/v1/moved') return false;
      response.writeHead(302, { location: `${other.url}/landing` }).end();
      return true;
    };
    expect(await pay('/v1/moved')).toMatchObject(PAID);
    expect(credentialsAt(shop, '/v1/moved')[0]).toMatch(/^Bearer canary/);
    expect(new Set(credentialsAt(other, '/landing'))).toEqual(new Set([undefined]));
  });

  test('a token that is refused ends, and the call is paid as usual', async () => {
    expect(await pay('/v1/token')).toMatchObject(PAID);
    shop.tokens.clear();
    expect(await pay('/v1/refused')).toMatchObject(PAID);
    expect(credentialsAt(shop, '/v1/refused')).toEqual([expect.stringMatching(/^Bearer/), undefined]);
    const { entitlements } = (await wallet.engine()).ledger;
    expect((await entitlements.list({}, 1))[0]).toMatchObject({
      kind: 'bearer',
      state: 'spent',
      secret: null,
    });
    shop.tokens.set(`canary-token-${'y'.repeat(20)}`, null);

    expect(await pay('/v1/token')).toMatchObject(PAID);
    shop.instead = ({ url, headers }, response) => {
      if (url !== '/v1/late' || headers.authorization === undefined) return false;
      response.writeHead(401).end();
      return true;
    };
    expect(await pay('/v1/late')).toMatchObject(PAID);
    expect((await entitlements.list({}, 1))[0]).toMatchObject({ kind: 'bearer', state: 'expired' });
  });

  test('the place that sells a token may ask for money again without ending it', async () => {
    expect(await pay('/v1/token')).toMatchObject(PAID);
    const priced = await pay('/v1/token', { max_usd: '0.01' });
    expect(priced).toMatchObject({ status: 'refused', money: 'none' });
    expect(await pay('/v1/still')).toMatchObject({ ...FREE, entitlement: { kind: 'bearer' } });
  });

  test('a prepaid balance is used until nothing is left of it, and then bought again', async () => {
    expect(await pay('/v1/credits')).toMatchObject({
      ...PAID,
      bought: { kind: 'prepaid_balance', value_left: '2', unit: 'credits' },
    });
    const balance = await wallet.balance({});
    expect(balance).toMatchObject({
      prepaid: [{ kind: 'prepaid_balance', origin: shop.url, value_left: '2' }],
    });
    // A quote spends nothing, and says what wallet_pay would do.
    expect(await quote('/v1/one')).toMatchObject({ code: 'quoted', entitlement: { value_left: '2' } });
    expect(await pay('/v1/one')).toMatchObject({
      ...FREE,
      entitlement: { value_left: '1', unit: 'credits' },
    });
    expect(await pay('/v1/two')).toMatchObject({ ...FREE, entitlement: { value_left: '0' } });
    expect(await pay('/v1/three')).toMatchObject(PAID);
    // Used up by its own word: the seller is not even asked.
    expect(credentialsAt(shop, '/v1/three')).toEqual([undefined, undefined]);
    expect(await wallet.balance({})).toMatchObject({ prepaid: null });
    results.push(balance);
  });

  test('a quote that was taken before is paid by what was bought meanwhile', async () => {
    const quoted = await quote('/v1/quoted');
    expect(await pay('/v1/token')).toMatchObject(PAID);
    const outcome = await wallet.pay({ quote_id: String(quoted['quote_id']) }, anyCall());
    expect(outcome).toMatchObject({ ...FREE, entitlement: { kind: 'bearer' } });
  });

  test('a job is bought once, and its place is known', async () => {
    shop.holdsJobs = true;
    const bought = await pay('/jobs/start', { method: 'POST', body: { n: 1 } });
    expect(bought).toMatchObject({ ...PAID, delivery: 'pending' });
    await world.advance(120);
    const again = { method: 'POST', body: { n: 1 }, repeat: undefined };
    expect(await pay('/jobs/start', again)).toMatchObject({
      ...FREE,
      delivery: 'pending',
      entitlement: { kind: 'job', payment_id: bought.payment?.id },
    });
    // Another request is another job.
    expect(await pay('/jobs/start', { ...again, body: { n: 2 } })).toMatchObject(PAID);

    const place = (bought.next?.arguments as { url: string }).url;
    shop.holdsJobs = false;
    expect(await quote(new URL(place).pathname)).toMatchObject({
      ...FREE,
      entitlement: { kind: 'job', payment_id: bought.payment?.id },
      response: { body: { status: 'done' } },
    });
    expect(await pay('/jobs/start', again)).toMatchObject(PAID);
  });

  test('nothing is sent for an agent while the wallet is frozen', async () => {
    expect(await pay('/v1/token')).toMatchObject(PAID);
    const { ledger } = await wallet.engine();
    await ledger.freeze(world.now());
    expect(await pay('/v1/frozen')).toMatchObject({ code: 'frozen', money: 'none' });
    await ledger.unfreeze(world.now());
    expect(credentialsAt(shop, '/v1/frozen')).toEqual([undefined]);
  });
});
