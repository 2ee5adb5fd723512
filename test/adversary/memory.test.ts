import { readFileSync, writeFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { listenLocal, type LocalServer } from '../../sandbox/localServer.ts';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { PROGRAM } from '../mcp/purser.js';
import { createTestWallet, type TestWallet } from '../support/testWallet.js';
import { pour, makeBomb } from './pour.ts';

/** The most that one answer may make the wallet's process grow by. */
const GROWTH_BYTES_MAX = 150 * 1024 * 1024;
/** And a hundred at once, garbage that waits for its collector included. */
const STORM_BYTES_MAX = 250 * 1024 * 1024;
const PARALLEL = 100;
const TIMEOUT_MS = 50_000;
/** Enough for a hundred to pour at once; to the end, that is six gigabytes. */
const SHORT_MS = 4_000;

let sandbox: Sandbox;
let shop: LocalServer;
let mine: TestWallet;
let client: Client;
let pid: number;
/** What the process holds with its first call behind it. */
let restBytes: number;

beforeAll(async () => {
  sandbox = await startSandbox();
  shop = await listenLocal((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://local');
    response.on('error', () => undefined);
    if (pathname === '/goods') return void response.end('{"city":"Lisbon"}');
    const isBomb = pathname.startsWith('/bomb');
    response.writeHead(pathname.endsWith('402') ? 402 : 200, {
      'content-type': 'text/plain',
      ...(isBomb && { 'content-encoding': 'gzip' }),
    });
    void pour(response, isBomb ? makeBomb() : Buffer.alloc(64 * 1024, 'endless '));
  });
  mine = await createTestWallet(sandbox, 1_000_000n, {
    settings: { 'net.allow_private': JSON.stringify([shop.hostPort]) },
  });
});

// A process of its own for each: what an earlier storm left behind would hide the next.
beforeEach(async () => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: mine.home,
    PURSER_HOME: mine.home,
    PURSER_PASSPHRASE_FILE: mine.passphraseFile,
  };
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM],
    env,
    stderr: 'inherit',
  });
  client = new Client({ name: 'gullible', version: '1.0.0' });
  await client.connect(transport);
  await client.listTools();
  pid = transport.pid ?? 0;
  await quote('/goods');
  restBytes = residentBytes('VmRSS');
});

afterEach(() => client.close());

afterAll(async () => {
  await mine.remove();
  await shop.close();
  await sandbox.stop();
});

async function call(name: string, args: Record<string, unknown>): Promise<ToldOutcome> {
  const result = await client.callTool({ name, arguments: args }, { timeout: 3 * TIMEOUT_MS });
  return result.structuredContent as unknown as ToldOutcome;
}

const quote = (path: string, timeoutMs = TIMEOUT_MS) =>
  call('wallet_quote', { url: `${shop.url}${path}`, timeout_ms: timeoutMs });

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const [, kib = '0'] =
    new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** How much more than at rest the wallet's process held at most while something ran, in bytes. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  // Makes the kernel count its peak from here on.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  await work();
  return residentBytes('VmHWM') - restBytes;
}

// Only Linux tells how much a process ever held.
describe.skipIf(process.platform !== 'linux')('memory of the wallet process (T15)', () => {
  test.each([
    ['one free answer without end', '/endless', 1],
    ['one compressed bomb', '/bomb402', 1],
    ['100 in parallel of 402s without end', '/endless402', PARALLEL],
    ['100 in parallel of free answers without end', '/endless', PARALLEL],
    ['100 in parallel of compressed bombs', '/bomb402', PARALLEL],
  ])('%s', async (_name, path, times) => {
    const growth = await growthOf(() =>
      Promise.all(Array.from({ length: times }, () => quote(path, times === 1 ? TIMEOUT_MS : SHORT_MS))),
    );
    expect(growth).toBeLessThan(times === 1 ? GROWTH_BYTES_MAX : STORM_BYTES_MAX);
  });

  test('reading on in the largest answer that is kept', async () => {
    const { response } = await quote('/endless');
    const growth = await growthOf(async () => {
      const last = { id: response?.stored_id, offset: 60_000_000 };
      await Promise.all([
        call('wallet_response', last),
        call('wallet_response', { id: response?.stored_id, find: 'nowhere' }),
      ]);
    });
    expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
  });
});
