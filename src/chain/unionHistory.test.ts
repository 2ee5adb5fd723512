import { expect, test } from 'vitest';
import type { ChainHistory, ChainPayment } from './history.js';
import { RpcFault } from './rpcFault.js';
import { paymentKey, readUnion } from './unionHistory.js';

function payment(over: Partial<ChainPayment>): ChainPayment {
  return {
    nonce: '0xAA',
    to: '0xSeller',
    amountAtomic: 7n,
    tx: '0x01',
    blockNumber: 5n,
    logIndex: 0,
    timeSec: 100,
    ...over,
  };
}

function shows(origin: string, ...payments: ChainPayment[]): ChainHistory {
  return {
    payments,
    spentWithoutTransfer: [],
    unread: [],
    fromBlock: 0n,
    toBlock: 9n,
    untilSec: 200,
    origin,
  };
}

const union = (...histories: (ChainHistory | Error)[]) =>
  readUnion(histories, 2, async (one) => {
    if (one instanceof Error) throw one;
    return one;
  });

test('each payment counts once, in the order of the chain, whoever shows it', async () => {
  const [first, second, plain] = [
    payment({}),
    payment({ nonce: '0xbb', blockNumber: 4n, logIndex: 1 }),
    payment({ nonce: null, blockNumber: 4n }),
  ];
  const { payments, isWhole } = await union(
    shows('one', first, second),
    shows('two', payment({ nonce: '0xaa' }), plain),
  );
  expect(payments.map(paymentKey)).toEqual(['transfer 0x01 0xseller 7', '0xbb', '0xaa']);
  expect(isWhole).toBe(true);
});

test('where two differ about an amount, the most that may have moved counts', async () => {
  for (const order of [
    [1n, 9n],
    [9n, 1n],
  ]) {
    const histories = order.map((amountAtomic, i) => shows(`rpc${i}`, payment({ amountAtomic })));
    expect((await union(...histories)).payments).toMatchObject([{ amountAtomic: 9n }]);
  }
});

test('what a transaction names is believed where all who show it name the same', async () => {
  const named = (name: string | null) => payment({ nonce: null, named: name });
  const nameOf = async (...names: (string | null)[]) =>
    (await union(...names.map((name, i) => shows(`rpc${i}`, named(name))))).payments.map((one) => one.named);
  expect(await nameOf('0x07', '0x07')).toEqual(['0x07']);
  for (const names of [
    ['0x07', '0x08'],
    ['0x07', null],
    [null, '0x07', '0x07'],
    ['0x07', '0x08', '0x08'],
  ])
    expect(await nameOf(...names)).toEqual([null]);
});

test('one that cannot be read is named, and what is left is not whole; any other fault is thrown', async () => {
  const down = new RpcFault('no_answer', 'https://two.example', 'does not answer');
  expect(await union(shows('one', payment({})), down)).toMatchObject({
    payments: [{ nonce: '0xAA' }],
    readBy: [{ origin: 'one', untilSec: 200 }],
    faults: [expect.stringContaining('two.example')],
    isWhole: false,
  });
  await expect(union(shows('one'), new TypeError('ours'))).rejects.toThrow('ours');
});
