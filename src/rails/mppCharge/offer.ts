import { WalletError } from '../../errors/walletError.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { EndpointAnswer, Offer, RejectedOffer } from '../../payment/challenge.js';
import type { PaymentChallenge } from '../../protocols/mpp/challenge.js';
import { writeCredential, writeUnproved } from '../../protocols/mpp/credential.js';
import { toUsdMicros } from '../../money/asset.js';
import { formatUsd } from '../../money/decimal.js';
import { TEMPO_FEE_ATOMIC_MAX } from '../../payment/intent.js';
import type {
  Charge,
  EvmCharge,
  LightningCharge,
  SolanaCharge,
  TempoCharge,
} from '../../protocols/mpp/types.js';
import { toInvoiceOffer, type InvoiceOffer } from '../lightning/invoice.js';

/** An offer of MPP as it travels through the wallet: with the charge that its credential answers. */
type ChargeOffer = Offer & { readonly charge: Charge };

/** An offer as the wallet knows it, of a charge that was read from a challenge. */
export function toOffer(
  charge: Charge,
  bitcoin: EndpointAnswer['bitcoin'],
): ChargeOffer | InvoiceOffer | RejectedOffer {
  if (charge.method === 'lightning') return toLightningOffer(charge, bitcoin);
  const { index, method, network, asset, payTo } = charge;
  const ours = { protocol: 'mpp', scheme: 'charge', index, network, asset, payTo, charge };
  if (method !== 'tempo' || charge.feePaidBy === 'payee')
    return { ...ours, amountAtomic: charge.amountAtomic, usdMicros: charge.usdMicros, facts: { method } };
  const feeUsdMicros = toUsdMicros(asset, TEMPO_FEE_ATOMIC_MAX);
  return {
    ...ours,
    amountAtomic: charge.amountAtomic + TEMPO_FEE_ATOMIC_MAX,
    usdMicros: charge.usdMicros + feeUsdMicros,
    feeUsdMicros,
    facts: { method, price_usd: formatUsd(charge.usdMicros), fee_usd_max: formatUsd(feeUsdMicros) },
  };
}

function toLightningOffer(
  { index, method, challenge, network, asset, invoice }: LightningCharge,
  bitcoin: EndpointAnswer['bitcoin'],
): InvoiceOffer | RejectedOffer {
  const unproved = { name: headerOf(challenge), value: writeUnproved(challenge) };
  const terms = { invoice, unproved, facts: { method } };
  return toInvoiceOffer({ protocol: 'mpp', scheme: 'charge', index }, { network, asset }, terms, bitcoin);
}

/** The charge behind one of {@link toOffer}. Throws `internal` for any other, or one of another method. */
export function chargeOf(offer: Offer, method: 'evm'): EvmCharge;
export function chargeOf(offer: Offer, method: 'solana'): SolanaCharge;
export function chargeOf(offer: Offer, method: 'tempo'): TempoCharge;
export function chargeOf(offer: Offer, method: Charge['method']): Charge {
  const { charge } = offer as Partial<ChargeOffer>;
  if (charge?.method === method) return charge;
  throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
}

/**
 * The latest moment at which a charge may still settle, s since 1970: the challenge's own end, which the seller keeps to, or
 * `windowSec` from now where that is sooner or none is stated. Throws `quote_expired` where too little of it is left.
 */
export function validBeforeSecOf(
  { challenge }: Pick<Charge, 'challenge'>,
  nowMs: number,
  windowSec: number,
): number {
  const ownSec = Math.floor(nowMs / 1000) + windowSec;
  if (challenge.expiresMs === undefined) return ownSec;
  if (challenge.expiresMs - nowMs < CHALLENGE_LEFT_MS_MIN)
    throw new WalletError('quote_expired', "The seller's challenge has run out; nothing was signed.");
  return Math.min(ownSec, Math.floor(challenge.expiresMs / 1000));
}

/** With less left, a challenge would run out on its way to the seller. */
const CHALLENGE_LEFT_MS_MIN = 5_000;

/** Writes the header that pays a charge. */
export function writePayment({ challenge }: Charge, payload: object, source: string): SignedPayload {
  return { name: headerOf(challenge), value: writeCredential(challenge, payload, source) };
}

/** The header that a credential of a challenge travels in. */
export function headerOf({ credentialHeader }: PaymentChallenge): string {
  return credentialHeader === 'authorization' ? 'AUTHORIZATION' : 'PAYMENT-AUTHORIZATION';
}
