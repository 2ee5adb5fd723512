import { randomUUID } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  type McpHttpHandler,
  type McpServer,
} from '@modelcontextprotocol/server';
import type { Context, Hono } from 'hono';
import type { BodyReader } from './body.js';
import { authInfoOf, type HttpEnv } from './admission.js';
import { refusal, type RefusalListener } from './refusal.js';
import { SessionTable } from './sessions/sessionTable.js';

/** Open at once on one agent's behalf; a stream that tells of changes to lists that never change. */
const SUBSCRIPTIONS_PER_AGENT_MAX = 100;

/** What the routes of the protocol are made of. */
export interface RouteParts {
  /** The protocol server over one agent's wallet; a new one for each session, or request. */
  readonly createServer: (agent: string) => McpServer;
  /** See {@link AgentAccess.isOver}. */
  readonly isOver: (agent: string) => Promise<boolean>;
  readonly bodies: BodyReader;
  readonly refused: RefusalListener;
}

/**
 * Streamable HTTP in both eras at `/mcp`. Clients of the older one get a session of their own, since within one they
 * can be asked; those of 2026-07-28 are served request by request.
 */
export class McpRoute {
  readonly #parts: RouteParts;
  readonly #sessions: SessionTable<NodeStreamableHTTPServerTransport>;
  readonly #modern = new Map<string, McpHttpHandler>();

  constructor(parts: RouteParts) {
    this.#parts = parts;
    this.#sessions = new SessionTable(parts.isOver);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  addTo(app: Hono<HttpEnv>): void {
    app.post('/mcp', (c) => this.#post(c));
    app.on(['GET', 'DELETE'], '/mcp', (c) => this.#within(c, undefined));
    app.all('/mcp', (c) =>
      refusal(c, 405, 'This method is not supported here.', { Allow: 'GET, POST, DELETE' }),
    );
  }

  /** Ends every session and every exchange: calls within them are cancelled. */
  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), ...[...this.#modern.values()].map((one) => one.close())]);
  }

  async #post(c: Context<HttpEnv>): Promise<Response> {
    const { bodies, refused } = this.#parts;
    const { incoming, outgoing } = c.env as HttpBindings;
    const body = await bodies.read({ agent: c.get('caller').agent, incoming, outgoing });
    if (!body.ok) {
      refused(body.reason);
      return refusal(c, body.status, body.message);
    }
    const { json } = body;
    if (!(await isLegacyRequest(c.req.raw, json))) {
      const caller = c.get('caller');
      return this.#handlerOf(caller.agent).fetch(c.req.raw, {
        authInfo: authInfoOf(caller),
        parsedBody: json,
      });
    }
    return isInitializeRequest(json) ? this.#begin(c, json) : this.#within(c, json);
  }

  #handlerOf(agent: string): McpHttpHandler {
    const known = this.#modern.get(agent);
    if (known !== undefined) return known;
    const handler = createMcpHandler(() => this.#parts.createServer(agent), {
      legacy: 'reject',
      maxSubscriptions: SUBSCRIPTIONS_PER_AGENT_MAX,
    });
    this.#modern.set(agent, handler);
    return handler;
  }

  /** Begins a session of the older era. */
  async #begin(c: Context<HttpEnv>, json: unknown): Promise<Response> {
    const { agent } = c.get('caller');
    if (!(await this.#sessions.makeRoom(agent))) {
      this.#parts.refused('busy');
      return refusal(c, 503, 'Too many sessions are in use.');
    }
    const server = this.#parts.createServer(agent);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#sessions.add(id, agent, transport, () => server.close());
        this.#sessions.use(id, agent, c.env.outgoing);
      },
    });
    await server.connect(transport);
    // The server has set its own by now, and is told first.
    const { onclose } = transport;
    transport.onclose = () => {
      onclose?.();
      if (transport.sessionId !== undefined) this.#sessions.remove(transport.sessionId);
    };
    return handOver(c, transport, json);
  }

  /** A request within a session: one whose id is not the agent's own is answered as if there were none. */
  async #within(c: Context<HttpEnv>, json: unknown): Promise<Response> {
    const id = c.req.header('mcp-session-id');
    if (id === undefined)
      return refusal(c, 400, 'Mcp-Session-Id is missing: send initialize to begin a session.');
    const transport = this.#sessions.use(id, c.get('caller').agent, c.env.outgoing);
    if (transport !== undefined) return handOver(c, transport, json);
    this.#parts.refused('session_unknown');
    return refusal(c, 404, 'There is no such session; send initialize to begin a new one.');
  }
}

async function handOver(
  c: Context<HttpEnv>,
  transport: NodeStreamableHTTPServerTransport,
  json: unknown,
): Promise<Response> {
  const incoming = Object.assign(c.env.incoming, { auth: authInfoOf(c.get('caller')) });
  await transport.handleRequest(
    incoming as Parameters<typeof transport.handleRequest>[0],
    c.env.outgoing as Parameters<typeof transport.handleRequest>[1],
    json,
  );
  return RESPONSE_ALREADY_SENT;
}
