import { SSEClientTransport, Client } from '@modelcontextprotocol/client';
import { inputRequired } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERAS } from '../mcp/purser.js';
import {
  asAgent,
  callText,
  connect,
  INITIALIZE,
  send,
  startFixture,
  TOKENS,
  type FixtureServer,
} from './fixture.js';

let fixture: FixtureServer;
/** What the tool `slow` went through. */
const slow: string[] = [];
beforeAll(async () => {
  fixture = await startFixture({}, (server) => {
    server.registerTool('ask', { description: 'Asks the person at the client.' }, async ({ mcpReq }) => {
      const question = {
        mode: 'form' as const,
        message: 'Really?',
        requestedSchema: { type: 'object' as const, properties: { yes: { type: 'boolean' as const } } },
      };
      if (mcpReq.envelope === undefined) {
        const answer = await mcpReq.send({ method: 'elicitation/create', params: question });
        return { content: [{ type: 'text', text: JSON.stringify(answer.content) }] };
      }
      const answer = mcpReq.inputResponses?.['q'] as { content?: unknown } | undefined;
      if (answer !== undefined) return { content: [{ type: 'text', text: JSON.stringify(answer.content) }] };
      const { message, requestedSchema } = question;
      return inputRequired({ inputRequests: { q: inputRequired.elicit({ message, requestedSchema }) } });
    });
    server.registerTool(
      'slow',
      { description: 'Lasts until it is cancelled.' },
      ({ mcpReq }) =>
        new Promise((resolve) => {
          slow.push('begun');
          mcpReq.signal.addEventListener('abort', () => {
            slow.push('cancelled');
            resolve({ content: [{ type: 'text', text: 'cancelled' }] });
          });
        }),
    );
  });
});
afterAll(() => fixture.server.stop(Promise.resolve()));

describe.each(ERAS)('$era', ({ mode }) => {
  test('serves each agent its own server', async () => {
    const [ada, bob] = await Promise.all([
      connect(fixture.url, TOKENS.ada, mode),
      connect(fixture.url, TOKENS.bob, mode),
    ]);
    expect((await ada.listTools()).tools.map(({ name }) => name)).toEqual(['who', 'ask', 'slow']);
    expect(await callText(ada, 'who')).toMatch(/^ada req_[0-9a-f]{20}$/);
    expect(await callText(bob, 'who')).toMatch(/^bob req_[0-9a-f]{20}$/);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('the person at the client can be asked', async () => {
    const client = await connect(fixture.url, TOKENS.ada, mode, { elicitation: { form: {} } });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { yes: true } }));
    expect(await callText(client, 'ask')).toBe('{"yes":true}');
    await client.close();
  });

  test('a cancelled call is cancelled at the server', async () => {
    const client = await connect(fixture.url, TOKENS.ada, mode);
    slow.length = 0;
    const stop = new AbortController();
    const call = client.callTool({ name: 'slow', arguments: {} }, { signal: stop.signal });
    await expect.poll(() => slow).toEqual(['begun']);
    stop.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(() => slow).toEqual(['begun', 'cancelled']);
    await client.close();
  });
});

test('the older HTTP+SSE is served from the same process', async () => {
  const client = new Client({ name: 'test-agent', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  const headers = { Authorization: `Bearer ${TOKENS.bob}` };
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { yes: false } }));
  await client.connect(
    new SSEClientTransport(new URL('/sse', fixture.url), {
      requestInit: { headers },
      eventSourceInit: {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }),
      },
    }),
  );
  expect(await callText(client, 'who')).toMatch(/^bob req_/);
  expect(await callText(client, 'ask')).toBe('{"yes":false}');
  await client.close();
  await expect.poll(() => fixture.server.sessions).toBeLessThan(20);
});

