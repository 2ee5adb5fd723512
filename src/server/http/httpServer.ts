import { getRequestListener } from '@hono/node-server';
import type { McpServer } from '@modelcontextprotocol/server';
import { Hono } from 'hono';
import { CallsInFlight } from '../callsInFlight.js';
import { within } from '../within.js';
import type { AgentAccess } from './access.js';
import { admit, inTurn, type HttpEnv } from './admission.js';
import type { Binding } from './binding.js';
import { BodyReader } from './body.js';
import { listen, type ListenerBounds, type TlsFiles } from './listener.js';
import { McpRoute } from './mcpRoute.js';
import { refusal, type RefusalListener } from './refusal.js';
import { SseRoute } from './sseRoute.js';
import { Turns, type TurnBounds } from './turns.js';

/** What an HTTP server of the protocol is made of. */
export interface HttpServerOptions {
  readonly binding: Binding;
  /** 0 for any that is free. */
  readonly port: number;
  readonly tls: TlsFiles | null;
  readonly access: AgentAccess;
  readonly createServer: (agent: string) => McpServer;
  readonly refused: RefusalListener;
  /** Hears of each request that the server itself failed at. */
  readonly failed?: (error: unknown) => void;
  readonly bounds?: Partial<ListenerBounds>;
  readonly turnBounds?: Partial<TurnBounds>;
}

/** A server that runs. */
export interface HttpServer {
  readonly port: number;
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

/** Serves the protocol over HTTP to whoever brings an agent's token. Throws what {@link listen} throws. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { binding, port, tls, access, createServer, refused, failed = () => undefined } = options;
  const { bounds = {}, turnBounds } = options;
  let stopping = false;
  const parts = { createServer, bodies: new BodyReader(), refused };
  const mcp = new McpRoute(parts);
  const sse = new SseRoute(parts);
  const app = new Hono<HttpEnv>();
  // It says that the process answers, and nothing of the wallet.
  app.get('/health', (c) => c.json({ status: stopping ? 'stopping' : 'ok' }, stopping ? 503 : 200));
  const rules = { hostnames: binding.hostnames, access, refused, stopping: () => stopping };
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
  const listener = await listen({ host: binding.host, port, tls, refused, bounds }, (incoming, outgoing) => {
    void handle(incoming, outgoing);
  });
  return {
    port: listener.port,
    get sessions() {
      return mcp.sessions + sse.sessions;
    },
    get waiting() {
      return turns.waiting;
    },
    connections: () =>
      new Promise((resolve) => listener.server.getConnections((_error, count) => resolve(count ?? 0))),
    async stop(finished) {
      stopping = true;
      const drained = listener.drain();
      await finished;
      await within(FLUSH_MS, exchanges.idle());
      await Promise.all([mcp.close(), sse.close()]);
      await within(FLUSH_MS, drained);
      listener.cut();
      await drained;
    },
  };
}
