import type { Payment } from '../ledger/attempts/payment.js';
import { readCommitmentNonce } from '../payment/commitment.js';
import { openLedger } from '../wallet/engine.js';
import { unlockAsAnyone, type OwnerOptions } from './auth/ownerAuth.js';

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
    const promises = await ledger.commitments(all ? options.now() - ENDED_SHOWN_MS : undefined);
    return await Promise.all(
      promises.map(async (promise) => {
        const { subject } = readCommitmentNonce(promise.nonce);
        return { promise, charges: await ledger.drawnFrom(promise.network, promise.payFrom, subject) };
      }),
    );
  } finally {
    await ledger.close();
  }
}
