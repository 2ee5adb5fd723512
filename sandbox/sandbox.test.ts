import { domainSeparator, type Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBuyer, type Buyer } from './buyer.ts';
import { PNG_BYTES } from './shop/goods.ts';
import { decodeHeader } from './shop/order.ts';
import { atomicFromUsd } from './usd.ts';
import { USDC, USDC_DOMAIN } from './usdc.ts';
import { startSandbox, type Sandbox } from './world.ts';

let sandbox: Sandbox;
let buyer: Buyer;

beforeAll(async () => {
  sandbox = await startSandbox();
});
beforeEach(async () => {
  buyer = await createBuyer(sandbox, '200');
});
afterAll(() => sandbox.stop());

function read(functionName: string, type: string): Promise<unknown> {
  return sandbox.chain.client.readContract({
    address: USDC,
    abi: [{ type: 'function', name: functionName, inputs: [], outputs: [{ type }], stateMutability: 'view' }],
    functionName,
  });
}

describe('the chain', () => {
  test("has Circle's USDC under the domain that Base Sepolia signs", async () => {
    expect(await read('name', 'string')).toBe('USDC');
    expect(await read('version', 'string')).toBe('2');
    expect(await read('decimals', 'uint8')).toBe(6);
    expect(await read('DOMAIN_SEPARATOR', 'bytes32')).toBe(domainSeparator({ domain: USDC_DOMAIN }));
    expect(await sandbox.chain.client.getChainId()).toBe(84532);
  });

  test('can be moved past an expiry, up to its finalized block, and brought back', async () => {
    const before = await sandbox.chain.nowSec();
    const checkpoint = await sandbox.chain.checkpoint();
    await sandbox.chain.increaseTime(900);
    const finalized = await sandbox.chain.client.getBlock({ blockTag: 'finalized' });
    expect(Number(finalized.timestamp)).toBeGreaterThanOrEqual(before + 900);
    await checkpoint.revert();
    await sandbox.chain.mine();
    expect(await sandbox.chain.nowSec()).toBeLessThan(before + 900);
    expect((await buyer.pay(`${sandbox.shop.url}/v2/json`)).status).toBe(200);
  });

  test('shows a cancelled nonce as used, without a payment', async () => {
    const nonce: Hex = `0x${'ab'.repeat(32)}`;
    expect(await sandbox.chain.usedNonce(buyer.account.address, nonce)).toBe(false);
    await sandbox.chain.cancelAuthorization(buyer.account, nonce);
    expect(await sandbox.chain.usedNonce(buyer.account.address, nonce)).toBe(true);
    expect(await sandbox.chain.payments(buyer.account.address)).toEqual([]);
  });
});

describe.each([1, 2] as const)('x402 v%i', (version) => {
  const receiptHeader = version === 1 ? 'x-payment-response' : 'payment-response';

  test.each(['0.001', '0.01', '0.10', '1', '100'])('moves exactly $%s', async (usd) => {
    const sellerBefore = await sandbox.chain.balanceOf(sandbox.shop.payTo);
    const buyerBefore = await buyer.balance();
    const response = await buyer.pay(`${sandbox.shop.url}/v${version}/price/${usd}`);
    expect(await response.json()).toEqual({ paid_usd: usd });
    const amountAtomic = atomicFromUsd(usd);
    expect(buyerBefore - (await buyer.balance())).toBe(amountAtomic);
    expect((await sandbox.chain.balanceOf(sandbox.shop.payTo)) - sellerBefore).toBe(amountAtomic);

    const [payment, ...more] = await sandbox.chain.payments(buyer.account.address);
    expect(more).toEqual([]);
    expect(payment).toMatchObject({ to: sandbox.shop.payTo, amountAtomic });
    expect(decodeHeader(response.headers.get(receiptHeader)!)).toMatchObject({
      success: true,
      transaction: payment!.transaction,
    });
    expect(await sandbox.chain.usedNonce(buyer.account.address, payment!.nonce)).toBe(true);
  });

  test('hands over text, binary, large and streamed bodies', async () => {
    const get = async (path: string) => {
      const response = await buyer.pay(`${sandbox.shop.url}/v${version}/${path}`);
      expect(response.status).toBe(200);
      return response;
    };
    expect(await (await get('text')).text()).toContain('paid endpoint');
    expect(Buffer.from(await (await get('png')).arrayBuffer()).equals(PNG_BYTES)).toBe(true);
    expect((await (await get('large?bytes=300001')).arrayBuffer()).byteLength).toBe(300_001);
    const pieces: string[] = [];
    for await (const piece of (await get('stream?events=3&ms=20')).body!)
      pieces.push(Buffer.from(piece).toString());
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toMatch(/word0.*word2.*\[DONE\]/s);
  });

  test('counts how often a POST ran, by its id', async () => {
    const id = `order-v${version}`;
    const url = `${sandbox.shop.url}/v${version}/echo`;
    const init = {
      method: 'POST',
      body: JSON.stringify({ id }),
      headers: { 'content-type': 'application/json' },
    };
    expect(sandbox.shop.runs(id)).toBe(0);
    expect(await (await buyer.pay(url, init)).json()).toMatchObject({ method: 'POST', body: init.body });
    expect(sandbox.shop.runs(id)).toBe(1);
    await buyer.pay(url, init);
    expect(sandbox.shop.runs(id)).toBe(2);
  });

  test('settles nothing for a handler that failed', async () => {
    const before = await buyer.balance();
    expect((await buyer.pay(`${sandbox.shop.url}/v${version}/status/503`)).status).toBe(503);
    expect(await buyer.balance()).toBe(before);
  });

  test('settles forty payments at once', async () => {
    const url = `${sandbox.shop.url}/v${version}/price/0.001`;
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await buyer.pay(url)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await sandbox.chain.payments(buyer.account.address)).toHaveLength(40);
  });

  test('says truly why it refuses', async () => {
    const poor = await createBuyer(sandbox, '0.000001');
    const url = `${sandbox.shop.url}/v${version}/json`;
    const refused = await poor.pay(url);
    expect(refused.status).toBe(402);
    expect(await offerError(refused)).toMatch(/insufficient_balance|insufficient_funds/);

    const headers = await buyer.sign(url);
    expect((await fetch(url, { headers })).status).toBe(200);
    const again = await fetch(url, { headers });
    expect(again.status).toBe(402);
    expect(await offerError(again)).toMatch(/nonce_already_used/);
  });

  async function offerError(response: Response): Promise<unknown> {
    const header = response.headers.get('payment-required');
    const offer = header === null ? await response.json() : decodeHeader(header);
    return (offer as { error: unknown }).error;
  }
});

