import { describe, expect, test } from 'vitest';
import { findAsset } from '../../money/asset.js';
import type { Block, Hex } from './answer.js';
import type { SettlementQuery } from '../settlement.js';
import { RpcFault } from '../rpcFault.js';
import type { Observation } from './observation.js';
import { judgeObservations } from './verdict.js';

const EXPIRY_SEC = 1_000;
const asset = findAsset('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913');
if (asset?.family !== 'evm') throw new Error('USDC on Base is in the table');

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const address = (digit: string): Hex => `0x${digit.repeat(40)}`;
const query: SettlementQuery = {
  asset,
  from: address('1'),
  to: address('2'),
  amountAtomic: 5n,
  nonce: word('3'),
  validBeforeSec: EXPIRY_SEC,
  openedSec: 400,
};

/** Block N has time 10 × N; so block 100 is the first at the expiry. */
function block(number: number, digit = 'a'): Block {
  return { number: BigInt(number), hash: word(digit), timeSec: number * 10 };
}

const fault = new RpcFault('no_answer', 'https://rpc.example', 'cannot be reached');

/** Every kind of thing an operator can show, honest or not, around the expiry. */
function allObservations(origin: string): Observation[] {
  const observations: Observation[] = [
    { kind: 'down', fault, origin },
    { kind: 'forked', origin },
  ];
  for (const at of [50, 99, 100, 120].map((number) => block(number))) {
    for (const settled of [true, false]) {
      for (const hidden of [null, fault])
        observations.push({ kind: 'spent', at, settled, fault: hidden, origin });
      observations.push({ kind: 'unused', at, settled, origin });
      for (const paidIn of [block(50, 'c'), block(99, 'd')].filter(({ number }) => number <= at.number)) {
        observations.push({ kind: 'cancelled', at, block: paidIn, settled, origin });
        for (const tx of [word('e'), word('f')]) {
          observations.push({ kind: 'paid', at, block: paidIn, tx, amountAtomic: 5n, settled, origin });
        }
      }
    }
  }
  return observations;
}

const ONE = allObservations('https://one.example');
const TWO = allObservations('https://two.example');
const PAIRS = ONE.flatMap((one) => TWO.map((two): [Observation, Observation] => [one, two]));
const TWO_OPERATORS = { label: 'Base', operators: 2, quorum: 2 };
const OWNERS_RPC = { label: 'Base', operators: 1, quorum: 1 };

/** What alone entitles to a release: an honest operator that shows this speaks the final truth. */
function provesUnspendable(observation: Observation): boolean {
  if (observation.kind !== 'unused' && observation.kind !== 'cancelled') return false;
  return observation.settled && observation.at.timeSec >= EXPIRY_SEC;
}

/** What alone entitles to a capture where no transfer is shown: only our key can spend the nonce. */
function provesSpent(observation: Observation): boolean {
  if (observation.kind !== 'spent' && observation.kind !== 'cancelled') return false;
  return observation.settled && observation.at.timeSec >= EXPIRY_SEC;
}

