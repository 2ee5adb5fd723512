import { base58 } from '@scure/base';

const BYTES = { address: 32, signature: 64 } as const;

/**
 * Whether a text is base58 of exactly the bytes of an address (a key, a mint, a blockhash) or of a signature: then it
 * is also the only such text of these bytes.
 */
export function isBase58(text: string, of: keyof typeof BYTES): boolean {
  return readBase58(text, of) !== undefined;
}

/** The bytes of an address or a signature; undefined where the text is none. Never throws. */
export function readBase58(text: string, of: keyof typeof BYTES): Uint8Array | undefined {
  const length = BYTES[of];
  // A byte takes between one letter (a zero) and log(256)/log(58), about 1.37, of them.
  if (text.length < length || text.length > Math.ceil(length * 1.37)) return undefined;
  try {
    const bytes = base58.decode(text);
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes as base58, in Bitcoin's alphabet, which Solana uses. */
export function writeBase58(bytes: Uint8Array): string {
  return base58.encode(bytes);
}
