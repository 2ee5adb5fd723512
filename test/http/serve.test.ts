import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hashToken } from '../../src/money/agent.js';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { ERAS } from '../mcp/purser.js';
import { journalOf, paymentsIn } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { choose, type Asked } from '../approvals/client.js';
import { connect, send } from './fixture.js';
import { addAgents, Served, type FundedAgent } from './served.js';

let world: TestWorld;
let wallet: TestWallet;
let ada: FundedAgent;
let bob: FundedAgent;
/** The wallet as its owner's other processes have it. */
let owner: Wallet;
const ADMIN_TOKEN = `adm_${'o'.repeat(43)}`;
const running: Served[] = [];
beforeAll(async () => {
  world = await startTestWorld();
  const access = JSON.stringify(['operator', '2099-12-31', hashToken(ADMIN_TOKEN)]);
  const admin = { 'admin.on': 'true', 'admin.clients.ops.access': access };
  wallet = await world.wallet({ settings: { 'limits.per_session_usd': '1', ...admin } });
  owner = wallet.open();
  [ada, bob] = (await addAgents(world.sandbox, owner, ['ada', 'bob'], 5_000_000n)) as [
    FundedAgent,
    FundedAgent,
  ];
});
afterEach(async () => {
  for (const served of running.splice(0)) {
    served.child.kill('SIGKILL');
    await served.ended;
    console.log(readFileSync(served.logFile, 'utf8'));
    served.removeLog();
  }
});
afterAll(() => world.stop());

async function serve(...flags: string[]): Promise<Served> {
  const served = await Served.start(wallet, flags);
  running.push(served);
  return served;
}

async function pay(client: Client, url: string, more: Record<string, unknown> = {}): Promise<ToldOutcome> {
  const { structuredContent } = await client.callTool({ name: 'wallet_pay', arguments: callOf(url, more) });
  return structuredContent as ToldOutcome;
}

const lastPayment = async (agent: FundedAgent) =>
  (await paymentsIn(await owner.engine())).filter(({ agent: name }) => name === agent.name).at(-1);

/** Waits until a payment has left for the seller. */
async function sentTo(agent: FundedAgent, url: string): Promise<void> {
  const state = async (): Promise<string | false> => {
    const last = await lastPayment(agent);
    return last?.url === url && last.state;
  };
  await expect.poll(state).toBe('sent');
}

test.each(ERAS)(
  'an agent pays from its own money in $era, and log and journal know the call by one id',
  async ({ mode }) => {
    const served = await serve();
    const client = await connect(served.url, ada.token, mode);
    const url = world.url('/v2/json', { secret: 'query-secret' });
    expect(await pay(client, url)).toMatchObject({ status: 'ok', code: 'paid' });
    await client.close();
    expect(await served.stop()).toEqual({ code: 0, signal: null });

    const payment = await lastPayment(ada);
    expect(payment).toMatchObject({ url, payFrom: ada.address, state: 'captured' });
    const callId = journalOf(wallet.home).find(
      ({ kind, subject }) => kind === 'hold' && subject === payment?.id,
    )?.data['call_id'];
    expect(callId).toMatch(/^req_[0-9a-f]{20}$/);
    const log = readFileSync(served.logFile, 'utf8');
    const line = log.split('\n').find((one) => one.includes(String(callId)));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      agent: 'ada',
      tool: 'wallet_pay',
      status: 'ok',
      code: 'paid',
      money: 'captured',
      payment_id: payment?.id,
    });
    expect(statSync(served.logFile).mode & 0o777).toBe(0o600);
    for (const secret of [
      ada.token,
      'query-secret',
      '/v2/json',
      readFileSync(wallet.passphraseFile, 'utf8'),
    ]) {
      expect(log).not.toContain(secret);
    }
    expect((await (await owner.engine()).ledger.audit()).findings).toEqual([]);
  },
);

test('the admin API answers the owner’s clients, in the words of its document, and an agent’s token opens none of it', async () => {
  const served = await serve();
  const ask = async (path: string, token: string): Promise<Response> =>
    fetch(new URL(path, served.url), { headers: { Authorization: `Bearer ${token}` } });
  expect(await (await ask('/admin/v1/health', ADMIN_TOKEN)).json()).toMatchObject({ status: 'ok' });
  expect(await (await ask('/admin/v1/openapi.json', ADMIN_TOKEN)).json()).toEqual(
    JSON.parse(readFileSync('docs/admin-api.json', 'utf8')),
  );
  expect((await ask('/admin/v1/health', ada.token)).status).toBe(401);
  expect((await ask('/mcp', ADMIN_TOKEN)).status).toBe(401);
  const { agents } = (await (await ask('/admin/v1/agents', ADMIN_TOKEN)).json()) as { agents: unknown };
  expect(agents).toMatchObject([{ name: 'default' }, { name: 'ada' }, { name: 'bob' }]);
  const month = new Date().toISOString().slice(0, 7);
  expect((await ask(`/admin/v1/statements/${month}`, ADMIN_TOKEN)).status).toBe(200);
  expect(await served.stop()).toEqual({ code: 0, signal: null });
});

