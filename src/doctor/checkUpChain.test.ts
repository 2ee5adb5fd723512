import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { setKey } from '../config/change.js';
import { initialSettings, type Config } from '../config/settings.js';
import { findNetwork } from '../money/network.js';
import type { Check } from './check.js';
import { checkUpChains } from './checkUpChain.js';

const BASE_SEPOLIA = 'eip155:84532';
const CHAIN_ID = 84532;
const KEY = `networks.${BASE_SEPOLIA}.rpc_url`;

/** A config of one network, read through one RPC. */
function configOf(rpcUrl: string): Config {
  const identity = { version: 1, walletId: 'w', keystore: 'file', testnet: true } as const;
  const one = setKey({ ...identity, ...initialSettings(true) }, 'networks.enabled', `["${BASE_SEPOLIA}"]`);
  return setKey(one.config, KEY, rpcUrl).config;
}

/** An RPC of this chain and this time. */
async function rpcOf(chainId: number, nowSec: number) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const asked = JSON.parse(body) as { id: number; method: string };
      const block = { number: '0x1', hash: `0x${'1'.repeat(64)}`, timestamp: `0x${nowSec.toString(16)}` };
      const result = asked.method === 'eth_chainId' ? `0x${chainId.toString(16)}` : block;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/?key=rpc-s3cret`,
    host: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

async function look(rpcUrl: string, address?: string) {
  const places = address === undefined ? null : [{ network: findNetwork(BASE_SEPOLIA)!, address }];
  const checks = await checkUpChains(configOf(rpcUrl), places, Date.now());
  // The rest of an RPC's URL may hold the owner's key to it.
  expect(JSON.stringify(checks)).not.toContain('s3cret');
  return new Map(checks.map((check): [string, Check] => [check.name, check]));
}

describe('an RPC', () => {
  test('of the right chain and time is in order, and so is the clock', async () => {
    await using rpc = await rpcOf(CHAIN_ID, nowSec());
    const checks = await look(rpc.url);
    expect(checks.get(`rpc ${rpc.host}`)).toMatchObject({ state: 'ok' });
    expect(checks.get('clock')).toMatchObject({ state: 'ok' });
  });

  test('of another chain fails, and names the setting', async () => {
    await using other = await rpcOf(1, nowSec());
    expect((await look(other.url)).get(`rpc ${other.host}`)).toMatchObject({
      state: 'fail',
      says: expect.stringContaining(`serves chain 1, not ${CHAIN_ID}`) as string,
      mend: { action: { kind: 'chooseSetting', key: KEY } },
    });
  });

  test('that is down fails, says nothing of the clock, and the balance cannot be told', async () => {
    const checks = await look('http://127.0.0.1:9/?key=rpc-s3cret', `0x${'5'.repeat(40)}`);
    expect(checks.get('rpc 127.0.0.1:9')).toMatchObject({ state: 'fail' });
    expect(checks.has('clock')).toBe(false);
    expect(checks.get('balance Base Sepolia')).toMatchObject({ state: 'warn' });
  });

  test('that is far behind warns', async () => {
    await using late = await rpcOf(CHAIN_ID, nowSec() - 3_600);
    const checks = await look(late.url);
    expect(checks.get(`rpc ${late.host}`)).toMatchObject({ state: 'warn' });
    expect(checks.get('clock')).toMatchObject({
      state: 'warn',
      says: expect.stringContaining('ahead') as string,
    });
  });

  test('that is ahead of this clock tells that the clock is behind', async () => {
    await using ahead = await rpcOf(CHAIN_ID, nowSec() + 600);
    expect((await look(ahead.url)).get('clock')).toMatchObject({
      state: 'fail',
      says: expect.stringMatching(/^The clock is \d+ s behind/) as string,
    });
  });
});
