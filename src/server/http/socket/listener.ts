import { readFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WalletError } from '../../../errors/walletError.js';
import { TOO_MANY_CONNECTIONS, type RefusalListener } from '../refusal.js';
import { makeWay, SOCKET_UMASK } from './unixSocket.js';

/** What a peer can make the server wait for, or keep. */
export interface ListenerBounds {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleMs: number;
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
}

const BOUNDS: ListenerBounds = {
  // A client sends its headers in one go; one that takes seconds only holds a socket open (T15).
  headersTimeoutMs: 10_000,
  // The largest body over a poor line.
  requestTimeoutMs: 30_000,
  // Nothing moved either way for longer than any call lasts (290 s): the other side is gone.
  idleMs: 320_000,
  // Clients keep a connection between calls; an agent thinks for longer than that costs.
  keepAliveMs: 60_000,
  // Fifty agents with forty clients each, and a stream beside each of their calls.
  connectionsMax: 5_000,
};
/** This many connections beyond the bound are accepted just to be told so. Further ones are dropped. */
const SURPLUS_MAX = 500;
/** Connections that may wait to be taken: a burst of clients that all start must not be made to try again. */
const BACKLOG = 2_048;
/** A client that is turned away may ask again after this. */
const RETRY_AFTER_SEC = 5;
/** What was answered to a peer that did not listen is given so long to arrive: to hang up at once would take it back. */
const LINGER_MS = 1_000;
const TIMEOUT_CHECK_MS = 1_000;
/** A peer that vanished without a word is asked for after this much silence. */
const PROBE_AFTER_MS = 30_000;
const HEADER_BYTES_MAX = 16 * 1024;
const BUSY_HEAD = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** The files of a server's TLS. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Where a server listens: at an address, at a Unix socket, or at a socket inherited from what started it. */
export type ListenPlace =
  /** Port 0 for any that is free. */
  | { readonly kind: 'address'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'inherited'; readonly fd: number };

/** A server that listens. */
export interface Listener {
  readonly server: Server;
  /** The address, with the port that it has; null at a Unix socket. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Takes no more connections and ends those at rest; resolves when all have ended. */
  drain(): Promise<void>;
  /** Ends every connection. */
  cut(): void;
}

/** What takes a CONNECT request, and with it the connection. */
export type ConnectListener = (
  server: Server,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void;

/** What a listener is given. */
export interface ListenOptions {
  readonly at: ListenPlace;
  readonly tls: TlsFiles | null;
  readonly refused: RefusalListener;
  /** Without it, CONNECT requests are hung up on. */
  readonly connect?: ConnectListener;
  readonly bounds?: Partial<ListenerBounds>;
}

/**
 * Listens, with a bound on all that a peer can make it wait for or keep. Throws `unreachable` where the place cannot
 * be had, `bad_input` where the TLS files cannot be used.
 */
export async function listen(options: ListenOptions, handle: RequestListener): Promise<Listener> {
  const { at, refused, tls } = options;
  const bounds = { ...BOUNDS, ...options.bounds };
  const server = createBoundedServer(tls, bounds);
  server.setTimeout(bounds.idleMs);
  const surplus = boundConnections(server, tls !== null, bounds.connectionsMax, refused);
  const failed = new WeakSet<object>();
  server.on('request', (incoming, outgoing) => {
    // The rest of a request that was given up already: nothing may come of it.
    if (failed.has(incoming.socket)) return;
    // RFC 9112, 3.2: a proxy in front may go by the one of two hosts that Node does not.
    if ((incoming.headersDistinct['host']?.length ?? 0) > 1) {
      failed.add(incoming.socket);
      refused('malformed');
      return answerBadly(incoming.socket);
    }
    if (!surplus.has(incoming.socket)) return handle(incoming, outgoing);
    server.getConnections((_error, open = 0) => {
      if (open > bounds.connectionsMax) answerBusy(outgoing);
      else handle(incoming, outgoing);
    });
  });
  const { connect } = options;
  if (connect !== undefined)
    server.on('connect', (incoming, socket, head) => {
      if (failed.has(socket)) return;
      if (surplus.has(socket)) return void socket.end(BUSY_HEAD);
      connect(server, incoming, socket, head);
    });
  server.on('connection', (socket: Socket) => socket.setKeepAlive(true, PROBE_AFTER_MS));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (failed.has(socket)) return;
    failed.add(socket);
    const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    refused(slow ? 'too_slow' : 'malformed');
    answerBadly(socket, error.code);
  });
  await begin(server, at);
  return {
    server,
    address: addressOf(server),
    drain: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}

async function begin(server: Server, at: ListenPlace): Promise<void> {
  if (at.kind === 'socket') await makeWay(at.path);
  const target = at.kind === 'socket' ? { path: at.path } : at.kind === 'inherited' ? { fd: at.fd } : at;
  const before = at.kind === 'socket' ? process.umask(SOCKET_UMASK) : undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const why =
          error.code === 'EADDRINUSE' ? 'it is taken by another program' : (error.code ?? 'no reason given');
        reject(new WalletError('unreachable', `Cannot listen at ${nameOf(at)}: ${why}.`));
      });
      server.listen({ ...target, backlog: BACKLOG }, resolve);
    });
  } finally {
    if (before !== undefined) process.umask(before);
  }
}

function nameOf(at: ListenPlace): string {
  if (at.kind === 'socket') return at.path;
  return at.kind === 'inherited' ? `descriptor ${at.fd}` : `${at.host}:${at.port}`;
}

function addressOf(server: Server): Listener['address'] {
  const address = server.address();
  return address === null || typeof address === 'string'
    ? null
    : { host: address.address, port: address.port };
}

function createBoundedServer(tls: TlsFiles | null, bounds: ListenerBounds): Server {
  const options = {
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    keepAliveTimeout: bounds.keepAliveMs,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  if (tls === null) return createServer(options);
  try {
    const pair = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    return createTlsServer({
      ...options,
      ...pair,
      minVersion: 'TLSv1.2',
      handshakeTimeout: bounds.headersTimeoutMs,
    });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'they are no such files';
    // T21: never the text of the error, which may quote the key.
    throw new WalletError('bad_input', `${tls.cert} and ${tls.key} cannot be used for TLS: ${why}.`);
  }
}

/** Answers with the connections that came past the bound: while there are so many, what they ask is not looked at. */
function boundConnections(
  server: Server,
  isTls: boolean,
  connectionsMax: number,
  refused: RefusalListener,
): WeakSet<object> {
  const surplus = new WeakSet<object>();
  server.maxConnections = connectionsMax + SURPLUS_MAX;
  server.on('drop', () => refused('connections'));
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    server.getConnections((_error, open = 0) => {
      if (open <= connectionsMax) return;
      refused('connections');
      surplus.add(socket);
    });
  });
  return surplus;
}

function answerBusy(outgoing: ServerResponse): void {
  outgoing
    .writeHead(503, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Retry-After': RETRY_AFTER_SEC,
      Connection: 'close',
    })
    .end(TOO_MANY_CONNECTIONS);
}

/** What Node itself would answer to bytes that are no request. */
function answerBadly(socket: Socket, code = ''): void {
  const status =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '408 Request Timeout'
      : code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
  if (!socket.writable) return void socket.destroy();
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
