import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import type { Offer } from '../../payment/challenge.js';
import { TEMPO_FEE_ATOMIC_MAX } from '../../payment/intent.js';
import type { TempoSession } from '../../protocols/mpp/types.js';

/** An offer to be paid out of a channel as it travels through the wallet: with the session that its credential answers. */
export type SessionOffer = Offer & { readonly session: TempoSession };

/** An offer as the wallet knows it, of a session that was read from a challenge. */
export function toSessionOffer(session: TempoSession): SessionOffer {
  const { index, method, network, asset, payTo, operator, suggestedAtomic, amountAtomic, usdMicros } =
    session;
  return {
    ...{ protocol: 'mpp', scheme: 'session', index, network, asset, payTo, session },
    ...{ amountAtomic, usdMicros },
    deposit: {
      ...{ suggestedAtomic, operator },
      feeAtomic: session.feePaidBy === 'self' ? TEMPO_FEE_ATOMIC_MAX : 0n,
    },
    facts: { method, intent: 'session', price_usd: formatUsd(usdMicros) },
  };
}

/** The session behind an offer of {@link toSessionOffer}. Throws `internal` for any other. */
export function sessionOf(offer: Offer): TempoSession {
  const { session } = offer as Partial<SessionOffer>;
  if (session !== undefined) return session;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}
