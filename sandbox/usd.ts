const USD_TEXT = /^(\d{1,30})(?:\.(\d{1,6}))?$/;

/** Decimal USD text to atomic USDC (6 decimals), exactly. Throws RangeError on anything else. */
export function atomicFromUsd(text: string): bigint {
  const match = USD_TEXT.exec(text);
  if (match === null)
    throw new RangeError(`Not a USD amount with at most 6 decimals: ${JSON.stringify(text)}`);
  return BigInt(match[1] + (match[2] ?? '').padEnd(6, '0'));
}

/** Atomic USDC (6 decimals) to decimal USD text, exactly, without trailing zeros. */
export function usdFromAtomic(atomic: bigint): string {
  const digits = String(atomic).padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
}
