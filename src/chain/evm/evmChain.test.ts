import { encodeFunctionData, parseAbi } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startRpcProxy } from '../../../sandbox/rpcProxy.js';
import { CODES } from '../../errors/codes.js';
import { WalletError } from '../../errors/walletError.js';
import { ChainWorld, NETWORK, PAYEE, SOMEBODY, USDC } from './chainWorld.fixture.js';
import { createEvmChain, type EvmChain } from './evmChain.js';

let world: ChainWorld;
beforeAll(async () => {
  world = await ChainWorld.start();
});
afterEach(() => world.heal());
afterAll(() => world.stop());

async function errorOf(promise: Promise<unknown>): Promise<WalletError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof WalletError) return error;
    throw error;
  }
  throw new Error('It succeeded');
}

describe('balanceOf and latestTimeSec', () => {
  test('what the chain has', async () => {
    const atomic = await world.chain.balanceOf(world.payer.address);
    expect(atomic).toBeGreaterThan(0n);
    expect(await world.reader().balanceOf(USDC, world.payer.address)).toBe(atomic);
    expect(await world.reader().balanceOf(USDC, '0x00000000000000000000000000000000000000ff')).toBe(0n);
    expect(await world.reader().latestTimeSec()).toBe(await world.chain.nowSec());
  });

  test('the chain id is asked once an operator', async () => {
    const reader = world.reader();
    await reader.balanceOf(USDC, PAYEE);
    world.one.calls.clear();
    await reader.balanceOf(USDC, PAYEE);
    expect(world.one.calls.entries.map(({ method }) => method)).toEqual(['eth_call']);
  });

  test.each([
    { kind: 'down' },
    { kind: 'garbled' },
    { kind: 'refusing', status: 429 },
    { kind: 'other_chain', chainId: 1 },
    { kind: 'hang' },
  ] as const)('the second operator answers for the first: $kind', async (fault) => {
    const reader = world.reader({ timeoutMs: 120_000 });
    await world.one.setFault(fault);
    expect(await reader.balanceOf(USDC, world.payer.address)).toBe(
      await world.chain.balanceOf(world.payer.address),
    );
    // And is asked first from then on.
    world.one.calls.clear();
    await reader.latestTimeSec();
    expect(world.one.calls.entries).toEqual([]);
  });

  test('a contract that is not there is no balance of zero', async () => {
    const asset = { ...USDC, address: SOMEBODY };
    const { code, message } = await errorOf(world.ownersReader().balanceOf(asset, PAYEE));
    expect(code).toBe('rpc_unavailable');
    expect(message).toContain('answered eth_call with something else');
  });

  test('with no operator left it says who failed how, what the owner can do, and no key', async () => {
    await world.one.setFault({ kind: 'down' });
    await world.two.setFault({ kind: 'other_chain', chainId: 1 });
    const urls = [`${world.one.url}/v2/S3CRET?key=S3CRET`, world.two.url];
    const error = await errorOf(world.reader({ rpc: { urls, ownerSet: true } }).balanceOf(USDC, PAYEE));
    expect(error).toMatchObject({
      code: 'rpc_unavailable',
      money: 'none',
      retry: CODES.rpc_unavailable.retry,
    });
    expect(error.retryAfterSec).toBeGreaterThan(0);
    expect(error.message).toBe(
      `No RPC of Base Sepolia can be read: ${world.one.url} cannot be reached; ${world.two.url} serves chain 1, not 84532.`,
    );
    expect(error.owner?.action).toMatchObject({ key: 'networks.eip155:84532.rpc_url' });
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('S3CRET');
  });

  test('a network without any RPC says so', async () => {
    const reader = createEvmChain({ network: NETWORK, rpc: { urls: [], ownerSet: false } });
    expect((await errorOf(reader.latestTimeSec())).message).toBe(
      'No RPC of Base Sepolia can be read: none is known.',
    );
  });

  test('what is no http(s) URL is refused before anything is asked, and not repeated', async () => {
    for (const url of ['', 'S3CRET', 'ws://127.0.0.1/S3CRET', 'file:///S3CRET']) {
      const make = (): Promise<EvmChain> => Promise.resolve().then(() => world.ownersReader(url));
      const { code, message } = await errorOf(make());
      expect(code).toBe('config_invalid');
      expect(message).not.toContain('S3CRET');
    }
  });

  test('a caller who gives up is not made to wait for the second operator', async () => {
    await world.one.setFault({ kind: 'hang' });
    world.one.calls.clear();
    world.two.calls.clear();
    const stop = new AbortController();
    const balance = errorOf(world.reader().balanceOf(USDC, PAYEE, stop.signal));
    await world.one.calls.waitFor();
    stop.abort();
    expect((await balance).code).toBe('cancelled');
    expect(world.two.calls.entries).toEqual([]);
  });
});

