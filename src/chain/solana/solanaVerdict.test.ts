import { describe, expect, test } from 'vitest';
import { RpcFault } from '../rpcFault.js';
import type { SolanaObservation } from './observation.js';
import { judgeSolanaObservations } from './solanaVerdict.js';

const TWO_OPERATORS = { label: 'Solana', operators: 2, quorum: 2 };
const OWNERS_RPC = { label: 'Solana', operators: 1, quorum: 1 };

/** Everything that an operator can show, honest or not. */
function allObservations(origin: string): SolanaObservation[] {
  const head = { slot: 2_000, blockHeight: 1_200 };
  const fault = (kind: RpcFault['kind']) => new RpcFault(kind, origin, `is ${kind}`);
  const observations: SolanaObservation[] = [
    { kind: 'searching', origin, head },
    ...(['no_answer', 'pruned', 'too_large', 'malformed', 'refused'] as const).map(
      (kind): SolanaObservation => ({
        kind: 'down',
        origin,
        fault: fault(kind),
      }),
    ),
    ...[true, false].map((expired): SolanaObservation => ({ kind: 'unused', origin, head, expired })),
  ];
  for (const [tx, slot] of [
    ['a', 1_900],
    ['a', 1_901],
    ['b', 1_900],
  ] as const)
    for (const settled of [true, false])
      observations.push({ kind: 'paid', origin, head, tx, slot, timeSec: 150, amountAtomic: 5n, settled });
  return observations;
}

const ONE = allObservations('https://one.example');
const TWO = allObservations('https://two.example');
const PAIRS = ONE.flatMap((one) => TWO.map((two): [SolanaObservation, SolanaObservation] => [one, two]));
const isProof = (observation: SolanaObservation): boolean =>
  observation.kind === 'unused' && observation.expired;

describe('two operators of Solana, every pair of views', () => {
  test('nothing is released that not both prove dead and in no history (T28, T31)', () => {
    for (const pair of PAIRS)
      expect(
        judgeSolanaObservations(pair, TWO_OPERATORS).kind === 'released',
        JSON.stringify(pair, text),
      ).toBe(pair.every(isProof));
  });

  test('what one shows is captured, whoever is down, behind or still searching; final where both show it settled', () => {
    for (const pair of PAIRS) {
      const verdict = judgeSolanaObservations(pair, TWO_OPERATORS);
      const paid = pair.filter((observation) => observation.kind === 'paid');
      const places = new Set(paid.map(({ tx, slot }) => `${tx} ${slot}`));
      const denied = pair.some(isProof) || places.size > 1;
      expect(verdict.kind === 'captured', JSON.stringify(pair, text)).toBe(paid.length > 0 && !denied);
      if (verdict.kind === 'captured')
        expect(verdict.final).toBe(paid.length === 2 && paid.every(({ settled }) => settled));
      else if (paid.length > 0) expect(verdict).toMatchObject({ reason: 'rpc_disagree' });
    }
  });

  test('one that keeps no history that is so old contradicts nobody, and is named', () => {
    const pruned = ONE.find(
      (observation) => observation.kind === 'down' && observation.fault.kind === 'pruned',
    ) as SolanaObservation;
    for (const other of TWO) {
      const verdict = judgeSolanaObservations([pruned, other], TWO_OPERATORS);
      expect(verdict.kind).not.toBe('released');
      if (verdict.kind !== 'unknowable') continue;
      expect(verdict.reason).toBe('rpc_down');
      expect(verdict.message).toContain('https://one.example is pruned');
    }
  });

  test('a search is waited for where its end can decide, by name', () => {
    for (const pair of PAIRS) {
      const verdict = judgeSolanaObservations(pair, TWO_OPERATORS);
      const decides = pair.every((observation) => observation.kind === 'searching' || isProof(observation));
      expect(verdict.kind === 'unknowable' && verdict.reason === 'searching').toBe(
        decides && pair.some(({ kind }) => kind === 'searching'),
      );
    }
  });

  test('the order of the operators decides nothing', () => {
    for (const [one, two] of PAIRS)
      expect(judgeSolanaObservations([two, one], TWO_OPERATORS).kind).toBe(
        judgeSolanaObservations([one, two], TWO_OPERATORS).kind,
      );
  });
});

test('the operator that the owner named is believed alone', () => {
  for (const observation of ONE) {
    const { kind } = judgeSolanaObservations([observation], OWNERS_RPC);
    expect(kind === 'released').toBe(isProof(observation));
    expect(kind === 'captured').toBe(observation.kind === 'paid');
    if (observation.kind === 'paid')
      expect(judgeSolanaObservations([observation], OWNERS_RPC)).toMatchObject({
        final: observation.settled,
      });
  }
});

test('a network with one operator says what a release needs', () => {
  const [proof] = ONE.filter(isProof);
  expect(
    judgeSolanaObservations([proof as SolanaObservation], { ...TWO_OPERATORS, operators: 1 }),
  ).toMatchObject({
    reason: 'rpc_missing',
    message: expect.stringContaining('2 RPC operators') as string,
  });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
