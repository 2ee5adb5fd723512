import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPlace, RawServer, type Place } from './purser.js';

let place: Place;
const servers: RawServer[] = [];
beforeAll(async () => {
  place = createPlace();
  await place.init();
});
afterEach(async () => {
  for (const { child } of servers) child.kill('SIGKILL');
  await Promise.all(servers.splice(0).map(({ ended }) => ended));
});
afterAll(() => {
  place.remove();
});

function start(nodeArgs: readonly string[] = []): RawServer {
  const server = new RawServer(place.env, nodeArgs);
  servers.push(server);
  return server;
}

/** Program text that Node runs before ours. */
function preload(program: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
}

test('stdout holds the protocol and nothing else, whoever prints', async () => {
  const server = start(
    preload(`
      const speak = () => { console.log('stray line'); console.info('stray info'); process.stdout.write('stray bytes\\n'); };
      process.stdin.on('data', () => setImmediate(speak));`),
  );
  server.open();
  await server.answer('open');
  server.callTool(1, 'wallet_balance', {});
  server.callTool(2, 'wallet_pay', { nonsense: true });
  await Promise.all([server.answer(1), server.answer(2)]);
  server.child.stdin.end();
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.lines.length).toBeGreaterThanOrEqual(3);
  for (const line of server.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  for (const stray of ['stray line', 'stray info', 'stray bytes']) expect(server.stderr).toContain(stray);
});

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
  'speaks %s with a client that asks for it',
  async (revision) => {
    const server = start();
    server.open(revision);
    expect(await server.answer('open')).toMatchObject({
      result: { protocolVersion: revision, serverInfo: { name: 'purser' } },
    });
    server.send({ id: 1, method: 'tools/list' });
    const { result } = (await server.answer(1)) as { result: { tools: unknown[] } };
    expect(result.tools).toHaveLength(7);
  },
);

test('a line that is no message ends nothing', async () => {
  const server = start();
  server.open();
  server.child.stdin.write('this is not JSON\n{"jsonrpc":"2.0"}\n[]\n');
  server.send({ id: 1, method: 'ping' });
  expect(await server.answer(1)).toMatchObject({ result: {} });
});

test('a byte order mark, and null for what is left out, are taken for what they mean', async () => {
  const server = start();
  const clientInfo = { name: 'raw', version: '1.0.0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  server.child.stdin.write(
    `\ufeff${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\r\n`,
  );
  expect(await server.answer(0)).toMatchObject({ result: { serverInfo: { name: 'purser' } } });
  server.send({ method: 'notifications/initialized', params: null });
  server.send({ id: 1, method: 'tools/list', params: null });
  expect(await server.answer(1)).toMatchObject({ result: { tools: expect.any(Array) as unknown } });
  server.send({
    id: 2,
    method: 'tools/call',
    params: { name: 'wallet_balance', arguments: null, _meta: null },
  });
  expect(await server.answer(2)).toMatchObject({ result: { structuredContent: { status: 'ok' } } });
  const network = null;
  server.callTool(3, 'wallet_balance', { network });
  expect(await server.answer(3)).toMatchObject({ result: { structuredContent: { status: 'ok' } } });
});

