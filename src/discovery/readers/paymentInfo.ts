import { MPP, X402 } from '../../protocols/protocol.js';
import { isWalletError } from '../../errors/walletError.js';
import { findDollar, toUsdMicros } from '../../money/asset.js';
import { numberToDecimalText, parseUsd } from '../../money/decimal.js';
import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import { readLine, type ListedPrice } from './listing.js';
import { amountOfMpp, networkOfMpp } from './mppOffer.js';

/** What `x-payment-info` of an operation says; null price where it is dynamic without bounds, or unreadable. */
export interface PaymentInfo {
  readonly price: ListedPrice | null;
  readonly protocols: readonly string[];
}

const PROTOCOL_MAX = 16;
const PROTOCOLS_MAX = 6;

/**
 * Reads `x-payment-info` in any of its dialects: `{price, protocols}` with decimal dollars, MPP's `{offers}` or one
 * offer flat with atomic units, and the legacy `{pricingMode, price, minPrice, maxPrice}`. Undefined where it is none.
 */
export function readPaymentInfo(value: JsonValue | undefined): PaymentInfo | undefined {
  if (!isJsonObject(value)) return undefined;
  const price = statedField(value, 'price');
  const protocols = readProtocols(statedField(value, 'protocols'));
  if (isJsonObject(price)) return { price: readPrice(price), protocols };
  const offers = statedField(value, 'offers');
  if (Array.isArray(offers)) return readMppOffers(offers.filter(isJsonObject), protocols);
  if (statedField(value, 'pricingMode') !== undefined || price !== undefined) {
    return { price: readLegacy(value), protocols };
  }
  if (statedField(value, 'intent') !== undefined || statedField(value, 'amount') !== undefined)
    return readMppOffers([value], protocols);
  return protocols.length === 0 ? undefined : { price: null, protocols };
}

function readPrice(price: JsonObject): ListedPrice | null {
  const currency = statedText(price, 'currency');
  if (currency !== undefined && currency.toUpperCase() !== 'USD') return null;
  return statedText(price, 'mode') === 'dynamic'
    ? range(statedField(price, 'min'), statedField(price, 'max'))
    : range(statedField(price, 'amount'), statedField(price, 'amount'));
}

function readLegacy(info: JsonObject): ListedPrice | null {
  const price = statedField(info, 'price');
  return price === undefined
    ? range(statedField(info, 'minPrice'), statedField(info, 'maxPrice'))
    : range(price, price);
}

function range(min: JsonValue | undefined, max: JsonValue | undefined): ListedPrice | null {
  const [least, most] = [usd(min), usd(max)];
  if (least === null && most === null) return null;
  const minUsdMicros = least ?? 0n;
  const maxUsdMicros = most ?? minUsdMicros;
  return minUsdMicros <= maxUsdMicros ? { minUsdMicros, maxUsdMicros } : null;
}

function usd(value: JsonValue | undefined): bigint | null {
  const text =
    typeof value === 'number' ? numberToDecimalText(value) : typeof value === 'string' ? value : undefined;
  if (text === undefined) return null;
  try {
    return parseUsd(text.replace(/^\$/, ''), 'price');
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}

/** MPP states atomic units: dollars only where `currency` is a token of our table on a network it names. */
function readMppOffers(offers: readonly JsonObject[], protocols: readonly string[]): PaymentInfo {
  const prices = offers.flatMap((offer) => mppUsd(offer) ?? []);
  const named = offers.map((offer) => (statedText(offer, 'method') === X402 ? X402 : MPP));
  const [first, ...rest] = prices;
  return {
    price:
      first === undefined
        ? null
        : {
            minUsdMicros: rest.reduce((least, price) => (price < least ? price : least), first),
            maxUsdMicros: rest.reduce((most, price) => (price > most ? price : most), first),
          },
    protocols: protocols.length > 0 ? protocols : [...new Set(named)],
  };
}

/** Names of dollars whose atomic unit is a millionth, which is a micro-dollar. */
const DOLLAR_SYMBOLS: readonly string[] = ['usdc', 'usdc.e', 'pathusd'];

function mppUsd(offer: JsonObject): bigint | undefined {
  const amount = amountOfMpp(offer);
  const currency = statedText(offer, 'currency');
  if (amount === undefined || currency === undefined) return undefined;
  if (DOLLAR_SYMBOLS.includes(currency.toLowerCase())) return amount;
  const network = networkOfMpp(offer);
  const asset = network === undefined ? undefined : findDollar(network.caip2, currency);
  return asset === undefined ? undefined : toUsdMicros(asset, amount);
}

/** `"x402"`, `["x402"]`, `[{x402: {}}, {mpp: {…}}]` or `{x402: {}}`. */
export function readProtocols(value: JsonValue | undefined): string[] {
  const isOne = isJsonObject(value) || typeof value === 'string';
  const items = Array.isArray(value) ? value : isOne ? [value] : [];
  const names = items
    .slice(0, PROTOCOLS_MAX)
    .flatMap((item) => (isJsonObject(item) ? Object.keys(item).slice(0, PROTOCOLS_MAX) : [item]));
  return [...new Set(names.flatMap((name) => readLine(name, PROTOCOL_MAX)?.toLowerCase() ?? []))];
}
