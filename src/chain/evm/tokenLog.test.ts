import { describe, expect, test } from 'vitest';
import type { Hex } from './answer.js';
import { sortLogs, transferOf, type NonceLog, type TransferLog } from './tokenLog.js';

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const PAYER: Hex = `0x${'1'.repeat(40)}`;

function place(tx: string, logIndex: number, blockNumber = 7n) {
  return { tx: word(tx), blockNumber, blockHash: word('b'), logIndex };
}

function used(tx: string, logIndex: number): NonceLog {
  return { ...place(tx, logIndex), event: 'AuthorizationUsed', authorizer: PAYER, nonce: word('c') };
}

function transfer(tx: string, logIndex: number): TransferLog {
  return {
    ...place(tx, logIndex),
    event: 'Transfer',
    from: PAYER,
    to: PAYER,
    amountAtomic: BigInt(logIndex),
  };
}

describe('transferOf', () => {
  test('is the next log, however far in the transaction', () => {
    expect(
      transferOf([transfer('a', 0), used('a', 3), transfer('a', 9), transfer('a', 10)], used('a', 3))
        ?.logIndex,
    ).toBe(9);
  });

  test.each([
    ['nothing follows', [transfer('a', 0), used('a', 1)]],
    ['another nonce follows', [used('a', 1), used('a', 2), transfer('a', 3)]],
    ['the next transfer is of another transaction', [used('a', 1), transfer('d', 2)]],
    ['the nonce itself is not there', [transfer('a', 2)]],
    ['the same place in another transaction', [used('d', 1), transfer('d', 2)]],
  ])('is undefined where %s', (_name, logs) => {
    expect(transferOf(logs, used('a', 1))).toBeUndefined();
  });
});

test('sortLogs puts blocks before indices', () => {
  const late = { ...transfer('a', 0), blockNumber: 8n };
  const logs = [late, transfer('a', 5), transfer('a', 2)];
  expect(sortLogs(logs).map(({ blockNumber, logIndex }) => [blockNumber, logIndex])).toEqual([
    [7n, 2],
    [7n, 5],
    [8n, 0],
  ]);
});
