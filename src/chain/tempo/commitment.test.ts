import { expect, test } from 'vitest';
import type { Observation } from '../evm/observation.js';
import { RpcFault } from '../rpcFault.js';
import { judgeCommitment } from './commitment.js';

const bench = { label: 'Tempo', operators: 2, quorum: 2 };
const block = (number: bigint) => ({ number, hash: `0x${number}` as const, timeSec: Number(number) * 10 });
type Standing = Extract<Observation, { kind: 'promised' }>['standing'];

function shows(
  origin: string,
  standing: Standing,
  amounts: readonly bigint[] = [],
  settled = true,
): Observation {
  const charges = amounts.map((amountAtomic, index) => ({
    ...{ tx: `0x${index}` as const, block: block(BigInt(index + 1)), amountAtomic },
  }));
  return { kind: 'promised', at: block(50n), settled, standing, charges, origin };
}
const down = (origin: string): Observation => ({
  kind: 'down',
  fault: new RpcFault('silent' as never, origin, 'is silent'),
  origin,
});

test('an end is believed of two who show the same, at a settled block, and of no one alone (T28)', () => {
  const both = [shows('a', 'cancelled', [5n]), shows('b', 'cancelled', [5n])];
  expect(judgeCommitment(both, bench)).toMatchObject({
    ...{ kind: 'released', proof: 'cancelled' },
    charges: [{ tx: '0x0', amountAtomic: 5n, final: true }],
  });
  expect(judgeCommitment([shows('a', 'over'), shows('b', 'over')], bench)).toMatchObject({
    proof: 'expired_unused',
  });
  expect(judgeCommitment([shows('a', 'cancelled'), down('b')], bench)).toMatchObject({ kind: 'open' });
  const early = [shows('a', 'cancelled', [], false), shows('b', 'cancelled')];
  expect(judgeCommitment(early, bench)).toMatchObject({ kind: 'open', promise: { seenSec: null } });
  expect(judgeCommitment([shows('a', 'over')], { ...bench, operators: 1, quorum: 1 })).toMatchObject({
    kind: 'released',
  });
});

test('a charge counts by the word of one, and is final by that of two', () => {
  const [one, two] = [shows('a', 'known', [5n]), shows('b', 'known', [5n])];
  expect(judgeCommitment([one, down('b')], bench)).toMatchObject({
    promise: { charges: [{ final: false }], isKnown: true },
  });
  expect(judgeCommitment([one, two], bench)).toMatchObject({
    promise: { charges: [{ final: true }], seenSec: 500 },
  });
});

test('who shows other charges, or another standing, at one settled block is not believed', () => {
  const one = shows('a', 'known', [5n]);
  for (const other of [shows('b', 'known'), shows('b', 'known', [6n]), shows('b', 'cancelled', [5n])])
    expect(judgeCommitment([one, other], bench)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
});
