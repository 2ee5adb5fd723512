import { askV2, offerOf, sell, seller, solanaOfferOf } from '../offer.ts';
import type { Attack, Serve } from '../role.ts';
import { visits } from './terms.ts';

/** Each chain's way to ask, and what a name says of it. */
const ON_CHAINS = [
  { offer: offerOf, on: '' },
  { offer: solanaOfferOf, on: ' on Solana' },
] as const;

/** Prices that rise from sale to sale, on each chain (T25). */
export const PRICE_ATTACKS: readonly Attack[] = ON_CHAINS.flatMap(({ offer, on }): Attack[] => [
  {
    threat: 'T25',
    name: `a price that is nearly doubled at each sale${on}`,
    allows: { signatures: 2, atomic: 120_000n },
    visit: visits(6),
    open(stall) {
      let price = 60_000n;
      const ask: Serve = (seen, response) =>
        askV2(stall, seen, response, { accepts: [offer(stall, { amount: String(price) })] });
      return async (seen, response) => {
        if (seen.signed === undefined) return ask(seen, response);
        price = (price * 19n) / 10n;
        await sell(stall, seen.signed, response);
      };
    },
  },
  ...[false, true].map((query): Attack => ({
    threat: 'T25',
    name: `ten times the price after three sales${query ? ', under another query each time' : ''}${on}`,
    allows: { signatures: 3, atomic: 30_000n },
    visit: visits(6, query),
    open: (stall) => {
      const sold = (): number => new Set(stall.seen.map(({ signed }) => signed?.nonce)).size - 1;
      return seller(stall, (seen, response) =>
        askV2(stall, seen, response, {
          accepts: [offer(stall, { amount: sold() < 3 ? '30000' : '300000' })],
        }),
      );
    },
  })),
]);