describe('two operators, every pair of views', () => {
  test('the views are many, and each verdict comes up', () => {
    expect(PAIRS.length).toBeGreaterThan(1_000);
    const kinds = PAIRS.map((pair) => judgeObservations(pair, query, TWO_OPERATORS).kind);
    expect(new Set(kinds)).toEqual(new Set(['captured', 'released', 'open', 'unknowable']));
  });

  test('T28: whatever a liar shows, nothing is released that an honest operator does not prove unspendable', () => {
    for (const pair of PAIRS) {
      if (judgeObservations(pair, query, TWO_OPERATORS).kind !== 'released') continue;
      expect(pair.every(provesUnspendable), JSON.stringify(pair, bigintText)).toBe(true);
    }
  });

  test('a capture rests on a payment that is shown, and that nobody contradicts', () => {
    for (const pair of PAIRS) {
      const verdict = judgeObservations(pair, query, TWO_OPERATORS);
      if (verdict.kind !== 'captured' || verdict.tx === null) continue;
      const paid = pair.filter((observation) => observation.kind === 'paid');
      expect(paid.map(({ tx }) => tx)).toContain(verdict.tx);
      expect(new Set(paid.map(({ tx }) => tx)).size).toBe(1);
      // The other one vouches for it by the nonce alone, where its events are gone.
      expect(verdict.final).toBe(
        pair.every(
          (observation) =>
            (observation.kind === 'paid' || observation.kind === 'spent') && observation.settled,
        ),
      );
      for (const other of pair) {
        expect(other.kind).not.toBe('cancelled');
        if (other.kind === 'unused')
          expect(paid.every((observation) => observation.block.number > other.at.number)).toBe(true);
      }
    }
  });

  test('T31: a nonce that both show spent, past the expiry at a settled block, is captured whatever else they show', () => {
    let captured = 0;
    for (const pair of PAIRS) {
      const verdict = judgeObservations(pair, query, TWO_OPERATORS);
      const proved = pair.every(provesSpent) && pair.some(({ kind }) => kind === 'spent');
      const shown = pair.some(({ kind }) => kind === 'paid');
      expect(verdict.kind === 'captured' && verdict.tx === null, JSON.stringify(pair, bigintText)).toBe(
        proved && !shown,
      );
      if (verdict.kind !== 'captured' || verdict.tx !== null) continue;
      captured += 1;
      // It settled before its expiry: a later time frees nothing.
      expect(verdict).toMatchObject({ amountAtomic: 5n, blockTimeMs: EXPIRY_SEC * 1000, final: true });
    }
    expect(captured).toBeGreaterThan(0);
  });

  test('the order of the operators decides nothing', () => {
    for (const [one, two] of PAIRS) {
      const { kind } = judgeObservations([one, two], query, TWO_OPERATORS);
      expect(judgeObservations([two, one], query, TWO_OPERATORS).kind).toBe(kind);
    }
  });
});

describe('contradictions', () => {
  const proof: Observation = { kind: 'unused', at: block(100), settled: true, origin: 'https://one.example' };

  test.each<Observation>([
    { kind: 'forked', origin: 'https://two.example' },
    // Nothing spends a nonce after its expiry, so a later block that shows it spent denies the proof.
    { kind: 'spent', at: block(120), settled: true, fault: null, origin: 'https://two.example' },
    { kind: 'spent', at: block(120), settled: true, fault, origin: 'https://two.example' },
  ])('$kind beside a proof: neither is believed, and both are named', (other) => {
    expect(judgeObservations([proof, other], query, TWO_OPERATORS)).toEqual({
      kind: 'unknowable',
      reason: 'rpc_disagree',
      message: 'https://one.example and https://two.example contradict each other, so none is believed.',
    });
  });
});

describe('the operator that the owner named', () => {
  test('is believed alone: released exactly where it proves the authorization unspendable', () => {
    for (const observation of ONE) {
      const { kind } = judgeObservations([observation], query, OWNERS_RPC);
      expect(kind === 'released', JSON.stringify(observation, bigintText)).toBe(
        provesUnspendable(observation),
      );
      expect(kind === 'captured').toBe(
        observation.kind === 'paid' || (observation.kind === 'spent' && provesSpent(observation)),
      );
    }
  });
});

