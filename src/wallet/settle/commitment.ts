import type { Settlement } from '../../chain/chain.js';
import { findAsset, toUsdMicros } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import type { ChargeOnChain } from '../../chain/settlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { isLive } from '../../ledger/attempts/attempt.js';
import { firstChargeNonce, readCommitmentNonce } from '../../payment/commitment.js';
import { COMMITMENT_ENDING, COMMITMENT_OPEN, isCharged, isCommitment } from '../../protocols/protocol.js';
import type { Engine } from '../engine.js';

type Books = Pick<Engine, 'ledger' | 'now'>;

/** So much newer has a look to be before it is written down as where the next one begins: most looks write nothing. */
const SEEN_STEP_SEC = 86_400;

/** What of a promise is remembered between looks. */
interface Seen {
  /** Up to when all that was taken by it is in the ledger, s since 1970. */
  readonly seen_sec?: number;
}

/** Up to when all that was taken by a promise is in the ledger, s since 1970; null where nothing was looked at for good. */
export function seenSecOf({ receipt }: Pick<Payment, 'receipt'>): number | null {
  return receipt === null ? null : ((JSON.parse(receipt) as Seen).seen_sec ?? null);
}

/** What the chain showed of a promise goes to what was taken by it. Comes before its own end is written down. */
export async function noteCommitment(
  engine: Books,
  attempt: AnyAttempt,
  settlement: Settlement,
): Promise<void> {
  if (attempt.kind !== 'payment' || !isCommitment(attempt)) return;
  const isEnded = settlement.kind === 'released';
  const charges =
    settlement.kind === 'open'
      ? settlement.promise?.charges
      : settlement.kind === 'released' && 'charges' in settlement
        ? settlement.charges
        : undefined;
  if (charges === undefined) return;
  for (const charge of charges) await noteCharge(engine, attempt, charge);
  if (isEnded) return endFirst(engine, attempt);
  const seenSec = settlement.kind === 'open' ? (settlement.promise?.seenSec ?? null) : null;
  if (attempt.state !== 'unknown') return;
  const isNewer = seenSec !== null && seenSec - (seenSecOf(attempt) ?? 0) >= SEEN_STEP_SEC;
  const isOpen = attempt.note === COMMITMENT_OPEN || attempt.note === COMMITMENT_ENDING;
  if (isOpen && !isNewer) return;
  const note = attempt.note === COMMITMENT_ENDING ? COMMITMENT_ENDING : COMMITMENT_OPEN;
  const seen: Seen = seenSec === null ? {} : { seen_sec: seenSec };
  await engine.ledger.markUnknown(attempt.id, note, engine.now(), JSON.stringify(seen));
}

async function noteCharge(engine: Books, promise: Payment, charge: ChargeOnChain): Promise<void> {
  const asset = findAsset(promise.network as Caip2, promise.asset);
  if (asset === undefined || asset.family === 'lightning') return;
  const { ledger } = engine;
  const { tx, amountAtomic, blockTimeMs, final } = charge;
  const rows = await ledger.drawnFrom(
    promise.network,
    promise.payFrom,
    readCommitmentNonce(promise.nonce).subject,
  );
  const usdMicros = toUsdMicros(asset, amountAtomic);
  const known = rows.find((row) => row.tx?.toLowerCase() === tx.toLowerCase());
  if (known?.confirmed === true) return;
  const first = rows.find(({ nonce }) => nonce === firstNonceOf(promise));
  // The call that subscribed is the earliest of them; what it heard of its transaction is its seller's word.
  const isFirst =
    known === undefined
      ? first !== undefined && !first.confirmed && first.state !== 'held' && first.state !== 'released'
      : known.id === first?.id;
  if (!isFirst || first === undefined || amountAtomic > first.heldAtomic) {
    await ledger.recordCharge(
      promise.id,
      { tx, amountAtomic, usdMicros, chainMs: blockTimeMs, confirmed: final },
      engine.now(),
    );
    return;
  }
  await ledger.capture(
    first.id,
    {
      ...{ capturedAtomic: amountAtomic, capturedUsdMicros: usdMicros, tx, receipt: null },
      ...{ confirmed: final, chainMs: blockTimeMs },
    },
    engine.now(),
  );
}

function firstNonceOf(promise: Payment): string {
  return firstChargeNonce(readCommitmentNonce(promise.nonce));
}

/** A promise that has ended took what it took: its first charge that never came is released with it. */
async function endFirst(engine: Books, promise: Payment): Promise<void> {
  const { ledger } = engine;
  const { subject } = readCommitmentNonce(promise.nonce);
  for (const row of await ledger.drawnFrom(promise.network, promise.payFrom, subject)) {
    if (isLive(row.state)) await ledger.release(row.id, 'expired_unused', engine.now());
    else if (row.state === 'captured' && !row.confirmed)
      await ledger.release(row.id, 'capture_undone', engine.now());
  }
}

/** The promise behind a charge; null where it has ended, or the ledger lost it. */
export async function commitmentBehind(
  { ledger }: Pick<Engine, 'ledger'>,
  charge: Payment,
): Promise<Payment | null> {
  if (!isCharged(charge)) return null;
  const [subject] = charge.nonce.split('/');
  const all = await ledger.commitments(0);
  return (
    all.find(
      (one) =>
        one.network === charge.network &&
        one.payFrom === charge.payFrom &&
        readCommitmentNonce(one.nonce).subject === subject,
    ) ?? null
  );
}
