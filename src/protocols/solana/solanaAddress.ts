import type { Address } from '@solana/kit';

/** What plain wallets belong to; at the same time the address that nobody has the key of. */
export const SYSTEM_PROGRAM = '11111111111111111111111111111111';

/**
 * Whether an address in base58 lies off the curve of ed25519: then it has no key, and only a program can move what is
 * there, such as a vault; token accounts lie there, too.
 */
export async function hasNoKey(address: string): Promise<boolean> {
  const { isOffCurveAddress } = await import('@solana/kit');
  return isOffCurveAddress(address as Address);
}
