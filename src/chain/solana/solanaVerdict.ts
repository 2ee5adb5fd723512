import type { RpcFault } from '../rpcFault.js';
import type { SolanaSight } from './solanaSight.js';
import type { Bench, Verdict } from '../evm/verdict.js';

type SightOf<K extends SolanaSight['kind']> = Extract<SolanaSight, { kind: K }>;

/**
 * Weighs what the operators of Solana show. One that shows the payment captures it, unless another rules it out; a
 * release needs the quorum of operators for whom it has expired for good, and nobody who shows it.
 */
export function judgeSolanaSights(sights: readonly SolanaSight[], bench: Bench): Verdict {
  const paid = sights.filter((sight): sight is SightOf<'paid'> => sight.kind === 'paid');
  const unused = sights.filter((sight): sight is SightOf<'unused'> => sight.kind === 'unused');
  const proofs = unused.filter(({ expired }) => expired);
  const [shown] = paid;
  if (shown !== undefined) {
    const isContradicted =
      proofs.length > 0 || paid.some(({ tx, slot }) => tx !== shown.tx || slot !== shown.slot);
    if (isContradicted) {
      const origins = [...paid, ...proofs].map(({ origin }) => origin).join(' and ');
      return {
        kind: 'unknowable',
        why: 'rpc_disagree',
        says: `${origins} contradict each other, so none is believed.`,
      };
    }
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
    const says = `block ${proof.head.blockHeight}, finalized, is past the last one that could take it, and it is in none`;
    return { kind: 'released', says, proof: 'expired_unused' };
  }
  return withoutProof(sights, unused, bench);
}

function withoutProof(
  sights: readonly SolanaSight[],
  unused: readonly SightOf<'unused'>[],
  bench: Bench,
): Verdict {
  if (unused.some(({ expired }) => !expired)) return { kind: 'open' };
  if (unused.length > 0 && bench.operators < bench.quorum) {
    const says = `A release on ${bench.label} needs ${bench.quorum} RPC operators that agree, or one that the owner named.`;
    return { kind: 'unknowable', why: 'rpc_missing', says };
  }
  const faults = sights.flatMap((sight): RpcFault[] => (sight.kind === 'down' ? [sight.fault] : []));
  return {
    kind: 'unknowable',
    why: 'rpc_down',
    says: `${faults.map(({ message }) => message).join('; ')}.`,
  };
}
