import { expect, test } from 'vitest';
import { RpcFault } from '../rpcFault.js';
import type { Block, Hex } from './answer.js';
import { agreedLeft, judgeChannelState } from './channelState.js';
import type { Observation } from './observation.js';

const EXPIRY_SEC = 1_000;
const BENCH = { label: 'Base', operators: 2, quorum: 2 };
const fault = new RpcFault('no_answer', 'https://rpc.example', 'cannot be reached');

/** Block N has time 10 × N; so block 100 is the first at the expiry of the deposit. */
function block(number: number): Block {
  return { number: BigInt(number), hash: `0x${'a'.repeat(64)}`, timeSec: number * 10 };
}

const tx: Hex = `0x${'e'.repeat(64)}`;

/** Every kind of thing that an operator can show, honest or not. */
function all(origin: string): Observation[] {
  const observations: Observation[] = [
    { kind: 'down', fault, origin },
    { kind: 'forked', origin },
  ];
  for (const at of [block(50), block(100), block(120)])
    for (const settled of [true, false]) {
      observations.push({ kind: 'unused', at, settled, origin }, { kind: 'deposited', at, settled, origin });
      for (const takenAtomic of [0n, 4n, 5n])
        for (const last of [null, { tx, block: block(50) }])
          observations.push({ kind: 'emptied', at, settled, takenAtomic, last, origin });
    }
  return observations;
}

const judge = (observations: readonly Observation[], bench = BENCH) =>
  judgeChannelState(observations, { validBeforeSec: EXPIRY_SEC }, bench);
const isEnd = (one: Observation, takenAtomic: bigint): boolean =>
  one.kind === 'emptied' && one.settled && one.takenAtomic === takenAtomic;
const isNever = (one: Observation): boolean =>
  one.kind === 'unused' && one.settled && one.at.timeSec >= EXPIRY_SEC;

test('nothing of a deposit is freed but by two operators that show the same, settled (T28)', () => {
  let [captures, releases] = [0, 0];
  for (const one of all('https://one.example'))
    for (const two of all('https://two.example')) {
      const verdict = judge([one, two]);
      if (verdict.kind === 'captured') {
        captures += 1;
        const taken = verdict.amountAtomic;
        expect([isEnd(one, taken), isEnd(two, taken), verdict.takenAtomic]).toEqual([true, true, taken]);
      }
      if (verdict.kind === 'released') {
        releases += 1;
        expect([isNever(one), isNever(two)]).toEqual([true, true]);
      }
    }
  expect(captures).toBeGreaterThan(0);
  expect(releases).toBeGreaterThan(0);
});

test('an RPC that the owner named is enough; the transaction that left it empty is told where one shows it', () => {
  const bench = { ...BENCH, operators: 1, quorum: 1 };
  const at = block(60);
  const [shown, hidden] = [{ tx, block: block(50) }, null].map((last): Observation => ({
    kind: 'emptied',
    at,
    settled: true,
    takenAtomic: 4n,
    last,
    origin: 'o',
  })) as [Observation, Observation];
  expect(judge([shown], bench)).toMatchObject({
    kind: 'captured',
    tx,
    blockTimeMs: 500_000,
    amountAtomic: 4n,
  });
  expect(judge([hidden], bench)).toMatchObject({ kind: 'captured', tx: null, blockTimeMs: null });
  expect(judge([hidden, shown])).toMatchObject({ kind: 'captured', tx });
});

test('one that is there and not empty is open, and is never taken for one that never was', () => {
  const at = block(120);
  const there: Observation = { kind: 'deposited', at, settled: true, origin: 'one' };
  const absent: Observation = { kind: 'unused', at, settled: true, origin: 'two' };
  expect(judge([there, { ...there, origin: 'two' }])).toEqual({ kind: 'open', isDeposited: true });
  expect(judge([there, absent])).toMatchObject({ kind: 'unknowable', reason: 'rpc_disagree' });
});

test('what is left is what a quorum shows, else the least that one does: no operator alone makes a request too large', () => {
  expect(agreedLeft([7n, 900n, 7n], 2)).toBe(7n);
  expect(agreedLeft([900n, 7n, 7n], 2)).toBe(7n);
  expect(agreedLeft([900n, 7n], 2)).toBe(7n);
  expect(agreedLeft([900n], 1)).toBe(900n);
  expect(agreedLeft([], 2)).toBeNull();
});