describe('history', () => {
  test('shows all that left an address: by authorization, by plain transfer, and nonces that moved nothing', async () => {
    const before = await world.sign();
    await world.settle(before);
    await world.expire();
    await world.chain.mine(300);
    await world.chain.increaseTime(10);
    const sinceSec = await world.chain.nowSec();

    const pair = [await world.sign({ amountAtomic: 7n }), await world.sign({ amountAtomic: 8n })] as const;
    const pairTx = await world.settle(...pair);
    await world.chain.rpc('anvil_impersonateAccount', [world.payer.address]);
    await world.chain.rpc('anvil_setBalance', [world.payer.address, '0xde0b6b3a7640000']);
    const abi = parseAbi([
      'function transfer(address to, uint256 value)',
      'function transferFrom(address, address, uint256)',
    ]);
    const transfer = encodeFunctionData({ abi, functionName: 'transfer', args: [SOMEBODY, 9n] });
    const plainTx = await world.send(USDC.address, transfer, world.payer.address);
    // Anybody can write such a line into anybody's history.
    const spam = encodeFunctionData({
      abi,
      functionName: 'transferFrom',
      args: [world.payer.address, SOMEBODY, 0n],
    });
    await world.send(USDC.address, spam);
    const cancelled = await world.sign();
    await world.chain.cancelAuthorization(world.payer, cancelled.query.nonce);

    const history = await world.reader().history(USDC, world.payer.address, sinceSec);
    expect(
      history.payments.map(({ nonce, to, amountAtomic, tx }) => ({ nonce, to, amountAtomic, tx })),
    ).toEqual([
      { nonce: pair[0].query.nonce, to: PAYEE, amountAtomic: 7n, tx: pairTx },
      { nonce: pair[1].query.nonce, to: PAYEE, amountAtomic: 8n, tx: pairTx },
      { nonce: null, to: SOMEBODY, amountAtomic: 9n, tx: plainTx },
    ]);
    expect(history.spentWithoutTransfer).toEqual([cancelled.query.nonce]);
    expect(history.toBlock).toBe(await world.chain.client.getBlockNumber());
    expect(history.origin).toBe(world.one.url);
    expect(history.fromBlock).toBeGreaterThan(0n);

    const whole = await world.reader().history(USDC, world.payer.address, 0);
    expect(whole.payments.map(({ nonce }) => nonce)).toEqual([
      before.query.nonce,
      ...history.payments.map(({ nonce }) => nonce),
    ]);
    const ofChain = (await world.chain.payments(world.payer.address)).map(({ nonce }) => nonce);
    expect(whole.payments.flatMap(({ nonce }) => nonce ?? [])).toEqual(ofChain);
  });

  test('of all operators together hides nothing that one of them leaves out', async () => {
    const signed = await world.sign();
    await world.settle(signed);
    const union = () => world.reader().unionHistory(USDC, world.payer.address, 0);
    const whole = await union();
    expect(whole).toMatchObject({ isWhole: true, faults: [] });
    expect(whole.payments.map(({ nonce }) => nonce)).toContain(signed.query.nonce);
    expect(whole.readBy.map(({ origin }) => origin)).toEqual([world.one.url, world.two.url]);
    const nowSec = await world.chain.nowSec();
    expect(whole.readBy.map(({ untilSec }) => untilSec)).toEqual([nowSec, nowSec]);
    for (const liar of [world.one, world.two]) {
      await liar.setFault({ kind: 'lying', used: false });
      expect(await union()).toEqual(whole);
      await liar.setFault(null);
    }
    await world.two.setFault({ kind: 'down' });
    expect(await union()).toMatchObject({ isWhole: false, faults: [expect.stringContaining(world.two.url)] });
    expect((await union()).payments).toEqual(whole.payments);
    await world.one.setFault({ kind: 'down' });
    expect(await union()).toMatchObject({ isWhole: false, payments: [], readBy: [] });
  });

  test('an operator that fails is not taken for an empty history', async () => {
    await world.one.setFault({ kind: 'garbled' });
    expect((await world.reader().history(USDC, world.payer.address, 0)).origin).toBe(world.two.url);
    await world.two.setFault({ kind: 'down' });
    expect((await errorOf(world.reader().history(USDC, world.payer.address, 0))).code).toBe(
      'rpc_unavailable',
    );
  });
});

test('two readers of one chain share nothing', async () => {
  const proxy = await startRpcProxy(world.chain.url);
  try {
    await proxy.setFault({ kind: 'down' });
    expect((await errorOf(world.ownersReader(proxy.url).latestTimeSec())).code).toBe('rpc_unavailable');
    expect(await world.ownersReader().latestTimeSec()).toBeGreaterThan(0);
  } finally {
    await proxy.stop();
  }
});
