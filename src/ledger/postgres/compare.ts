import type { SqlRow, SqlValue } from '../sqlite/payments/paymentColumns.js';
import type { Sqlite } from '../sqlite/file/database.js';
import { schemaOf } from './copy.js';
import { columnsOf, list, quoted, tablesOf, type Table } from './table.js';

/** The rows of two files that are not the same, as `table key`, and how many there are; the first few of each table. */
export interface Difference {
  readonly rows: number;
  readonly differing: readonly string[];
}

/** Names that are told of one table. */
const TOLD_MAX = 5;

/** Holds two files against each other, row by row and value by value, and how their tables are made. */
export function compareFiles(one: Sqlite, other: Sqlite): Difference {
  const differing: string[] = [];
  const [made, copied] = [one, other].map((db) => schemaOf(db).sort().join(';'));
  if (made !== copied) differing.push('schema');
  let rows = 0;
  for (const table of tablesOf(one)) {
    const found = compareTable(one, other, table);
    rows += found.rows;
    differing.push(...found.differing.slice(0, TOLD_MAX));
  }
  return { rows, differing };
}

function compareTable(one: Sqlite, other: Sqlite, table: Table): Difference {
  const sql = `SELECT ${list(columnsOf(table))} FROM ${quoted(table.name)} ORDER BY ${list(table.key)}`;
  const [left, right] = [one, other].map((db) => db.prepare(sql).iterate() as IterableIterator<SqlRow>);
  if (left === undefined || right === undefined) return { rows: 0, differing: [table.name] };
  const differing: string[] = [];
  let rows = 0;
  try {
    for (;;) {
      const [a, b] = [left.next(), right.next()];
      if (a.done === true && b.done === true) break;
      rows += 1;
      if (a.done !== true && b.done !== true && isSame(a.value, b.value)) continue;
      const row = a.done === true ? (b.value as SqlRow) : a.value;
      differing.push(`${table.name} ${table.key.map((name) => String(row[name])).join(' ')}`);
      // From here on the two are out of step: one is enough to refuse.
      break;
    }
  } finally {
    left.return?.();
    right.return?.();
  }
  return { rows, differing };
}

function isSame(one: SqlRow, other: SqlRow): boolean {
  return Object.keys(one).every((name) => isSameValue(one[name], other[name]));
}

function isSameValue(one: SqlValue | undefined, other: SqlValue | undefined): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other;
}
