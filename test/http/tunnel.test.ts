import { once } from 'node:events';
import { connect as connectSocket, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { hashToken } from '../../src/money/agent.js';
import { openTunnel, TunnelError, tunnelKeyOf } from '../../src/server/tunnel.js';
import { tunnelFetch } from '../../src/server/tunnelFetch.js';
import { ERAS } from '../mcp/purser.js';
import { callText, startFixture, TOKENS, type FixtureServer } from './fixture.js';

const KEY = tunnelKeyOf(hashToken(TOKENS.ada));
let fixture: FixtureServer;
const servers: Server[] = [];
const sockets: Socket[] = [];
beforeAll(async () => {
  fixture = await startFixture();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  fixture.refused.length = 0;
});
afterAll(() => fixture.server.stop(Promise.resolve()));

/** What holds a port that is not its own; `serve` does what it likes with whoever comes. */
async function squat(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Passes everything on to the true server and back, through `change`; answers its port and all that went by. */
async function relay(
  change: (bytes: Buffer, from: 'client' | 'server', count: number) => Buffer = (bytes) => bytes,
): Promise<{ port: number; seen: () => Buffer; upstream: () => Socket | undefined }> {
  const seen: Buffer[] = [];
  let upstream: Socket | undefined;
  const port = await squat((socket) => {
    const server = (upstream = connectSocket(fixture.port, '127.0.0.1'));
    sockets.push(server);
    server.on('error', () => undefined);
    const counts = { client: 0, server: 0 };
    const pass = (from: 'client' | 'server', to: Socket) => (bytes: Buffer) => {
      seen.push(bytes);
      to.write(change(bytes, from, counts[from]++));
    };
    socket.on('data', pass('client', server));
    server.on('data', pass('server', socket));
    socket.on('close', () => server.destroy());
    server.on('close', () => socket.destroy());
  });
  return { port, seen: () => Buffer.concat(seen), upstream: () => upstream };
}

const open = (port: number, { agent = 'ada', key = KEY } = {}) =>
  openTunnel({ at: { host: '127.0.0.1', port }, host: `127.0.0.1:${port}`, agent, key });

async function faultOf(opening: Promise<unknown>): Promise<string> {
  return opening.then(
    () => 'open',
    (error: unknown) => (error instanceof TunnelError ? error.fault : String(error)),
  );
}

async function connectThrough(port: number, mode: (typeof ERAS)[number]['mode']): Promise<Client> {
  const client = new Client({ name: 'through', version: '1.0.0' }, { versionNegotiation: { mode } });
  const host = `127.0.0.1:${port}`;
  const fetch = tunnelFetch({ at: { host: '127.0.0.1', port }, host, agent: 'ada', key: KEY });
  const requestInit = { headers: { Authorization: `Bearer ${TOKENS.ada}` } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`http://${host}/mcp`), { requestInit, fetch }),
  );
  return client;
}

describe('through a relay on the port (T33)', () => {
  test.each(ERAS)(
    'a call in $era reaches the true server, and the relay sees nothing of it',
    async ({ mode }) => {
      const { port, seen } = await relay();
      const client = await connectThrough(port, mode);
      expect(await callText(client, 'who')).toMatch(/^ada req_/);
      await client.close();
      const text = seen().toString('latin1');
      expect(text).toContain('purser-agent: ada');
      for (const secret of [TOKENS.ada, TOKENS.ada.slice(-43), 'Bearer', '/mcp', 'tools/call', 'req_'])
        expect(text).not.toContain(secret);
    },
  );

  test('a byte that it changes ends the connection, and no request comes of it', async () => {
    const { sessions } = fixture.server;
    for (const from of ['client', 'server'] as const) {
      // The first two pieces of each side are the CONNECT and the handshake.
      const { port } = await relay((bytes, side, count) => {
        if (side !== from || count < 2) return bytes;
        const changed = Buffer.from(bytes);
        changed[changed.length - 1]! ^= 1;
        return changed;
      });
      await expect(connectThrough(port, 'legacy')).rejects.toThrow();
    }
    expect(fixture.server.sessions).toBe(sessions);
  });

  test('what it recorded, sent again, opens nothing', async () => {
    const pieces: Buffer[] = [];
    const { port } = await relay((bytes, from) => {
      if (from === 'client') pieces.push(bytes);
      return bytes;
    });
    const tunnel = await open(port);
    tunnel.write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n');
    await once(tunnel, 'data');
    tunnel.destroy();
    const again = connectSocket(fixture.port, '127.0.0.1');
    sockets.push(again);
    let answer = Buffer.alloc(0);
    again.on('data', (bytes: Buffer) => (answer = Buffer.concat([answer, bytes])));
    again.on('error', () => undefined);
    const closed = once(again, 'close');
    for (const piece of pieces) again.write(piece);
    await closed;
    expect(answer.toString('latin1')).not.toMatch(/HTTP\/1\.1 [^2]/);
    expect(fixture.refused).toEqual(['token_missing', 'tunnel']);
  });

  test('what it adds of its own behind the handshake is served to nobody', async () => {
    const { port, upstream } = await relay();
    const tunnel = await open(port);
    const faults: unknown[] = [];
    tunnel.on('error', (error) => faults.push(error));
    const closed = new Promise((resolve) => tunnel.once('close', resolve));
    upstream()?.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await closed;
    expect(faults).toHaveLength(1);
  });
});

