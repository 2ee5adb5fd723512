import type { Offer } from '../payment/challenge.js';
import type { AtomicAmount } from '../money/unit.js';

/** So many differing requests that were asked the same make a price fixed: one amount for a path alone proves nothing (T37). */
export const DIFFERING_REQUESTS = 5;

/** A payment to an endpoint, as far as it tells what was asked. */
export interface PastPrice {
  readonly requestHash: string;
  readonly protocol: string;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly heldAtomic: AtomicAmount;
  /** Why it did not go well at once; null where it did. */
  readonly note: string | null;
}

/**
 * The newest payments of an endpoint, back to {@link DIFFERING_REQUESTS} differing requests, where an offer is what was asked
 * each time: all went well and paid its amount to its payee in the same way. Null where that does not show.
 */
export function paymentsThatFix<Past extends PastPrice>(
  offer: Offer,
  newestFirst: readonly Past[],
): Past[] | null {
  const differing = new Set<string>();
  for (const [position, past] of newestFirst.entries()) {
    if (past.note !== null || !isSame(offer, past)) return null;
    differing.add(past.requestHash);
    if (differing.size === DIFFERING_REQUESTS) return newestFirst.slice(0, position + 1);
  }
  return null;
}

function isSame({ protocol, scheme, network, asset, payTo, amountAtomic }: Offer, past: PastPrice): boolean {
  return (
    past.protocol === protocol &&
    past.scheme === scheme &&
    past.network === network.caip2 &&
    past.asset === asset.address &&
    past.payTo === payTo &&
    past.heldAtomic === amountAtomic
  );
}
