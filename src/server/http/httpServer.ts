import type { RequestListener, Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { McpServer } from '@modelcontextprotocol/server';
import { Hono } from 'hono';
import { CallsInFlight } from '../callsInFlight.js';
import { within } from '../within.js';
import type { AgentAccess } from './access.js';
import { admit, checkSource, inTurn, type HttpEnv } from './admission.js';
import { checkPlainAddress, type Binding } from './socket/binding.js';
import { BodyReader } from './body.js';
import {
  listen,
  type ConnectListener,
  type Listener,
  type ListenerBounds,
  type ListenPlace,
  type TlsFiles,
} from './socket/listener.js';
import { McpRoute } from './mcpRoute.js';
import { refusal, type RefusalListener } from './refusal.js';
import { SseRoute } from './sseRoute.js';
import { TunnelDoor } from './socket/tunnelDoor.js';
import { Turns, type TurnBounds } from './turns.js';

/** What an HTTP server of the protocol is made of. */
export interface HttpServerOptions {
  readonly binding: Binding;
  /** One or more. */
  readonly places: readonly ListenPlace[];
  readonly tls: TlsFiles | null;
  readonly access: AgentAccess;
  readonly createServer: (agent: string) => McpServer;
  /** Answers what is asked below `/admin/v1`; null for what is not there. Left out for no such thing. */
  readonly admin?: ((request: Request) => Promise<Response | null>) | undefined;
  readonly refused: RefusalListener;
  /** Hears of each request that the server itself failed at. */
  readonly failed?: (error: unknown) => void;
  readonly bounds?: Partial<ListenerBounds>;
  readonly turnBounds?: Partial<TurnBounds>;
}

/** A server that runs. */
export interface HttpServer {
  /** In the order of the places; null for a Unix socket. */
  readonly addresses: readonly Listener['address'][];
  /** Protocol sessions that are open. */
  readonly sessions: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  connections(): Promise<number>;
  /**
   * Stops: takes nothing new, waits for `finished` (the calls that run), then ends whatever is still open. Calls that
   * had not finished are cancelled by it.
   */
  stop(finished: Promise<void>): Promise<void>;
}

/** Answers to calls that have ended are on their way for so long at most. */
const FLUSH_MS = 1_000;

/** Serves the protocol over HTTP to callers with an agent's token. Throws what {@link listenAt} throws. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { binding, places, tls, access, createServer, refused, failed = () => undefined } = options;
  const { bounds = {}, turnBounds, admin } = options;
  let stopping = false;
  const isOver = (agent: string): Promise<boolean> => access.isOver(agent);
  const parts = { createServer, isOver, bodies: new BodyReader(), refused };
  const mcp = new McpRoute(parts);
  const sse = new SseRoute(parts);
  const app = new Hono<HttpEnv>();
  // It says that the process answers, and nothing of the wallet.
  app.get('/health', (c) => c.json({ status: stopping ? 'stopping' : 'ok' }, stopping ? 503 : 200));
  const rules = { hostnames: binding.hostnames, access, refused, stopping: () => stopping };
  // Before the agents' door: no token of an agent is looked at here, and no other one there.
  if (admin !== undefined)
    app.all('/admin/v1/*', async (c, next) => checkSource(c, rules) ?? (await admin(c.req.raw)) ?? next());
  app.use(admit(rules));
  const exchanges = new CallsInFlight();
  app.post('*', (c, next) => {
    void exchanges.run(() => new Promise<void>((resolve) => c.env.outgoing.once('close', () => resolve())));
    return next();
  });
  const turns = new Turns(turnBounds);
  app.post('*', inTurn(turns, rules));
  mcp.addTo(app);
  sse.addTo(app);
  app.notFound((c) => refusal(c, 404, 'There is nothing here: the protocol is at /mcp.'));
  app.onError((error, c) => {
    failed(error);
    // What went wrong may quote anyone.
    return refusal(c, 500, 'The server failed at this request.');
  });
  // A wallet's process is not only this server: its globals stay Node's own.
  const handle = getRequestListener(app.fetch as never, { overrideGlobalObjects: false });
  const door = new TunnelDoor(rules);
  const listeners = await listenAt({ places, binding, tls, refused, bounds, door }, (incoming, outgoing) => {
    void handle(incoming, outgoing);
  });
  return {
    addresses: listeners.map(({ address }) => address),
    get sessions() {
      return mcp.sessions + sse.sessions;
    },
    get waiting() {
      return turns.waiting;
    },
    connections: async () => {
      const counts = await Promise.all(listeners.map(({ server }) => countConnections(server)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async stop(finished) {
      stopping = true;
      door.close();
      const drained = Promise.all(listeners.map((listener) => listener.drain()));
      await finished;
      await within(FLUSH_MS, exchanges.idle());
      await Promise.all([mcp.close(), sse.close()]);
      await within(
        FLUSH_MS,
        drained.then(() => undefined),
      );
      for (const listener of listeners) listener.cut();
      await drained;
    },
  };
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}

/** Where and how to listen. */
interface ListenOptions extends Pick<HttpServerOptions, 'places' | 'binding' | 'tls' | 'refused'> {
  readonly bounds: Partial<ListenerBounds>;
  readonly door: TunnelDoor;
}

/** Listens at every place, or at none. Throws what {@link listen} throws. */
async function listenAt(
  { places, binding, tls, refused, bounds, door }: ListenOptions,
  handle: RequestListener,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const at of places) {
      // Who may use a socket is said by its permissions; what is inherited is plain, since what it is shows too late.
      const plain = tls === null || at.kind !== 'address';
      const connect: ConnectListener = (...request) => void door.open(...request);
      // A tunnel inside of TLS would prove what the certificate proves.
      const options = { at, refused, bounds, tls: plain ? null : tls, ...(plain ? { connect } : {}) };
      const listener = await listen(options, handle);
      listeners.push(listener);
      if (listener.address !== null && plain) checkPlainAddress(listener.address.host, binding);
    }
    return listeners;
  } catch (error) {
    for (const listener of listeners) {
      const drained = listener.drain();
      listener.cut();
      await drained;
    }
    throw error;
  }
}
