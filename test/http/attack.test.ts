import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BODY_BYTES_MAX } from '../../src/server/http/body.js';
import {
  asAgent,
  callText,
  connect,
  INITIALIZE,
  send,
  startFixture,
  TOKENS,
  type FixtureServer,
} from './fixture.js';

const CONNECTIONS_MAX = 60;

let fixture: FixtureServer;
const sockets: Socket[] = [];
beforeAll(async () => {
  fixture = await startFixture({
    bounds: {
      headersTimeoutMs: 1_000,
      requestTimeoutMs: 2_000,
      idleMs: 4_000,
      keepAliveMs: 2_000,
      connectionsMax: CONNECTIONS_MAX,
    },
  });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  fixture.refused.length = 0;
});
afterAll(() => fixture.server.stop(Promise.resolve()));

/** A connection to the server, and all that it answers. */
async function dial(): Promise<{ socket: Socket; answer: () => string; ended: Promise<unknown> }> {
  const socket = connectSocket({ host: '127.0.0.1', port: fixture.port, allowHalfOpen: true });
  sockets.push(socket);
  let answer = '';
  socket.on('data', (piece: Buffer) => (answer += piece.toString()));
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  await once(socket, 'connect');
  return { socket, answer: () => answer, ended };
}

function countOf(reason: string): number {
  return fixture.refused.filter((one) => one === reason).length;
}

async function stillServes(): Promise<void> {
  const client = await connect(fixture.url, TOKENS.ada, 'legacy');
  expect(await callText(client, 'who')).toMatch(/^ada/);
  await client.close();
}

const collect = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

/** Bytes that are really held, whatever the collector has left lying about. */
function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const head = (line: string, headers: Record<string, string>): string =>
  [line, `Host: 127.0.0.1:${fixture.port}`, ...Object.entries(headers).map((pair) => pair.join(': '))].join(
    '\r\n',
  );

test('headers that never end are not waited for', async () => {
  const slow = await Promise.all(Array.from({ length: 10 }, () => dial()));
  for (const { socket } of slow) socket.write(head('POST /mcp HTTP/1.1', asAgent(TOKENS.ada)));
  const drip = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write('\r\nX-Drip: 1');
  }, 200);
  await Promise.all(slow.map(({ ended }) => ended));
  clearInterval(drip);
  for (const { answer } of slow) expect(answer()).toMatch(/^HTTP\/1\.1 408 /);
  expect(countOf('too_slow')).toBeGreaterThanOrEqual(10);
  await stillServes();
});

test('a body that never ends is not waited for', async () => {
  const { socket, ended } = await dial();
  socket.write(
    `${head('POST /mcp HTTP/1.1', { ...asAgent(TOKENS.ada), 'Content-Length': '1000' })}\r\n\r\n{`,
  );
  const drip = setInterval(() => {
    if (socket.writable) socket.write(' ');
  }, 200);
  await ended;
  clearInterval(drip);
  // A client of another test may have opened a connection it never used.
  expect(countOf('too_slow')).toBeGreaterThanOrEqual(1);
  await stillServes();
});

test('connections that say nothing, or are half open, end', async () => {
  const silent = await dial();
  const halfOpen = await dial();
  halfOpen.socket.end('GET /mcp HTTP/1.1\r\n');
  const vanished = await dial();
  vanished.socket.write(`${head('GET /health HTTP/1.1', {})}\r\n\r\n`);
  await Promise.all([silent.ended, halfOpen.ended, vanished.ended]);
  expect(countOf('too_slow') + countOf('malformed')).toBeGreaterThanOrEqual(2);
  await stillServes();
});

test('a client that goes in the middle of its call leaves nothing behind', async () => {
  const before = await fixture.server.connections();
  for (let i = 0; i < 20; i++) {
    const { socket } = await dial();
    socket.write(
      `${head('POST /mcp HTTP/1.1', { ...asAgent(TOKENS.ada), 'Content-Length': '9999' })}\r\n\r\n{"a`,
    );
    socket.resetAndDestroy();
  }
  await expect.poll(() => fixture.server.connections()).toBeLessThanOrEqual(before);
  await stillServes();
});

test('more connections than the bound are counted, and told in words to come again', async () => {
  for (let says = ''; !says.startsWith('HTTP/1.1 503');) {
    const many = await Promise.all(Array.from({ length: CONNECTIONS_MAX + 20 }, () => dial()));
    await expect.poll(() => countOf('connections')).toBeGreaterThanOrEqual(20);
    const late = await dial();
    late.socket.write(
      `${head('POST /mcp HTTP/1.1', { ...asAgent(TOKENS.ada), 'Content-Length': '2' })}\r\n\r\n{}`,
    );
    await late.ended;
    for (const { socket } of many) socket.destroy();
    // Those that say nothing end after a while, and on a slow machine before the late one came.
    says = late.answer();
    if (says.startsWith('HTTP/1.1 503')) expect(says).toMatch(/retry-after: 5[^]*too many connections/i);
  }
  await expect.poll(() => fixture.server.connections()).toBeLessThan(10);
  await stillServes();
});

test('a request that was given up is not served when the rest of it comes', async () => {
  const { socket, answer, ended } = await dial();
  const body = INITIALIZE;
  socket.write(
    `${head('POST /mcp HTTP/1.1', { ...asAgent(TOKENS.ada), 'Content-Length': String(body.length) })}\r\n`,
  );
  socket.once('data', () => socket.write(`\r\n${body}`));
  await ended;
  expect(answer()).toMatch(/^HTTP\/1\.1 408 /);
  // Neither a second answer nor a session came of it.
  expect(answer().match(/HTTP\/1\.1/g)).toHaveLength(1);
  await stillServes();
});

