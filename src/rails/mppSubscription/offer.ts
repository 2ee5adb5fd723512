import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import type { Offer } from '../../payment/challenge.js';
import type { TempoSubscription } from '../../protocols/mpp/types.js';

const DAY_SEC = 86_400;

/** An offer to subscribe as it travels through the wallet: with the subscription that its credential answers. */
export type SubscriptionOffer = Offer & { readonly subscription: TempoSubscription };

/** An offer as the wallet knows it, of a subscription that was read from a challenge. */
export function toSubscriptionOffer(subscription: TempoSubscription): SubscriptionOffer {
  const { index, method, network, asset, payTo, amountAtomic, usdMicros } = subscription;
  const { periodSec, endsSec, accessKey, witness } = subscription;
  return {
    ...{ protocol: 'mpp', scheme: 'subscription', index, network, asset, payTo, subscription },
    ...{ amountAtomic, usdMicros },
    commitment: { periodSec, endsSec, key: { accessKey, witness } },
    facts: {
      ...{ method, intent: 'subscription', usd_per_period: formatUsd(usdMicros) },
      ...{ period_days: periodSec / DAY_SEC, ends_at: new Date(endsSec * 1000).toISOString() },
    },
  };
}

/** The subscription behind an offer of {@link toSubscriptionOffer}. Throws `internal` for any other. */
export function subscriptionOf(offer: Offer): TempoSubscription {
  const { subscription } = offer as Partial<SubscriptionOffer>;
  if (subscription !== undefined) return subscription;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}
