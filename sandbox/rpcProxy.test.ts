import { encodeFunctionData, type Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBuyer } from './buyer.ts';
import { createRpc } from './chain.ts';
import type { RpcProxy } from './rpcProxy.ts';
import { USDC, USDC_ABI, type Rpc } from './usdc.ts';
import { startSandbox, type Sandbox } from './world.ts';

let sandbox: Sandbox;
let proxy: RpcProxy;
let rpc: Rpc;

beforeAll(async () => {
  sandbox = await startSandbox();
  proxy = sandbox.rpc;
  rpc = createRpc(proxy.url);
});
afterAll(() => sandbox.stop());

const blockNumber = async (): Promise<number> => Number(await rpc('eth_blockNumber', []));

async function authorizationState(from: string, nonce: Hex, ask: Rpc = rpc): Promise<boolean> {
  const data = encodeFunctionData({
    abi: USDC_ABI,
    functionName: 'authorizationState',
    args: [from as Hex, nonce],
  });
  return BigInt((await ask('eth_call', [{ to: USDC, data }, 'latest'])) as Hex) === 1n;
}

test('passes calls on, batches and errors included, and records them', async () => {
  expect(Number(await rpc('eth_chainId', []))).toBe(84532);
  await expect(rpc('eth_nonsense', [])).rejects.toThrow(/eth_nonsense/);
  const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'eth_chainId', params: [] }));
  const response = await fetch(proxy.url, { method: 'POST', body: JSON.stringify(batch) });
  expect(((await response.json()) as { id: number }[]).map(({ id }) => id)).toEqual([1, 2]);
  expect(proxy.calls.entries.map(({ method }) => method)).toContain('eth_nonsense');
});

test('is down, hangs, is slow, refuses, talks rubbish, is another chain, and recovers', async () => {
  await proxy.setFault({ kind: 'down' });
  await expect(rpc('eth_chainId', [])).rejects.toThrow('socket hang up');
  for (const fault of [{ kind: 'hang' }, { kind: 'slow', ms: 60_000 }] as const) {
    await proxy.setFault(fault);
    const asked = fetch(proxy.url, {
      method: 'POST',
      body: '{"id":1,"method":"x"}',
      signal: AbortSignal.timeout(100),
    });
    await expect(asked).rejects.toThrow(/timeout/);
  }
  await proxy.setFault({ kind: 'slow', ms: 1 });
  expect(Number(await rpc('eth_chainId', []))).toBe(84532);
  await proxy.setFault({ kind: 'refusing', status: 429 });
  expect((await fetch(proxy.url, { method: 'POST', body: '{"id":1,"method":"x"}' })).status).toBe(429);
  await proxy.setFault({ kind: 'garbled' });
  await expect(rpc('eth_chainId', [])).rejects.toThrow(SyntaxError);
  await proxy.setFault({ kind: 'other_chain', chainId: 1 });
  expect(Number(await rpc('eth_chainId', []))).toBe(1);
  await proxy.setFault(null);
  expect(Number(await rpc('eth_chainId', []))).toBe(84532);
});

test('lags: it knows nothing of a payment in the last blocks, then catches up', async () => {
  const buyer = await createBuyer(sandbox, '1');
  const { address } = buyer.account;
  await sandbox.chain.mine(5);
  await buyer.pay(`${sandbox.shop.url}/v2/json`);
  const [payment] = await sandbox.chain.payments(address);
  const head = await blockNumber();

  await proxy.setFault({ kind: 'lagging', blocks: 3 });
  expect(await blockNumber()).toBe(head - 3);
  expect(await authorizationState(address, payment!.nonce)).toBe(false);
  expect(
    await rpc('eth_getLogs', [{ address: USDC, fromBlock: '0x0', toBlock: 'latest' }]),
  ).not.toContainEqual(expect.objectContaining({ transactionHash: payment!.transaction }));
  expect(await rpc('eth_getTransactionReceipt', [payment!.transaction])).toBeNull();
  const safe = (await rpc('eth_getBlockByNumber', ['safe', false])) as { number: Hex };
  expect(Number(safe.number)).toBe(head - 4);

  await proxy.setFault({ kind: 'stuck' });
  await sandbox.chain.mine(4);
  expect(await blockNumber()).toBe(head);
  expect(await authorizationState(address, payment!.nonce)).toBe(true);
  await proxy.setFault(null);
  expect(await blockNumber()).toBe(head + 4);
});

test('lies about an authorization and about the time, while one beside it is honest', async () => {
  const buyer = await createBuyer(sandbox, '1');
  const { address } = buyer.account;
  await buyer.pay(`${sandbox.shop.url}/v2/json`);
  const [payment] = await sandbox.chain.payments(address);
  const honest = createRpc((await sandbox.addRpc()).url);

  await proxy.setFault({ kind: 'lying', used: false, aheadSec: 5_000 });
  expect(await authorizationState(address, payment!.nonce)).toBe(false);
  expect(await authorizationState(address, payment!.nonce, honest)).toBe(true);
  expect(await rpc('eth_getLogs', [{ address: USDC, fromBlock: '0x0' }])).toEqual([]);
  const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: Hex };
  expect(Number(block.timestamp)).toBe((await sandbox.chain.nowSec()) + 5_000);

  await proxy.setFault({ kind: 'lying', used: true });
  expect(await authorizationState(address, `0x${'01'.repeat(32)}`)).toBe(true);
  await proxy.setFault(null);
});
