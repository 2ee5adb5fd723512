import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Client, type VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenOf } from '../../src/money/agent.js';
import { makeCertificate } from '../../src/net/certificate.fixture.js';
import { ERAS, PROGRAM } from '../mcp/purser.js';
import { callText, startFixture, TOKENS, type FixtureServer } from './fixture.js';

const TOKEN_FILE = `${process.env['TMPDIR'] ?? '/tmp'}/purser-bridge-${process.pid}`;
const CA_FILE = `${TOKEN_FILE}.ca`;
const ended: string[] = [];
let fixture: FixtureServer;
const starting = (port = 0): Promise<FixtureServer> =>
  startFixture({ port }, (server) => {
    server.registerTool('ask', { description: 'Asks.' }, async ({ mcpReq }) => {
      const requestedSchema = { type: 'object' as const, properties: {} };
      const answer = await mcpReq.send({
        method: 'elicitation/create',
        params: { mode: 'form' as const, message: 'Really?', requestedSchema },
      });
      return { content: [{ type: 'text', text: answer.action }] };
    });
    server.registerTool('slow', { description: 'Lasts until it is cancelled.' }, ({ mcpReq }) => {
      ended.push('begun');
      return new Promise((resolve) => {
        mcpReq.signal.addEventListener('abort', () => {
          ended.push('cancelled');
          resolve({ content: [] });
        });
      });
    });
  });
beforeAll(async () => {
  writeFileSync(TOKEN_FILE, `${TOKENS.ada}\n`, { mode: 0o600 });
  fixture = await starting();
});
afterAll(async () => {
  for (const file of [TOKEN_FILE, CA_FILE]) rmSync(file, { force: true });
  await fixture.server.stop(Promise.resolve());
});

async function bridge(
  mode: VersionNegotiationMode,
  { url = fixture.url, tokenFile = TOKEN_FILE, ca }: { url?: string; tokenFile?: string; ca?: string } = {},
): Promise<Client> {
  const client = new Client(
    { name: 'stdio-only', version: '1.0.0' },
    { versionNegotiation: { mode }, capabilities: { elicitation: {} } },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }));
  const args = [PROGRAM, 'connect', '--url', url, '--token-file', tokenFile];
  const env = { PATH: process.env['PATH'] ?? '', ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }) };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'inherit' }));
  return client;
}

describe.each(ERAS)('$era over stdio', ({ mode }) => {
  test('reaches the server that is elsewhere', async () => {
    const client = await bridge(mode, { url: new URL(fixture.url).origin });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['who', 'ask', 'slow']);
    expect(await callText(client, 'who')).toMatch(/^ada req_/);
    await client.close();
  });

  test('a cancelled call is cancelled there', async () => {
    const client = await bridge(mode);
    ended.length = 0;
    const stop = new AbortController();
    const call = client.callTool({ name: 'slow', arguments: {} }, { signal: stop.signal });
    await expect.poll(() => ended).toEqual(['begun']);
    stop.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(() => ended).toEqual(['begun', 'cancelled']);
    await client.close();
  });

  test('goes on where the server was restarted, and says of a call that was cut off that money may have moved', async () => {
    let own = await starting();
    const { port } = own;
    const client = await bridge(mode, { url: own.url });
    expect(await callText(client, 'who')).toMatch(/^ada/);
    ended.length = 0;
    const lost = client.callTool({ name: 'slow', arguments: {} });
    await expect.poll(() => ended).toEqual(['begun']);
    await Promise.all([
      expect(lost).rejects.toThrow(/money may have moved.*wallet_ledger/),
      own.server.stop(Promise.resolve()),
    ]);
    own = await starting(port);
    expect(await callText(client, 'who')).toMatch(/^ada/);
    expect((await client.listTools()).tools).toHaveLength(3);
    await client.close();
    await own.server.stop(Promise.resolve());
  });
});

