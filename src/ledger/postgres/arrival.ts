import { randomUUID } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import type { SqlRow } from '../sqlite/payments/paymentColumns.js';
import { openDatabase, schemaVersionOf, statement, type Sqlite } from '../sqlite/file/database.js';
import { identify } from '../sqlite/books.js';
import { FIRST_LINK } from './change.js';
import { schemaOf } from './copy.js';
import type { PostgresPlace } from './place.js';
import { assertLive, type Head } from './head.js';
import { Primary } from './primary.js';
import { entriesOf, sharedTables, travelsAsEntries } from './registerEntries.js';
import type { Session } from './session.js';
import { columnsOf, createSql, list, quoted, tablesOf, wireRow, type Table } from './table.js';

/** Rows that travel in one go, and how many characters of them at most: those of answers are large. */
const ROWS_AT_ONCE = 1_000;
const CHARACTERS_AT_ONCE = 8 * 1024 * 1024;

/** How a ledger arrives. */
export interface Arrival {
  readonly state?: Head['state'];
  /** Whether a ledger that is there is set aside in the same step. */
  readonly replaces?: boolean;
  /** The epoch of what stood here last: the arrival's is a later one. */
  readonly afterEpoch?: number;
}

/** Puts a ledger of a file into the database, row by row as they are, in one step. Throws `already_set_up`. */
export async function bringIn(
  place: PostgresPlace,
  session: Session,
  path: string,
  { state = 'live', replaces = false, afterEpoch = 0 }: Arrival = {},
): Promise<void> {
  const db = openDatabase(path);
  try {
    await session.together([{ text: 'BEGIN' }, { text: 'SET LOCAL synchronous_commit TO on' }]);
    const primary = new Primary(place);
    const tables = tablesOf(db);
    if (replaces) await renameThere(place, session);
    const kept = new Primary(asideOf(place));
    const before = (await kept.exists(session)) ? (await kept.readHead(session)).epoch : 0;
    await session.together(primary.creation(tables));
    await putTables(db, session, place, tables);
    await primary.begin(session, {
      ...{
        ledgerId: identify(db, null).id,
        arrival: randomUUID(),
        state,
        schemaVersion: schemaVersionOf(db),
        position: 0,
        hash: FIRST_LINK,
      },
      ...{ epoch: Math.max(before, afterEpoch) + 1, timeline: session.timeline, schema: schemaOf(db) },
    });
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined);
    // `duplicate_schema`, or another server made it at the same moment.
    if (['42P06', '23505'].includes(String((error as { code?: unknown }).code)))
      throw new WalletError('already_set_up', 'The database holds a ledger here already.', { cause: error });
    throw error;
  } finally {
    db.close();
  }
}

/** Puts the rows of a file, which is of a later schema, in the place of those in the database, and commits the step. */
export async function renew(place: PostgresPlace, session: Session, head: Head, path: string): Promise<void> {
  const db = openDatabase(path);
  try {
    const primary = new Primary(place);
    const tables = tablesOf(db);
    const names = await session.run<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename NOT LIKE 'purser\\_%'`,
      [place.schema],
    );
    const schema = quoted(place.schema);
    await session.together([
      ...names.map(({ name }) => ({ text: `DROP TABLE ${schema}.${quoted(name)}` })),
      ...sharedTables(tables).map((table) => ({ text: createSql(place.schema, table) })),
    ]);
    await putTables(db, session, place, tables);
    await primary.renewHead(session, head, schemaOf(db), schemaVersionOf(db));
  } finally {
    db.close();
  }
}

/**
 * Renames the ledger in a wallet's schema, where there is one: nothing of it is deleted but a ledger that was aside before.
 * What is no ledger is not touched. Throws `ledger_missing` where the ledger went elsewhere or has not arrived whole, and
 * `already_set_up` where the name to keep it by is taken.
 */
export async function setAsideIn(place: PostgresPlace, session: Session): Promise<void> {
  await session.together([{ text: 'BEGIN' }, { text: 'SET LOCAL synchronous_commit TO on' }]);
  await renameThere(place, session);
  await session.run('COMMIT');
}

/** In the caller's transaction. Whoever waits to write the ledger finds that it moved. */
async function renameThere(place: PostgresPlace, session: Session): Promise<void> {
  const primary = new Primary(place);
  if (!(await primary.exists(session))) return;
  assertLive(await primary.take(session));
  const aside = asideOf(place);
  const wasAside = await new Primary(aside).exists(session);
  const [taken] = await session.run<{ there: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [
    quoted(aside.schema),
  ]);
  if (!wasAside && taken?.there === true)
    throw new WalletError(
      'already_set_up',
      `The database has a schema ${aside.schema} that holds no ledger; rename it first.`,
    );
  await session.together([
    primary.stateStatement('moved'),
    ...(wasAside ? [{ text: `DROP SCHEMA ${quoted(aside.schema)} CASCADE` }] : []),
    { text: `ALTER SCHEMA ${quoted(place.schema)} RENAME TO ${quoted(aside.schema)}` },
  ]);
}

/** Where a ledger that was replaced is kept. */
export function asideOf(place: PostgresPlace): PostgresPlace {
  return { ...place, schema: `${place.schema}_replaced` };
}

async function putTables(
  db: Sqlite,
  session: Session,
  place: PostgresPlace,
  tables: readonly Table[],
): Promise<void> {
  for (const table of tables) {
    const [into = table] = sharedTables([table]);
    for (const rows of rowsAtOnce(db, table)) await putRows(session, place, into, rows);
  }
}

function* travellingRows(db: Sqlite, table: Table): Generator<SqlRow> {
  const select = statement(db, `SELECT * FROM ${quoted(table.name)}`);
  for (const row of select.iterate() as Iterable<SqlRow>)
    if (travelsAsEntries(table)) yield* entriesOf(row);
    else yield row;
}

function* rowsAtOnce(db: Sqlite, table: Table): Generator<string> {
  let [rows, characters]: [string[], number] = [[], 0];
  for (const row of travellingRows(db, table)) {
    const text = JSON.stringify(wireRow(row));
    rows.push(text);
    characters += text.length;
    if (rows.length < ROWS_AT_ONCE && characters < CHARACTERS_AT_ONCE) continue;
    yield `[${rows.join()}]`;
    [rows, characters] = [[], 0];
  }
  if (rows.length > 0) yield `[${rows.join()}]`;
}

async function putRows(session: Session, place: PostgresPlace, table: Table, rows: string): Promise<void> {
  const into = `${quoted(place.schema)}.${quoted(table.name)}`;
  const names = columnsOf(table);
  await session.run(
    `INSERT INTO ${into} (${list(names)})
     SELECT ${list(names)} FROM json_populate_recordset(NULL::${into}, $1::text::json)`,
    [rows],
  );
}
