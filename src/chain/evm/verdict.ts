import type { Block } from './answer.js';
import type { Fate, FateQuery, UnknowableWhy } from '../fate.js';
import type { Sight } from './sight.js';

/**
 * Operators that must agree before a hold is released. One may lie (T28); two of different owners do not lie the same
 * way. An RPC that the owner named is trusted alone.
 */
export const OPERATORS_TO_AGREE = 2;

/** Who was asked, and how many must agree. */
export interface Bench {
  readonly label: string;
  /** How many operators the network has, whether or not they answered. */
  readonly operators: number;
  readonly quorum: number;
}

/** A {@link Fate} without its times: those need a clock. */
export type Verdict =
  | Extract<Fate, { kind: 'captured' | 'released' }>
  | { readonly kind: 'open' }
  | { readonly kind: 'unknowable'; readonly why: UnknowableWhy; readonly says: string };

type SightOf<K extends Sight['kind']> = Extract<Sight, { kind: K }>;

/**
 * Weighs what the operators show. One that shows the payment captures it, unless another contradicts; a release needs
 * the quorum at one settled block past the expiry, and nobody who shows the nonce spent.
 */
export function judgeSights(sights: readonly Sight[], query: FateQuery, bench: Bench): Verdict {
  const unused = pick(sights, 'unused');
  const paid = pick(sights, 'paid');
  const cancelled = pick(sights, 'cancelled');
  const isProof = ({ settled, at }: SightOf<'unused'>): boolean =>
    settled && at.timeSec >= query.validBeforeSec;
  const proofs = unused.filter(isProof);

  if (contradict(sights, proofs)) {
    return unknowable('rpc_disagree', `${originsOf(sights)} contradict each other, so none is believed.`);
  }
  if (paid[0] !== undefined) {
    const { tx, block, amountAtomic } = paid[0];
    const final = paid.filter(({ settled }) => settled).length >= bench.quorum;
    return { kind: 'captured', tx, blockTimeMs: block.timeSec * 1000, amountAtomic, final };
  }
  if (cancelled[0] !== undefined) {
    const seen = cancelled.filter(({ at, settled }) => settled && at.timeSec >= query.validBeforeSec);
    if (seen.length >= bench.quorum) return released(cancelled[0].at, 'cancelled');
    return unknowable(
      'used_without_transfer',
      'It was cancelled on chain, which is not settled for good yet.',
    );
  }
  const spent = pick(sights, 'spent');
  if (spent[0] !== undefined) return judgeSpent(spent);
  if (proofs[0] !== undefined) {
    return proofs.length >= bench.quorum
      ? released(proofs[0].at, 'expired_unused')
      : tooFew(sights, bench, proofs.length);
  }
  return unused.length > 0 ? { kind: 'open' } : tooFew(sights, bench, 0);
}

function pick<K extends Sight['kind']>(sights: readonly Sight[], kind: K): SightOf<K>[] {
  return sights.filter((sight): sight is SightOf<K> => sight.kind === kind);
}

/** A nonce once spent stays spent, by one transaction; and none is spent by a payment once it has expired. */
function contradict(sights: readonly Sight[], proofs: readonly SightOf<'unused'>[]): boolean {
  if (sights.some(({ kind }) => kind === 'forked')) return true;
  const paid = pick(sights, 'paid');
  const cancelled = pick(sights, 'cancelled');
  const spentAt = [
    ...[...paid, ...cancelled].map(({ block }) => block.number),
    ...pick(sights, 'spent').map(({ at }) => at.number),
  ];
  if (spentAt.length === 0) return false;
  const ways = new Set([
    ...paid.map(({ tx, block }) => `${tx} ${block.hash} ${block.timeSec}`),
    ...cancelled.map(() => 'cancelled'),
  ]);
  const deniedAt = pick(sights, 'unused').map(({ at }) => at.number);
  return (
    ways.size > 1 || proofs.length > 0 || deniedAt.some((denied) => spentAt.some((spent) => denied >= spent))
  );
}

function judgeSpent(spent: readonly SightOf<'spent'>[]): Verdict {
  const whole = spent.find(({ fault }) => fault === null);
  if (whole !== undefined) {
    const says = `${whole.origin} shows the authorization spent, and no transfer of this payment.`;
    return unknowable('used_without_transfer', says);
  }
  const faults = spent.map(({ fault }) => fault?.message).join('; ');
  return unknowable('history_unavailable', `It is spent, but its events cannot be read: ${faults}.`);
}

function tooFew(sights: readonly Sight[], bench: Bench, proofs: number): Verdict {
  const faults = pick(sights, 'down').map(({ fault }) => fault.message);
  const down = unknowable('rpc_down', `${faults.join('; ')}.`);
  if (proofs === 0 && faults.length > 0) return down;
  if (bench.operators < bench.quorum) {
    const says = `A release on ${bench.label} needs ${bench.quorum} RPC operators that agree, or one that the owner named.`;
    return unknowable('rpc_missing', says);
  }
  // An operator that answers, but is behind the settled block of the others, will have the proof when it has caught up.
  if (proofs > 0 && proofs + faults.length < bench.quorum) return { kind: 'open' };
  return down;
}

function released({ hash, timeSec }: Block, proof: 'expired_unused' | 'cancelled'): Verdict {
  return { kind: 'released', blockHash: hash, blockTimeSec: timeSec, proof };
}

function unknowable(why: UnknowableWhy, says: string): Verdict {
  return { kind: 'unknowable', why, says };
}

function originsOf(sights: readonly Sight[]): string {
  const origins = sights.filter(({ kind }) => kind !== 'down').map(({ origin }) => origin);
  return origins.join(' and ');
}
