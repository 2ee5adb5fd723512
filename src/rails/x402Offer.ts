import type { SignedPayload } from '../ledger/attempts/transition.js';
import { WalletError } from '../errors/walletError.js';
import { formatUsd } from '../money/decimal.js';
import type { EndpointAnswer, Offer } from '../payment/challenge.js';
import { ECHO_BYTES_MAX } from '../protocols/x402/challenge/offer.js';
import { parsePaymentRequired } from '../protocols/x402/challenge/parse.js';
import { readJsonHeader } from '../protocols/x402/header.js';
import { isJsonObject, statedField, type JsonObject } from '../text/json.js';
import {
  encodePayment,
  headerBytesOf,
  paymentIdentifierOf,
  type AnyPayload,
} from '../protocols/x402/codec.js';
import type {
  EvmOffer,
  ExactEvmPayload,
  PaymentOffer,
  PaymentRequired,
  SponsoredPermit,
  SvmOffer,
} from '../protocols/x402/types.js';

/** An offer of x402 as it travels through the wallet: with the challenge that a v2 payment echoes. */
export type X402Offer = Offer & { readonly x402: PaymentOffer; readonly required: PaymentRequired };

/** What a quote says of a price that is a ceiling. */
function ceilingOf({ scheme, usdMicros }: PaymentOffer): Offer['facts'] {
  return scheme === 'upto' ? { max_usd_charge: formatUsd(usdMicros) } : {};
}

/** Scheme `exact` where it is paid through Permit2: a way of its own for money to move, which the ledger tells apart. */
export const EXACT_BY_PERMIT2 = 'exact by permit2';

function isByPermit2(x402: PaymentOffer): boolean {
  return 'method' in x402 && x402.method === 'permit2';
}

/** An offer as the wallet knows it, of one that was read from a challenge. */
export function toOffer(x402: PaymentOffer, required: PaymentRequired): X402Offer {
  const { index, network, asset, payTo, amountAtomic, usdMicros, x402Version } = x402;
  const scheme = x402.scheme === 'exact' && isByPermit2(x402) ? EXACT_BY_PERMIT2 : x402.scheme;
  return {
    ...{ protocol: 'x402', scheme, index, network, asset, payTo, amountAtomic, usdMicros },
    ...depositOf(x402),
    facts: { x402_version: x402Version, scheme: x402.scheme, ...ceilingOf(x402), ...delayOf(x402) },
    x402,
    required,
  };
}

/** The deposit that an offer of `batch-settlement` is paid out of. The seller's facilitator brings it to the chain, at no cost. */
function depositOf(x402: PaymentOffer): Pick<Offer, 'deposit'> {
  if (!('channel' in x402) || x402.channel === null) return {};
  const { operator, suggestedAtomic, withdrawDelaySec } = x402.channel;
  return {
    deposit: { operator, suggestedAtomic, feeAtomic: 0n, withdrawDelaySec, isInTurn: true, isFixed: true },
  };
}

/** What a quote says of how long the rest of a deposit stays where it is, once a seller does not give it back. */
function delayOf(x402: PaymentOffer): Offer['facts'] {
  return 'channel' in x402 && x402.channel !== null
    ? { withdraw_delay_sec: x402.channel.withdrawDelaySec }
    : {};
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

/** The challenge that an offer of {@link toOffer} is of. */
export function requiredOf(offer: Offer): PaymentRequired {
  return (offer as X402Offer).required;
}

/** Writes the header that pays an offer of x402, with the permit that a facilitator is to bring along. */
export function writePayment(
  offer: Offer,
  payload: AnyPayload,
  paymentId: string,
  permit: SponsoredPermit | null = null,
): SignedPayload {
  const { x402, required } = offer as X402Offer;
  const isIdentified = paymentIdentifierOf(required) !== 'none' && x402.x402Version === 2;
  const extras = {
    ...(isIdentified ? { paymentIdentifier: paymentId } : {}),
    ...(permit === null ? {} : { permit }),
  };
  const { headerName, headerValue, ...more } = encodePayment(x402, required, payload, extras);
  return { name: headerName, value: headerValue, ...more, ...(isIdentified ? { identified: true } : {}) };
}

/** About how many bytes the header has that pays an offer of x402. */
export function headerBytes(offer: Offer): number {
  const { x402, required } = offer as X402Offer;
  return headerBytesOf(x402, required);
}

/** By this name the first version is asked for, in the words of the servers that read no other. */
const FIRST_NAME = 'X-PAYMENT';
const WANTS_FIRST_NAME = /\bx-payment\b/i;

/**
 * The same authorization with what a further 402 wants to have echoed, where its payee and amount are the same, or under the
 * name that it asks for; null where nothing about it would be new. On the EVM alone: elsewhere a signature covers terms.
 */
export function correctEcho(
  payload: SignedPayload,
  answer: EndpointAnswer,
  paymentId: string,
): SignedPayload | null {
  const required = parsePaymentRequired(answer);
  const sent = readJsonHeader(payload.value, ECHO_BYTES_MAX * 2);
  const authorization = sent === undefined ? undefined : statedField(sent, 'payload');
  const accepted = sent === undefined ? undefined : statedField(sent, 'accepted');
  if (required === null || !isJsonObject(authorization) || !isJsonObject(accepted)) return null;
  if (!isJsonObject(statedField(authorization, 'authorization'))) return null;
  const offer = required.offers.find(
    (one) => one.network.family === 'evm' && one.x402Version === 2 && asksTheSame(one.raw, accepted),
  );
  if (offer === undefined) return null;
  const evm = authorization as unknown as ExactEvmPayload;
  const anew = writePayment(toOffer(offer, required), evm, paymentId);
  const isNamed = payload.alsoUnder === undefined && WANTS_FIRST_NAME.test(required.sellerError ?? '');
  if (anew.value === payload.value && !isNamed) return null;
  return { ...payload, ...anew, ...(isNamed ? { alsoUnder: FIRST_NAME } : {}) };
}

/** What the authorization moves, and how the wire names it. */
const SAME = ['scheme', 'network', 'asset', 'payTo', 'amount'];

function asksTheSame(offer: JsonObject, accepted: JsonObject): boolean {
  return SAME.every((name) => statedField(offer, name) === statedField(accepted, name));
}
