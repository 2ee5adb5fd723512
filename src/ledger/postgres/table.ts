import type { SqlRow, SqlValue } from '../sqlite/payments/paymentColumns.js';
import { assertInvariant } from '../../errors/walletError.js';
import { COPY_TABLE, type Sqlite } from '../sqlite/file/database.js';

/** One table of the ledger, as SQLite has it and PostgreSQL is given it. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The names of the columns that are its key. */
  readonly key: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly type: 'INTEGER' | 'TEXT' | 'BLOB';
  readonly required: boolean;
}

/** A row as it travels and as it is kept in the list of changes: integers and bytes are text. */
export type WireRow = Readonly<Record<string, string | null>>;

const TYPES = { INTEGER: 'bigint', TEXT: 'text COLLATE "C"', BLOB: 'bytea' } as const;
/** Before a text that PostgreSQL could not keep as it is: behind it stands the text as JSON. A private-use character. */
const ESCAPED = '\u{F8FF}';

/** The tables of an open ledger, in the order of their names. */
export function tablesOf(db: Sqlite): Table[] {
  const names = db
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> ? ORDER BY name`)
    .pluck()
    .all(COPY_TABLE) as string[];
  return names.map((name) => {
    const rows = db
      .prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info(?)`)
      .all(name) as SqlRow[];
    const columns = rows.map((row): Column => {
      const type = String(row['type']);
      assertInvariant(type in TYPES, 'a column of the ledger has one of three types');
      return { name: String(row['name']), type: type as Column['type'], required: row['notnull'] === 1n };
    });
    const key = rows
      .filter((row) => row['pk'] !== 0n)
      .sort((a, b) => Number(a['pk']) - Number(b['pk']))
      .map((row) => String(row['name']));
    assertInvariant(key.length > 0, 'a table of the ledger has a key');
    return { name, columns, key };
  });
}

/** A name as both databases take it. */
export function quoted(name: string): string {
  assertInvariant(/^[a-z_][a-z0-9_]*$/.test(name), 'a name of the ledger is plain');
  return `"${name}"`;
}

/** The statement that makes a table in PostgreSQL. */
export function createSql(schema: string, { name, columns, key }: Table): string {
  const lines = columns.map((column) => {
    const required = column.required || key.includes(column.name) ? ' NOT NULL' : '';
    return `${quoted(column.name)} ${TYPES[column.type]}${required}`;
  });
  return `CREATE TABLE ${quoted(schema)}.${quoted(name)} (${lines.join(', ')}, PRIMARY KEY (${list(key)}))`;
}

/** Columns by name, as a list in SQL. */
export function list(names: readonly string[], prefix = ''): string {
  return names.map((name) => prefix + quoted(name)).join(', ');
}

/** The names of a table's columns, in order. */
export function columnsOf({ columns }: Table): string[] {
  return columns.map(({ name }) => name);
}

/** A row of SQLite as it travels. */
export function wireRow(row: SqlRow): WireRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, wireValue(value)]));
}

/** The values of a row that travelled, or that PostgreSQL gave, in the order of the table's columns. */
export function sqlValues({ columns }: Table, row: Readonly<Record<string, unknown>>): SqlValue[] {
  return columns.map(({ name, type }) => {
    const value = row[name] ?? null;
    if (value === null || typeof value === 'bigint' || value instanceof Uint8Array) return value;
    assertInvariant(typeof value === 'string', 'a value of the ledger is text, an integer, bytes or nothing');
    if (type === 'INTEGER') return BigInt(value);
    if (type === 'BLOB') return Buffer.from(value.slice(2), 'hex');
    return value.startsWith(ESCAPED) ? (JSON.parse(value.slice(1)) as string) : value;
  });
}

function wireValue(value: SqlValue): string | null {
  if (value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  // PostgreSQL keeps no NUL in a text.
  return value.includes('\0') || value.startsWith(ESCAPED) ? ESCAPED + JSON.stringify(value) : value;
}
