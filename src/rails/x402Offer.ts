import type { SignedPayload } from '../ledger/transition.js';
import { WalletError } from '../errors/walletError.js';
import type { Offer } from '../payment/challenge.js';
import { encodePayment, paymentIdentifierOf } from '../protocols/x402/codec.js';
import type {
  EvmOffer,
  ExactEvmPayload,
  ExactSvmPayload,
  PaymentOffer,
  PaymentRequired,
  SvmOffer,
} from '../protocols/x402/types.js';

/** An offer of x402 as it travels through the wallet: with the challenge that a v2 payment echoes. */
export type X402Offer = Offer & { readonly x402: PaymentOffer; readonly required: PaymentRequired };

/** An offer as the wallet knows it, of one that was read from a challenge. */
export function toOffer(x402: PaymentOffer, required: PaymentRequired): X402Offer {
  const { scheme, index, network, asset, payTo, amountAtomic, usdMicros, x402Version } = x402;
  return {
    ...{ protocol: 'x402', scheme, index, network, asset, payTo, amountAtomic, usdMicros },
    facts: { x402_version: x402Version },
    x402,
    required,
  };
}

/** The EVM offer behind one of {@link toOffer}. Throws `internal` for any other. */
export function evmOfferOf(offer: Offer): EvmOffer {
  const { x402 } = offer as Partial<X402Offer>;
  if (x402?.network.family === 'evm') return x402 as EvmOffer;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}

/** The Solana offer behind one of {@link toOffer}. Throws `internal` for any other. */
export function svmOfferOf(offer: Offer): SvmOffer {
  const { x402 } = offer as Partial<X402Offer>;
  if (x402?.network.family === 'svm') return x402 as SvmOffer;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}

/** Writes the header that pays an offer of x402. */
export function writePayment(
  offer: Offer,
  payload: ExactEvmPayload | ExactSvmPayload,
  paymentId: string,
): SignedPayload {
  const { x402, required } = offer as X402Offer;
  const extras = paymentIdentifierOf(required) === 'none' ? {} : { paymentIdentifier: paymentId };
  const { headerName, headerValue, ...more } = encodePayment(x402, required, payload, extras);
  return { name: headerName, value: headerValue, ...more };
}