test('the answers to a batch come together, and one that is cancelled holds none of them up', async () => {
  const server = start();
  server.open();
  await server.answer('open');
  const batch = (...messages: unknown[]): boolean =>
    server.child.stdin.write(`${JSON.stringify(messages)}\n`);
  const answered = (id: number): Promise<Record<string, unknown>> =>
    server.message(
      (message) => Array.isArray(message) && message.some((one: { id?: unknown }) => one.id === id),
    );
  batch(
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
    { jsonrpc: '2.0', id: 2, method: 'tools/list', params: null },
    7,
    { jsonrpc: '2.0', id: 3, method: 'nobody/knows' },
  );
  const first = (await answered(2)) as unknown as Record<string, unknown>[];
  const sorted = first.sort((a, b) => Number(a['id'] ?? 9) - Number(b['id'] ?? 9));
  expect(sorted).toMatchObject([
    { id: 1, result: {} },
    { id: 2, result: { tools: expect.any(Array) as unknown } },
    { id: 3, error: { code: -32_601 } },
    { id: null, error: { code: -32_600 } },
  ]);
  server.child.stdin.write('[]\n');
  await server.message(({ id, error }) => id === null && error !== undefined);
  batch({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
  // A call that waits for its owner is cancelled; the one beside it is answered.
  batch(
    {
      jsonrpc: '2.0',
      id: 4,
      method: 'tools/call',
      params: { name: 'wallet_approval', arguments: { id: 'apr_none' } },
    },
    { jsonrpc: '2.0', id: 5, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 4 } },
  );
  expect(await answered(5)).toBeDefined();
  server.send({ id: 6, method: 'ping' });
  expect(await server.answer(6)).toMatchObject({ result: {} });
});

test('a message may hold a body of 64 MiB; a longer one is answered, and ends nothing', async () => {
  const server = start();
  server.open();
  await server.answer('open');
  const call = (id: number, mebibytes: number): void =>
    server.callTool(id, 'wallet_quote', {
      url: 'https://10.0.0.1/',
      method: 'POST',
      body_base64: Buffer.alloc(mebibytes * 1024 * 1024).toString('base64'),
    });
  call(1, 64);
  expect(await server.answer(1)).toMatchObject({
    result: { structuredContent: { code: 'address_refused' } },
  });
  call(2, 65);
  expect(await server.answer(2)).toMatchObject({ result: { structuredContent: { code: 'bad_input' } } });
  call(3, 80);
  expect(await server.answer(3)).toMatchObject({ error: { code: -32_600 } });
  server.send({ id: 4, method: 'ping' });
  expect(await server.answer(4)).toMatchObject({ result: {} });
});

test.skipIf(!existsSync('/proc/self/maps'))(
  'signers, chains and SQLite are loaded by the first call, not by the list',
  async () => {
    const server = start();
    const loaded = (): boolean =>
      readFileSync(`/proc/${server.child.pid ?? 0}/maps`, 'utf8').includes('/better-sqlite3/');
    server.open();
    server.send({ id: 1, method: 'tools/list' });
    await server.answer(1);
    expect(loaded()).toBe(false);
    server.callTool(2, 'wallet_ledger', {});
    expect(await server.answer(2)).toMatchObject({ result: { isError: false } });
    expect(loaded()).toBe(true);
  },
);

test('a passphrase that others can read works, and the person is told once', async () => {
  chmodSync(place.passphraseFile, 0o644);
  const server = start();
  server.open();
  server.callTool(1, 'wallet_ledger', {});
  server.callTool(2, 'wallet_ledger', {});
  for (const id of [1, 2]) expect(await server.answer(id)).toMatchObject({ result: { isError: false } });
  server.child.stdin.end();
  await server.ended;
  chmodSync(place.passphraseFile, 0o600);
  expect(server.stderr).toBe(
    `Other users of this machine may read the secret in ${place.passphraseFile}; run: chmod 600 ${place.passphraseFile}\n`,
  );
});

describe('it ends', () => {
  test('when its stdin does, once all that was asked before is answered', async () => {
    const server = start();
    server.open();
    server.send({ id: 1, method: 'tools/list' });
    server.callTool(2, 'wallet_balance', { network: 'none' });
    server.child.stdin.end();
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(await server.answer(1)).toHaveProperty('result.tools');
    expect(await server.answer(2)).toMatchObject({ result: { isError: true } });
    expect(server.stderr).toBe('');
  });

  test('at once when stdin is empty from the start', async () => {
    const server = start();
    server.child.stdin.end();
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.lines).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('on %s, with its wallet open', async (signal) => {
    const server = start();
    server.open();
    server.callTool(1, 'wallet_ledger', {});
    await server.answer(1);
    server.child.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.stderr).toBe('');
  });

  test('when nobody reads its answers any more', async () => {
    const server = start();
    server.open();
    await server.answer('open');
    server.child.stdout.destroy();
    for (let id = 1; id <= 20; id++) server.send({ id, method: 'tools/list' });
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.stderr).toBe('');
  });
});
