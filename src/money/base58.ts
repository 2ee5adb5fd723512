/** Bitcoin's alphabet, which Solana uses: no 0, O, I and l. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, BigInt(value)]));
const BASE = BigInt(ALPHABET.length);
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
  const bytes = BYTES[of];
  // A byte takes between one letter (a zero) and log(256)/log(58), about 1.37, of them.
  if (text.length < bytes || text.length > Math.ceil(bytes * 1.37)) return undefined;
  let value = 0n;
  for (const letter of text) {
    const digit = VALUES.get(letter);
    if (digit === undefined) return undefined;
    value = value * BASE + digit;
  }
  const zeros = text.length - text.replace(/^1+/, '').length;
  const hex = value === 0n ? '' : value.toString(16);
  const body = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return zeros + body.length === bytes ? Buffer.concat([Buffer.alloc(zeros), body]) : undefined;
}

/** Bytes as base58. */
export function writeBase58(bytes: Uint8Array): string {
  const zeros = bytes.findIndex((byte) => byte !== 0);
  const leading = '1'.repeat(zeros === -1 ? bytes.length : zeros);
  let value = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  while (value > 0n) {
    text = (ALPHABET[Number(value % BASE)] ?? '') + text;
    value /= BASE;
  }
  return leading + text;
}