test('an agent pays over the older HTTP+SSE', async () => {
  const served = await serve();
  const headers = { Authorization: `Bearer ${bob.token}` };
  const client = new Client({ name: 'old', version: '1.0.0' });
  await client.connect(
    new SSEClientTransport(new URL('/sse', served.url), {
      requestInit: { headers },
      eventSourceInit: {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }),
      },
    }),
  );
  expect(await pay(client, world.url('/v2/json'))).toMatchObject({ status: 'ok', code: 'paid' });
  await client.close();
  expect((await lastPayment(bob))?.payFrom).toBe(bob.address);
});

test.each(ERAS)(
  'an agent whose own program says yes to everything gets no yes by it in $era, until its owner lets that count (T34)',
  async ({ mode }) => {
    // What was approved for an agent in one era counts in the other.
    const agent = mode === 'legacy' ? ada : bob;
    const line = `agents.${agent.name}.elicitation_max_usd`;
    await wallet.set('limits.per_call_usd', '0.02');
    const served = await serve();
    const client = await connect(served.url, agent.token, mode, { elicitation: { form: {}, url: {} } });
    let asked = 0;
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked += 1;
      return choose(params as Asked, 'last');
    });
    const buy = () => pay(client, world.url('/v2/price/0.05'));
    for (let i = 0; i < 3; i++) {
      const outcome = await buy();
      expect(outcome).toMatchObject({ status: 'approval_required', money: 'none' });
      expect(outcome.message).toContain(line);
    }
    expect(asked).toBe(0);
    await wallet.set(line, '0.08');
    expect(await buy()).toMatchObject({ status: 'ok', spent_usd: '0.05' });
    expect(await buy()).toMatchObject({ status: 'approval_required', money: 'none' });
    expect(asked).toBe(1);
    await client.close();
    await wallet.set('limits.per_call_usd', '0.50');
  },
);

