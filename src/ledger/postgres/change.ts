import { hash } from 'node:crypto';
import { assertInvariant } from '../../errors/walletError.js';
import type { RegisterSet } from '../sqlite/journal/register.js';
import type { SqlRow, SqlValue } from '../sqlite/payments/paymentColumns.js';
import { statement, type Sqlite } from '../sqlite/file/database.js';
import { entriesSet, REGISTER_ENTRIES, travelsAsEntries, type EntryWriter } from './registerEntries.js';
import { columnsOf, list, quoted, sqlValues, wireRow, type Table, type WireRow } from './table.js';

/** What one commit changed: rows as they stand after it, and the keys of those that are gone. By table. */
export interface Change {
  readonly put: Readonly<Record<string, readonly WireRow[]>>;
  readonly gone: Readonly<Record<string, readonly WireRow[]>>;
}

/** A change as the database lists it. */
export interface ListedChange {
  /** Its number: the first is 1, and none is left out. */
  readonly position: number;
  /** Links it to the one before: see {@link linkOf}. */
  readonly hash: string;
  /** The {@link Change} as JSON. */
  readonly change: string;
}

/** The link before the first change. */
export const FIRST_LINK = '0'.repeat(64);

/** No table of the ledger has more columns in its key. */
const KEY_COLUMNS_MAX = 3;

/** The link of a change: SHA-256 over the link before it and its text. */
export function linkOf(before: string, change: string): string {
  return hash('sha256', `${before}\n${change}`);
}

/**
 * Has a connection note the key of each row that it writes, within the transaction that writes it: what an operation
 * changed is then known without a word from the operation. Triggers of the connection alone: the schema stays as it is.
 */
export function watchChanges(db: Sqlite, tables: readonly Table[]): void {
  db.pragma('temp_store = MEMORY');
  // What a REPLACE removes is noted, too.
  db.pragma('recursive_triggers = ON');
  const keys = Array.from({ length: KEY_COLUMNS_MAX }, (_, i) => `k${i}`);
  db.exec(`CREATE TEMP TABLE changed (place INTEGER PRIMARY KEY, name TEXT NOT NULL, ${keys.join(', ')},
    UNIQUE (name, ${keys.join(', ')}))`);
  for (const { name, key } of tables) {
    const note = (row: 'NEW' | 'OLD'): string => {
      const values = keys.map((_, i) => (key[i] === undefined ? `''` : `${row}.${quoted(key[i])}`));
      return `INSERT OR IGNORE INTO changed (name, ${keys.join(', ')}) VALUES ('${name}', ${values.join(', ')});`;
    };
    const on = (event: string, body: string): unknown =>
      db.exec(
        `CREATE TEMP TRIGGER note_${event}_${name} AFTER ${event} ON main.${quoted(name)} BEGIN ${body} END`,
      );
    on('INSERT', note('NEW'));
    on('UPDATE', note('OLD') + note('NEW'));
    on('DELETE', note('OLD'));
  }
}

/**
 * What was changed in the transaction under way, and begins the notes anew; null where nothing was. Of the register it has
 * the keys that were set alone. `position` is the number that the change will have.
 */
export function takeChange(
  db: Sqlite,
  tables: readonly Table[],
  sets: readonly RegisterSet[],
  position: number,
): Change | null {
  const notes = statement(db, 'SELECT name, k0, k1, k2 FROM changed ORDER BY place').all() as SqlRow[];
  if (notes.length === 0) return null;
  const byName = new Map(tables.map((table) => [table.name, table]));
  const [put, gone]: [Record<string, WireRow[]>, Record<string, WireRow[]>] = [{}, {}];
  const bucketsSet = new Set(sets.map(({ bucket }) => BigInt(bucket)));
  for (const note of notes) {
    const table = byName.get(String(note['name']));
    if (table === undefined) continue;
    const key = table.key.map((_, i) => note[`k${i}`] as SqlValue);
    if (travelsAsEntries(table)) {
      assertInvariant(bucketsSet.has(key[0] as bigint), 'the register is written by its sets alone');
      continue;
    }
    const row = statement(db, `SELECT * FROM ${quoted(table.name)} WHERE ${where(table)}`).get(...key) as
      SqlRow | undefined;
    if (row !== undefined) (put[table.name] ??= []).push(wireRow(row));
    else {
      const entries = table.key.map((name, i): [string, SqlValue] => [name, key[i] ?? null]);
      (gone[table.name] ??= []).push(wireRow(Object.fromEntries(entries)));
    }
  }
  statement(db, 'DELETE FROM changed').run();
  const entries = entriesSet(sets, position);
  if (entries.put.length > 0) put[REGISTER_ENTRIES.name] = entries.put;
  if (entries.gone.length > 0) gone[REGISTER_ENTRIES.name] = entries.gone;
  return { put, gone };
}

/** Makes the same change to a copy, in the caller's transaction, which ends with a write of `register`. */
export function applyChange(
  db: Sqlite,
  tables: readonly Table[],
  register: EntryWriter,
  { put, gone }: Change,
): void {
  for (const table of tables) {
    for (const row of gone[table.name] ?? []) {
      const key = sqlValues({ ...table, columns: keyColumns(table) }, row);
      statement(db, `DELETE FROM ${quoted(table.name)} WHERE ${where(table)}`).run(...key);
    }
  }
  for (const table of tables) for (const row of put[table.name] ?? []) putRow(db, table, row);
  register.apply(put[REGISTER_ENTRIES.name] ?? [], gone[REGISTER_ENTRIES.name] ?? []);
}

/**
 * Writes one row as it is. A row that another one of the same change has already made room for may still stand in its
 * way, and gives way: it comes later in the same change.
 */
export function putRow(db: Sqlite, table: Table, row: Readonly<Record<string, unknown>>): void {
  statement(db, putSql(table)).run(...sqlValues(table, row));
}

/** By table: a copy is filled by millions of rows, and each would make the text anew. */
const putTexts = new WeakMap<Table, string>();

function putSql(table: Table): string {
  const known = putTexts.get(table);
  if (known !== undefined) return known;
  const names = columnsOf(table);
  // The journal has no row twice.
  const verb = table.name === 'journal' ? 'INSERT' : 'INSERT OR REPLACE';
  const marks = names.map(() => '?').join(', ');
  const text = `${verb} INTO ${quoted(table.name)} (${list(names)}) VALUES (${marks})`;
  putTexts.set(table, text);
  return text;
}

function where({ key }: Table): string {
  return key.map((name) => `${quoted(name)} = ?`).join(' AND ');
}

function keyColumns({ columns, key }: Table): Table['columns'] {
  return key.flatMap((name) => columns.filter((column) => column.name === name));
}
