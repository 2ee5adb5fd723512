import { createHash } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { secp256k1 } from '@noble/curves/secp256k1';
import { bech32 } from '@scure/base';

/** Invoices with a description and many route hints have some 1,500 characters. */
const INVOICE_CHARS_MAX = 4_096;
/** BOLT 11: an invoice that names no expiry is good for an hour. */
const EXPIRY_SEC_DEFAULT = 3_600;
/** More bitcoin than there can be, in millisatoshi. */
const AMOUNT_MSAT_MAX = 2_100_000_000_000_000_000n;
const MSAT_PER_BTC = 100_000_000_000n;
/** Parts of a bitcoin that an amount is counted in, by its letter. */
const PARTS: Readonly<Record<string, bigint>> = { m: 1_000n, u: 1_000_000n, n: 1_000_000_000n };
/** A tenth of a millisatoshi. */
const PICO_PER_MSAT = 10n;

/** `ln`, the network's letters, an amount with its part of a bitcoin. No network's letters end in a digit. */
const PREFIX = /^ln(bcrt|bc|tbs|tb)(?:([1-9][0-9]{0,17})([munp]?))?$/;

/** Tagged fields by their number (BOLT 11, "Tagged Fields"). */
const TAGS = {
  paymentHash: 1,
  secret: 16,
  description: 13,
  descriptionHash: 23,
  payee: 19,
  expiry: 6,
} as const;
/** Words of five bits that 32 and 33 bytes take. A field of another length is skipped, as BOLT 11 has it. */
const HASH_WORDS = 52;
const KEY_WORDS = 53;
const TIME_WORDS = 7;
/** A signature of 64 bytes and the number that finds its key. */
const SIGNATURE_WORDS = 104;
/** Far longer than any invoice lives, and exact as a number. */
const EXPIRY_WORDS_MAX = 8;
const DESCRIPTION_CHARS_MAX = 300;

/** The chain of an invoice by the letters of BOLT 11. */
type InvoiceChain = 'bc' | 'tb' | 'tbs' | 'bcrt';

/** A Lightning invoice by BOLT 11 that names its amount, and that its payee signed. */
export interface Invoice {
  /** As it goes to the node: in lower case, nothing else changed. */
  readonly text: string;
  readonly chain: InvoiceChain;
  readonly amountMsat: bigint;
  /** 64 hex digits: who shows what hashes to it has proof of the payment. */
  readonly paymentHash: string;
  /** The node that is paid, 66 hex digits: the key that signed. */
  readonly payee: string;
  readonly createdSec: number;
  /** When it ends, s since 1970. */
  readonly expiresSec: number;
  /** The payee's words, not cleaned; undefined where it only gives a hash of them. */
  readonly description: string | undefined;
}

interface Fields {
  readonly byTag: ReadonlyMap<number, readonly number[]>;
  readonly createdSec: number;
}

/**
 * Reads a Lightning invoice: checksum, amount, fields, and that its payee signed all of it (T40). Else why it cannot be
 * paid, as a clause of ours. Never throws.
 */
export function readInvoice(given: string): Invoice | string {
  if (given.length > INVOICE_CHARS_MAX) return `has more than ${INVOICE_CHARS_MAX} characters`;
  // Mixed letter case is no bech32: the decoder refuses it.
  const decoded = bech32.decodeUnsafe(given as `${string}1${string}`, INVOICE_CHARS_MAX);
  if (decoded === undefined) return 'has a wrong checksum or is no invoice';
  const prefix = PREFIX.exec(decoded.prefix);
  if (prefix === null) return 'is of no Lightning network that is known';
  const [, chain, digits, part = ''] = prefix;
  if (digits === undefined) return 'names no amount';
  const amountMsat = readAmount(BigInt(digits), part);
  if (amountMsat === null) return 'has an amount that is no whole number of millisatoshi';
  const { words } = decoded;
  if (words.length < TIME_WORDS + SIGNATURE_WORDS) return 'is too short';
  const fields = readFields(words.slice(0, -SIGNATURE_WORDS));
  if (fields === null) return 'has fields that cannot be read';
  const { byTag, createdSec } = fields;
  const paymentHash = bytesOf(byTag.get(TAGS.paymentHash));
  if (paymentHash === null) return 'names no payment hash';
  // Without it anybody on the way can take the payment's place and learn who is paid.
  if (!byTag.has(TAGS.secret)) return 'has no payment secret';
  const payee = signerOf(decoded.prefix, words, bytesOf(byTag.get(TAGS.payee)));
  if (payee === null) return 'is not signed by its payee';
  return {
    text: given.toLowerCase(),
    chain: chain as InvoiceChain,
    amountMsat,
    paymentHash: paymentHash.toString('hex'),
    payee,
    createdSec,
    expiresSec: createdSec + numberOf(byTag.get(TAGS.expiry), EXPIRY_SEC_DEFAULT),
    description: bytesOf(byTag.get(TAGS.description))?.toString('utf8').slice(0, DESCRIPTION_CHARS_MAX),
  };
}

