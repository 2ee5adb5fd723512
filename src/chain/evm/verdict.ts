import type { Block } from './answer.js';
import { disagreement, unknowable, type Bench, type Verdict } from '../bench.js';
import { absenceIn, isPast, ofKind, released, type ObservationOf } from './absence.js';
import type { SettlementQuery } from '../settlement.js';
import type { Observation } from './observation.js';

/** What of a query a verdict rests on; `ownTx` is set on Tempo where we pay the fee. */
type Judged = Pick<SettlementQuery, 'validBeforeSec' | 'amountAtomic' | 'permit2'> & {
  readonly ownTx?: string | null;
};

/**
 * How long after its expiry a payment that may have taken less than was held is taken for all of it for good, where nobody
 * shows what it took: operators may be behind with their logs, or out of order when a machine wakes that slept for hours. Late
 * frees nothing: all of it counts meanwhile.
 */
const CHARGE_SHOWN_SEC_MAX = 86_400;
/** The same where an operator shows what was charged, and another one does not: the other one may show it yet. */
const CHARGE_AGREED_SEC_MAX = 7 * 86_400;

/**
 * Weighs what the operators show. One that shows the payment captures it, unless another contradicts; the quorum makes
 * that final at a settled block. A release needs the quorum at one settled block past the expiry, and nobody who shows
 * the nonce spent.
 */
export function judgeObservations(
  observations: readonly Observation[],
  query: Judged,
  bench: Bench,
): Verdict {
  const absence = absenceIn(observations, query, bench);
  const paid = ofKind(observations, 'paid');
  const cancelled = ofKind(observations, 'cancelled');
  const spent = ofKind(observations, 'spent');
  const isOver = (one: { readonly settled: boolean; readonly at: Block }): boolean =>
    isPast(one, query.validBeforeSec);

  if (contradict(observations, absence.proofs))
    return disagreement(observations.filter(({ kind }) => kind !== 'down'));
  if (paid[0] !== undefined && query.permit2?.isCeiling === true)
    return chargedUnder(query, paid[0], { paid, spent, bench });
  if (paid[0] !== undefined) {
    const { tx, block, amountAtomic } = paid[0];
    // Who shows the nonce spent at a settled block vouches for it, too, whatever events it keeps.
    const vouching = [...paid, ...spent].filter(({ settled }) => settled);
    const final = vouching.length >= bench.quorum && paid.some(({ settled }) => settled);
    return { kind: 'captured', tx, blockTimeMs: block.timeSec * 1000, amountAtomic, final };
  }
  const cancelledFor = cancelled.filter(isOver);
  if (cancelled[0] !== undefined && cancelledFor.length >= bench.quorum)
    return released(cancelled[0].at, 'cancelled');
  if (cancelled.length + spent.length > 0) {
    const spentFor = [...cancelledFor, ...spent.filter(isOver)].filter(({ at }) => isShownBy(at, query));
    return spentFor.length >= bench.quorum ? spentByUs(query) : judgeSpent(cancelled, spent);
  }
  return absence.verdict;
}

/**
 * T28, T36: what was charged is believed, and the rest of the ceiling with it, of as many operators as a release needs,
 * each of which shows it itself. Until then all of the ceiling counts.
 */
function chargedUnder(
  query: Judged,
  { tx, block, amountAtomic }: ObservationOf<'paid'>,
  {
    paid,
    spent,
    bench,
  }: {
    readonly paid: readonly ObservationOf<'paid'>[];
    readonly spent: readonly ObservationOf<'spent'>[];
    readonly bench: Bench;
  },
): Verdict {
  const captured = { kind: 'captured', tx, blockTimeMs: block.timeSec * 1000 } as const;
  if (paid.filter(({ settled }) => settled).length >= bench.quorum)
    return { ...captured, amountAtomic, final: true };
  const agreedSec = query.validBeforeSec + CHARGE_AGREED_SEC_MAX;
  const over = [...paid, ...spent].filter(({ settled, at }) => settled && at.timeSec >= agreedSec);
  const final = over.length >= bench.quorum;
  return { ...captured, amountAtomic: query.amountAtomic, final };
}

/** Whether whoever keeps the transfers would have shown by this block what was charged. */
function isShownBy({ timeSec }: Block, query: Judged): boolean {
  return !mayTakeLess(query) || timeSec >= query.validBeforeSec + CHARGE_SHOWN_SEC_MAX;
}

/** Whether a payment may take less than was held for it: under a ceiling, and where the chain says what the fee was. */
function mayTakeLess({ permit2, ownTx }: Judged): boolean {
  return permit2?.isCeiling === true || (ownTx !== undefined && ownTx !== null);
}

/** A nonce once spent stays spent, by one transaction; and none is spent by a payment once it has expired. */
function contradict(
  observations: readonly Observation[],
  proofs: readonly ObservationOf<'unused'>[],
): boolean {
  if (observations.some(({ kind }) => kind === 'forked')) return true;
  const paid = ofKind(observations, 'paid');
  const cancelled = ofKind(observations, 'cancelled');
  const spentAt = [
    ...[...paid, ...cancelled].map(({ block }) => block.number),
    ...ofKind(observations, 'spent').map(({ at }) => at.number),
  ];
  if (spentAt.length === 0) return false;
  const ways = new Set([
    ...paid.map(({ tx, block, amountAtomic }) => `${tx} ${block.hash} ${block.timeSec} ${amountAtomic}`),
    ...cancelled.map(() => 'cancelled'),
  ]);
  const deniedAt = ofKind(observations, 'unused').map(({ at }) => at.number);
  return (
    ways.size > 1 || proofs.length > 0 || deniedAt.some((denied) => spentAt.some((spent) => denied >= spent))
  );
}

/** Only our key can spend the nonce, so this payment spent it, even if no operator keeps its events (T31). */
function spentByUs({ amountAtomic, validBeforeSec }: Judged): Verdict {
  // Before its expiry, or it would not be spent: late frees nothing.
  return { kind: 'captured', tx: null, blockTimeMs: validBeforeSec * 1000, amountAtomic, final: true };
}

function judgeSpent(
  cancelled: readonly ObservationOf<'cancelled'>[],
  spent: readonly ObservationOf<'spent'>[],
): Verdict {
  if (cancelled.length > 0)
    return unknowable(
      'used_without_transfer',
      'It was cancelled on chain, which is not settled for good yet.',
    );
  const whole = spent.find(({ fault }) => fault === null);
  if (whole !== undefined) {
    const message = `${whole.origin} shows the authorization spent, and no transfer of this payment.`;
    return unknowable('used_without_transfer', message);
  }
  const faults = spent.map(({ fault }) => fault?.message).join('; ');
  return unknowable('history_unavailable', `It is spent, but its events cannot be read: ${faults}.`);
}
