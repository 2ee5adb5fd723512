import type { AtomicAmount } from '../../money/unit.js';

/** What a payment out of a deposit is known by: the deposit's own id, and all that is drawn by then. */
export interface DrawNonce {
  readonly subject: string;
  readonly cumulativeAtomic: AtomicAmount;
}

/** The nonce of such a payment. `unique` tells it from one for the same amount that was never signed. */
export function writeDrawNonce({ subject, cumulativeAtomic }: DrawNonce, unique: string): string {
  return `${subject}/${cumulativeAtomic}/${unique}`;
}

/** Reads one of {@link writeDrawNonce}. */
export function readDrawNonce(nonce: string): DrawNonce {
  const [subject = '', cumulative = '0'] = nonce.split('/');
  return { subject, cumulativeAtomic: BigInt(cumulative) };
}
