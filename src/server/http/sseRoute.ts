import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Transport } from '@modelcontextprotocol/server';
import type { SSEServerTransport } from '@modelcontextprotocol/server-legacy/sse';
import type { Context, Hono } from 'hono';
import { authInfoOf, type HttpEnv } from './admission.js';
import type { RouteParts } from './mcpRoute.js';
import { refusal } from './refusal.js';
import { SessionTable } from './sessions/sessionTable.js';

/** Proxies and clients give a silent stream up; the SDK's own streams speak as often. */
const KEEP_ALIVE_MS = 15_000;

/**
 * HTTP with a stream of server-sent events, as clients of 2024-11-05 have it, at `/sse`. Its transport is deprecated:
 * it is loaded by the first client that asks for it.
 */
export class SseRoute {
  readonly #parts: RouteParts;
  readonly #sessions: SessionTable<SSEServerTransport>;

  constructor(parts: RouteParts) {
    this.#parts = parts;
    this.#sessions = new SessionTable(parts.isOver);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  addTo(app: Hono<HttpEnv>): void {
    app.get('/sse', (c) => this.#begin(c));
    app.post('/sse/messages', (c) => this.#post(c));
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  async #begin(c: Context<HttpEnv>): Promise<Response> {
    const { agent } = c.get('caller');
    const outgoing = c.env.outgoing as ConstructorParameters<typeof SSEServerTransport>[1];
    if (!(await this.#sessions.makeRoom(agent))) {
      this.#parts.refused('busy');
      return refusal(c, 503, 'Too many sessions are in use.');
    }
    const { SSEServerTransport } = await import('@modelcontextprotocol/server-legacy/sse');
    const transport = new SSEServerTransport('/sse/messages', outgoing);
    const server = this.#parts.createServer(agent);
    this.#sessions.add(transport.sessionId, agent, transport, () => server.close());
    this.#sessions.use(transport.sessionId, agent, outgoing);
    const beat = setInterval(() => outgoing.write(': keepalive\n\n'), KEEP_ALIVE_MS).unref();
    outgoing.once('close', () => {
      clearInterval(beat);
      this.#sessions.remove(transport.sessionId);
    });
    // Two versions of one interface: the older package brings a copy of its own.
    await server.connect(transport as Transport);
    return RESPONSE_ALREADY_SENT;
  }

  async #post(c: Context<HttpEnv>): Promise<Response> {
    const { bodies, refused } = this.#parts;
    const caller = c.get('caller');
    const transport = this.#sessions.use(c.req.query('sessionId') ?? '', caller.agent, c.env.outgoing);
    if (transport === undefined) {
      refused('session_unknown');
      return refusal(c, 404, 'There is no such session; send GET /sse to begin a new one.');
    }
    const body = await bodies.read({ agent: caller.agent, ...(c.env as HttpBindings) });
    if (!body.ok) {
      refused(body.reason);
      return refusal(c, body.status, body.message);
    }
    const incoming = Object.assign(c.env.incoming, { auth: authInfoOf(caller) });
    await transport.handlePostMessage(incoming, c.env.outgoing, body.json);
    return RESPONSE_ALREADY_SENT;
  }
}
