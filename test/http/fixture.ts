import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import {
  Client,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/server';
import { hashToken, tokenOf } from '../../src/money/agent.js';
import type { AgentAccess } from '../../src/server/http/access.js';
import { settleBinding } from '../../src/server/http/socket/binding.js';
import {
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../src/server/http/httpServer.js';
import type { RefusalReason } from '../../src/server/http/refusal.js';
import { tunnelKeyOf } from '../../src/server/tunnel.js';

/** Tokens of two agents, as a wallet would know them. */
export const TOKENS = { ada: tokenOf('ada', 'a'.repeat(43)), bob: tokenOf('bob', 'b'.repeat(43)) } as const;

/** A server over tools that pay nothing, and what it refused. */
export interface FixtureServer {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly refused: RefusalReason[];
  readonly tokens: Map<string, string>;
}

/** Serves a tool `who` that says whose call it is, and whatever else `build` adds. */
export async function startFixture(
  { port: wanted = 0, ...more }: Partial<HttpServerOptions> & { readonly port?: number } = {},
  build: (server: McpServer, agent: string) => void = () => undefined,
): Promise<FixtureServer> {
  const refused: RefusalReason[] = [];
  const tokens = new Map<string, string>(Object.entries(TOKENS).map(([agent, token]) => [token, agent]));
  const access: AgentAccess = {
    authenticate: async (token) => tokens.get(token),
    isOver: async () => Promise.resolve(false),
    barOf: async () => null,
    tunnelKey: async (agent) => {
      const [token] = [...tokens].find(([, name]) => name === agent) ?? [];
      return token === undefined ? undefined : tunnelKeyOf(hashToken(token));
    },
  };
  const server = await startHttpServer({
    binding: settleBinding({ tls: false, behindProxy: false }),
    places: [{ kind: 'address', host: '127.0.0.1', port: wanted }],
    tls: null,
    access,
    refused: (reason) => refused.push(reason),
    createServer: (agent) => {
      const mcp = new McpServer({ name: 'fixture', version: '1.0.0' });
      mcp.registerTool('who', { description: 'Says whose call it is.' }, (context) => ({
        content: [{ type: 'text', text: `${agent} ${String(context.http?.authInfo?.extra?.['requestId'])}` }],
      }));
      build(mcp, agent);
      return mcp;
    },
    ...more,
  });
  const port = server.addresses[0]?.port ?? 0;
  return { server, port, url: `http://127.0.0.1:${port}/mcp`, refused, tokens };
}

/** A real client of either era. */
export async function connect(
  url: string,
  token: string,
  mode: VersionNegotiationMode,
  capabilities = {},
): Promise<Client> {
  const client = new Client(
    { name: 'test-agent', version: '1.0.0' },
    { versionNegotiation: { mode }, capabilities },
  );
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  );
  return client;
}

/** The text of a tool's result. */
export async function callText(client: Client, name: string, args = {}): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  const [first] = content;
  return first?.type === 'text' ? first.text : '';
}

/** One plain HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request with exactly these headers: `fetch` would not send a `Host` of one's own. */
export function send(
  url: string,
  {
    method = 'POST',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The headers of a client of the older era. */
export function asAgent(token: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...more,
  };
}

/** The message that opens a session of the older era. */
export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1.0.0' },
  },
});