describe('words', () => {
  const unused = (origin: string): Observation => ({ kind: 'unused', at: block(100), settled: true, origin });

  test('an operator that is down is named', () => {
    const verdict = judgeObservations(
      [unused('https://one.example'), { kind: 'down', fault, origin: fault.origin }],
      query,
      TWO_OPERATORS,
    );
    expect(verdict).toEqual({
      kind: 'unknowable',
      reason: 'rpc_down',
      message: 'https://rpc.example cannot be reached.',
    });
  });

  test('a network with one operator says what a release needs', () => {
    const verdict = judgeObservations([unused('https://one.example')], query, {
      ...TWO_OPERATORS,
      operators: 1,
    });
    expect(verdict).toMatchObject({
      reason: 'rpc_missing',
      message: expect.stringContaining('2 RPC operators') as string,
    });
  });

  test('events that an operator refuses to show are not taken for none', () => {
    const spent: Observation = { kind: 'spent', at: block(99), settled: true, fault, origin: fault.origin };
    expect(judgeObservations([spent], query, OWNERS_RPC)).toMatchObject({ reason: 'history_unavailable' });
    expect(judgeObservations([{ ...spent, fault: null }], query, OWNERS_RPC)).toMatchObject({
      reason: 'used_without_transfer',
    });
  });
});

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('under a ceiling (T36)', () => {
  const ceiling: SettlementQuery = {
    ...query,
    permit2: { spender: address('4'), isCeiling: true, claimedTx: null },
  };
  const shown = (origin: string, amountAtomic: bigint, at = 50): Observation => {
    const where = { at: block(at), block: block(50, 'c'), settled: true };
    return { kind: 'paid', tx: word('e'), amountAtomic, origin, ...where };
  };
  const spent = (origin: string, at: number): Observation => {
    return { kind: 'spent', at: block(at), settled: true, fault: null, origin };
  };
  const [one, two] = ['https://one.example', 'https://two.example'];

  test('what was charged is believed of as many as a release needs', () => {
    expect(judgeObservations([shown(one, 2n), shown(two, 2n)], ceiling, TWO_OPERATORS)).toMatchObject({
      ...{ kind: 'captured', amountAtomic: 2n, final: true },
    });
    expect(judgeObservations([shown(one, 2n)], ceiling, OWNERS_RPC)).toMatchObject({
      amountAtomic: 2n,
      final: true,
    });
  });

  test('of one alone it frees nothing', () => {
    const others: Observation[] = [{ kind: 'down', fault, origin: two }, spent(two, 50), spent(two, 120)];
    for (const other of others)
      expect(judgeObservations([shown(one, 2n), other], ceiling, TWO_OPERATORS)).toMatchObject({
        ...{ kind: 'captured', amountAtomic: 5n, final: false },
      });
  });

  test('of two that differ neither is believed', () => {
    const verdict = judgeObservations([shown(one, 2n), shown(two, 3n)], ceiling, TWO_OPERATORS);
    expect(verdict).toMatchObject({ kind: 'unknowable', reason: 'rpc_disagree' });
  });

  test('it is taken for all of it where nobody shows it for long', () => {
    const late = (EXPIRY_SEC + 86_400) / 10;
    const wakes = (EXPIRY_SEC + 4 * 3_600) / 10;
    for (const at of [120, wakes])
      expect(judgeObservations([spent(one, at), spent(two, at)], ceiling, TWO_OPERATORS)).toMatchObject({
        ...{ kind: 'unknowable', reason: 'used_without_transfer' },
      });
    expect(judgeObservations([spent(one, late), spent(two, late)], ceiling, TWO_OPERATORS)).toMatchObject({
      ...{ kind: 'captured', amountAtomic: 5n, final: true },
    });
  });

  test('where one shows it, it waits for the other one to, and then counts whole', () => {
    const week = (EXPIRY_SEC + 7 * 86_400) / 10;
    for (const [at, final] of [
      [(EXPIRY_SEC + 86_400) / 10, false],
      [week, true],
    ] as const)
      expect(judgeObservations([shown(one, 2n, at), spent(two, at)], ceiling, TWO_OPERATORS)).toMatchObject({
        kind: 'captured',
        amountAtomic: 5n,
        final,
      });
  });

  test('on Tempo a fee of ours that nobody shows is not taken for all of it at once either', () => {
    const ownFee = { ...query, ownTx: word('e') };
    const [soon, late] = [120, (EXPIRY_SEC + 86_400) / 10];
    expect(judgeObservations([spent(one, soon), spent(two, soon)], ownFee, TWO_OPERATORS)).toMatchObject({
      kind: 'unknowable',
    });
    expect(judgeObservations([spent(one, late), spent(two, late)], ownFee, TWO_OPERATORS)).toMatchObject({
      ...{ kind: 'captured', final: true },
    });
  });
});
