import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBuyer } from './buyer.ts';
import { startControl } from './control.ts';
import type { LocalServer } from './localServer.ts';
import { namedSigner } from './solana/chain.ts';
import { startSandbox, type Sandbox } from './world.ts';

let sandbox: Sandbox;
let control: LocalServer;

beforeAll(async () => {
  sandbox = await startSandbox();
  control = await startControl(sandbox);
});
afterAll(async () => {
  await control.close();
  await sandbox.stop();
});

async function post(name: string, input?: unknown): Promise<unknown> {
  const body = input === undefined ? '' : JSON.stringify(input);
  return (await fetch(`${control.url}/${name}`, { method: 'POST', body })).json();
}

test('a settlement left pending is released from outside', async () => {
  const buyer = await createBuyer(sandbox, '1');
  expect(await post('fault', { path: '/v2/json', fault: 'settlement_pending' })).toMatchObject({
    path: '/v2/json',
  });
  expect((await buyer.pay(`${sandbox.shop.url}/v2/json`)).status).toBe(402);
  expect(await post('payments')).toMatchObject([{ from: buyer.account.address, value: '10000' }]);
  const [promised] = sandbox.shop.pending.entries;
  expect(await post('release')).toEqual({ transactions: [promised!.transaction] });
  expect(await post('balance', { address: buyer.account.address })).toEqual({ usd: '0.99' });
  await post('fault', { path: '/v2/json', fault: null });
  expect((await buyer.pay(`${sandbox.shop.url}/v2/json`)).status).toBe(200);
});

test('an address is funded on the chain that it is of, and one of the EVM on Tempo as well', async () => {
  const tempo = await sandbox.addTempo();
  const steered = await startControl(sandbox, tempo.chain);
  const fund = async (address: string): Promise<unknown> => {
    const body = JSON.stringify({ address, usd: '3' });
    return (await fetch(`${steered.url}/fund`, { method: 'POST', body })).json();
  };
  const address = `0x${'42'.repeat(20)}` as const;
  expect(await fund(address)).toEqual({ address, usd: '3' });
  expect(await tempo.chain.balanceOf(address)).toBe(3_000_000n);
  const { address: onSolana } = await namedSigner('11'.repeat(32));
  expect(await fund(onSolana)).toEqual({ address: onSolana, usd: '3' });
  await steered.close();
});

test('chain and RPC are steered from outside', async () => {
  const block = Number(await sandbox.chain.client.getBlockNumber());
  expect(await post('mine', { blocks: 3 })).toEqual({ block: String(block + 3) });
  await post('rpc', { fault: { kind: 'refusing', status: 503 } });
  expect((await fetch(sandbox.rpcUrl, { method: 'POST', body: '{"id":1,"method":"x"}' })).status).toBe(503);
  await post('rpc', { fault: null });
  expect((await fetch(sandbox.rpcUrl, { method: 'POST', body: '{"id":1,"method":"x"}' })).status).toBe(200);
  const before = await sandbox.chain.nowSec();
  expect(((await post('time', { seconds: 90 })) as { now: number }).now).toBeGreaterThanOrEqual(before + 90);
});

test('what it cannot do it says', async () => {
  expect(await post('toString')).toMatchObject({ error: expect.stringContaining('fund') });
  expect(await post('fund', { address: 'x' })).toMatchObject({ error: expect.stringContaining('address') });
  expect(await post('fault', { path: '/v2/json', fault: 'nonsense' })).toMatchObject({
    error: expect.stringContaining('second_402'),
  });
});
