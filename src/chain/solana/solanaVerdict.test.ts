import { describe, expect, test } from 'vitest';
import { RpcFault } from '../rpcFault.js';
import type { SolanaSight } from './solanaSight.js';
import { judgeSolanaSights } from './solanaVerdict.js';

const TWO_OPERATORS = { label: 'Solana', operators: 2, quorum: 2 };
const OWNERS_RPC = { label: 'Solana', operators: 1, quorum: 1 };

/** Everything that an operator can show, honest or not. */
function allSights(origin: string): SolanaSight[] {
  const head = { slot: 2_000, blockHeight: 1_200 };
  const fault = (kind: RpcFault['kind']) => new RpcFault(kind, origin, `is ${kind}`);
  const sights: SolanaSight[] = [
    { kind: 'searching', origin, head },
    ...(['no_answer', 'pruned', 'too_large', 'malformed', 'refused'] as const).map((kind): SolanaSight => ({
      kind: 'down',
      origin,
      fault: fault(kind),
    })),
    ...[true, false].map((expired): SolanaSight => ({ kind: 'unused', origin, head, expired })),
  ];
  for (const [tx, slot] of [
    ['a', 1_900],
    ['a', 1_901],
    ['b', 1_900],
  ] as const)
    for (const settled of [true, false])
      sights.push({ kind: 'paid', origin, head, tx, slot, timeSec: 150, amountAtomic: 5n, settled });
  return sights;
}

const ONE = allSights('https://one.example');
const TWO = allSights('https://two.example');
const PAIRS = ONE.flatMap((one) => TWO.map((two): [SolanaSight, SolanaSight] => [one, two]));
const isProof = (sight: SolanaSight): boolean => sight.kind === 'unused' && sight.expired;

describe('two operators of Solana, every pair of views', () => {
  test('nothing is released that not both prove dead and in no history (T28, T31)', () => {
    for (const pair of PAIRS)
      expect(judgeSolanaSights(pair, TWO_OPERATORS).kind === 'released', JSON.stringify(pair, text)).toBe(
        pair.every(isProof),
      );
  });

  test('what one shows is captured, whoever is down, behind or still searching; final where both show it settled', () => {
    for (const pair of PAIRS) {
      const verdict = judgeSolanaSights(pair, TWO_OPERATORS);
      const paid = pair.filter((sight) => sight.kind === 'paid');
      const places = new Set(paid.map(({ tx, slot }) => `${tx} ${slot}`));
      const denied = pair.some(isProof) || places.size > 1;
      expect(verdict.kind === 'captured', JSON.stringify(pair, text)).toBe(paid.length > 0 && !denied);
      if (verdict.kind === 'captured')
        expect(verdict.final).toBe(paid.length === 2 && paid.every(({ settled }) => settled));
      else if (paid.length > 0) expect(verdict).toMatchObject({ why: 'rpc_disagree' });
    }
  });

  test('one that keeps no history that is so old contradicts nobody, and is named', () => {
    const pruned = ONE.find((sight) => sight.kind === 'down' && sight.fault.kind === 'pruned') as SolanaSight;
    for (const other of TWO) {
      const verdict = judgeSolanaSights([pruned, other], TWO_OPERATORS);
      expect(verdict.kind).not.toBe('released');
      if (verdict.kind !== 'unknowable') continue;
      expect(verdict.why).toBe('rpc_down');
      expect(verdict.says).toContain('https://one.example is pruned');
    }
  });

  test('a search is waited for where its end can decide, by name', () => {
    for (const pair of PAIRS) {
      const verdict = judgeSolanaSights(pair, TWO_OPERATORS);
      const decides = pair.every((sight) => sight.kind === 'searching' || isProof(sight));
      expect(verdict.kind === 'unknowable' && verdict.why === 'searching').toBe(
        decides && pair.some(({ kind }) => kind === 'searching'),
      );
    }
  });

  test('the order of the operators decides nothing', () => {
    for (const [one, two] of PAIRS)
      expect(judgeSolanaSights([two, one], TWO_OPERATORS).kind).toBe(
        judgeSolanaSights([one, two], TWO_OPERATORS).kind,
      );
  });
});

test('the operator that the owner named is believed alone', () => {
  for (const sight of ONE) {
    const { kind } = judgeSolanaSights([sight], OWNERS_RPC);
    expect(kind === 'released').toBe(isProof(sight));
    expect(kind === 'captured').toBe(sight.kind === 'paid');
    if (sight.kind === 'paid')
      expect(judgeSolanaSights([sight], OWNERS_RPC)).toMatchObject({ final: sight.settled });
  }
});

test('a network with one operator says what a release needs', () => {
  const [proof] = ONE.filter(isProof);
  expect(judgeSolanaSights([proof as SolanaSight], { ...TWO_OPERATORS, operators: 1 })).toMatchObject({
    why: 'rpc_missing',
    says: expect.stringContaining('2 RPC operators') as string,
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
