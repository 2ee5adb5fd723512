import type { SqlRow } from '../payments/paymentColumns.js';
import { hash } from 'node:crypto';
import { statement, type Sqlite } from '../file/database.js';
import { changedBehind } from '../../fault.js';

/** With five thousand keys a bucket holds eighty: small enough to write anew at each change. */
export const REGISTER_BUCKETS = 128;
/** The buckets of all that is no open payment: see {@link bucketOf}. */
const TOTAL_BUCKETS = REGISTER_BUCKETS / 2;
/** SHA-256 cut to 128 bits: what would have to be found is a second text for a digest that the head vouches for. */
const DIGEST_BYTES = 16;

/** The digests of all buckets, as the head carries them. */
export type RegisterDigests = Uint8Array;

/** The digests of an empty register. */
export const EMPTY_REGISTER: RegisterDigests = new Uint8Array(REGISTER_BUCKETS * DIGEST_BYTES);

/** The entries of a bucket in the order of their text: under its key, each value with its piece of that text. */
type Entries = Map<string, { readonly value: string; readonly piece: string }>;

/** One key that was set or, with null, dropped. */
export interface RegisterSet {
  readonly bucket: number;
  readonly key: string;
  readonly value: string | null;
}

/**
 * A small map that the journal's head vouches for as a whole: running totals, payments still open, current
 * sessions. A row's own code says that Purser wrote it; only the register says that it is the newest and that
 * none is missing, so nobody frees a cap by deleting rows or by putting older ones back (T22, T29).
 */
export class Register {
  readonly #db: Sqlite;
  /**
   * Buckets as last read or written, each good for as long as the head carries its digest. What is set changes them in
   * place: in a fleet a bucket has hundreds of keys. Where that is undone the digest is another one, and it is read anew.
   */
  readonly #known = new Map<number, { readonly digest: Buffer; readonly entries: Entries }>();

  /** What was set in the write under way, oldest first; null where nobody wants to know. */
  #sets: RegisterSet[] | null = null;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  /** Has the register note from here on what is set, for those who write it elsewhere too. */
  noteSets(): void {
    this.#sets = [];
  }

  /** What was set since {@link noteSets}, or since it was taken {@link backTo} a length of this. */
  get sets(): readonly RegisterSet[] {
    return this.#sets ?? [];
  }

  /** Forgets what was set behind a length of {@link sets}: its transaction was undone. */
  backTo(length: number): void {
    this.#sets?.splice(length);
  }

  /** The value under a key, or null where the register has none. Throws `ledger_damaged`. */
  get(digests: RegisterDigests, key: string): string | null {
    return this.#entries(digests, bucketOf(key)).get(key)?.value ?? null;
  }

  /** Sets or, with null, drops a key in the caller's transaction. Returns the digests for the next head. */
  set(digests: RegisterDigests, key: string, value: string | null): RegisterDigests {
    const bucket = bucketOf(key);
    const entries = this.#entries(digests, bucket);
    // Until its new digest is known it is no bucket of any head.
    this.#known.delete(bucket);
    // What is set stands behind all others.
    entries.delete(key);
    if (value !== null) entries.set(key, { value, piece: pieceOf(key, value) });
    const text = textOf(entries);
    statement(this.#db, 'INSERT OR REPLACE INTO register VALUES (?, ?)').run(bucket, text);
    this.#sets?.push({ bucket, key, value });
    const digest = digestOf(text);
    this.#known.set(bucket, { digest, entries });
    // Not `slice`, which of a Buffer gives the same bytes: the head before this one is still in use.
    const next = Uint8Array.from(digests);
    next.set(digest, bucket * DIGEST_BYTES);
    return next;
  }

  /** Every entry, as it stands in the file. Throws `ledger_damaged` where a bucket is not what its digest says. */
  *all(digests: RegisterDigests): Generator<[key: string, value: string]> {
    for (let bucket = 0; bucket < REGISTER_BUCKETS; bucket++)
      for (const [key, { value }] of this.#read(bucket, digestIn(digests, bucket))) yield [key, value];
  }

  /**
   * The entries whose key begins so, by what is known of buckets that did not change since they were read. Nothing may be
   * set while they are gone through. Throws as {@link all} does.
   */
  *beginningWith(digests: RegisterDigests, prefix: string): Generator<[key: string, value: string]> {
    const [first, end] = isLive(prefix) ? [TOTAL_BUCKETS, REGISTER_BUCKETS] : [0, TOTAL_BUCKETS];
    for (let bucket = first; bucket < end; bucket++)
      for (const [key, { value }] of this.#entries(digests, bucket))
        if (key.startsWith(prefix)) yield [key, value];
  }

  #entries(digests: RegisterDigests, bucket: number): Entries {
    const digest = digestIn(digests, bucket);
    const known = this.#known.get(bucket);
    if (known?.digest.equals(digest) === true) return known.entries;
    const entries = this.#read(bucket, digest);
    this.#known.set(bucket, { digest, entries });
    return entries;
  }

  #read(bucket: number, digest: Buffer): Entries {
    const row = statement(this.#db, 'SELECT entries FROM register WHERE bucket = ?').get(bucket) as
      SqlRow | undefined;
    const text = row === undefined ? '' : String(row['entries']);
    if (!digestOf(text).equals(digest))
      throw changedBehind('The running totals are not those that the journal’s head vouches for.');
    const entries = text === '' ? [] : Object.entries(JSON.parse(text) as Record<string, string>);
    return new Map(entries.map(([key, value]) => [key, { value, piece: pieceOf(key, value) }]));
  }
}

/** The text of a bucket: JSON, as `JSON.stringify` writes an object of these entries. */
function textOf(entries: Entries): string {
  return `{${Array.from(entries.values(), ({ piece }) => piece).join()}}`;
}

function pieceOf(key: string, value: string): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/**
 * Half of the buckets are for open payments: of those a burst can make thousands for a few minutes, and the totals,
 * which every payment writes, must not grow with them.
 */
function bucketOf(key: string): number {
  const live = isLive(key);
  const known = live ? undefined : placesKnown.get(key);
  const place = known ?? hash('sha256', key, 'buffer').readUInt8(0) % TOTAL_BUCKETS;
  // A live one's key is of its request alone and seldom comes again; a total's comes with each payment.
  if (!live && known === undefined) {
    if (placesKnown.size >= PLACES_MAX) placesKnown.clear();
    placesKnown.set(key, place);
  }
  return live ? TOTAL_BUCKETS + place : place;
}

/** Whether keys that begin so are those of open payments: no other kind begins with this word. */
function isLive(key: string): boolean {
  return key.startsWith('live ');
}

/** Keys whose bucket is remembered: a few dozen scopes, some hundred bytes each. */
const PLACES_MAX = 2_000;
const placesKnown = new Map<string, number>();

/** Whether a bucket was ever written, by the digests that a head carries. */
export function wasWritten(digests: unknown, bucket: number): boolean {
  return digests instanceof Uint8Array && digestIn(digests, bucket).some((byte) => byte !== 0);
}

/** Zeros stand for a bucket that was never written. */
function digestOf(text: string): Buffer {
  return text === '' ? Buffer.alloc(DIGEST_BYTES) : hash('sha256', text, 'buffer').subarray(0, DIGEST_BYTES);
}

function digestIn(digests: RegisterDigests, bucket: number): Buffer {
  return Buffer.from(digests.slice(bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES));
}
