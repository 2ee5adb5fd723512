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
