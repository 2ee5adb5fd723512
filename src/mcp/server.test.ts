import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { outcome, type Outcome } from '../wallet/answer/outcome.js';
import { createMcpServer } from './server.js';
import type { WalletTools } from './tool.js';

const PAID = outcome({
  ...{ status: 'ok', code: 'paid', message: 'Paid.', money: 'captured', spent_usd: '0.01' },
  response: { untrusted: true, status: 200, headers: {}, body: 'the very body', bytes: 13, truncated: false },
});

/** A client of a name, on a server whose wallet answers a payment so. */
async function connected(name: string, pay: () => Promise<Outcome>, heartbeatMs = 60_000): Promise<Client> {
  const wallet = { pay } as unknown as WalletTools;
  const machine = { version: '0.0.0-test', env: {}, platform: process.platform };
  const server = createMcpServer({ ...machine, wallet, heartbeatMs });
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(theirs);
  const client = new Client({ name, version: '1.0.0' });
  await client.connect(mine);
  return client;
}

const CALL = { name: 'wallet_pay', arguments: { quote_id: 'quo_1' } };

test('a call that waits for its seller is heard of from the first wait on', async () => {
  let heard = (): void => undefined;
  const progress = new Promise<void>((resolve) => (heard = resolve));
  // The seller answers once the client has heard of it, and never else.
  const client = await connected('any', () => progress.then(() => PAID), 5);
  const words: (string | undefined)[] = [];
  const result = await client.callTool(CALL, {
    onprogress: ({ message }) => {
      words.push(message);
      heard();
    },
  });
  expect(result.structuredContent).toMatchObject({ code: 'paid' });
  expect(words[0]).toMatch(/^Still at work, for \d+ s\.$/);
  await client.close();
});

test.each([
  ['any', true],
  ['claude-code', true],
  ['Visual Studio Code', false],
  ['github-copilot-developer', false],
  ['qwen-code-mcp-client', false],
  ['Cline', false],
])('%s: the body stands in the text too: %s', async (name, isInText) => {
  const client = await connected(name, async () => PAID);
  const { content, structuredContent } = await client.callTool(CALL);
  expect(JSON.stringify(content).includes('the very body')).toBe(isInText);
  expect(JSON.stringify(content)).toContain('money: captured');
  expect(JSON.stringify(structuredContent)).toContain('the very body');
  await client.close();
});