function readAmount(digits: bigint, part: string): bigint | null {
  if (part === 'p' && digits % PICO_PER_MSAT !== 0n) return null;
  const msat = part === 'p' ? digits / PICO_PER_MSAT : (digits * MSAT_PER_BTC) / (PARTS[part] ?? 1n);
  return msat > 0n && msat <= AMOUNT_MSAT_MAX ? msat : null;
}

/** The tagged fields; null where they break off, or one that decides about money stands twice. */
function readFields(words: readonly number[]): Fields | null {
  const byTag = new Map<number, readonly number[]>();
  for (let at = TIME_WORDS; at < words.length;) {
    const [tag, high, low] = words.slice(at, at + 3);
    if (tag === undefined || high === undefined || low === undefined) return null;
    const start = at + 3;
    at = start + high * 32 + low;
    if (at > words.length) return null;
    const value = words.slice(start, at);
    if (!isKnown(tag, value.length)) continue;
    if (byTag.has(tag)) return null;
    byTag.set(tag, value);
  }
  return { byTag, createdSec: numberOf(words.slice(0, TIME_WORDS), 0) };
}

/** Whether a field is one that is read here, and of the length that it must have. */
function isKnown(tag: number, length: number): boolean {
  switch (tag) {
    case TAGS.paymentHash:
    case TAGS.secret:
    case TAGS.descriptionHash:
      return length === HASH_WORDS;
    case TAGS.payee:
      return length === KEY_WORDS;
    case TAGS.expiry:
      return length <= EXPIRY_WORDS_MAX;
    default:
      return tag === TAGS.description;
  }
}

/** The key that signed: the one that the invoice names, or else the one that the signature gives. Null where it is false. */
function signerOf(prefix: string, words: readonly number[], named: Buffer | null): string | null {
  const bytes = bytesOf(words.slice(-SIGNATURE_WORDS));
  const recovery = bytes?.[64];
  if (bytes === null || recovery === undefined || recovery > 3) return null;
  const message = Buffer.concat([Buffer.from(prefix, 'utf8'), paddedBytes(words.slice(0, -SIGNATURE_WORDS))]);
  const hash = createHash('sha256').update(message).digest();
  try {
    const signature = secp256k1.Signature.fromCompact(bytes.subarray(0, 64)).addRecoveryBit(recovery);
    const key = signature.recoverPublicKey(hash).toHex(true);
    return named === null || named.toString('hex') === key ? key : null;
  } catch {
    return null;
  }
}

/** Words as bytes; bits that fill no byte are left out. Null where there are none. */
function bytesOf(words: readonly number[] | undefined): Buffer | null {
  if (words === undefined) return null;
  const padded = paddedBytes(words);
  return padded.subarray(0, Math.floor((words.length * 5) / 8));
}

/** Words as bytes, the last one filled up with zeros, as they are signed. */
function paddedBytes(words: readonly number[]): Buffer {
  const bytes: number[] = [];
  let value = 0;
  let bits = 0;
  for (const word of words) {
    value = ((value << 5) | word) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  if (bits > 0) bytes.push((value << (8 - bits)) & 0xff);
  return Buffer.from(bytes);
}

function numberOf(words: readonly number[] | undefined, otherwise: number): number {
  return words === undefined ? otherwise : words.reduce((sum, word) => sum * 32 + word, 0);
}
