import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { peerUser } from '../../platform/peerUser.js';
import { isLoopback } from '../../config/host.js';
import { WalletError } from '../../errors/walletError.js';

/** A browser on this machine sends a request in milliseconds; whoever takes seconds holds a socket open (T15). */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;
/** Nothing moved for this long: neither we nor the other side is at work. */
const IDLE_MS = 30_000;
/** Every server of this machine leaves cookies at `localhost`, and all of them come along. */
const HEADER_BYTES_MAX = 32 * 1024;
/** An answer is made in milliseconds; whoever takes longer to fetch it has looked away. */
const LAST_ANSWER_MS = 2_000;
const LAST_LOOK_MS = 20;
/** A few tabs need ten. */
const ADMITTED_MAX = 64;
/**
 * Connections of whoever was not let in. A browser's first request follows its connection within a millisecond, so that
 * nobody opens so many between the two.
 */
const STRANGERS_MAX = 128;

/** Free ports of the one address that the other has taken, until there is one that both have. */
const PORT_TRIES_MAX = 10;

/** Who sent a request. */
export interface Peer {
  /** Keeps the connection from being counted among those of strangers: who is behind it was let in. */
  admit(): void;
  /** The user of this machine who sent it, by number; null where that cannot be known. */
  user(): Promise<number | null>;
}

/** An application that answers requests. */
export interface Served {
  fetch(request: Request, env: { readonly peer: Peer }): Response | Promise<Response>;
}

/** A server that listens on this machine alone. */
export interface MachineServer {
  readonly port: number;
  /** Ends it, and every connection. */
  close(): Promise<void>;
}

/**
 * Serves an application on 127.0.0.1 and ::1, on one port of both: a browser takes either for `localhost`, so
 * nobody else may have one of them (T20). A port of 0 is any that is free.
 *
 * Any user of the machine can connect. Their connections are no fewer for it, but only those of who was let in are
 * kept: past the bound the oldest of all others ends, and no new one is turned away.
 *
 * Throws `unreachable` where the port is taken, or where none is free.
 */
export async function serveOnMachine(
  wanted: number,
  makeApp: (port: number) => Served,
): Promise<MachineServer> {
  const { port, servers } = await listenOnBoth(wanted);
  return serveWith(servers, port, makeApp(port));
}

/** Where a page listens that is reached from elsewhere. */
export interface OutsideListen {
  /** An address of this machine. */
  readonly host: string;
  readonly port: number;
  /** PEM; null behind a tunnel of the owner's own, which ends TLS before it. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/**
 * Serves an application at one address for who comes from elsewhere: under TLS, or in the clear to a tunnel on this machine
 * and to nobody beyond it. Throws `unreachable` where the address cannot be had, `bad_input` for one that would be served in
 * the clear to others, or for files that are no certificate.
 */
export async function serveOutside(listen: OutsideListen, app: Served): Promise<MachineServer> {
  const { host, port, tls } = listen;
  if (tls === null && !isLoopback(host))
    throw new WalletError(
      'bad_input',
      `Without TLS the page is served at 127.0.0.1 alone, and not at ${host}.`,
    );
  const make = (): Server => {
    if (tls === null) return createServer(BOUNDS);
    try {
      return createTlsServer({ ...BOUNDS, ...tls, handshakeTimeout: HEADERS_TIMEOUT_MS });
    } catch (error) {
      throw new WalletError('bad_input', 'The certificate or its key cannot be read.', { cause: error });
    }
  };
  const server = await listenAt(host, port, make);
  if (server === 'taken' || server === 'absent')
    throw new WalletError(
      'unreachable',
      server === 'taken'
        ? `Port ${port} is taken by another program.`
        : `This machine has no address ${host}.`,
    );
  return serveWith([server], (server.address() as AddressInfo).port, app);
}

function serveWith(servers: readonly Server[], port: number, app: Served): MachineServer {
  // A wallet's process is not only this page: its globals stay Node's own.
  const connections = new Connections();
  const listener = getRequestListener(
    (request, { incoming: { socket } }) =>
      app.fetch(request, {
        peer: {
          admit: () => connections.admit(socket as Socket),
          user: () => peerUser(socket as Socket),
        },
      }),
    { overrideGlobalObjects: false },
  );
  for (const server of servers) {
    if (server instanceof TlsServer) {
      // What is asked for comes over the connection within; until its handshake is done the one around it counts.
      server.on('connection', (socket: Socket) => connections.greet(socket));
      server.on('secureConnection', (socket: Socket) => connections.take(socket));
    } else server.on('connection', (socket: Socket) => connections.take(socket));
    server.on('request', (request, response) => void listener(request, response));
  }
  return { port, close: () => closeAll(servers, () => connections.endSilent()) };
}

/** The connections that are open, oldest first: of who was let in, and of everybody else. */
class Connections {
  readonly #admitted = new Set<Socket>();
  readonly #strangers = new Set<Socket>();
  /** By where they come from: TLS does not say which connection it runs in. */
  readonly #greeted = new Map<string, Socket>();

