import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { MacFunction } from '../../ledgerStore.js';
import { hash, timingSafeEqual } from 'node:crypto';
import { changedBehind } from '../../fault.js';

/**
 * How many columns a table had in the first version, where it was given more since, as its last. A code covers those up
 * to the last that is set: rows of before keep the codes they have, and a value that is taken out or put in shows as any
 * other change does.
 */
const COLUMNS_AT_FIRST: Readonly<Record<string, number>> = { payments: 37 };

/** Whole rows that are remembered as checked, of a few KiB each at most: those that one payment and the next look at. */
const KNOWN_ROWS_MAX = 256;
/** A row that is larger is not worth the room. Bytes of its code, and of its texts. */
const KNOWN_ROW_CHARACTERS_MAX = 8192;

/** Checks and makes the codes of rows. Bound to one ledger, so that a row of another ledger never passes. */
export class RowAuthenticator {
  readonly #mac: MacFunction;
  readonly #ledgerId: string;
  /** Rows whose code was made or checked here, by table and first column: one that is the same byte for byte is right. */
  readonly #known = new Map<string, { readonly values: readonly SqlValue[]; readonly code: Buffer }>();

  constructor(mac: MacFunction, ledgerId: string) {
    this.#mac = mac;
    this.#ledgerId = ledgerId;
  }

  /** The code over a row's values, in the table's column order: over the first `first` of them at least. */
  codeOf(
    table: string,
    values: readonly SqlValue[],
    first = COLUMNS_AT_FIRST[table] ?? values.length,
  ): Uint8Array {
    const lastSet = values.findLastIndex((value) => value !== null);
    const covered = values.slice(0, Math.max(first, lastSet + 1));
    return this.#mac(`[${[this.#ledgerId, table, ...covered].map(encode).join()}]`);
  }

  /** A hash of a text by the same key; no row's code, for no table has this name. */
  keyedHash(text: string): Uint8Array {
    return this.codeOf('keyed hash', [text]);
  }

  /** Throws `ledger_damaged` unless the values carry this code (T22). */
  check(table: string, values: readonly SqlValue[], code: SqlValue | undefined, first?: number): void {
    if (!this.matches(table, values, code, first))
      throw changedBehind(`A row of the ledger (${table}) was changed by something other than Purser.`);
  }

  /** Whether the values carry this code. */
  matches(table: string, values: readonly SqlValue[], code: SqlValue | undefined, first?: number): boolean {
    if (!(code instanceof Uint8Array)) return false;
    const expected = this.codeOf(table, values, first);
    return code.length === expected.length && timingSafeEqual(code, expected);
  }

  /**
   * Throws `ledger_damaged` unless a whole row carries its own code. Takes the row as SQLite gave it: a value that
   * was decoded and encoded again would hide a change that decoding drops.
   */
  checkRow(table: string, row: SqlRow, first?: number): void {
    // By its name: columns that a table was given later come behind it in a ledger of before.
    const { mac: code, ...columns } = row;
    const values = Object.values(columns);
    if (this.#isKnown(table, values, code)) return;
    this.check(table, values, code, first);
    if (code instanceof Uint8Array) this.noteRow(table, values, code);
  }

  /** Remembers a row as it was just written with its code, or as it was checked. */
  noteRow(table: string, values: readonly SqlValue[], code: Uint8Array): void {
    const size = values.reduce((sum, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
    if (size > KNOWN_ROW_CHARACTERS_MAX || values.some((value) => value instanceof Uint8Array)) return;
    if (this.#known.size >= KNOWN_ROWS_MAX) this.#known.clear();
    this.#known.set(`${table} ${String(values[0])}`, { values, code: Buffer.from(code) });
  }

  #isKnown(table: string, values: readonly SqlValue[], code: SqlValue | undefined): boolean {
    const known = this.#known.get(`${table} ${String(values[0])}`);
    return (
      known !== undefined &&
      code instanceof Uint8Array &&
      known.code.equals(code) &&
      known.values.length === values.length &&
      values.every((value, i) => value === known.values[i])
    );
  }

  /** Whether a whole row, as SQLite gave it, carries its own code. */
  rowMatches(table: string, row: SqlRow): boolean {
    const { mac, ...columns } = row;
    return this.matches(table, Object.values(columns), mac);
  }
}

/** JSON, where an integer is a bare number of any size and bytes are an object: no two values look the same. */
function encode(value: SqlValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `{"b":"${Buffer.from(value).toString('base64')}"}`;
  return JSON.stringify(value);
}

/** The link of a journal entry: SHA-256 over the link before it and everything the entry says. */
export function journalHash(entry: {
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: string;
  readonly prevHash: string;
}): string {
  const { prevHash, seq, timeMs, kind, subject, data } = entry;
  return hash('sha256', JSON.stringify([prevHash, seq, timeMs, kind, subject, data]));
}
