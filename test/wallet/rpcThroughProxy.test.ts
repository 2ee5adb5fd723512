import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestWorld, type TestWorld } from '../support/world.js';

const NETWORK = 'eip155:84532';
let world: TestWorld;
const asked: (string | undefined)[] = [];
/** A proxy that opens no connection, and remembers what it was asked for. */
const proxy = createServer();

beforeAll(async () => {
  proxy.on('connect', (message, socket) => {
    asked.push(message.url);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  world = await startTestWorld();
});

afterAll(async () => {
  await new Promise((resolve) => proxy.close(resolve));
  await world.stop();
});

test('RPCs elsewhere are asked through net.proxy, by name; one on this machine is asked itself', async () => {
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const mine = await world.wallet({ settings: { 'net.proxy': proxyUrl } });
  const wallet = mine.open();
  expect(await wallet.balance({})).toMatchObject({ balances: [{ on_chain: '10' }] });
  expect(asked).toEqual([]);
  await mine.set(`networks.${NETWORK}.rpc_url`, 'https://rpc.seller.example/secret-key');
  expect(await wallet.balance({})).toMatchObject({ status: 'ok', balances: [{ on_chain: null }] });
  expect(asked).toEqual(['rpc.seller.example:443']);
  // The next in the list is asked where the first is not to be had.
  await mine.set(
    `networks.${NETWORK}.rpc_url`,
    JSON.stringify(['https://other.seller.example/', world.sandbox.rpcUrl]),
  );
  expect(await wallet.balance({})).toMatchObject({ balances: [{ on_chain: '10' }] });
  expect(asked).toEqual(['rpc.seller.example:443', 'other.seller.example:443']);
});
