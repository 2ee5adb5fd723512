import { describe, expect, test } from 'vitest';
import type { LogFilter } from './operator.js';
import { searchLogs } from './logSearch.js';
import { RpcFault } from '../rpcFault.js';
import { USDC } from './chainWorld.fixture.js';
import type { TokenLog } from './tokenLog.js';

const PAYER = `0x${'1'.repeat(40)}` as const;
const WORD = `0x${'2'.repeat(64)}` as const;

function logAt(blockNumber: bigint): TokenLog {
  return {
    event: 'AuthorizationUsed',
    tx: WORD,
    blockNumber,
    blockHash: WORD,
    logIndex: 0,
    authorizer: PAYER,
    nonce: WORD,
  };
}

/** An operator with one log in each of `at`, that refuses more than `blocksMax` blocks at once. */
function operatorWith(
  at: bigint[],
  blocksMax: bigint,
  kind: 'refused' | 'too_large' | 'no_answer' = 'refused',
) {
  const asked: bigint[] = [];
  return {
    origin: 'https://rpc.example',
    asked,
    logs: ({ blocks }: LogFilter): Promise<TokenLog[]> => {
      if ('hash' in blocks) return Promise.reject(new Error('a range was expected'));
      const { from, to } = blocks;
      asked.push(to - from + 1n);
      if (to - from + 1n > blocksMax)
        return Promise.reject(new RpcFault(kind, 'https://rpc.example', 'refused'));
      return Promise.resolve(at.filter((number) => from <= number && number <= to).map(logAt));
    },
  };
}

async function search(
  operator: ReturnType<typeof operatorWith>,
  to: bigint,
  callsMax = 1_000,
): Promise<bigint[]> {
  const filter = { asset: USDC, payer: PAYER, events: ['AuthorizationUsed'] } as const;
  const found: bigint[] = [];
  for await (const page of searchLogs(operator, filter, { from: 5n, to }, callsMax)) {
    found.push(...page.map(({ blockNumber }) => blockNumber));
  }
  return found;
}

describe('searchLogs', () => {
  test.each([1_000_000n, 10_000n, 9_999n, 2_000n, 500n, 10n])(
    'an operator that gives %d blocks at once is searched whole, each block once',
    async (blocksMax) => {
      const at = [5n, 6n, 1_003n, 2_004n, 5_000n];
      expect(await search(operatorWith([4n, ...at, 5_001n], blocksMax), 5_000n)).toEqual(at);
      expect(await search(operatorWith([4n, ...at, 5_001n], blocksMax, 'too_large'), 5_000n)).toEqual(at);
    },
  );

  test('a range of one block, and an empty one', async () => {
    expect(await search(operatorWith([5n], 10n), 5n)).toEqual([5n]);
    expect(await search(operatorWith([5n], 10n), 4n)).toEqual([]);
  });

  test('one that is down, or refuses even the smallest page, is not asked on', async () => {
    const down = operatorWith([], 0n, 'no_answer');
    await expect(search(down, 5_000n)).rejects.toThrow(RpcFault);
    expect(down.asked).toHaveLength(1);
    const unwilling = operatorWith([], 0n);
    await expect(search(unwilling, 5_000n)).rejects.toThrow(RpcFault);
    expect(unwilling.asked.length).toBeLessThan(8);
  });

  test('a search that does not end within its calls fails, and is not taken for an empty one', async () => {
    const operator = operatorWith([], 10n);
    await expect(search(operator, 5_000n, 20)).rejects.toThrow('did not search 4996 blocks in 20 calls');
    expect(operator.asked).toHaveLength(20);
  });
});
