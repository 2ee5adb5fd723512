import { base58 } from '@scure/base';

const BYTES = { address: 32, signature: 64 } as const;

/**
 * Whether a text is base58 of exactly the bytes of an address (a key, a mint, a blockhash) or of a signature: then it
 * is also the only such text of these bytes.
 */
export function isBase58(text: string, of: keyof typeof BYTES): boolean {
  const length = BYTES[of];
  if (!mayBe(text, length) || !/^[1-9A-HJ-NP-Za-km-z]+$/.test(text)) return false;
  // Each leading 1 is a zero byte; the rest is a number, of as many bytes as there are left.
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  const bytes = length - zeros;
  const digits = text.slice(zeros);
  if (bytes <= 0 || digits === '') return bytes === 0 && digits === '';
  return !isLess(digits, leastOf(bytes)) && isLess(digits, leastOf(bytes + 1));
}

/** The least numbers of so many bytes, in base58. */
const least: string[] = [];

function leastOf(bytes: number): string {
  return (least[bytes] ??= base58.encode(Uint8Array.of(1, ...new Uint8Array(bytes - 1))));
}

/**
 * Whether one number is less than another, both in base58 without leading ones. Its digits stand in the order of their values
 * in ASCII, so nothing has to be decoded: an RPC's page names a thousand signatures.
 */
function isLess(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}

/** Whether a text is as long as one of so many bytes can be. */
function mayBe(text: string, bytes: number): boolean {
  // A byte takes between one letter (a zero) and log(256)/log(58), about 1.37, of them.
  return text.length >= bytes && text.length <= Math.ceil(bytes * 1.37);
}

/** The bytes of an address or a signature; undefined where the text is none. Never throws. */
export function readBase58(text: string, of: keyof typeof BYTES): Uint8Array | undefined {
  const length = BYTES[of];
  if (!mayBe(text, length)) return undefined;
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
