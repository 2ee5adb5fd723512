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

/** A config of one network, read through these RPCs. */
function configOf(...rpcUrls: readonly string[]): Config {
  const identity = { version: 1, walletId: 'w', keystore: 'file', testnet: true } as const;
  const one = setKey({ ...identity, ...initialSettings(true) }, 'networks.enabled', `["${BASE_SEPOLIA}"]`);
  return setKey(one.config, KEY, JSON.stringify(rpcUrls)).config;
}

/** An RPC of this chain and this time, which its answers date unless it gives no dates. */
async function rpcOf(chainId: number, nowSec: number, { dated = true } = {}) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const asked = JSON.parse(body) as { id: number; method: string };
      const block = { number: '0x1', hash: `0x${'1'.repeat(64)}`, timestamp: `0x${nowSec.toString(16)}` };
      const result = asked.method === 'eth_chainId' ? `0x${chainId.toString(16)}` : block;
      response.setHeader('content-type', 'application/json');
      if (dated) response.setHeader('date', new Date(nowSec * 1000).toUTCString());
      else response.sendDate = false;
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

async function look(rpcUrl: string | readonly string[], address?: string) {
  const places = address === undefined ? null : [{ network: findNetwork(BASE_SEPOLIA)!, address }];
  const checks = await checkUpChains(configOf(...[rpcUrl].flat()), { places, isProved: true }, Date.now);
  // The rest of an RPC's URL may hold the owner's key to it.
  expect(JSON.stringify(checks)).not.toContain('s3cret');
  return new Map(checks.map((check): [string, Check] => [check.name, check]));
}

describe('an RPC', () => {
  test('of the right chain and time is in order, and so is the clock', async () => {
    await using rpc = await rpcOf(CHAIN_ID, nowSec());
    const checks = await look(rpc.url);
    expect(checks.get(`rpc ${rpc.host}`)).toMatchObject({ state: 'ok' });
    expect(checks.get('clock')).toMatchObject({
      state: 'ok',
      says: expect.stringContaining(rpc.host) as string,
    });
  });

  test('of another chain fails, and names the setting', async () => {
    await using other = await rpcOf(1, nowSec());
    expect((await look(other.url)).get(`rpc ${other.host}`)).toMatchObject({
      state: 'fail',
      says: expect.stringContaining(`serves chain 1, not ${CHAIN_ID}`) as string,
      mend: { action: { kind: 'chooseSetting', key: KEY } },
    });
  });

  test('that is down fails, and neither the true time nor the balance can be told', async () => {
    const checks = await look('http://127.0.0.1:9/?key=rpc-s3cret', `0x${'5'.repeat(40)}`);
    expect(checks.get('rpc 127.0.0.1:9')).toMatchObject({ state: 'fail' });
    expect(checks.get('clock')).toMatchObject({
      state: 'warn',
      says: expect.stringContaining('could not be had') as string,
      mend: { action: { kind: 'chooseSetting', key: KEY } },
    });
    expect(checks.get('balance Base Sepolia')).toMatchObject({ state: 'warn' });
  });

  test('that is far behind warns', async () => {
    await using late = await rpcOf(CHAIN_ID, nowSec() - 3_600);
    expect((await look(late.url)).get(`rpc ${late.host}`)).toMatchObject({ state: 'warn' });
  });
});

describe('the clock', () => {
  test.each([
    ['ahead', -3 * 3_600, '3 hours ahead'],
    ['behind', 600, '10 minutes behind'],
  ])('that is %s of two RPCs that agree fails, and says by how much', async (_name, offSec, told) => {
    await using one = await rpcOf(CHAIN_ID, nowSec() + offSec);
    await using two = await rpcOf(CHAIN_ID, nowSec() + offSec);
    const clock = (await look([one.url, two.url])).get('clock');
    expect(clock).toMatchObject({
      state: 'fail',
      mend: { say: expect.stringContaining('Set the clock') as string },
    });
    for (const word of [told, one.host, two.host]) expect(clock?.says).toContain(word);
  });

  test('that one RPC says is wrong is told as unchecked: one alone decides nothing (T30)', async () => {
    await using liar = await rpcOf(CHAIN_ID, nowSec() - 24 * 3_600);
    expect((await look(liar.url)).get('clock')).toMatchObject({
      state: 'warn',
      says: expect.stringContaining('could not be had') as string,
    });
  });

  test('that is behind the newest block of two chains fails, though nobody gives a date', async () => {
    await using one = await rpcOf(CHAIN_ID, nowSec() + 600, { dated: false });
    await using two = await rpcOf(CHAIN_ID, nowSec() + 600, { dated: false });
    expect((await look([one.url, two.url])).get('clock')).toMatchObject({
      state: 'fail',
      says: expect.stringContaining('10 minutes behind') as string,
    });
  });
});