test('each is refused and counted however often it comes, and memory stays flat', async () => {
  const { refused, tokens, url } = fixture;
  tokens.set('token-of-eve', 'eve');
  const port = String(fixture.port);
  const kinds = [
    ['host', 403, { ...asAgent(TOKENS.ada), Host: `rebound.example:${port}` }],
    ['origin', 403, { ...asAgent(TOKENS.ada), Origin: 'https://evil.example' }],
    ['token_missing', 401, { 'Content-Type': 'application/json' }],
    ['token_wrong', 401, asAgent('token-of-nobody')],
    ['token_wrong', 401, asAgent('token-of-eve')],
  ] as const;
  const round = async (): Promise<void> => {
    for (const [, status, headers] of kinds)
      expect((await send(url, { headers, body: INITIALIZE })).status).toBe(status);
  };
  expect((await send(url, { headers: asAgent('token-of-eve'), body: INITIALIZE })).status).toBe(200);
  // Taken back: from the next request on it is nobody's.
  tokens.delete('token-of-eve');
  await round();
  const before = heldBytes();
  refused.length = 0;
  const rounds = 40;
  for (let i = 0; i < rounds; i += 1) await round();
  expect(Object.fromEntries(kinds.map(([reason]) => [reason, countOf(reason)]))).toEqual({
    host: rounds,
    origin: rounds,
    token_missing: rounds,
    token_wrong: 2 * rounds,
  });
  await expect.poll(() => heldBytes() - before).toBeLessThan(4 * 1024 * 1024);
  await stillServes();
});

test('bytes that are no request are answered in kind', async () => {
  const { socket, answer, ended } = await dial();
  socket.write('\x16\x03\x01 this is not HTTP\r\n\r\n');
  await ended;
  expect(answer()).toMatch(/^HTTP\/1\.1 400 /);
  const huge = await dial();
  huge.socket.write(head('GET /mcp HTTP/1.1', { 'X-Long': 'x'.repeat(64 * 1024) }));
  await huge.ended;
  expect(huge.answer()).toMatch(/^HTTP\/1\.1 431 /);
  expect(countOf('malformed')).toBeGreaterThanOrEqual(2);
});

const TEN_MB = Buffer.alloc(10 * 1024 * 1024, 'x');

/** Sends a large body as fast as it is taken, whatever is answered meanwhile; answers the status line. */
async function flood(headers: Record<string, string>, chunked: boolean): Promise<string> {
  const { socket, answer, ended } = await dial();
  const length = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(TEN_MB.length) };
  socket.write(`${head('POST /mcp HTTP/1.1', { ...headers, ...length })}\r\n\r\n`);
  if (chunked) socket.write(`${TEN_MB.length.toString(16)}\r\n`);
  socket.write(TEN_MB);
  if (chunked) socket.write('\r\n0\r\n\r\n');
  await ended;
  return answer().split('\r\n')[0] ?? '';
}

test.each([
  ['an agent', () => asAgent(TOKENS.ada), 413],
  ['nobody', () => ({ 'Content-Type': 'application/json' }), 401],
] as const)('10 MB from %s are refused, and memory stays flat', async (_who, headers, status) => {
  await flood(headers(), false);
  const before = heldBytes();
  fixture.refused.length = 0;
  for (let round = 0; round < 10; round++) {
    const lines = await Promise.all([flood(headers(), false), flood(headers(), true)]);
    for (const line of lines)
      expect(line).toBe(`HTTP/1.1 ${status} ${status === 413 ? 'Payload Too Large' : 'Unauthorized'}`);
  }
  expect(countOf(status === 413 ? 'body_too_large' : 'token_missing')).toBe(20);
  // 200 MB came in; once the last connections are gone, what is held is what was held before.
  await expect.poll(() => heldBytes() - before).toBeLessThan(8 * 1024 * 1024);
  await stillServes();
});

test('a body at the bound is read, and one that is no message is refused in words', async () => {
  const padded = `${INITIALIZE}${' '.repeat(BODY_BYTES_MAX - INITIALIZE.length)}`;
  expect((await send(fixture.url, { headers: asAgent(TOKENS.ada), body: padded })).status).toBe(200);
  expect((await send(fixture.url, { headers: asAgent(TOKENS.ada), body: `${padded} ` })).status).toBe(413);
  const batch = JSON.stringify(
    Array.from({ length: 21 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })),
  );
  for (const body of ['', '{', '7', 'null', batch, '\u0000']) {
    const answer = await send(fixture.url, { headers: asAgent(TOKENS.ada), body });
    expect([body.slice(0, 5), answer.status]).toEqual([body.slice(0, 5), 400]);
  }
});

test('a request with two hosts is refused, whichever is ours and whichever is first', async () => {
  const own = `127.0.0.1:${fixture.port}`;
  for (const [first, second] of [
    [own, 'evil.example'],
    ['evil.example', own],
    [own, own],
  ]) {
    const { socket, answer, ended } = await dial();
    const headers = Object.entries({ ...asAgent(TOKENS.ada), 'Content-Length': String(INITIALIZE.length) });
    const lines = headers.map((pair) => pair.join(': ')).join('\r\n');
    socket.write(`POST /mcp HTTP/1.1\r\nHost: ${first}\r\nHost: ${second}\r\n${lines}\r\n\r\n${INITIALIZE}`);
    await ended;
    expect(answer(), `${first}, ${second}`).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer()).not.toContain('serverInfo');
  }
  await stillServes();
});
