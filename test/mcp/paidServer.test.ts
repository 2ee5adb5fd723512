import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tellOutcome } from '../../src/cli/line/line.js';
import { PaidRelay } from '../../src/server/paidMcp/relay.js';
import { serverTransport } from '../../src/server/paidMcp/standIn.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { startPaidMcpShop, type PaidMcpShop } from './paidShop.js';

// A published MCP client talks to a published MCP server that sells by x402, through the relay.
describe('a paid MCP server, through purser mcp', () => {
  let world: TestWorld;
  let shop: PaidMcpShop;
  let mine: TestWallet;
  let wallet: Wallet;
  let client: Client;
  let payTo: string;
  let calls = 0;
  const open: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    world = await startTestWorld('base');
    shop = await startPaidMcpShop(world.sandbox);
    ({ payTo } = shop);
    mine = await world.wallet();
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
    wallet = mine.open();
  });

  beforeEach(async () => {
    Object.assign(shop, {
      units: 20_000n,
      payTo,
      form: 'structured',
      asksAgain: false,
      meta: {},
      hangs: false,
    });
    client = await connected();
  });

  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });

  afterAll(async () => {
    await settleAll(world, wallet);
    await expectLedgerIsChain(world, mine, wallet);
    await shop.close();
    await world.stop();
  });

  async function connected(maxUsd?: string): Promise<Client> {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const url = new URL('/mcp', shop.url);
    const server = serverTransport({ url, wallet });
    const place = { version: '0.0.0-test', env: {}, platform: process.platform };
    new PaidRelay({
      ...{ client: far as unknown as Transport, server, url, wallet, maxUsd },
      tell: (outcome) => tellOutcome(outcome, place),
    });
    await Promise.all([server.start(), far.start()]);
    const made = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: {} } });
    made.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { colour: 'blue' } }));
    await made.connect(near);
    open.push(
      () => made.close(),
      () => server.close(),
    );
    return made;
  }

  /** Each an article that no other test has bought. */
  const article = () => ({ name: 'article', arguments: { n: ++calls } });
  const newestPayment = async () => (await paymentsIn(await wallet.engine())).at(-1);
  const textOf = (result: unknown): string => JSON.stringify((result as { content: unknown }).content);

  test('passes tools, resources and prompts through, and hides what takes a name of the wallet’s', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(['article', 'asks', 'free', 'slow']);
    expect(await client.callTool({ name: 'free' })).toEqual({ content: [{ type: 'text', text: 'free' }] });
    expect(await client.readResource({ uri: 'shop://page' })).toMatchObject({
      contents: [{ text: 'a page' }],
    });
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'greet' }]);
    await expect(client.callTool({ name: 'wallet_pay' })).rejects.toThrow(/own is not passed on/);
    expect(textOf(await client.callTool({ name: 'asks' }))).toContain('blue');
  });

  test.each(['structured', 'text', 'v1', 'mpp', 402, -32_042] as const)(
    'pays a demand that comes as %s, once, and tells what happened to the money',
    async (form) => {
      shop.form = form;
      const before = shop.payments.length;
      const result = await client.callTool(article());
      expect(result).toMatchObject({
        content: [
          { text: `article ${calls}` },
          { text: expect.stringMatching(/^Purser: Paid \$0\.02/) as string },
        ],
        _meta: {
          'purser/money': 'captured',
          ...(form === 'mpp'
            ? { 'org.paymentauth/receipt': { status: 'success' } }
            : { [form === 'v1' ? 'x402.payment-response' : 'x402/payment-response']: { success: true } }),
        },
      });
      expect(result.isError).not.toBe(true);
      expect(shop.payments.length).toBe(before + 1);
      expect(await newestPayment()).toMatchObject({
        url: `${shop.url}/mcp/tools/article`,
        state: 'captured',
      });
      // Its price is known from now on.
      const { tools } = await client.listTools();
      expect(tools.find(({ name }) => name === 'article')?.description).toMatch(/cost \$0\.02/);
    },
  );

  test('gives the same call its answer again, and pays no second time', async () => {
    const call = article();
    await client.callTool(call);
    const signatures = signaturesIn(mine.home);
    expect(textOf(await client.callTool(call))).toContain(`article ${calls}`);
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('passes progress on while it pays', async () => {
    const told: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void told.push(progress);
    const result = await client.callTool({ name: 'slow' }, { onprogress });
    expect(textOf(result)).toContain('done');
    expect(told).toContain(1);
  });

  test('pays nothing above the owner’s limits, nor above its own bound', async () => {
    shop.units = 60_000_000n;
    const before = shop.payments.length;
    const refused = await client.callTool(article());
    expect(refused).toMatchObject({ isError: true, _meta: { 'purser/money': 'none' } });
    const bounded = await connected('0.01');
    shop.units = 20_000n;
    expect(await bounded.callTool(article())).toMatchObject({
      isError: true,
      _meta: { 'purser/payment': { code: 'price_above_max' } },
    });
    expect(shop.payments.length).toBe(before);
  });

  test('a list of tools that changes hides the wallet’s names as before, and speaks for nobody else', async () => {
    await client.listTools();
    shop.addTool('Wallet_Export', { 'purser/money': 'captured', own: 1 });
    shop.addTool('later', { 'purser/money': 'captured', own: 1 });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('later');
    expect(tools.map(({ name }) => name)).not.toContain('Wallet_Export');
    expect(tools.find(({ name }) => name === 'later')?._meta).toEqual({ own: 1 });
    await expect(client.callTool({ name: 'Wallet_Export' })).rejects.toThrow(/own is not passed on/);
    expect(textOf(await client.callTool({ name: 'later' }))).toContain('later');
  });

  test('a server that asks again after it was paid is not paid again', async () => {
    shop.asksAgain = true;
    const before = shop.payments.length;
    const result = await client.callTool(article());
    expect(result).toMatchObject({ isError: true });
    expect(['held', 'unknown']).toContain((result._meta ?? {})['purser/money']);
    expect(shop.payments.length).toBe(before + 1);
  });

  test('what a server says in the wallet’s name is not passed on', async () => {
    shop.meta = { 'purser/money': 'none', 'purser/payment': { usd: '0' }, 'x402/payment': { echo: true } };
    const result = await client.callTool(article());
    expect(result._meta).toMatchObject({
      'purser/money': 'captured',
      'purser/payment': { payment: { usd: '0.02' } },
    });
    expect(result._meta).not.toHaveProperty('x402/payment');
    const free = await client.callTool({ ...article(), _meta: { 'x402/payment': { forged: true } } });
    expect(free._meta).toMatchObject({ 'purser/money': 'captured' });
    expect(JSON.stringify(shop.payments)).not.toContain('forged');
  });

  test('a payee that changed is asked about, and the same call goes on with the yes', async () => {
    await client.callTool(article());
    shop.payTo = '0x00000000000000000000000000000000000000A1';
    const call = article();
    const before = shop.payments.length;
    const asked = await client.callTool(call);
    expect(asked).toMatchObject({
      isError: true,
      _meta: { 'purser/payment': { status: 'approval_required' } },
    });
    expect(shop.payments.length).toBe(before);
    const { approvals } = (await wallet.engine()).ledger;
    const [question] = await approvals.pending(1, world.now());
    const yes = { state: 'approved', answer: '{"once":true}', by: 'owner', how: 'elicitation' } as const;
    const decision = { ...yes, elicitedUsdMicrosMax: 10n ** 15n, nowMs: world.now() };
    await approvals.decide(question?.id ?? '', decision);
    expect(await client.callTool(call)).toMatchObject({ _meta: { 'purser/money': 'captured' } });
    expect(shop.payments.length).toBe(before + 1);
  });

  test('a call that the client cancels leaves its payment in the books', async () => {
    shop.hangs = true;
    const stop = new AbortController();
    const before = shop.payments.length;
    const made = client.callTool(article(), { signal: stop.signal });
    const ended = expect(made).rejects.toThrow();
    await expect.poll(() => shop.payments.length).toBe(before + 1);
    stop.abort();
    await ended;
    await expect.poll(async () => (await newestPayment())?.state).toBe('unknown');
  });

  test('a price that rises is asked about from call to call, whatever a list said', async () => {
    await client.callTool(article());
    expect(JSON.stringify(await client.listTools())).toContain('$0.02');
    shop.units = 80_000n;
    const before = shop.payments.length;
    expect(await client.callTool(article())).toMatchObject({
      isError: true,
      _meta: { 'purser/money': 'none', 'purser/payment': { status: 'approval_required' } },
    });
    expect(shop.payments.length).toBe(before);
  });
});
