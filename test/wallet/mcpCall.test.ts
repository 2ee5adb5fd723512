import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Wallet } from '../../src/wallet/wallet.js';
import { startPaidMcpShop, type PaidMcpShop } from '../mcp/paidShop.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

// One tool of a published MCP server that sells by x402 is quoted and bought, without a client of MCP.
let world: TestWorld;
let shop: PaidMcpShop;
let mine: TestWallet;
let wallet: Wallet;
let count = 0;

beforeAll(async () => {
  world = await startTestWorld('base');
  shop = await startPaidMcpShop(world.sandbox);
  mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  wallet = mine.open();
});

afterAll(async () => {
  // What MPP's server was shown lives for as long as its challenge.
  await world.advance(300);
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await shop.close();
  await world.stop();
});

const context = () => ({ signal: AbortSignal.timeout(60_000) });
const tool = (name: string, args: object = { n: ++count }) => ({
  mcp: { url: `${shop.url}/mcp`, tool: name, arguments: args },
});

test('a quote shows the live price, and its id alone buys exactly that call', async () => {
  const asked = tool('article');
  const quoted = await wallet.quote(asked, context());
  expect(quoted).toMatchObject({ status: 'ok', code: 'quoted', usd: '0.02', verdict: 'allow' });
  expect(signaturesIn(mine.home)).toBe(0);
  const paid = await wallet.pay({ quote_id: quoted['quote_id'] }, context());
  expect(paid).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', spent_usd: '0.02' });
  expect(JSON.stringify(paid.response)).toContain(`article ${count}`);
  expect(shop.payments.length).toBe(1);
  expect((await paymentsIn(await wallet.engine())).at(-1)?.url).toBe(`${shop.url}/mcp/tools/article`);
  // The same call again is answered from the books.
  expect(await wallet.pay({ ...asked, max_usd: '0.02' }, context())).toMatchObject({ replayed: true });
  expect(shop.payments.length).toBe(1);
});

test.each(['/mcp', ''])(
  'a server named as its origin and %s lists its tools, each with the quote that asks it',
  async (path) => {
    const found = await wallet.discover({ origin: `${shop.url}${path}`, networks: ['any'] }, context());
    const results = found['results'] as { usd?: string; fill?: string[]; next: { arguments: object } }[];
    expect(results[0]).toMatchObject({
      ...{ usd: '0.02', fill: ['n'], seller: { title: 'article', about: 'Sells an article.' } },
      next: {
        tool: 'wallet_quote',
        arguments: { mcp: { url: `${shop.url}/mcp`, tool: 'article', arguments: { n: '<n>' } } },
      },
    });
    expect(JSON.stringify(results)).not.toContain('"wallet_pay"');
    expect(found.message).toContain('an MCP server with 4 tools');
    const before = shop.payments.length;
    expect(await wallet.quote(tool('article'), context())).toMatchObject({ code: 'quoted', usd: '0.02' });
    expect(shop.payments.length).toBe(before);
  },
);

test('max_usd bounds the one call, which is made with its payment once', async () => {
  const asked = tool('article');
  expect(await wallet.pay({ ...asked, max_usd: '0.01' }, context())).toMatchObject({
    ...{ status: 'refused', code: 'price_above_max', money: 'none' },
    next: { tool: 'wallet_quote', arguments: asked },
  });
  const before = shop.payments.length;
  expect(await wallet.pay({ ...asked, max_usd: '0.02' }, context())).toMatchObject({ code: 'paid' });
  expect(shop.payments.length).toBe(before + 1);
});

test('a tool that asks for nothing is called, and one under a name of ours is not', async () => {
  const free = await wallet.pay({ ...tool('free', {}), max_usd: '0.02' }, context());
  expect(free).toMatchObject({ status: 'ok', code: 'not_priced', money: 'none' });
  expect(JSON.stringify(free.response)).toContain('free');
  const own = await wallet.pay({ ...tool('wallet_pay', {}), max_usd: '0.02' }, context());
  expect(own).toMatchObject({ status: 'failed', code: 'bad_input' });
  const mixed = await wallet.quote({ ...tool('free'), url: shop.url }, context());
  expect(mixed).toMatchObject({ code: 'bad_input', message: expect.stringContaining('url') as string });
});

test('a server that is none, and one that is not allowed, cost nothing', async () => {
  await mine.set('hosts.deny', JSON.stringify(['mcp.example.com']));
  const before = signaturesIn(mine.home);
  const denied = { mcp: { url: 'https://mcp.example.com/mcp', tool: 'article' }, max_usd: '1' };
  expect(await wallet.pay(denied, context())).toMatchObject({ status: 'refused', code: 'host_denied' });
  expect(await wallet.quote({ mcp: { url: 'no url', tool: 'article' } }, context())).toMatchObject({
    code: 'bad_url',
  });
  expect(signaturesIn(mine.home)).toBe(before);
});

test('what a tool asks that is not paid here is refused by its name, and signs nothing', async () => {
  const before = signaturesIn(mine.home);
  const pay = () => wallet.pay({ ...tool('article'), max_usd: '0.02' }, context());
  // As ATXP's servers ask a caller who is signed in.
  shop.form = -30_402;
  shop.errorData = { paymentRequestId: 'r', paymentRequestUrl: 'https://auth.example/r', mpp: [] };
  expect(await pay()).toMatchObject({
    ...{ status: 'refused', code: 'other_protocol', money: 'none' },
    message: expect.stringContaining('asks to be paid by ATXP, whose own service') as string,
  });
  shop.errorData = null;
  shop.form = 'structured';
  // And as they answer everybody else.
  shop.wantsSignIn = true;
  const told = await pay();
  shop.wantsSignIn = false;
  expect(told).toMatchObject({ status: 'refused', code: 'other_protocol', money: 'none' });
  expect(told.message).toContain('wants its callers signed in');
  expect(signaturesIn(mine.home)).toBe(before);
});

test('a tool that the published server of MPP sells is quoted and bought, once though it asks again', async () => {
  shop.form = 'mpp';
  const asked = tool('article');
  expect(await wallet.quote(asked, context())).toMatchObject({
    code: 'quoted',
    usd: '0.02',
    protocol: 'mpp',
  });
  const before = shop.payments.length;
  const paid = await wallet.pay({ ...asked, max_usd: '0.02' }, context());
  expect(paid).toMatchObject({
    code: 'paid',
    money: 'captured',
    payment: { tx: expect.any(String) as string },
  });
  expect(JSON.stringify(paid.response)).toContain(`article ${count}`);
  shop.asksAgain = true;
  const again = await wallet.pay({ ...tool('article'), max_usd: '0.02' }, context());
  shop.asksAgain = false;
  shop.form = 'structured';
  expect(['held', 'unknown']).toContain(again.money);
  expect(shop.payments.length).toBe(before + 2);
});

test('a server that asks again after it was paid is paid once, and that is told', async () => {
  shop.asksAgain = true;
  const before = shop.payments.length;
  const result = await wallet.pay({ ...tool('article'), max_usd: '0.02' }, context());
  shop.asksAgain = false;
  expect(['held', 'unknown']).toContain(result.money);
  expect(shop.payments.length).toBe(before + 1);
});