describe('what listens in the place of the server (T33)', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['says nothing and hangs up', (socket) => socket.end()],
    ['answers as a web server', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
    ['refuses', (socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n')],
    ['never ends its head', (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(8_192)}`)],
    [
      'lets the tunnel begin and sends what is no TLS',
      (socket) =>
        void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')),
    ],
  ])('and %s is sent nothing but the agent’s name', async (_what, serve) => {
    const seen: Buffer[] = [];
    const port = await squat((socket) => {
      socket.on('data', (bytes: Buffer) => seen.push(bytes));
      serve(socket);
    });
    expect(await faultOf(open(port))).toBe('unproven');
    const text = Buffer.concat(seen).toString('latin1');
    expect(text).not.toContain(TOKENS.ada.slice(-43));
    expect(text).not.toContain(hashToken(TOKENS.ada));
    expect(Buffer.concat(seen).includes(Buffer.from(KEY))).toBe(false);
  });

  test('and speaks the protocol with another key proves nothing', async () => {
    const impostor = await startFixture();
    impostor.tokens.clear();
    impostor.tokens.set('a token that it made up', 'ada');
    expect(await faultOf(open(impostor.port))).toBe('unproven');
    await impostor.server.stop(Promise.resolve());
  });

  test('is told from nobody at all', async () => {
    const port = await squat(() => undefined);
    const [server] = servers.splice(0);
    server?.close();
    await once(server!, 'close');
    expect(await faultOf(open(port))).toBe('unreachable');
  });
});

describe('the server’s door', () => {
  test('knows an agent by its key alone: a wrong key and an agent that is not there fare alike', async () => {
    const wrong = tunnelKeyOf(hashToken(TOKENS.bob));
    expect(await faultOf(open(fixture.port, { key: wrong }))).toBe('unproven');
    expect(await faultOf(open(fixture.port, { agent: 'nobody' }))).toBe('unproven');
    expect(fixture.refused).toEqual(['tunnel', 'tunnel']);
  });

  test('asks for the token in the tunnel too', async () => {
    const tunnel = await open(fixture.port);
    tunnel.write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n');
    const [answer] = (await once(tunnel, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
    tunnel.destroy();
  });

  test.each([
    ['another name', 'CONNECT purser:0 HTTP/1.1\r\nHost: evil.example\r\npurser-agent: ada\r\n\r\n', 403],
    [
      'two names',
      'CONNECT purser:0 HTTP/1.1\r\nHost: localhost\r\nHost: b\r\npurser-agent: ada\r\n\r\n',
      400,
    ],
    [
      'a page',
      'CONNECT purser:0 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x\r\npurser-agent: ada\r\n\r\n',
      403,
    ],
    [
      'a place elsewhere',
      'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\npurser-agent: ada\r\n\r\n',
      404,
    ],
    ['no agent', 'CONNECT purser:0 HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
    ['a name that is none', 'CONNECT purser:0 HTTP/1.1\r\nHost: localhost\r\npurser-agent: A B\r\n\r\n', 404],
  ])('turns away %s', async (_what, head, status) => {
    const socket = connectSocket(fixture.port, '127.0.0.1');
    sockets.push(socket);
    socket.write(head);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await once(socket, 'close');
  });

  test('a tunnel that is begun and left holds up no stop', async () => {
    const own = await startFixture();
    const socket = connectSocket(own.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('CONNECT purser:0 HTTP/1.1\r\nHost: localhost\r\npurser-agent: ada\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await own.server.stop(Promise.resolve());
    await closed;
  });
});
