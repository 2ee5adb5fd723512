import { disagreement, type Bench, type Verdict } from '../bench.js';
import type { SettlementQuery } from '../settlement.js';
import { absenceIn, ofKind } from './absence.js';
import type { Observation } from './observation.js';

/** The end of a channel as one operator shows it. */
export interface ChannelEnd {
  /** Whether it is at a settled block. */
  readonly settled: boolean;
  /** From this block on nothing is left. */
  readonly sinceBlock: bigint;
  /** What is the same with everybody who shows it, or they contradict each other. */
  readonly says: string;
  readonly verdict: Verdict;
}

/**
 * Weighs what the operators show of a channel, its ends among it. An end, and with it what the payee took, is believed of as
 * many as a release needs, at a settled block, for it frees the rest of the deposit (T28); so is that there never was one.
 */
export function judgeChannel(
  observations: readonly Observation[],
  ends: readonly ChannelEnd[],
  query: Pick<SettlementQuery, 'validBeforeSec'>,
  bench: Bench,
): Verdict {
  const deposited = ofKind(observations, 'deposited');
  const absence = absenceIn(observations, query, bench);
  const isContradicted =
    ofKind(observations, 'forked').length > 0 ||
    new Set(ends.map(({ says }) => says)).size > 1 ||
    (absence.proofs.length > 0 && deposited.length + ends.length > 0) ||
    deposited.some(({ at }) => ends.some(({ sinceBlock }) => at.number >= sinceBlock));
  if (isContradicted) return disagreement(observations.filter(({ kind }) => kind !== 'down'));
  const [end] = ends;
  if (end !== undefined && ends.filter(({ settled }) => settled).length >= bench.quorum) return end.verdict;
  if (deposited.length + ends.length === 0) return absence.verdict;
  const [least] = deposited
    .flatMap(({ heldAtomic }) => (heldAtomic === undefined ? [] : [heldAtomic]))
    .sort((a, b) => (a < b ? -1 : 1));
  return { kind: 'open', isDeposited: true, ...(least === undefined ? {} : { depositAtomic: least }) };
}