test('a suspended agent, and a token replaced, open nothing from the next call on, in a process that runs', async () => {
  const served = await serve();
  const client = await connect(served.url, bob.token, 'legacy');
  const { ledger } = await owner.engine();
  await ledger.agents.change('bob', { act: 'suspend' }, Date.now());
  await expect(pay(client, world.url('/v2/json'))).rejects.toThrow();
  // 403, where a 401 would send a client to sign in somewhere; nobody else's token is told of it.
  const asked = (token: string) =>
    send(served.url, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  const suspended = await asked(bob.token);
  expect(suspended.status).toBe(403);
  expect(suspended.text).toMatch(/suspended/);
  expect((await asked(`${bob.token}x`)).status).toBe(401);
  await ledger.agents.change('bob', { act: 'resume' }, Date.now());
  expect(await pay(client, world.url('/v2/json'))).toMatchObject({ code: 'paid' });
  await client.close();
});

describe('health and metrics', () => {
  test('are on a port of their own; metrics ask for their token', async () => {
    const tokenFile = `${wallet.passphraseFile}.metrics`;
    writeFileSync(tokenFile, 'metrics-token\n', { mode: 0o600 });
    const served = await serve('--health-port', '0', '--metrics-token-file', tokenFile);
    rmSync(tokenFile);
    const at = (path: string): string => new URL(path, served.healthUrl ?? '').href;
    const client = await connect(served.url, ada.token, 'legacy');
    await pay(client, world.url('/v2/json'));
    await client.callTool({ name: 'wallet_balance', arguments: {} });
    expect((await send(at('/health'), { method: 'GET' })).text).toBe('{"status":"ok"}');
    for (const Authorization of [undefined, 'Bearer wrong', `Bearer ${ada.token}`]) {
      const headers = Authorization === undefined ? {} : { Authorization };
      expect((await send(at('/metrics'), { method: 'GET', headers })).status).toBe(401);
    }
    const Authorization = 'Bearer metrics-token';
    expect(
      (await send(at('/metrics'), { method: 'GET', headers: { Authorization, Host: 'evil.example' } }))
        .status,
    ).toBe(403);
    await send(served.url, { headers: { Host: 'evil.example' } });
    // What agents reach serves no metrics, whatever they bring.
    for (const token of [ada.token, 'metrics-token']) {
      const { status } = await send(new URL('/metrics', served.url).href, {
        method: 'GET',
        headers: { Authorization: `Bearer ${token}` },
      });
      expect([401, 404]).toContain(status);
    }
    const scrape = async (): Promise<string> => {
      const { text, status } = await send(at('/metrics'), { method: 'GET', headers: { Authorization } });
      expect(status).toBe(200);
      return text;
    };
    const valueIn = (text: string, name: string): string | undefined =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1];
    const { ledger } = await owner.engine();
    const books = () => ledger.openBooks(Date.now() - 24 * 3_600_000);
    // While a payment is with its seller, the money it holds is counted as the ledger has it.
    const url = world.url('/v2/slow', { ms: '1500' });
    const slow = pay(client, url);
    await world.sandbox.shop.requests.waitFor(
      ({ url: to, payment }) => to.href === url && payment !== undefined,
    );
    const during = await scrape();
    expect(valueIn(during, 'purser_held_usd_micros')).toBe('10000');
    expect(valueIn(during, 'purser_held_usd_micros')).toBe(String((await books()).heldUsdMicros));
    expect(valueIn(during, 'purser_calls_running')).toBe('1');
    expect(await slow).toMatchObject({ code: 'paid' });
    expect(await pay(client, world.url('/v2/price/0.51'))).toMatchObject({ code: 'price_above_max' });
    const before = (await books()).open;
    const text = await scrape();
    const after = (await books()).open;
    const value = (name: string): string | undefined => valueIn(text, name);
    expect(value('purser_calls_total{agent="ada",tool="wallet_pay",status="ok",code="paid"}')).toBe('2');
    expect(value('purser_verdicts_total{verdict="allow"}')).toBe('2');
    expect(value('purser_verdicts_total{verdict="refuse"}')).toBe('1');
    expect(value('purser_call_seconds_count{tool="wallet_pay"}')).toBe('3');
    expect(Number(value('purser_call_seconds_sum{tool="wallet_pay"}'))).toBeGreaterThan(1.5);
    expect(value('purser_refused_requests_total{reason="host"}')).toBe('2');
    expect(value('purser_refused_requests_total{reason="token_wrong"}')).toBe('3');
    expect(value('purser_held_usd_micros')).toBe('0');
    expect(value('purser_captured_24h_usd_micros')).toBe(String((await books()).capturedUsdMicros));
    const captured = (await paymentsIn(await owner.engine())).filter(({ state }) => state === 'captured');
    expect((await books()).capturedUsdMicros).toBe(
      captured.reduce((sum, { capturedUsdMicros }) => sum + (capturedUsdMicros ?? 0n), 0n),
    );
    // The background may settle some of it between two looks.
    const backlog = Number(value('purser_reconcile_backlog'));
    expect(backlog).toBeLessThanOrEqual(before);
    expect(backlog).toBeGreaterThanOrEqual(after);
    expect(value('purser_calls_running')).toBe('0');
    expect(value('purser_requests_waiting')).toBe('0');
    expect(Number(value('purser_connections'))).toBeGreaterThan(0);
    expect(value('purser_sessions')).toBe('1');
    expect(text).not.toContain(world.sandbox.shop.hostPort);
    await client.close();
  });
});

describe('it stops', () => {
  test('once the calls that run have ended, and takes no more', async () => {
    const served = await serve();
    const client = await connect(served.url, ada.token, 'legacy');
    const other = await connect(served.url, bob.token, { pin: '2026-07-28' });
    const url = world.url('/v2/slow', { ms: '2500' });
    const [slow, alsoSlow] = [pay(client, url), pay(other, world.url('/v2/slow', { ms: '2500' }))];
    await world.sandbox.shop.requests.waitFor(
      ({ url: at, payment }) => at.href === url && payment !== undefined,
    );
    served.child.kill('SIGTERM');
    await expect.poll(async () => (await send(served.url, {}).catch(() => null))?.status ?? 0).not.toBe(401);
    expect(await slow).toMatchObject({ status: 'ok', code: 'paid', money: 'captured' });
    expect(await alsoSlow).toMatchObject({ status: 'ok', code: 'paid', money: 'captured' });
    expect(await served.ended).toEqual({ code: 0, signal: null });
    expect(await lastPayment(ada)).toMatchObject({ url, state: 'captured' });
  });

  test('at a second signal at once, and what became of a payment is written down', async () => {
    const served = await serve();
    const client = await connect(served.url, ada.token, 'legacy');
    const url = world.url('/v2/json', { fault: 'hang_after_settle' });
    const lost = pay(client, url).catch((error: unknown) => error);
    await sentTo(ada, url);
    served.child.kill('SIGTERM');
    served.child.kill('SIGINT');
    expect(await served.ended).toEqual({ code: 0, signal: null });
    await client.close();
    await lost;
    expect(await lastPayment(ada)).toMatchObject({
      url,
      state: expect.stringMatching(/^(unknown|captured)$/),
    });
  });

  test('killed in the middle, it starts again, and the same call gets the truth', async () => {
    const first = await serve();
    const url = world.url('/v2/json', { fault: 'hang_after_settle', times: '1' });
    const client = await connect(first.url, ada.token, 'legacy');
    const lost = pay(client, url).catch((error: unknown) => error);
    await sentTo(ada, url);
    await first.stop('SIGKILL');
    await client.close();
    await lost;
    const second = await serve();
    const again = await connect(second.url, ada.token, { pin: '2026-07-28' });
    expect(await pay(again, url)).toMatchObject({ money: 'captured' });
    expect((await paymentsIn(await owner.engine())).filter((payment) => payment.url === url)).toHaveLength(1);
    await again.close();
  });
});

