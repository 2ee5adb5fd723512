import { expect, test } from 'vitest';
import type { Block } from '../evm/answer.js';
import type { Observation } from '../evm/observation.js';
import { RpcFault } from '../rpcFault.js';
import { judgeTempoChannel } from './channel.js';

const EXPIRY = 1_000;
const block = (number: number): Block => ({
  ...{ number: BigInt(number), timeSec: number * 100 },
  hash: `0x${number.toString(16).padStart(64, '0')}`,
});
const at = (number: number, settled = true) => ({ at: block(number), settled });
const open = (origin: string, number = 20): Observation => ({ kind: 'deposited', origin, ...at(number) });
const none = (origin: string, number = 20): Observation => ({ kind: 'unused', origin, ...at(number) });
const closed = (origin: string, takenAtomic: bigint, settled = true): Observation => ({
  ...{ kind: 'paid', origin, at: block(20), block: block(15), tx: '0x01', settled },
  ...{ amountAtomic: takenAtomic + 7n, takenAtomic },
});
const down = (origin: string): Observation => ({
  ...{ kind: 'down', origin, fault: new RpcFault('refused', origin, 'is silent') },
});
const judge = (observations: Observation[], quorum = 2) =>
  judgeTempoChannel(observations, { validBeforeSec: EXPIRY }, { label: 'Tempo', operators: 2, quorum });

test('what was taken is believed of two operators that show the same closing, and only settled', () => {
  const proof = { kind: 'captured', takenAtomic: 30n, amountAtomic: 37n, final: true };
  expect(judge([closed('a', 30n), closed('b', 30n)])).toMatchObject(proof);
  // One operator alone, however sure, frees nothing of a deposit (T28).
  expect(judge([closed('a', 30n), down('b')])).toEqual({ kind: 'open', isDeposited: true });
  expect(judge([closed('a', 30n), closed('b', 30n, false)])).toEqual({ kind: 'open', isDeposited: true });
  expect(judge([closed('a', 30n)], 1)).toMatchObject(proof);
});

test.each<[string, Observation[]]>([
  ['other amounts', [closed('a', 30n), closed('b', 20n)]],
  ['open where the other has it closed', [closed('a', 30n), open('b', 16)]],
  ['never made where the other has it open', [none('a'), open('b')]],
  ['never made where the other has it closed', [none('a'), closed('b', 0n)]],
])('operators that contradict each other are not believed: %s', (_, observations) => {
  expect(judge(observations)).toMatchObject({ kind: 'unknowable', reason: 'rpc_disagree' });
});

test('one that is behind contradicts nobody', () => {
  expect(judge([closed('a', 30n), open('b', 14)])).toEqual({ kind: 'open', isDeposited: true });
  expect(judge([open('a'), none('b', 9)])).toEqual({ kind: 'open', isDeposited: true });
});

test('that it never came to be takes two operators past its expiry', () => {
  expect(judge([none('a'), none('b')])).toMatchObject({ kind: 'released', proof: 'expired_unused' });
  expect(judge([none('a', 9), none('b', 9)])).toEqual({ kind: 'open' });
  expect(judge([none('a'), down('b')])).toMatchObject({ kind: 'unknowable' });
  expect(judge([open('a'), open('b')])).toEqual({ kind: 'open', isDeposited: true });
});
