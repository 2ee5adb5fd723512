import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { NetFailure } from './failure.js';
import { createNet, type HttpRequest, type Net, type NetSettings, type SendOptions } from './send.js';
import { parseCallUrl } from './destination/url.js';
import type { TestCertificate } from './certificate.fixture.js';

/** A server on 127.0.0.1 that knows its connections. */
export interface Shop {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly hostPort: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Connections now open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Settles when no connection is open. */
  untilQuiet(): Promise<void>;
  close(): Promise<void>;
}

async function listen(server: Server): Promise<Shop> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let quiet: (() => void)[] = [];
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const tell of quiet) tell();
      quiet = [];
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const untilQuiet = (): Promise<void> =>
    sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => quiet.push(resolve));
  return {
    port,
    hostPort: `127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    sockets,
    untilQuiet,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A shop that speaks proper HTTP, or HTTPS with a certificate. */
export function openHttpShop(answer: RequestListener, certificate?: TestCertificate): Promise<Shop> {
  return listen(certificate ? createHttps({ ...certificate }, answer) : createHttp(answer));
}

/** A shop that speaks whatever it likes: `serve` is given each connection. */
export function openTcpShop(serve: (socket: Socket) => void): Promise<Shop> {
  return listen(createTcp(serve));
}

/** Collects what comes over a socket until the text ends a header block, and gives it all. */
export function untilRequest(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const gather = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.off('data', gather);
      resolve(text);
    };
    socket.on('data', gather);
  });
}

/** A shop that answers each connection's first request with the same bytes and then does as told. */
export function openScriptedShop(script: (socket: Socket, request: string) => void): Promise<Shop> {
  return openTcpShop((socket) => {
    void untilRequest(socket).then((request) => script(socket, request));
  });
}

/** A network that may call these `host:port`s, and nothing private else. */
export function openTestNet(allowPrivate: readonly string[], settings: Partial<NetSettings> = {}): Net {
  return createNet({ version: '0.0.0-test', proxy: 'none', allowPrivate, ...settings });
}

/** Bounds wide enough never to matter; what a test is about it narrows itself. */
export const WIDE: SendOptions = {
  deadline: { connectMs: 50_000, firstByteMs: 50_000, wholeMs: 50_000 },
  redirects: 'return',
  bodyBytesMax: 64 * 1024 * 1024,
};

/** A GET of a URL on hosts the owner allowed. */
export function requestFor(
  text: string,
  allowPrivate: readonly string[],
  more: Partial<HttpRequest> = {},
): HttpRequest {
  return { method: 'GET', url: parseCallUrl(text, { allowPrivate }), headers: [], ...more };
}

/** The failure a promise ends in. */
export async function failureOf(promise: Promise<unknown>): Promise<NetFailure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof NetFailure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

/** Settles when a network has no connection: the two ends of one hear of its end in either order. */
export async function untilNoneOpen(net: Net): Promise<void> {
  while (net.connections.open > 0) await new Promise((resolve) => setImmediate(resolve));
}
