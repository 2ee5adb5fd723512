import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { formatUnits } from '../../src/money/decimal.js';
import { Agent, createPlace, ERAS, RawServer, type Place } from './purser.js';

const FUNDS = 1_000_000n;

let sandbox: Sandbox;
let place: Place;
let address: `0x${string}`;
const servers: RawServer[] = [];

beforeAll(async () => {
  sandbox = await startSandbox();
  place = createPlace();
  await place.init();
  const settings = [
    ['networks.eip155:84532.rpc_url', sandbox.rpcUrl],
    ['net.allow_private', JSON.stringify([sandbox.shop.hostPort])],
  ] as const;
  for (const [key, value] of settings) {
    await place.run('config', 'set', key, value, '--passphrase-file', place.passphraseFile);
  }
  ({ address } = JSON.parse(await place.run('address', '--json')) as { address: `0x${string}` });
  await sandbox.chain.fund(address, FUNDS);
});
afterEach(async () => {
  for (const { child } of servers) child.kill('SIGKILL');
  await Promise.all(servers.splice(0).map(({ ended }) => ended));
});
afterAll(async () => {
  place.remove();
  await sandbox.stop();
});

const shopUrl = (path: string): string => `${sandbox.shop.url}${path}`;

async function connected<T>(
  mode: (typeof ERAS)[number]['mode'],
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  const agent = await Agent.connect(place.env, mode);
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

/** Words of progress as they arrive: the client drops those that its loop reads together with the result. */
function listenForProgress({ transport }: Client): { progress: number; message?: string }[] {
  const heard: { progress: number; message?: string }[] = [];
  const receive = transport?.onmessage;
  if (transport === undefined || receive === undefined) throw new Error('The client has no transport.');
  transport.onmessage = (message, extra) => {
    if ('method' in message && message.method === 'notifications/progress')
      heard.push(message.params as (typeof heard)[number]);
    receive(message, extra);
  };
  return heard;
}

describe.each(ERAS)('in $era', ({ era, mode }) => {
  test('quote, pay, balance and ledger agree with the chain', async () => {
    await connected(mode, async (agent) => {
      const before = await sandbox.chain.balanceOf(address);
      const url = shopUrl(`/v2/json?usd=0.02&id=${era}`);

      const quote = await agent.call('wallet_quote', { url });
      expect(quote.outcome).toMatchObject({
        status: 'ok',
        code: 'quoted',
        money: 'none',
        usd: '0.02',
        verdict: 'allow',
      });
      expect(quote.outcome['pay_to']).toBe(sandbox.shop.payTo);
      const { next } = quote.outcome;
      expect(next).toEqual({ tool: 'wallet_pay', arguments: { quote_id: quote.outcome['quote_id'] } });
      expect(quote.text).toContain(`next: wallet_pay ${JSON.stringify(next?.arguments)}`);
      expect(await sandbox.chain.balanceOf(address)).toBe(before);

      const paid = await agent.call(next?.tool ?? '', next?.arguments ?? {});
      expect(paid).toMatchObject({ isError: false });
      expect(paid.outcome).toMatchObject({
        status: 'ok',
        code: 'paid',
        money: 'captured',
        spent_usd: '0.02',
      });
      expect(paid.outcome.response).toMatchObject({ untrusted: true, status: 200, body: { city: 'Lisbon' } });
      expect(paid.text).toMatch(/^Paid \$0\.02/);
      expect(paid.text).toContain('"city":"Lisbon"');
      expect(await sandbox.chain.balanceOf(address)).toBe(before - 20_000n);

      const balance = await agent.call('wallet_balance', {});
      expect(balance.outcome).toMatchObject({ status: 'ok', frozen: false });
      const [line] = balance.outcome['balances'] as { address: string; on_chain: string }[];
      expect(line).toMatchObject({ address, on_chain: formatUnits(before - 20_000n, 6) });
      expect(balance.text).toContain('limits.per_day_usd');

      const id = paid.outcome.payment?.id ?? '';
      const entry = await agent.call('wallet_ledger', { payment_id: id });
      expect(entry.outcome).toMatchObject({ status: 'ok', money: 'captured', payment: { id, usd: '0.02' } });
      const list = await agent.call('wallet_ledger', { limit: 1 });
      expect(list.outcome['entries']).toMatchObject([{ id, url, state: 'captured' }]);
      expect(list.text).toContain(id);
    });
    expect(sandbox.shop.runs(era)).toBe(1);
  });

  test('an endpoint that asks nothing is simply called', async () => {
    const { outcome, text } = await connected(mode, (agent) =>
      agent.call('wallet_pay', { url: shopUrl(`/free/text?id=free-${era}`), max_usd: '0.05' }),
    );
    expect(outcome).toMatchObject({ status: 'ok', code: 'not_priced', money: 'none', performed: true });
    expect(outcome.response?.body).toBe('All is well, said the paid endpoint.\n');
    expect(text).toContain('\nAll is well, said the paid endpoint.\n');
    expect(sandbox.shop.runs(`free-${era}`)).toBe(1);
  });

  test('a price above max_usd is refused, as an error, before anything is signed', async () => {
    const path = `/v2/price/0.40`;
    const before = sandbox.shop.payments(path).length;
    const refused = await connected(mode, (agent) =>
      agent.call('wallet_pay', { url: shopUrl(path), max_usd: 0.05 }),
    );
    expect(refused.outcome).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
      money: 'none',
    });
    expect(refused.isError).toBe(true);
    expect(sandbox.shop.payments(path)).toHaveLength(before);
  });

  test('a large answer is reported as it comes, shown by its beginning, and read on page by page', async () => {
    await connected(mode, async (agent) => {
      const heard = listenForProgress(agent.client);
      const result = await agent.client.callTool(
        {
          name: 'wallet_pay',
          arguments: { url: shopUrl(`/v2/large?bytes=300000&id=large-${era}`), max_usd: '0.05' },
        },
        { onprogress: () => undefined },
      );
      const outcome = result.structuredContent as {
        response: { stored_id: string; head: string; body?: unknown };
      };
      const { stored_id: id, head } = outcome.response;
      expect(outcome.response).toMatchObject({ bytes: 300_000, truncated: true });
      expect(outcome.response).not.toHaveProperty('body');
      expect(head.length).toBeLessThanOrEqual(2048);
      expect(heard.length).toBeGreaterThan(0);
      expect(heard.map(({ progress }) => progress)).toEqual(heard.map((_, i) => i + 1));
      expect(heard[0]?.message).toMatch(/KiB of the answer/);
      // What is large is in neither form of the result.
      expect(JSON.stringify(result).length).toBeLessThan(10_000);

      const page = await agent.call('wallet_response', { id, offset: 0, length: 1000 });
      expect(page.outcome['text']).toBe(head.slice(0, 1000));
      expect(page.outcome.next).toEqual({ tool: 'wallet_response', arguments: { id, offset: 1000 } });
      expect(page.text).toContain(String(page.outcome['text']));
    });
  });
});

