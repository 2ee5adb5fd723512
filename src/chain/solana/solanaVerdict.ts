import type { SolanaObservation } from './observation.js';
import { disagreement, tooFew, unknowable, type Bench, type Verdict } from '../bench.js';

type ObservationOf<K extends SolanaObservation['kind']> = Extract<SolanaObservation, { kind: K }>;

/**
 * Weighs what the operators of Solana show. One that shows the payment captures it, unless another rules it out; a
 * release needs the quorum of operators for whom it has expired for good, and nobody who shows it.
 */
export function judgeSolanaObservations(observations: readonly SolanaObservation[], bench: Bench): Verdict {
  const paid = observations.filter(
    (observation): observation is ObservationOf<'paid'> => observation.kind === 'paid',
  );
  const unused = observations.filter(
    (observation): observation is ObservationOf<'unused'> => observation.kind === 'unused',
  );
  const proofs = unused.filter(({ expired }) => expired);
  const [shown] = paid;
  if (shown !== undefined) {
    const isContradicted =
      proofs.length > 0 || paid.some(({ tx, slot }) => tx !== shown.tx || slot !== shown.slot);
    if (isContradicted) return disagreement([...paid, ...proofs]);
    return {
      kind: 'captured',
      tx: shown.tx,
      blockTimeMs: shown.timeSec === null ? null : shown.timeSec * 1000,
      amountAtomic: shown.amountAtomic,
      final: paid.filter(({ settled }) => settled).length >= bench.quorum,
    };
  }
  const [proof] = proofs;
  if (proof !== undefined && proofs.length >= bench.quorum) {
    const summary = `block ${proof.head.blockHeight}, finalized, is past the last one that could take it, and it is in none`;
    return { kind: 'released', summary, proof: 'expired_unused' };
  }
  return withoutProof(observations, unused, bench);
}

function withoutProof(
  observations: readonly SolanaObservation[],
  unused: readonly ObservationOf<'unused'>[],
  bench: Bench,
): Verdict {
  if (unused.some(({ expired }) => !expired)) return { kind: 'open' };
  const searching = observations.filter(({ kind }) => kind === 'searching');
  // Those that have searched it all wait for those that have not.
  if (searching.length > 0 && unused.length + searching.length >= bench.quorum) {
    const origins = searching.map(({ origin }) => origin).join(' and ');
    const message = `Its time is over; whether it was used before is still being searched in a long history of ${origins}.`;
    return unknowable('searching', message);
  }
  return tooFew(
    observations.flatMap((observation) => (observation.kind === 'down' ? [observation.fault] : [])),
    bench,
  );
}
