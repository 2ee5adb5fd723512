import { isDeepStrictEqual } from 'node:util';
import type { PaymentPayload, PaymentRequirements, SettleResponse } from '@x402/core/types';
import { SOLANA_DEVNET } from '../solana/chain.ts';
import { USDC_MINT } from '../solana/token.ts';
import { USDC, USDC_DOMAIN } from '../usdc.ts';
import { encodeHeader, type Order, type PaymentSeen } from './order.ts';
import type { Terms } from './terms.ts';

/** What a 402 carries beyond the one offer that can be paid. */
export interface OfferOptions {
  /** `payment-identifier`: whether the shop offers or requires it. */
  paymentId?: 'offered' | 'required' | undefined;
  /** Puts offers on networks, of schemes and in assets that cannot be paid here around the one that can. */
  many?: boolean;
  /** Who pays the fees on Solana. */
  feePayer: string;
  /** What a seller may add to its offer on Solana. */
  solanaExtra?: Record<string, unknown> | undefined;
  /** The one chain it sells on; both unless given. */
  only?: 'base' | 'solana' | undefined;
}

/** A 402 as one protocol version writes it. */
export interface PaymentRequiredResponse {
  headers: Record<string, string>;
  body: string;
  accepts: Requirements[];
}

/** An offer of either version; the facilitator takes both. */
export type Requirements = Record<string, unknown> & { network: string; scheme: string };

/** One protocol version's way to write offers and receipts and to read payments. */
export interface Wire {
  version: 1 | 2;
  writeOffer(order: Order, terms: Terms, options: OfferOptions, error?: string): PaymentRequiredResponse;
  /** The offer that a payment accepts, if it is one of these. */
  match(accepts: Requirements[], payment: PaymentSeen): Requirements | undefined;
  receiptHeader: string;
}

const EXTRA = { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version };
const SOMEONE_ON_SOLANA = '11111111111111111111111111111112';
const SOLANA_USDC = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
const BASE_USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';

function offersV2(terms: Terms, options: OfferOptions): Requirements[] {
  const offer = {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: String(terms.amountAtomic),
    asset: USDC,
    payTo: terms.payTo.evm,
    maxTimeoutSeconds: terms.timeoutSec,
    extra: EXTRA,
  };
  const devnet = {
    ...offer,
    network: SOLANA_DEVNET,
    asset: USDC_MINT,
    payTo: terms.payTo.solana,
    extra: { feePayer: options.feePayer, ...options.solanaExtra },
  };
  if (options.only !== undefined) return [options.only === 'base' ? offer : devnet];
  if (!options.many) return [offer, devnet];
  const solana = {
    network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    asset: SOLANA_USDC,
    payTo: SOMEONE_ON_SOLANA,
  };
  const base = { network: 'eip155:8453', asset: BASE_USDC, extra: { name: 'USD Coin', version: '2' } };
  return [
    { ...offer, ...solana, extra: { feePayer: SOMEONE_ON_SOLANA } },
    { ...offer, ...base },
    { ...offer, scheme: 'upto' },
    { ...offer, extra: { ...EXTRA, assetTransferMethod: 'permit2' } },
    { ...offer, amount: String(terms.amountAtomic * 3n) },
    offer,
    devnet,
  ];
}

function toV1(offer: Requirements, order: Order): Requirements {
  const { amount, network, ...rest } = offer;
  const names: Record<string, string> = {
    'eip155:84532': 'base-sepolia',
    'eip155:8453': 'base',
    [SOLANA_DEVNET]: 'solana-devnet',
  };
  return {
    ...rest,
    network: names[network] ?? 'solana',
    maxAmountRequired: amount,
    resource: order.url.href,
    description: `${order.method} ${order.path}`,
    mimeType: 'application/json',
    outputSchema: null,
  };
}

/** The extension's declaration by its own specification. */
function paymentIdentifier(required: boolean): unknown {
  return {
    info: { required },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        required: { type: 'boolean' },
        id: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' },
      },
      required: ['required'],
    },
  };
}

const v1: Wire = {
  version: 1,
  receiptHeader: 'X-PAYMENT-RESPONSE',
  writeOffer(order, terms, options, error = 'X-PAYMENT header is required') {
    const accepts = offersV2(terms, options).map((offer) => toV1(offer, order));
    const body = JSON.stringify({ x402Version: 1, error, accepts });
    return { headers: { 'content-type': 'application/json' }, body, accepts };
  },
  match(accepts, payment) {
    const payload = payment.payload as { scheme?: unknown; network?: unknown } | null;
    return accepts.find(
      (offer) =>
        offer.scheme === payload?.scheme &&
        offer.network === payload.network &&
        offer['maxAmountRequired'] === payment.value,
    );
  },
};

const v2: Wire = {
  version: 2,
  receiptHeader: 'PAYMENT-RESPONSE',
  writeOffer(order, terms, options, error = 'Payment required') {
    const accepts = offersV2(terms, options);
    const paymentRequired = {
      x402Version: 2,
      error,
      resource: { url: order.url.href, description: `${order.method} ${order.path}`, mimeType: '' },
      accepts,
      ...(options.paymentId === undefined
        ? {}
        : { extensions: { 'payment-identifier': paymentIdentifier(options.paymentId === 'required') } }),
    };
    const headers = { 'content-type': 'application/json', 'PAYMENT-REQUIRED': encodeHeader(paymentRequired) };
    return { headers, body: '{}', accepts };
  },
  match(accepts, payment) {
    const accepted = (payment.payload as { accepted?: unknown } | null)?.accepted;
    return accepts.find((offer) => isDeepStrictEqual(offer, accepted));
  },
};

/** The two protocol versions. */
export const WIRES = { 1: v1, 2: v2 } as const;

/** The arguments of the facilitator's calls; its types know v2 alone. */
export type FacilitatorArguments = [PaymentPayload, PaymentRequirements];

/** The receipt of a settlement that failed. */
export function failedReceipt(requirements: Requirements, reason: string, transaction = ''): SettleResponse {
  return {
    success: false,
    errorReason: reason,
    transaction,
    network: requirements.network as SettleResponse['network'],
  };
}
