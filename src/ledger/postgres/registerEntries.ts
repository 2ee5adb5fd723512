import { assertInvariant } from '../../errors/walletError.js';
import { statement, type Sqlite } from '../sqlite/file/database.js';
import { REGISTER_BUCKETS, wasWritten, type RegisterSet } from '../sqlite/journal/register.js';
import type { SqlRow } from '../sqlite/payments/paymentColumns.js';
import { sqlValues, wireRow, type Table, type WireRow } from './table.js';

/** The register in a file: a row a bucket, which is written anew at each change of one of its keys. */
const REGISTER = 'register';

/**
 * The register as it travels and as PostgreSQL has it: a row a key. In a fleet a bucket has hundreds of keys, of which one
 * payment changes a few. The rows of a bucket in the order of their places are its text, byte for byte.
 */
export const REGISTER_ENTRIES: Table = {
  name: 'register_entries',
  columns: [
    { name: 'bucket', type: 'INTEGER', required: true },
    { name: 'key', type: 'TEXT', required: true },
    { name: 'place', type: 'INTEGER', required: true },
    { name: 'value', type: 'TEXT', required: true },
  ],
  key: ['bucket', 'key'],
};

/** No change has more entries: the places of a later one stand behind it. */
const ENTRIES_MAX = 1n << 20n;

/** Whether rows of a table travel as entries. */
export function travelsAsEntries({ name }: Table): boolean {
  return name === REGISTER;
}

/** The tables of a ledger as PostgreSQL has them. */
export function sharedTables(tables: readonly Table[]): Table[] {
  return tables.map((table) => (travelsAsEntries(table) ? REGISTER_ENTRIES : table));
}

/** The entries of a row of the register, as they stand in it, for a ledger without any change yet. */
export function* entriesOf(row: SqlRow): Generator<SqlRow> {
  const entries = Object.entries(JSON.parse(String(row['entries'])) as Record<string, string>);
  for (const [i, [key, value]] of entries.entries())
    yield { bucket: row['bucket'] ?? null, key, place: BigInt(i), value };
}

/** What became of the keys that were set in one change, whose number is `position`: each once, in the order of its last set. */
export function entriesSet(
  sets: readonly RegisterSet[],
  position: number,
): { readonly put: WireRow[]; readonly gone: WireRow[] } {
  const last = new Map<string, RegisterSet>();
  for (const set of sets) {
    last.delete(set.key);
    last.set(set.key, set);
  }
  assertInvariant(BigInt(last.size) < ENTRIES_MAX, 'a change has places for its entries');
  const [put, gone]: [WireRow[], WireRow[]] = [[], []];
  let place = BigInt(position) * ENTRIES_MAX;
  for (const { bucket: number, key, value } of last.values()) {
    const bucket = BigInt(number);
    if (value === null) gone.push(wireRow({ bucket, key }));
    else put.push(wireRow({ bucket, key, place: place++, value }));
  }
  return { put, gone };
}

/** The buckets of a copy that changes write to: each is read once and written once, however many changes there are. */
export class EntryWriter {
  readonly #db: Sqlite;
  readonly #buckets = new Map<bigint, Map<string, string>>();

  constructor(db: Sqlite) {
    this.#db = db;
  }

  /** Takes the entries of one change, in its order. */
  apply(put: readonly WireRow[], gone: readonly WireRow[]): void {
    for (const { bucket, key } of gone.map(entryOf)) this.#bucket(bucket).delete(key);
    for (const { bucket, key, value } of put.map(entryOf)) {
      const entries = this.#bucket(bucket);
      // Behind all others, as the register itself sets it.
      entries.delete(key);
      entries.set(key, value);
    }
  }

  /** Writes what was taken, in the caller's transaction. */
  write(): void {
    for (const [bucket, entries] of this.#buckets) putBucket(this.#db, bucket, entries);
    this.#buckets.clear();
  }

  #bucket(bucket: bigint): Map<string, string> {
    let entries = this.#buckets.get(bucket);
    if (entries === undefined) {
      const row = statement(this.#db, `SELECT entries FROM ${REGISTER} WHERE bucket = ?`).get(bucket) as
        SqlRow | undefined;
      const text = row === undefined ? '{}' : String(row['entries']);
      this.#buckets.set(bucket, (entries = new Map(Object.entries(JSON.parse(text) as object))));
    }
    return entries;
  }
}

/** Fills the register of a new file, whose head is there, with the rows of a database. */
export async function fillRegister(
  db: Sqlite,
  rows: AsyncIterable<Readonly<Record<string, unknown>>>,
): Promise<void> {
  const buckets = new Map<bigint, [place: bigint, key: string, value: string][]>();
  for await (const row of rows) {
    const { bucket, key, place, value } = entryOf(row);
    const entries = buckets.get(bucket) ?? [];
    buckets.set(bucket, entries);
    entries.push([place, key, value]);
  }
  const head = statement(db, 'SELECT register FROM control').get() as SqlRow | undefined;
  for (let bucket = 0; bucket < REGISTER_BUCKETS; bucket++) {
    const entries = (buckets.get(BigInt(bucket)) ?? []).sort(([a], [b]) => (a < b ? -1 : 1));
    // One that every key was dropped from has no rows, and is none that was never written.
    if (entries.length === 0 && !wasWritten(head?.['register'], bucket)) continue;
    putBucket(db, BigInt(bucket), new Map(entries.map(([, key, value]) => [key, value])));
  }
}

function putBucket(db: Sqlite, bucket: bigint, entries: ReadonlyMap<string, string>): void {
  const text = JSON.stringify(Object.fromEntries(entries));
  statement(db, `INSERT OR REPLACE INTO ${REGISTER} VALUES (?, ?)`).run(bucket, text);
}

/** An entry that travelled, or that PostgreSQL gave; where it is gone, without a value. */
function entryOf(row: Readonly<Record<string, unknown>>): {
  readonly bucket: bigint;
  readonly key: string;
  readonly place: bigint;
  readonly value: string;
} {
  const [bucket, key, place, value] = sqlValues(REGISTER_ENTRIES, row);
  return { bucket: bucket as bigint, key: key as string, place: place as bigint, value: value as string };
}
