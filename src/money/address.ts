import { getAddress } from 'viem/utils';

/** An EVM address with its checksum. */
export type Address = `0x${string}`;

const ADDRESS = /^0x([0-9a-fA-F]{40})$/;

/**
 * Reads an EVM address as a seller writes it; undefined unless it is 20 bytes of hex.
 *
 * Letters of one case carry no checksum (EIP-55) and get one. Letters of both cases are a checksum and must be the
 * right one: a wrong one is a slip of the pen, and money sent there is lost.
 */
export function readAddress(text: string): Address | undefined {
  const digits = ADDRESS.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const address = getAddress(`0x${digits.toLowerCase()}`);
  const isOneCase = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  return isOneCase || address === text ? address : undefined;
}
