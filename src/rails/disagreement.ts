import type { UsdMicros } from '../money/unit.js';
import { formatUsd } from '../money/decimal.js';
import type { Offer, PaymentDemand, RejectedOffer } from '../payment/challenge.js';

/** Ways to pay one price differ by fees; further apart, one of them is written in another unit than it is read in (T39). */
const TIMES_APART_MAX = 10n;

/** How an offer is paid, for people: by which protocol, and by which of its methods. */
function wayOf({ protocol, facts }: Offer): string {
  const method = facts['method'];
  return method === undefined ? protocol : `${protocol} (${method})`;
}

/**
 * Takes out of a demand what its protocols and methods disagree about: where one asks more than ten times, or less than a
 * tenth, of every other, its offers are rejected, since nobody can tell which of them means what it says (T39). Prices within
 * one method may differ as they like: there the cheapest is taken.
 */
export function withoutDisagreement(demand: PaymentDemand): PaymentDemand {
  // What is paid out of a deposit is a price of another kind: often a hundredth of one call's.
  const ways = Map.groupBy(
    demand.offers.filter(({ deposit }) => deposit === undefined),
    wayOf,
  );
  if (ways.size < 2) return demand;
  const prices = new Map([...ways].map(([way, offers]) => [way, cheapestOf(offers)] as const));
  const odd = [...prices].filter(([way, price]) =>
    [...prices].every(([other, otherPrice]) => other === way || isFarFrom(price, otherPrice)),
  );
  if (odd.length === 0) return demand;
  const stated = [...prices].map(([way, price]) => `$${formatUsd(price)} by ${way}`).join(', ');
  const isOdd = (offer: Offer): boolean =>
    offer.deposit === undefined && odd.some(([way]) => way === wayOf(offer));
  const rejected = demand.offers.filter(isOdd).map(({ index }): RejectedOffer => ({
    index,
    code: 'malformed_offer',
    reason: `The seller's prices for one call are more than ten times apart: ${stated}.`,
  }));
  return {
    ...demand,
    offers: demand.offers.filter((offer) => !isOdd(offer)),
    rejected: [...demand.rejected, ...rejected],
  };
}

function cheapestOf(offers: readonly Offer[]): UsdMicros {
  // What the network takes says nothing of what the seller asks.
  return offers
    .map(({ usdMicros, feeUsdMicros = 0n }) => usdMicros - feeUsdMicros)
    .reduce((least, price) => (price < least ? price : least));
}

function isFarFrom(one: bigint, other: bigint): boolean {
  return one > other * TIMES_APART_MAX || other > one * TIMES_APART_MAX;
}
