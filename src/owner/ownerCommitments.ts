import { isLive } from '../ledger/attempts/attempt.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { PaymentReader } from '../ledger/ledger.js';
import { findAsset } from '../money/asset.js';
import { formatUnits } from '../money/decimal.js';
import type { Caip2 } from '../money/network.js';
import { readCommitmentNonce } from '../payment/commitment.js';
import { COMMITMENT_ENDING } from '../protocols/protocol.js';
import { openLedger } from '../wallet/engine.js';
import { unlockAsAnyone, type OwnerOptions } from './auth/ownerAuth.js';

const DAY_SEC = 86_400;
/** What ended is shown for so long. */
const ENDED_SHOWN_MS = 30 * 86_400_000;

/** A promise to pay in each period, and what was taken by it so far, oldest first. */
export interface Commitment {
  readonly promise: Payment;
  readonly charges: readonly Payment[];
}

/** The promises that have not ended, the newest first, with `all` also those that ended of late. Throws the codes of the ledger. */
export async function listCommitments(options: OwnerOptions, all: boolean): Promise<Commitment[]> {
  const ledger = await openLedger(options, await unlockAsAnyone(options));
  try {
    return await commitmentsIn(ledger, all ? options.now() - ENDED_SHOWN_MS : undefined);
  } finally {
    await ledger.close();
  }
}

/** The same of an open ledger; with `endedSinceMs`, ledger time, also those that ended since. */
export async function commitmentsIn(
  ledger: Pick<PaymentReader, 'commitments' | 'drawnFrom'>,
  endedSinceMs?: number,
): Promise<Commitment[]> {
  const promises = await ledger.commitments(endedSinceMs);
  return Promise.all(
    promises.map(async (promise) => {
      const { subject } = readCommitmentNonce(promise.nonce);
      return { promise, charges: await ledger.drawnFrom(promise.network, promise.payFrom, subject) };
    }),
  );
}

/** A promise as its owner is told of it, on paper and in JSON; amounts in its token. */
export function viewCommitment({ promise, charges }: Commitment) {
  const { id, agent, origin, network, payTo, heldAtomic, nonce, validBeforeSec, state, note } = promise;
  const asset = findAsset(network as Caip2, promise.asset);
  const text = (atomic: bigint): string => formatUnits(atomic, asset?.decimals ?? 0);
  const taken = charges.filter((charge) => charge.state === 'captured');
  return {
    ...{ id, agent, seller: origin, network, asset: asset?.symbol ?? promise.asset, pay_to: payTo },
    amount: text(heldAtomic),
    period_days: readCommitmentNonce(nonce).periodSec / DAY_SEC,
    ends_at: new Date(validBeforeSec * 1000).toISOString(),
    taken: text(taken.reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n)),
    times: taken.length,
    state: !isLive(state) ? 'ended' : note === COMMITMENT_ENDING ? 'ending' : 'open',
  } as const;
}
