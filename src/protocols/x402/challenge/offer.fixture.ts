import { Buffer } from 'node:buffer';
import { isPaymentOffer, judgeOffer } from './offer.js';
import { ASSETS, isSigned } from '../../../money/asset.js';
import type { EvmOffer, PaymentOffer } from '../types.js';
import type { JsonObject, JsonValue } from '../../../text/json.js';

/** Challenges for the tests of this folder, written by hand; sellers and keys in them stand for nobody. */

export const REQUEST_URL = 'https://forecast.example/v1/tomorrow?city=oslo';
export const USDC_ON_BASE = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';
export const PAYEE = '0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB';
export const PAYER_KEY = `0x${'44'.repeat(32)}` as const;
export const PAYER = '0x7564105E977516C53bE337314c7E53838967bDaC';

/** The assets that settle by EIP-3009. */
export const EVM_ASSETS = ASSETS.filter((asset) => asset.family === 'evm').filter(isSigned);

/** A v2 offer of one cent on Base, with fields replaced, or left out where given as undefined. */
export function v2Offer(fields: Record<string, JsonValue | undefined> = {}): JsonObject {
  return withFields(
    {
      scheme: 'exact',
      network: 'eip155:8453',
      amount: '10000',
      asset: USDC_ON_BASE,
      payTo: PAYEE,
      maxTimeoutSeconds: 90,
      extra: { name: 'USD Coin', version: '2' },
    },
    fields,
  );
}

/** The same offer as v1 writes it. */
export function v1Offer(fields: Record<string, JsonValue | undefined> = {}): JsonObject {
  return withFields(
    {
      scheme: 'exact',
      network: 'base',
      maxAmountRequired: '10000',
      resource: REQUEST_URL,
      description: 'Tomorrow in one town',
      mimeType: 'application/json',
      payTo: PAYEE,
      maxTimeoutSeconds: 90,
      asset: USDC_ON_BASE,
      extra: { name: 'USD Coin', version: '2' },
    },
    fields,
  );
}

/** A v2 challenge around offers. */
export function v2Challenge(
  accepts: JsonValue,
  fields: Record<string, JsonValue | undefined> = {},
): JsonObject {
  return withFields(
    {
      x402Version: 2,
      error: 'Payment required',
      resource: { url: REQUEST_URL, description: 'Tomorrow in one town', mimeType: 'application/json' },
      accepts,
    },
    fields,
  );
}

/** A v1 challenge around offers. */
export function v1Challenge(
  accepts: JsonValue,
  fields: Record<string, JsonValue | undefined> = {},
): JsonObject {
  return withFields({ x402Version: 1, error: 'X-PAYMENT header is required', accepts }, fields);
}

/** Standard base64 of UTF-8 JSON. */
export function base64(value: JsonValue): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/** An entry judged alone that must be payable. */
export function payable(entry: JsonValue, x402Version: 1 | 2 = 2, index = 0): EvmOffer {
  const judged = judgeOffer(entry, { index, x402Version, sharedEchoBytes: 0 });
  if (!isPaymentOffer(judged)) throw new Error(`not payable: ${judged.reason}`);
  return onEvm(judged);
}

/** An offer that must be on a chain of the EVM. */
export function onEvm(offer: PaymentOffer): EvmOffer {
  if (offer.network.family !== 'evm') throw new Error('not an offer on the EVM');
  return offer as EvmOffer;
}

function withFields(base: JsonObject, fields: Record<string, JsonValue | undefined>): JsonObject {
  const merged = Object.entries({ ...base, ...fields });
  return Object.fromEntries(merged.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined));
}