  /** Under TLS, before the handshake. */
  greet(socket: Socket): void {
    const place = placeOf(socket);
    this.#greeted.set(place, socket);
    socket.once('close', () => {
      if (this.#greeted.get(place) === socket) this.#greeted.delete(place);
    });
    const [oldest] = this.#greeted;
    if (this.#greeted.size <= STRANGERS_MAX || oldest === undefined) return;
    this.#greeted.delete(oldest[0]);
    oldest[1].destroy();
  }

  take(socket: Socket): void {
    this.#greeted.delete(placeOf(socket));
    keep(this.#strangers, socket, STRANGERS_MAX);
    socket.once('close', () => {
      this.#strangers.delete(socket);
      this.#admitted.delete(socket);
    });
  }

  /** Ends those that have sent nothing: browsers open one ahead of what they may ask. */
  endSilent(): void {
    for (const socket of this.#strangers) if (socket.bytesRead === 0) socket.destroy();
  }

  admit(socket: Socket): void {
    if (this.#strangers.delete(socket)) keep(this.#admitted, socket, ADMITTED_MAX);
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function keep(all: Set<Socket>, socket: Socket, max: number): void {
  all.add(socket);
  const [oldest] = all;
  if (all.size <= max || oldest === undefined) return;
  all.delete(oldest);
  oldest.destroy();
}

async function listenOnBoth(wanted: number): Promise<{ port: number; servers: readonly Server[] }> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const four = await listen('127.0.0.1', wanted);
    if (four === 'taken' || four === 'absent') break;
    const { port } = four.address() as AddressInfo;
    const six = await listen('::1', port);
    if (six === 'absent') return { port, servers: [four] };
    if (six !== 'taken') return { port, servers: [four, six] };
    await closeAll([four]);
    if (wanted !== 0) break;
  }
  throw new WalletError(
    'unreachable',
    wanted === 0 ? 'No port is free for the page.' : `Port ${wanted} is taken by another program.`,
  );
}

/** A server at one address; `absent` where the machine has no such address. */
async function listen(host: string, port: number): Promise<Server | 'taken' | 'absent'> {
  return listenAt(host, port, () => createServer(BOUNDS));
}

const BOUNDS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  maxHeaderSize: HEADER_BYTES_MAX,
};

async function listenAt(
  host: string,
  port: number,
  make: () => Server,
): Promise<Server | 'taken' | 'absent'> {
  const server = make();
  server.setTimeout(IDLE_MS);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('taken');
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve('absent');
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

async function closeAll(servers: readonly Server[], endSilent = (): void => undefined): Promise<void> {
  await Promise.all(servers.map((server) => closeAnswered(server, endSilent)));
}

/** Ends a server, once what it was asked already is answered: the last answer says what came of it all. */
async function closeAnswered(server: Server, endSilent: () => void): Promise<void> {
  // A connection is idle from the moment its answer is out, and stays open for the next question. Node takes one that has
  // asked nothing yet for one that is asking.
  const idle = setInterval(() => {
    server.closeIdleConnections();
    endSilent();
  }, LAST_LOOK_MS);
  const end = setTimeout(() => server.closeAllConnections(), LAST_ANSWER_MS);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  clearInterval(idle);
  clearTimeout(end);
}