describe('who may come in', () => {
  const routes = ['/mcp', '/sse', '/sse/messages', '/elsewhere', '/'];

  test.each(routes)('%s needs a token, and says so', async (path) => {
    const url = new URL(path, fixture.url).href;
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const missing = await send(url, { method });
      expect(missing.status).toBe(401);
      expect(missing.headers['www-authenticate']).toBe('Bearer realm="purser"');
      const wrong = await send(url, { method, headers: asAgent('token-of-nobody') });
      expect(wrong.status).toBe(401);
      expect(wrong.headers['www-authenticate']).toContain('invalid_token');
    }
    expect(fixture.refused.splice(0)).toEqual(
      Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 'token_missing' : 'token_wrong')),
    );
  });

  test('a token counts in the header alone, and whole', async () => {
    const attempts = [
      send(`${fixture.url}?token=${TOKENS.ada}&access_token=${TOKENS.ada}`, { body: INITIALIZE }),
      send(fixture.url, { headers: { ...asAgent(TOKENS.ada), Authorization: TOKENS.ada } }),
      send(fixture.url, { headers: { ...asAgent(TOKENS.ada), Authorization: `Basic ${TOKENS.ada}` } }),
      send(fixture.url, { headers: { ...asAgent(TOKENS.ada), Authorization: `Bearer ${TOKENS.ada} x` } }),
      send(fixture.url, { headers: asAgent(TOKENS.ada.slice(0, -1)) }),
      send(fixture.url, { headers: asAgent(`${TOKENS.ada}${'x'.repeat(5000)}`) }),
    ];
    for (const { status } of await Promise.all(attempts)) expect(status).toBe(401);
  });

  test('a token taken back opens nothing from the next request on, session or not', async () => {
    fixture.tokens.set('token-for-now', 'ada');
    const client = await connect(fixture.url, 'token-for-now', 'legacy');
    expect(await callText(client, 'who')).toMatch(/^ada/);
    fixture.tokens.delete('token-for-now');
    await expect(callText(client, 'who')).rejects.toThrow();
    await client.close();
  });

  test.each(routes)('%s answers no foreign host and no foreign page, token or not', async (path) => {
    const url = new URL(path, fixture.url).href;
    const { port } = new URL(url);
    fixture.refused.length = 0;
    const hosts = [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      'localhost.',
      '127.0.0.2',
    ];
    for (const Host of hosts) {
      expect((await send(url, { headers: asAgent(TOKENS.ada, { Host }), body: INITIALIZE })).status).toBe(
        403,
      );
      expect((await send(url, { method: 'GET', headers: { Host } })).status).toBe(403);
    }
    expect(new Set(fixture.refused.splice(0))).toEqual(new Set(['host']));
    const origins = [
      'https://evil.example',
      'null',
      'file://',
      `http://localhost.evil.example:${port}`,
      'chrome-extension://abc',
    ];
    for (const Origin of origins) {
      expect((await send(url, { headers: asAgent(TOKENS.ada, { Origin }), body: INITIALIZE })).status).toBe(
        403,
      );
      const preflight = await send(url, { method: 'OPTIONS', headers: { Origin } });
      expect(preflight.status).toBe(403);
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(new Set(fixture.refused.splice(0))).toEqual(new Set(['origin']));
  });

  test('its own names are answered, with a page of its own too', async () => {
    const { port } = new URL(fixture.url);
    for (const Host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'LOCALHOST']) {
      const Origin = `http://localhost:${port}`;
      const answer = await send(fixture.url, {
        headers: asAgent(TOKENS.ada, { Host, Origin }),
        body: INITIALIZE,
      });
      expect(answer.status).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('health answers anyone, and says nothing more', async () => {
    const answer = await send(new URL('/health', fixture.url).href, { method: 'GET' });
    expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}']);
  });
});

describe('a session', () => {
  async function begin(token: string): Promise<string> {
    const { headers } = await send(fixture.url, { headers: asAgent(token), body: INITIALIZE });
    return String(headers['mcp-session-id']);
  }
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });

  test('is found by the token that began it alone', async () => {
    const id = await begin(TOKENS.ada);
    const headers = { 'Mcp-Session-Id': id };
    for (const [method, body] of [
      ['POST', list],
      ['GET', undefined],
      ['DELETE', undefined],
    ] as const) {
      const other = await send(fixture.url, {
        method,
        headers: asAgent(TOKENS.bob, headers),
        ...(body && { body }),
      });
      expect(other.status).toBe(404);
    }
    expect((await send(fixture.url, { headers: asAgent(TOKENS.ada, headers), body: list })).status).toBe(200);
  });

  test('ends when its client says so', async () => {
    const headers = asAgent(TOKENS.ada, { 'Mcp-Session-Id': await begin(TOKENS.ada) });
    expect((await send(fixture.url, { method: 'DELETE', headers })).status).toBe(200);
    expect((await send(fixture.url, { headers, body: list })).status).toBe(404);
  });

  test('makes room for another of its agent when there are too many, and never takes another agent’s', async () => {
    const bobs = await begin(TOKENS.bob);
    const first = await begin(TOKENS.ada);
    for (let i = 0; i < 100; i++) await begin(TOKENS.ada);
    const ask = async (token: string, id: string): Promise<number> =>
      (await send(fixture.url, { headers: asAgent(token, { 'Mcp-Session-Id': id }), body: list })).status;
    expect(await ask(TOKENS.ada, first)).toBe(404);
    expect(await ask(TOKENS.bob, bobs)).toBe(200);
    expect(fixture.server.sessions).toBeLessThanOrEqual(202);
  });
});