test('a session’s cap holds over reconnects, transports, eras and restarts', async () => {
  const [carl] = (await addAgents(world.sandbox, owner, ['carl'], 5_000_000n)) as [FundedAgent];
  const outcomes: ToldOutcome[] = [];
  for (let round = 0; round < 2; round++) {
    const served = await serve();
    const clients = await Promise.all([
      connect(served.url, carl.token, 'legacy'),
      connect(served.url, carl.token, { pin: '2026-07-28' }),
      connect(served.url, carl.token, 'legacy'),
    ]);
    // Three connections at once, thrice each, at 13 cents, twice: 2.34 dollars are asked for where one is allowed.
    for (let i = 0; i < 3; i++) {
      outcomes.push(
        ...(await Promise.all(clients.map((client) => pay(client, world.url('/v2/price/0.13'))))),
      );
    }
    await Promise.all(clients.map((client) => client.close()));
    await served.stop();
  }
  expect(outcomes.filter(({ code }) => code === 'paid')).toHaveLength(7);
  expect(await world.sandbox.chain.balanceOf(carl.address)).toBe(5_000_000n - 7n * 130_000n);
});

describe('it does not start', () => {
  const refusals = [
    [['--host', '0.0.0.0'], /tls-cert/],
    [['--host', '192.0.2.7'], /tls-cert/],
    [['--host', '0.0.0.0', '--behind-proxy'], /allow-host/],
    [['--tls-cert', 'x'], /go together/],
    [['--tls-cert', '/nowhere/c', '--tls-key', '/nowhere/k'], /ENOENT/],
    [['--allow-host', 'http://x'], /no host name/],
    [['--metrics-token-file', 'x'], /health-port/],
    [['--port', '70000'], /65535/],
  ] as const;
  test.each(refusals)('with %j', async (flags, says) => {
    await expect(Served.start(wallet, flags)).rejects.toThrow(says);
  });

  test.each(['--port', '--health-port'])('where %s is taken', async (flag) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const port = String((taken.address() as AddressInfo).port);
    await expect(Served.start(wallet, [flag, port])).rejects.toThrow(/is taken by another program/);
    taken.close();
  });
});

test('a client of the SDK that is refused is told why in its own words', async () => {
  const served = await serve();
  const transport = new StreamableHTTPClientTransport(new URL(served.url));
  await expect(new Client({ name: 'x', version: '1' }).connect(transport)).rejects.toThrow(/bearer token/i);
});

test('with --owner-page its owner comes in by a passkey at the address of their own, and the agents’ port shows none of it', async () => {
  const port = await freePort();
  await expect(serve('--owner-page', `127.0.0.1:${port}`)).rejects.toThrow('owner_page.url');
  await wallet.set('owner_page.url', 'https://wallet.example');
  const served = await serve('--owner-page', `127.0.0.1:${port}`);
  const ask = async (at: string, host: string) => {
    return new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = request(at, { headers: { host } }, (answer) => {
        let body = '';
        answer.on('data', (piece: Buffer) => (body += piece.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      asked.on('error', reject);
      asked.end();
    });
  };
  const door = await ask(`http://127.0.0.1:${port}/home`, 'wallet.example');
  expect(door.status).toBe(403);
  expect(door.body).toContain('Come in with a passkey');
  expect((await ask(`http://127.0.0.1:${port}/home`, `127.0.0.1:${port}`)).status).toBe(421);
  expect((await ask(`${served.origin}/home`, new URL(served.origin).host)).status).toBe(401);
  expect(await served.stop()).toEqual({ code: 0, signal: null });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
