import { assertInvariant, WalletError } from '../../errors/walletError.js';
import { writeJsonHeader } from './header.js';
import { isJsonObject, statedField, type JsonObject } from '../../text/json.js';
import type {
  ChannelPayload,
  ExactEvmPayload,
  ExactSvmPayload,
  PaymentOffer,
  PaymentRequired,
  Permit2Payload,
  SponsoredPermit,
} from './types.js';

/** The extension by which a seller knows a payment again. */
export const PAYMENT_IDENTIFIER = 'payment-identifier';
const PERMIT_SPONSORING = 'eip2612GasSponsoring';

/** The form the extension prescribes; ours say nothing about the agent or the session. */
const PAYMENT_IDENTIFIER_FORM = /^[A-Za-z0-9_-]{16,128}$/;

/** What a payment carries, by its scheme and its chain. */
export type AnyPayload = ExactEvmPayload | ExactSvmPayload | Permit2Payload | ChannelPayload;

/** The one header that carries a payment. */
export interface PaymentHeader {
  readonly headerName: 'X-PAYMENT' | 'PAYMENT-SIGNATURE';
  /** Standard base64 of JSON. */
  readonly headerValue: string;
  /** The name of version 1, where a seller of version 2 may read no other: the same bytes go under both. */
  readonly alsoUnder?: 'X-PAYMENT';
}

/** Whether a seller would bring an approval of all there is to the token: one is never signed (T36). */
export function wantsFullApproval({ extensions }: Pick<PaymentRequired, 'extensions'>): boolean {
  return extensions !== undefined && isJsonObject(statedField(extensions, 'erc20ApprovalGasSponsoring'));
}

/** What a payment may carry beside the authorization. */
export interface PaymentExtras {
  /** Our identifier of the payment: 16 to 128 of `[A-Za-z0-9_-]`, the same each time the same payment is sent. */
  readonly paymentIdentifier?: string;
  /** What allows Permit2 the amount, where the facilitator brings it to the token. */
  readonly permit?: SponsoredPermit;
}

/** Whether a seller's facilitator brings a permit (EIP-2612) to the token with a payment. v2 only. */
export function sponsorsPermit({ extensions }: Pick<PaymentRequired, 'extensions'>): boolean {
  return extensions !== undefined && isJsonObject(statedField(extensions, PERMIT_SPONSORING));
}

/** Whether a seller takes an identifier by which it will not do the same work twice. v2 only. */
export function paymentIdentifierOf(required: PaymentRequired): 'none' | 'offered' | 'required' {
  const info = paymentIdentifierInfo(required);
  if (info === undefined) return 'none';
  return statedField(info, 'required') === true ? 'required' : 'offered';
}

/**
 * Writes the header that pays an offer: `X-PAYMENT` for a v1 offer, `PAYMENT-SIGNATURE` for a v2 one.
 *
 * v2 echoes the offer, the resource and the extensions as they were received; an identifier is added where the seller
 * takes one, and nothing is ever removed. Scheme and network stand at the top as well, as in v1: some sellers of v2
 * read them there, and the others pass over them. A seller whose challenge stands in its body alone may have kept the
 * old header too, and gets the payment under both names. Throws `internal` for a payload that is not the offer's own, and for an
 * identifier that is malformed, or missing where the seller requires one.
 */
