import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBuyer, type Buyer } from './buyer.ts';
import { SOLANA_DEVNET } from './solana/chain.ts';
import { decodeHeader } from './shop/order.ts';
import { startSandbox, type Sandbox } from './world.ts';

let sandbox: Sandbox;
let buyer: Buyer;

beforeAll(async () => {
  sandbox = await startSandbox();
  buyer = await createBuyer(sandbox, '10', 'solana');
});
afterAll(() => sandbox.stop());

const urlOf = (version: number, path: string, query: Record<string, string> = {}): string =>
  `${sandbox.shop.url}/v${version}/${path}?${new URLSearchParams(query).toString()}`;

describe.each([1, 2] as const)('x402 v%i on Solana', (version) => {
  test.each(['0.000001', '0.01', '1'])('moves exactly $%s', async (usd) => {
    const { solana, shop } = sandbox;
    const before = { buyer: await buyer.balance(), shop: await solana.balanceOf(shop.payToSolana) };
    const response = await buyer.pay(urlOf(version, `price/${usd}`));
    expect(response.status).toBe(200);
    const moved = before.buyer - (await buyer.balance());
    expect(moved).toBe(BigInt(Math.round(Number(usd) * 1e6)));
    expect((await solana.balanceOf(shop.payToSolana)) - before.shop).toBe(moved);
    const payment = solana.payments(buyer.solana.address).at(-1);
    expect(payment).toMatchObject({ to: shop.payToSolana, amountAtomic: moved });
    const receipt = decodeHeader(
      response.headers.get(version === 1 ? 'x-payment-response' : 'payment-response') ?? '',
    );
    expect(receipt).toMatchObject({ success: true, transaction: payment?.transaction });
    const seen = sandbox.shop.payments(`/v${version}/price/${usd}`).at(-1);
    expect(seen).toMatchObject({ from: buyer.solana.address, value: String(moved), nonce: payment?.nonce });
  });

  test('settles nothing twice, and nothing whose blockhash is too old', async () => {
    const url = urlOf(version, 'json', { chain: 'solana' });
    const headers = await buyer.sign(url);
    expect((await fetch(url, { headers })).status).toBe(200);
    const spent = await buyer.balance();
    expect((await fetch(url, { headers })).status).toBe(402);
    const late = await buyer.sign(url);
    sandbox.solana.increaseTime(120);
    expect((await fetch(url, { headers: late })).status).toBe(402);
    expect(await buyer.balance()).toBe(spent);
  });

  test('settles what was pending when it is told to', async () => {
    const before = await buyer.balance();
    const url = urlOf(version, 'json', { fault: 'settles_later' });
    await buyer.pay(url);
    expect(await buyer.balance()).toBe(before);
    const [transaction] = await sandbox.shop.releasePending();
    expect(before - (await buyer.balance())).toBe(10_000n);
    expect(sandbox.solana.payments(buyer.solana.address).at(-1)).toMatchObject({ transaction });
  });
});

test('offers both chains, Base first, or the one that is asked for', async () => {
  const networks = async (query: Record<string, string>) => {
    const response = await fetch(urlOf(2, 'json', query));
    const offer = decodeHeader(response.headers.get('payment-required') ?? '') as {
      accepts: { network: string }[];
    };
    return offer.accepts.map(({ network }) => network);
  };
  expect(await networks({})).toEqual(['eip155:84532', SOLANA_DEVNET]);
  expect(await networks({ fault: 'reject' })).toEqual(['eip155:84532', SOLANA_DEVNET]);
  expect(await networks({ chain: 'solana' })).toEqual([SOLANA_DEVNET]);
  expect(await networks({ chain: 'base' })).toEqual(['eip155:84532']);
});

test('refuses a buyer without the money', async () => {
  const poor = await createBuyer(sandbox, '0.000001', 'solana');
  expect((await poor.pay(urlOf(2, 'json'))).status).toBe(402);
  expect(await poor.balance()).toBe(1n);
});