test('a call that was cancelled is never answered, and the server goes on', async () => {
  const server = new RawServer(place.env);
  servers.push(server);
  server.open();
  server.callTool(1, 'wallet_quote', { url: shopUrl('/free/slow?ms=60000&id=cancelled') });
  await sandbox.shop.requests.waitFor(({ url }) => url.searchParams.get('id') === 'cancelled');
  server.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  server.callTool(2, 'wallet_ledger', { limit: 1 });
  expect(await server.answer(2)).toMatchObject({ result: { isError: false } });
  server.child.stdin.end();
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.lines.map((line) => (JSON.parse(line) as { id: unknown }).id)).toEqual(['open', 2]);
});

test('a client that closes stdin with a paid call in flight still gets its answer', async () => {
  const server = new RawServer(place.env);
  servers.push(server);
  server.open();
  server.callTool(1, 'wallet_pay', { url: shopUrl('/v2/slow?ms=500&id=closing'), max_usd: '0.05' });
  await sandbox.shop.requests.waitFor(
    ({ url, payment }) => url.searchParams.get('id') === 'closing' && payment !== undefined,
  );
  server.child.stdin.end();
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(await server.answer(1)).toMatchObject({
    result: { structuredContent: { status: 'ok', money: 'captured' } },
  });
});

test('what was paid is read on and kept, though the call is cancelled and the client gone', async () => {
  const server = new RawServer(place.env);
  servers.push(server);
  server.open();
  const call = { url: shopUrl('/v2/slow?ms=700&id=given-up'), max_usd: '0.05' };
  server.callTool(1, 'wallet_pay', call);
  await sandbox.shop.requests.waitFor(
    ({ url, payment }) => url.searchParams.get('id') === 'given-up' && payment !== undefined,
  );
  server.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  server.child.stdin.end();
  expect(await server.ended).toEqual({ code: 0, signal: null });

  const { outcome } = await connected('legacy', (agent) => agent.call('wallet_pay', call));
  expect(outcome).toMatchObject({ status: 'ok', code: 'paid', money: 'captured', replayed: true });
  expect(outcome).toMatchObject({ response: { status: 200 } });
});

test('SIGTERM in the middle of a paid call leaves a row that says what is known', async () => {
  const server = new RawServer(place.env);
  servers.push(server);
  server.open();
  server.callTool(1, 'wallet_pay', { url: shopUrl('/v2/slow?ms=60000&id=ended'), max_usd: '0.05' });
  await sandbox.shop.requests.waitFor(
    ({ url, payment }) => url.searchParams.get('id') === 'ended' && payment !== undefined,
  );
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.stderr).toBe('');

  const { outcome } = await connected('legacy', (agent) => agent.call('wallet_ledger', { limit: 1 }));
  const [entry] = outcome['entries'] as { url: string; state: string; note: string }[];
  expect(entry).toMatchObject({ state: 'unknown', note: 'cancelled' });
  expect(entry?.url).toContain('id=ended');
});
