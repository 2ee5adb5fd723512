import type { PostgresPlace } from './place.js';
import type { Head } from './head.js';
import type { Primary } from './primary.js';
import type { Session } from './session.js';
import { columnsOf, list, quoted, type Table } from './table.js';

/**
 * How long whoever reads may be busy with what was read, as with the indexes of a million payments. It holds no lock that
 * another server waits for.
 */
const IDLE_MS_MAX = 600_000;
/** Rows that are fetched in one go. */
const FETCH_ROWS = 2_000;

/** All of a ledger in the database, as of one moment. */
export interface Snapshot {
  readonly head: Head;
  /** The statements that make its tables in SQLite. */
  readonly schema: readonly string[];
  /** The rows of a table, in no order; one table at a time. */
  rowsOf(table: Table): AsyncIterable<Readonly<Record<string, unknown>>>;
}

/** Reads a ledger as of one moment, while others write. */
export async function withSnapshot<T>(
  session: Session,
  primary: Primary,
  place: PostgresPlace,
  operation: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await session.run(`SET LOCAL idle_in_transaction_session_timeout TO ${IDLE_MS_MAX}`);
    const head = await primary.readHead(session);
    const schema = await primary.readSchema(session);
    return await operation({ head, schema, rowsOf: (table) => rowsOf(session, place, table) });
  } finally {
    if (session.isOpen) await session.run('ROLLBACK');
  }
}

async function* rowsOf(
  session: Session,
  { schema }: PostgresPlace,
  table: Table,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const columns = list(columnsOf(table));
  await session.run(
    `DECLARE rows NO SCROLL CURSOR FOR SELECT ${columns} FROM ${quoted(schema)}.${quoted(table.name)}`,
  );
  for (;;) {
    const rows = await session.run<Record<string, unknown>>(`FETCH ${FETCH_ROWS} FROM rows`);
    yield* rows;
    if (rows.length < FETCH_ROWS) break;
  }
  await session.run('CLOSE rows');
}