test('the person at an older client can be asked through it', async () => {
  const client = await bridge('legacy');
  expect(await callText(client, 'ask')).toBe('decline');
  await client.close();
  // Its session ended with it.
  await expect.poll(() => fixture.server.sessions).toBe(0);
});

test('a token that opens nothing is said so, and nothing is sent to a server that is not there', async () => {
  const wrong = `${TOKEN_FILE}.wrong`;
  for (const name of ['ada', 'nobody']) {
    writeFileSync(wrong, `${tokenOf(name, 'z'.repeat(43))}\n`, { mode: 0o600 });
    await expect(bridge('legacy', { tokenFile: wrong })).rejects.toThrow(
      /does not know this token, so nothing was sent.*agents rotate/,
    );
  }
  expect(fixture.refused).not.toContain('token_wrong');
  rmSync(wrong);
  const gone = await starting();
  await gone.server.stop(Promise.resolve());
  await expect(bridge('legacy', { url: gone.url })).rejects.toThrow(/cannot be reached; nothing was sent/);
});

test.each([
  ['http://wallet.example.com/mcp', /by https, or through a tunnel/],
  ['ftp://127.0.0.1', /http or https/],
  ['http://me@127.0.0.1', /without a user/],
])('%s is not gone to with a token', async (url, says) => {
  const args = [PROGRAM, 'connect', '--url', url, '--token-file', TOKEN_FILE];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toThrow(says);
});

/** A proxy with TLS before the fixture's server that answers some requests itself, in the place of the server's own answer. */
async function proxied(answer: (method: string, times: number) => string | null) {
  const seen = new Map<string, number>();
  const { cert, key } = makeCertificate(['127.0.0.1']);
  writeFileSync(CA_FILE, cert);
  const proxy = createServer({ cert, key }, (incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const said = (JSON.parse(body || '{}') as { method?: string }).method ?? incoming.method ?? '';
      const times = (seen.get(said) ?? 0) + 1;
      seen.set(said, times);
      const forward = (): void => {
        const own = answer(said, times);
        if (own === 'cut') {
          outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' }).end();
          return;
        }
        if (own === '404') return void outgoing.writeHead(404).end();
        const upstream = request(
          fixture.url,
          { method: incoming.method, headers: { ...incoming.headers, host: new URL(fixture.url).host } },
          (response) => {
            if (own === null) {
              outgoing.writeHead(response.statusCode ?? 0, response.headers);
              response.pipe(outgoing);
              return;
            }
            response.resume();
            outgoing.writeHead(503, { 'Content-Type': 'text/plain' }).end(own);
          },
        );
        upstream.on('error', () => outgoing.destroy());
        outgoing.once('close', () => upstream.destroy());
        upstream.end(body);
      };
      forward();
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const stop = (): void => {
    proxy.close();
    proxy.closeAllConnections();
  };
  return { url: `https://127.0.0.1:${port}/mcp`, ca: CA_FILE, seen, stop };
}

test('what a proxy passed on before it said to come again is not sent a second time', async () => {
  const proxy = await proxied((method) =>
    method === 'tools/call' ? 'upstream connect error or disconnect/reset before headers' : null,
  );
  const client = await bridge('legacy', proxy);
  await expect(callText(client, 'who')).rejects.toThrow(/money may have moved/);
  expect(proxy.seen.get('tools/call')).toBe(1);
  await client.close();
  proxy.stop();
});

test('a session that cannot be begun again at once is begun with the next call', async () => {
  const proxy = await proxied((method, times) => {
    // The first call finds its session forgotten, and the server ends in the middle of beginning the next.
    if (method === 'tools/call' && times === 1) return '404';
    return method === 'initialize' && times === 2 ? 'cut' : null;
  });
  const client = await bridge('legacy', proxy);
  await expect(callText(client, 'who')).rejects.toThrow();
  expect(await callText(client, 'who')).toMatch(/^ada/);
  await client.close();
  proxy.stop();
});