export function encodePayment(
  offer: PaymentOffer,
  required: PaymentRequired,
  payload: AnyPayload,
  extras: PaymentExtras = {},
): PaymentHeader {
  const isOfSolana = 'transaction' in payload;
  assertInvariant(isOfSolana === (offer.network.family === 'svm'), 'a payload is of its offer’s chain');
  if ('channelConfig' in payload) {
    assertInvariant(payload.channelConfig.receiver === offer.payTo, 'a channel is the payee’s of its offer');
  } else if (!isOfSolana) {
    const { to, value } = termsOf(payload);
    assertInvariant(to === offer.payTo, 'a payload pays the payee of its offer');
    assertInvariant(value === offer.amountAtomic.toString(), 'a payload pays the amount of its offer');
  }
  if (offer.x402Version === 1) {
    const body = { x402Version: 1, scheme: offer.scheme, network: offer.networkOnWire, payload };
    return { headerName: 'X-PAYMENT', headerValue: writeJsonHeader(body) };
  }
  const extensions = withPermit(extendExtensions(required, extras.paymentIdentifier), extras.permit);
  const { extensions: _declared, ...echo } = echoOf(offer, required);
  const body = { ...echo, payload, ...(extensions === undefined ? {} : { extensions }) };
  return {
    headerName: 'PAYMENT-SIGNATURE',
    headerValue: writeJsonHeader(body),
    ...(required.isInBody ? { alsoUnder: 'X-PAYMENT' } : {}),
  };
}

/** What a payment of version 2 says back to the seller, beside what is signed. */
function echoOf(offer: PaymentOffer, { resource, extensions }: PaymentRequired): Readonly<JsonObject> {
  return {
    x402Version: 2,
    scheme: offer.scheme,
    network: offer.networkOnWire,
    ...(resource === undefined ? {} : { resource }),
    accepted: offer.raw,
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** The payload of any scheme is about as large as this: a transaction of Solana, in base64, is the largest. */
const PAYLOAD_BYTES = 1_700;

/** About how many bytes the header has that pays an offer: with version 2 as many as the seller wants echoed. */
export function headerBytesOf(offer: PaymentOffer, required: PaymentRequired): number {
  const echoed = offer.x402Version === 1 ? 0 : writeJsonHeader(echoOf(offer, required)).length;
  return echoed + Math.ceil((PAYLOAD_BYTES * 4) / 3);
}

function termsOf(payload: ExactEvmPayload | Permit2Payload): { readonly to: string; readonly value: string } {
  if ('authorization' in payload) return payload.authorization;
  const { witness, permitted } = payload.permit2Authorization;
  return { to: witness.to, value: permitted.amount };
}

/** What the seller declared beside `info` is echoed. */
function withPermit(
  extensions: JsonObject | undefined,
  permit: SponsoredPermit | undefined,
): JsonObject | undefined {
  if (permit === undefined || extensions === undefined) return extensions;
  const declared = statedField(extensions, PERMIT_SPONSORING);
  const { info, ...rest } = isJsonObject(declared) ? declared : {};
  const stated = isJsonObject(info) ? info : {};
  return { ...extensions, [PERMIT_SPONSORING]: { ...rest, info: { ...stated, ...permit } } };
}

function extendExtensions(required: PaymentRequired, id: string | undefined): JsonObject | undefined {
  if (id !== undefined && !PAYMENT_IDENTIFIER_FORM.test(id)) {
    throw new WalletError('internal', 'A payment identifier must be 16 to 128 letters, digits, - or _.');
  }
  const { extensions } = required;
  const info = paymentIdentifierInfo(required);
  if (extensions === undefined || info === undefined) return extensions;
  // An id that the seller put there itself is echoed: a changed field fails its check of the echo.
  if (statedField(info, 'id') !== undefined) return extensions;
  if (id === undefined) {
    if (paymentIdentifierOf(required) === 'required') {
      throw new WalletError('internal', 'The seller requires a payment identifier and none was given.');
    }
    return extensions;
  }
  const declared = statedField(extensions, PAYMENT_IDENTIFIER);
  return {
    ...extensions,
    [PAYMENT_IDENTIFIER]: { ...(isJsonObject(declared) ? declared : {}), info: { ...info, id } },
  };
}

function paymentIdentifierInfo(required: PaymentRequired): JsonObject | undefined {
  const declared = required.extensions && statedField(required.extensions, PAYMENT_IDENTIFIER);
  const info = isJsonObject(declared) ? statedField(declared, 'info') : undefined;
  return isJsonObject(info) ? info : undefined;
}
