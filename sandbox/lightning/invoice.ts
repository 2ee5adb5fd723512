import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1';
import { bech32 } from '@scure/base';

/** What an invoice says. A field that is left out is not written; `tamper` changes the words after they were signed. */
export interface InvoiceTerms {
  /** `bcrt`, unless another chain is to be named. */
  readonly chain?: string;
  /** Null writes no amount. */
  readonly amountMsat: bigint | null;
  readonly paymentHash: string;
  readonly secret?: string;
  readonly description?: string;
  readonly createdSec: number;
  readonly expirySec?: number;
  /** Names this node as the payee, in place of whoever signs. */
  readonly payee?: string;
  readonly privateKey: string;
  readonly tamper?: (words: number[]) => number[];
}

const TAGS = { p: 1, s: 16, d: 13, x: 6, n: 19, features: 5 } as const;
/** `var_onion_optin` and `payment_secret`, both required, as every node writes them today: bits 8 and 14. */
const FEATURES = [16, 8, 0];
const TIME_WORDS = 7;

function numberWords(value: number, length: number): number[] {
  const words: number[] = [];
  for (let left = value; words.length < length; left = Math.floor(left / 32)) words.unshift(left % 32);
  return words;
}

function field(tag: number, words: readonly number[]): number[] {
  return [tag, Math.floor(words.length / 32), words.length % 32, ...words];
}

function hexWords(hex: string): number[] {
  return bech32.toWords(Buffer.from(hex, 'hex'));
}

/** Writes an amount in the largest part of a bitcoin that it is whole in (BOLT 11, "Human-Readable Part"). */
function amountText(msat: bigint): string {
  const pico = msat * 10n;
  for (const [letter, factor] of [
    ['m', 1_000_000_000n],
    ['u', 1_000_000n],
    ['n', 1_000n],
  ] as const)
    if (pico % factor === 0n) return `${pico / factor}${letter}`;
  return `${pico}p`;
}

/** Writes an invoice by BOLT 11, really signed by a node's key. */
export function writeInvoice(terms: InvoiceTerms): string {
  const { amountMsat, description = 'sandbox', expirySec, payee } = terms;
  const prefix = `ln${terms.chain ?? 'bcrt'}${amountMsat === null ? '' : amountText(amountMsat)}`;
  const words = [
    ...numberWords(terms.createdSec, TIME_WORDS),
    ...field(TAGS.p, hexWords(terms.paymentHash)),
    ...field(TAGS.s, hexWords(terms.secret ?? '11'.repeat(32))),
    ...field(TAGS.d, bech32.toWords(Buffer.from(description))),
    ...(expirySec === undefined ? [] : field(TAGS.x, numberWords(expirySec, 4))),
    ...(payee === undefined ? [] : field(TAGS.n, hexWords(payee))),
    ...field(TAGS.features, FEATURES),
  ];
  const bits = words.flatMap((word) => [16, 8, 4, 2, 1].map((bit) => ((word & bit) === 0 ? 0 : 1)));
  while (bits.length % 8 !== 0) bits.push(0);
  const bytes = Buffer.alloc(bits.length / 8);
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i % 8)));
  const hash = createHash('sha256').update(prefix, 'utf8').update(bytes).digest();
  const signature = secp256k1.sign(hash, terms.privateKey);
  const signed = Buffer.concat([signature.toCompactRawBytes(), Buffer.from([signature.recovery])]);
  const whole = [...(terms.tamper?.(words) ?? words), ...bech32.toWords(signed)];
  return bech32.encode(prefix, whole, false);
}

/** The key by which a node is known. */
export function nodeIdOf(privateKey: string): string {
  return Buffer.from(secp256k1.getPublicKey(privateKey, true)).toString('hex');
}
