import { rmSync, writeFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificate } from '../../src/net/certificate.fixture.js';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { PROGRAM } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { addAgents, Served, type FundedAgent } from './served.js';

/** An address of this machine alone that counts as anybody's: without TLS it is refused. */
const HOST = '127.0.0.2';
const { cert, key } = makeCertificate([HOST]);
const stranger = makeCertificate([HOST]);

let world: TestWorld;
let wallet: TestWallet;
let agent: FundedAgent;
let served: Served;
const files: string[] = [];

function fileOf(name: string, text: string): string {
  const file = `${wallet.passphraseFile}.${name}`;
  writeFileSync(file, text, { mode: 0o600 });
  files.push(file);
  return file;
}

beforeAll(async () => {
  world = await startTestWorld();
  wallet = await world.wallet();
  const owner = wallet.open();
  [agent] = (await addAgents(world.sandbox, owner, ['afar'], 1_000_000n)) as [FundedAgent];
  await owner.close();
  const tls = ['--tls-cert', fileOf('cert', cert), '--tls-key', fileOf('key', key)];
  served = await Served.start(wallet, ['--host', HOST, '--health-port', '0', ...tls]);
  fileOf('token', agent.token);
  fileOf('stranger', stranger.cert);
});
afterAll(async () => {
  await served.stop();
  served.removeLog();
  for (const file of files) rmSync(file, { force: true });
  await world.stop();
});

/** `purser connect` from elsewhere, which trusts the authority in a file beside the machine's own. */
async function connectFrom(url: string, authority?: string): Promise<Client> {
  const args = [PROGRAM, 'connect', '--url', url, '--token-file', `${wallet.passphraseFile}.token`];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: wallet.home,
    ...(authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: `${wallet.passphraseFile}.${authority}` }),
  };
  const client = new Client({ name: 'afar', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'pipe' }));
  return client;
}

test('an agent elsewhere pays over TLS, where it trusts the certificate’s authority', async () => {
  expect(served.url).toMatch(/^https:\/\/127\.0\.0\.2:\d+\/mcp$/);
  expect(served.healthUrl).toMatch(/^https:/);
  const client = await connectFrom(served.url, 'cert');
  const { structuredContent } = await client.callTool({
    name: 'wallet_pay',
    arguments: callOf(world.url('/v2/json')),
  });
  expect(structuredContent as ToldOutcome).toMatchObject({ code: 'paid', money: 'captured' });
  await client.close();
});

test.each([
  ['no authority of it', undefined],
  ['another authority of the same name', 'stranger'],
])('a certificate by %s is not talked to, and the token is not sent', async (_which, authority) => {
  await expect(connectFrom(served.url, authority)).rejects.toThrow(/certificate.*nothing was sent/i);
});

test('a certificate for another host is not talked to', async () => {
  const elsewhere = await Served.start(wallet, [
    ...['--host', '127.0.0.1', '--port', '0'],
    ...['--tls-cert', `${wallet.passphraseFile}.cert`, '--tls-key', `${wallet.passphraseFile}.key`],
  ]);
  await expect(connectFrom(elsewhere.url, 'cert')).rejects.toThrow(/certificate.*nothing was sent/i);
  await elsewhere.stop();
  elsewhere.removeLog();
});

test('who speaks plain HTTP to it, or an old TLS, gets nothing', async () => {
  await expect(fetch(served.url.replace('https:', 'http:'))).rejects.toThrow();
  const { port } = new URL(served.url);
  const old = connectTls({
    host: HOST,
    port: Number(port),
    ca: cert,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
  });
  const [error] = (await once(old, 'error')) as [Error];
  expect(String(error)).toMatch(/protocol|version|alert/i);
});
