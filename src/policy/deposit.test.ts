import { expect, test } from 'vitest';
import { judgeDeposit, type DepositFacts } from './deposit.js';

const FACTS: DepositFacts = {
  ...{ priceAtomic: 1_000n, priceUsdMicros: 1_000n, feeAtomic: 0n, feeUsdMicros: 0n },
  ...{ suggestedAtomic: 500_000n, atomicMax: 1_000_000n, otherUsdMicros: null, callsSeen: 0 },
};
const judge = (facts: Partial<DepositFacts>) => judgeDeposit({ ...FACTS, ...facts });

test.each<[string, Partial<DepositFacts>, bigint]>([
  ['what the seller suggests', {}, 500_000n],
  ['no more than the owner allows', { atomicMax: 200_000n }, 200_000n],
  ['some calls where the seller suggests nothing', { suggestedAtomic: null }, 20_000n],
  ['a call at least', { suggestedAtomic: 1n }, 1_000n],
])('is %s', (_, facts, atomic) => expect(judge(facts)).toEqual({ kind: 'deposit', atomic }));

test.each([0n, 999n])('is none where %s is allowed, which pays no call', (atomicMax) =>
  expect(judge({ atomicMax })).toEqual({ kind: 'not_allowed' }),
);

test('beside another way it is made only where it had been cheaper for the calls already seen', () => {
  const beside = { otherUsdMicros: 10_000n, feeUsdMicros: 17_600n };
  expect(judge({ ...beside, callsSeen: 0 })).toEqual({ kind: 'not_worth' });
  expect(judge({ ...beside, callsSeen: 1 })).toEqual({ kind: 'not_worth' });
  expect(judge({ ...beside, callsSeen: 2 })).toMatchObject({ kind: 'deposit' });
  expect(judge({ ...beside, otherUsdMicros: 900n, callsSeen: 1_000 })).toEqual({ kind: 'not_worth' });
});