describe('the shop', () => {
  test('asks nothing for what is free, and logs what reached it', async () => {
    const response = await fetch(`${sandbox.shop.url}/free/json`, { headers: { 'x-mine': 'seen' } });
    expect(response.status).toBe(200);
    const order = await sandbox.shop.requests.waitFor(({ path }) => path === '/free/json');
    expect(order).toMatchObject({ method: 'GET', origin: sandbox.shop.url, payment: undefined });
    expect(order.headers['x-mine']).toBe('seen');
  });

  test('logs each payment that reached it, with what was signed', async () => {
    const url = `${sandbox.shop.url}/v2/json?id=logged`;
    await buyer.pay(url);
    const { payment } = await sandbox.shop.requests.waitFor(
      (order) => order.url.href === url && order.payment !== undefined,
    );
    const [onChain] = await sandbox.chain.payments(buyer.account.address);
    expect(payment).toMatchObject({
      version: 2,
      from: buyer.account.address,
      value: '10000',
      nonce: onChain!.nonce,
    });
    expect(payment!.signature).toMatch(/^0x[0-9a-f]{130}$/);
  });

  test('writes the same offer at the till as behind the published middleware', async () => {
    const offer = async (query: string) => {
      const response = await fetch(`${sandbox.shop.url}/v2/json${query}`);
      return decodeHeader(response.headers.get('payment-required')!) as {
        x402Version: number;
        accepts: unknown[];
      };
    };
    const published = await offer('?usd=0.02');
    const till = await offer('?usd=0.02&fault=hang');
    expect(till.accepts).toEqual(published.accepts);
    expect(till.x402Version).toBe(published.x402Version);
  });

  test('refuses a price and a fault that are none', async () => {
    expect((await fetch(`${sandbox.shop.url}/v2/price/1e3`)).status).toBe(400);
    expect((await fetch(`${sandbox.shop.url}/v2/json?fault=nonsense`)).status).toBe(400);
    expect((await fetch(`${sandbox.shop.url}/nowhere`)).status).toBe(404);
  });

  test("runs a test's own handler, and logs its requests", async () => {
    sandbox.shop.handle('/own', (_order, response) => response.writeHead(418).end());
    expect((await fetch(`${sandbox.shop.url}/own`)).status).toBe(418);
    await sandbox.shop.requests.waitFor(({ path }) => path === '/own');
  });
});

describe('a sandbox', () => {
  test('shares nothing with another, and leaves nothing behind', async () => {
    const second = await startSandbox();
    await second.chain.fund(buyer.account.address, 7n);
    expect(await second.chain.balanceOf(buyer.account.address)).toBe(7n);
    expect(await buyer.balance()).toBe(200_000_000n);

    const hung = fetch(`${second.shop.url}/v2/json?fault=hang_unpaid`);
    hung.catch(() => undefined);
    await second.shop.requests.waitFor();
    await second.stop();
    await expect(hung).rejects.toThrow();
    for (const url of [second.rpcUrl, second.chain.url, second.facilitator.url, second.shop.url]) {
      await expect(fetch(url)).rejects.toThrow();
    }
    expect(() => process.kill(second.chain.pid, 0)).toThrow();
  });
});
