import { WalletError } from '../errors/walletError.js';
import type { UsdMicros } from './unit.js';

/** US dollars are counted in millionths; a stablecoin of the table counts as a dollar. */
export const USD_DECIMALS = 6;

/** No amount in the wallet needs more digits than a uint256 has; longer text is refused before BigInt sees it. */
const DIGITS_MAX = 78;

const DECIMAL = /^(\d+)(?:\.(\d+))?$/;
const SCIENTIFIC = /^(\d)(?:\.(\d+))?e([+-]\d{1,3})$/;

/**
 * Turns dollar text such as `"0.002"` into micro-dollars.
 *
 * Digits past the sixth are cut off, never rounded up: every such text is an upper bound on spending.
 * Throws `bad_input` for signs, exponents, blanks, grouping and anything else that is not plain decimal text.
 */
export function parseUsd(text: string, name: string): UsdMicros {
  const match = text.length <= DIGITS_MAX ? DECIMAL.exec(text) : null;
  if (match === null) {
    throw new WalletError('bad_input', `${name} must be dollars as plain decimal text, such as "0.05".`);
  }
  const [, whole = '0', fraction = ''] = match;
  return BigInt(whole + fraction.slice(0, USD_DECIMALS).padEnd(USD_DECIMALS, '0'));
}

/**
 * Gives the shortest decimal text of a JSON number, without an exponent: `1e-7` becomes `"0.0000001"`.
 *
 * The number itself is never calculated with. Text that is not a finite, non-negative number comes back as it
 * is printed, for {@link parseUsd} to refuse.
 */
export function numberToDecimalText(value: number): string {
  const text = String(value);
  const match = SCIENTIFIC.exec(text);
  if (match === null) return text;
  const [, lead = '', fraction = '', exponentText = '0'] = match;
  const digits = lead + fraction;
  const point = 1 + Number.parseInt(exponentText, 10);
  // JavaScript prints an exponent only below 1e-6 and from 1e21 up, where all 17 digits stand before the point.
  return point <= 0 ? `0.${'0'.repeat(-point)}${digits}` : digits.padEnd(point, '0');
}

/** Writes an integer count of `10^-decimals` units as decimal text, without trailing zeros: `2000n, 6` → `"0.002"`. */
export function formatUnits(units: bigint, decimals: number): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

/** Writes micro-dollars as decimal text with at least cents: `2000n` → `"0.002"`, `500000n` → `"0.50"`. */
export function formatUsd(usdMicros: UsdMicros): string {
  const text = formatUnits(usdMicros, USD_DECIMALS);
  const point = text.indexOf('.');
  if (point === -1) return `${text}.00`;
  return text.length - point === 2 ? `${text}0` : text;
}
