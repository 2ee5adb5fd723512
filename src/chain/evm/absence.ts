import { tooFew, type Bench, type Verdict } from '../bench.js';
import type { SettlementQuery } from '../settlement.js';
import type { Block } from './answer.js';
import type { Observation } from './observation.js';

export type ObservationOf<K extends Observation['kind']> = Extract<Observation, { kind: K }>;

/** The observations of one kind. */
export function ofKind<K extends Observation['kind']>(
  observations: readonly Observation[],
  kind: K,
): ObservationOf<K>[] {
  return observations.filter((one): one is ObservationOf<K> => one.kind === kind);
}

/** What follows from that nobody shows a payment. */
export interface Absence {
  /** Those who show it unused at a settled block past its expiry: it never will be used. */
  readonly proofs: readonly ObservationOf<'unused'>[];
  /** How it stands, where nobody shows more than that. */
  readonly verdict: Verdict;
}

/** Weighs who shows a payment unused: a release takes the quorum, at settled blocks past the expiry (T28, T30). */
export function absenceIn(
  observations: readonly Observation[],
  { validBeforeSec }: Pick<SettlementQuery, 'validBeforeSec'>,
  bench: Bench,
): Absence {
  const unused = ofKind(observations, 'unused');
  const proofs = unused.filter((one) => isPast(one, validBeforeSec));
  const [proof] = proofs;
  if (proof !== undefined && proofs.length >= bench.quorum)
    return { proofs, verdict: released(proof.at, 'expired_unused') };
  // An operator that answers, but is behind the settled block of the others, will have the proof when it has caught up.
  const waits = proofs.length === 0 || bench.operators >= bench.quorum;
  if (waits && unused.length > proofs.length) return { proofs, verdict: { kind: 'open' } };
  const faults = ofKind(observations, 'down').map(({ fault }) => fault);
  return { proofs, verdict: tooFew(faults, bench) };
}

/** Whether it was seen at a settled block, at whose time nothing can be presented any more. */
export function isPast(
  { settled, at }: { readonly settled: boolean; readonly at: Block },
  validBeforeSec: number,
): boolean {
  return settled && at.timeSec >= validBeforeSec;
}

/** It can never settle, by what a block shows. */
export function released({ hash, timeSec }: Block, proof: 'expired_unused' | 'cancelled'): Verdict {
  return { kind: 'released', blockHash: hash, blockTimeSec: timeSec, proof };
}
