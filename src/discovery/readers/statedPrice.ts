import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import type { UsdMicros } from '../../money/unit.js';
import type { ListedPrice } from './listing.js';

/** Fields that say dollars by their name. */
const DOLLAR_FIELDS: readonly string[] = [
  'price_usdc',
  'price_usd',
  'priceUsdc',
  'priceUsd',
  'priceUSD',
  'usd',
];
/** Fields that may say dollars, or anything else. */
const PRICE_FIELDS: readonly string[] = ['price', 'pricing'];
/** The same, within an object that is a price. */
const INNER_FIELDS: readonly string[] = ['price', 'amount', 'value'];
const RANGES: readonly (readonly [string, string])[] = [
  ['min_price_usd', 'max_price_usd'],
  ['minPrice', 'maxPrice'],
  ['min', 'max'],
];
const DOLLARS: readonly string[] = ['usd', 'usdc', '$'];
/** Objects in objects: what sellers write has two levels. */
const DEPTH_MAX = 3;

/** `0.01`, `$0.01`, `0.01 USDC`, `$0.01 per call`. */
const PRICE_TEXT = /^\s*(\$?)\s*(\d{1,9})(?:\.(\d{1,18}))?\s*(usdc?)?\s*(?:(?:\/|per)\s*[\w -]{1,30})?\s*$/i;

/**
 * The price that a record states in words of its own, in any of the fields seen for it; null where none says dollars. A
 * claim like all of a listing: the live 402 says what is paid.
 */
export function statedPrice(record: JsonObject, depth = DEPTH_MAX): ListedPrice | null {
  const currency = statedText(record, 'currency');
  if (currency !== undefined && !DOLLARS.includes(currency.toLowerCase())) return null;
  for (const name of DOLLAR_FIELDS) {
    const price = fixed(dollars(statedField(record, name), true));
    if (price !== null) return price;
  }
  for (const [least, most] of RANGES) {
    const [min, max] = [dollars(statedField(record, least), true), dollars(statedField(record, most), true)];
    if (min !== null && max !== null && min <= max) return { minUsdMicros: min, maxUsdMicros: max };
  }
  for (const name of depth === DEPTH_MAX ? PRICE_FIELDS : INNER_FIELDS) {
    const value = statedField(record, name);
    const price = isJsonObject(value)
      ? depth > 0
        ? statedPrice(value, depth - 1)
        : null
      : fixed(dollars(value, currency !== undefined));
    if (price !== null) return price;
  }
  return tieredPrice(record);
}

/** `{dimensions: [{tiers: [{price_usd}]}]}`, as pay.sh writes it: from the lowest tier to the highest. */
function tieredPrice(record: JsonObject): ListedPrice | null {
  const prices = listIn(record, 'dimensions')
    .flatMap((dimension) => listIn(dimension, 'tiers'))
    .flatMap((tier) => dollars(statedField(tier, 'price_usd'), true) ?? []);
  const [first, ...rest] = prices;
  if (first === undefined) return null;
  return {
    minUsdMicros: rest.reduce((least, one) => (one < least ? one : least), first),
    maxUsdMicros: rest.reduce((most, one) => (one > most ? one : most), first),
  };
}

const LIST_MAX = 16;

function listIn(object: JsonObject, name: string): JsonObject[] {
  const value = statedField(object, name);
  return Array.isArray(value) ? value.slice(0, LIST_MAX).filter(isJsonObject) : [];
}

function fixed(usdMicros: UsdMicros | null): ListedPrice | null {
  return usdMicros === null ? null : { minUsdMicros: usdMicros, maxUsdMicros: usdMicros };
}

/** Dollars of a value, rounded up; `isNamed` where something beside the number says that they are dollars. */
function dollars(value: JsonValue | undefined, isNamed: boolean): UsdMicros | null {
  const text =
    typeof value === 'number' && value >= 0 ? numberText(value) : typeof value === 'string' ? value : '';
  const [, sign, whole, fraction = '', unit] = PRICE_TEXT.exec(text.slice(0, 80)) ?? [];
  if (whole === undefined) return null;
  const micros = BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
  const usdMicros = /[1-9]/.test(fraction.slice(6)) ? micros + 1n : micros;
  // A bare whole number may be of a token's smallest units.
  const isSure = isNamed || sign === '$' || unit !== undefined || fraction !== '';
  return isSure ? usdMicros : null;
}

/** Never in exponents: a price of a millionth is written out. */
function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(12);
}
