import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WalletError } from '../../errors/walletError.js';
import { readBody } from '../body.js';
import { makeCertificate } from '../certificate.fixture.js';
import { readProxySetting } from './proxy.js';
import { rpcFetch } from '../rpcFetch.js';
import type { NetSettings } from '../send.js';
import {
  failureOf,
  openHttpShop,
  openTcpShop,
  openTestNet,
  requestFor,
  WIDE,
  type Shop,
} from '../shop.fixture.js';
import { parseCallUrl } from '../destination/url.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const certificate = makeCertificate(['seller.example', 'other.example']);

/** A proxy that takes every name to the one shop, and remembers what it was asked. */
async function openProxy(shop: Shop, answer = '200 Connection Established') {
  const asked: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('connect', (message, client: Socket) => {
    asked.push(message);
    client.write(`HTTP/1.1 ${answer}\r\n\r\n`);
    if (!answer.startsWith('200')) return client.end();
    const upstream = connect(shop.port, '127.0.0.1');
    upstream.on('error', () => client.destroy()).once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function openSecureShop(): Promise<Shop> {
  const shop = await openHttpShop((message, answer) => answer.end(`to ${message.headers.host}`), certificate);
  opened.push(shop);
  return shop;
}

/** A network that fails a test which resolves a name. */
function proxied(proxy: string, settings: Partial<NetSettings> = {}) {
  const lookup = (): Promise<never> => Promise.reject(new Error('a name was resolved here'));
  const net = openTestNet(settings.allowPrivate ?? [], {
    proxy,
    lookup,
    extraAuthorities: [certificate.cert],
    ...settings,
  });
  opened.push(net);
  return net;
}

describe('T10: behind a proxy', () => {
  it('the questions to an RPC go as calls do, and come back as fetch gives them', async () => {
    const shop = await openHttpShop((message, answer) => {
      if (message.url === '/hang') return;
      let body = '';
      message.on('data', (piece) => (body += String(piece)));
      message.on('end', () => {
        answer.writeHead(message.url === '/busy' ? 429 : 200, { 'content-type': 'application/json' });
        answer.end(JSON.stringify({ method: message.method, host: message.headers.host, body }));
      });
    }, certificate);
    opened.push(shop);
    const proxy = await openProxy(shop);
    const ask = rpcFetch(proxied(proxy.url), { allowPrivate: [] });
    const answer = await ask('https://seller.example/v2/key', { method: 'POST', body: '{"id":1}' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({ method: 'POST', host: 'seller.example', body: '{"id":1}' });
    expect((await ask('https://seller.example/busy', { body: '{}' })).status).toBe(429);
    const given = new AbortController();
    const hanging = ask('https://seller.example/hang', { body: '{}', signal: given.signal });
    given.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'cancelled' });
    expect(proxy.asked[0]?.url).toBe('seller.example:443');
  });

  it('a name is handed to it, resolved by nobody here, and still proved by its certificate', async () => {
    const shop = await openSecureShop();
    const proxy = await openProxy(shop);
    const net = proxied(proxy.url);
    const headers = [['authorization', 'Bearer secret']] as const;
    for (const path of ['/a', '/b']) {
      const answer = await net.send(requestFor(`https://seller.example${path}`, [], { headers }), WIDE);
      const read = await readBody(answer, { bytesMax: 100 });
      expect(Buffer.from(read.bytes).toString()).toBe('to seller.example');
    }
    expect(proxy.asked.map(({ url, headers: sent }) => [url, sent])).toEqual([
      ['seller.example:443', { host: 'seller.example:443', connection: 'close' }],
    ]);
    const failure = await failureOf(net.send(requestFor('https://wrong.example/', []), WIDE));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
  });

  it.each([
    'https://127.0.0.1/',
    'https://169.254.169.254/',
    'https://[::1]/',
    'https://0x7f.1/',
    'https://localhost/',
    'https://metadata.google.internal/',
    'https://intranet/',
  ])('%s is refused all the same', async (text) => {
    const shop = await openSecureShop();
    const proxy = await openProxy(shop);
    const call = (async () => proxied(proxy.url).send(requestFor(text, []), WIDE))();
    expect((await failureOf(call)).code).toBe('address_refused');
    expect(proxy.asked).toHaveLength(0);
  });

  it('what the owner allowed is called directly, its address checked', async () => {
    const shop = await openSecureShop();
    const proxy = await openProxy(shop);
    const hostPort = `seller.example:${shop.port}`;
    const allowPrivate = [hostPort];
    const net = proxied(proxy.url, { allowPrivate, lookup: () => Promise.resolve(['127.0.0.1']) });
    expect((await net.send(requestFor(`https://${hostPort}/`, allowPrivate), WIDE)).status).toBe(200);
    expect(proxy.asked).toHaveLength(0);
  });

  it('its own user and password go to it alone', async () => {
    const shop = await openSecureShop();
    const proxy = await openProxy(shop);
    const net = proxied(proxy.url.replace('//', '//us%40er:p%3Aw@'));
    await net.send(requestFor('https://seller.example/', []), WIDE);
    expect(proxy.asked[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('us@er:p:w').toString('base64')}`,
    );
  });

  it.each([
    '407 Proxy Authentication Required',
    '403 Forbidden',
    '502 Bad Gateway',
    '204 No Content',
    '302 Found',
  ])('its answer %s is told, and nothing was sent', async (answer) => {
    const proxy = await openProxy(await openSecureShop(), answer);
    const failure = await failureOf(proxied(proxy.url).send(requestFor('https://seller.example/', []), WIDE));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
    expect(failure.message).toContain(answer.slice(0, 3));
  });

  it('bytes it sends before the handshake are not taken for the seller', async () => {
    const proxy = await openProxy(
      await openSecureShop(),
      '200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0',
    );
    const failure = await failureOf(proxied(proxy.url).send(requestFor('https://seller.example/', []), WIDE));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
  });

  it.each([
    ['never answers', (socket: Socket) => socket.resume(), 'timed_out', 400],
    ['hangs up', (socket: Socket) => socket.destroy(), 'unreachable', WIDE.deadline.connectMs],
    [
      'floods its headers',
      (socket: Socket) => socket.resume().write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`),
      'unreachable',
      WIDE.deadline.connectMs,
    ],
  ])('one that %s delays no longer than connecting may take', async (_words, serve, code, connectMs) => {
    const shop = await openTcpShop((socket) => void serve(socket));
    opened.push(shop);
    const deadline = { ...WIDE.deadline, connectMs };
    const failure = await failureOf(
      proxied(`http://${shop.hostPort}`).send(requestFor('https://seller.example/', []), {
        ...WIDE,
        deadline,
      }),
    );
    expect(failure).toMatchObject({ code, leg: 'connect', bytesLeft: false });
    await shop.untilQuiet();
  });

  it('one that is not there is unreachable', async () => {
    const shop = await openTcpShop(() => undefined);
    await shop.close();
    const failure = await failureOf(
      proxied(`http://${shop.hostPort}`).send(requestFor('https://seller.example/', []), WIDE),
    );
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
  });
});

describe('net.proxy', () => {
  const target = parseCallUrl('https://api.seller.example/', { allowPrivate: [] });
  const routed = (setting: string, environment: Record<string, string> = {}): string | undefined =>
    readProxySetting(setting, environment)(target)?.href;

  it('none is no proxy, whatever the environment says', () => {
    expect(routed('none', { HTTPS_PROXY: 'http://p:1' })).toBeUndefined();
  });

  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
    [{ https_proxy: 'http://p:1', HTTPS_PROXY: 'http://q:1' }, 'http://p:1/'],
    [{ ALL_PROXY: 'p:3128' }, 'http://p:3128/'],
    [{ HTTP_PROXY: 'http://p:1' }, undefined],
    [{ HTTPS_PROXY: '', ALL_PROXY: 'https://p/' }, 'https://p/'],
  ])('env: %j leads through %s', (environment, proxy) => {
    expect(routed('env', environment as Record<string, string>)).toBe(proxy);
  });

  it.each([
    ['*', true],
    ['api.seller.example', true],
    ['seller.example', true],
    ['.seller.example', true],
    ['*.seller.example', true],
    ['SELLER.EXAMPLE:443', true],
    ['other.example, seller.example', true],
    ['seller.example:8443', false],
    ['eller.example', false],
    ['www.api.seller.example', false],
    ['', false],
    [',', false],
    ['.', false],
  ])('NO_PROXY %j exempts: %s', (noProxy, exempt) => {
    const environment = { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy };
    expect(routed('env', environment) === undefined).toBe(exempt);
  });

  it.each(['socks5://p:1', 'ftp://p', 'http://', ':::', 'http://user:secret@'])(
    '%s is refused, and not repeated',
    (setting) => {
      const error = ((): unknown => {
        try {
          return readProxySetting(setting, {});
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toBeInstanceOf(WalletError);
      expect(error).toMatchObject({ code: 'config_invalid' });
      expect((error as WalletError).message).not.toContain('secret');
    },
  );
});
