import { WalletError } from '../../errors/walletError.js';
import type { SqlRow } from '../sqlite/payments/paymentColumns.js';
import { openDatabase, schemaVersionOf, statement, type Sqlite } from '../sqlite/file/database.js';
import { identify } from '../sqlite/books.js';
import { FIRST_LINK } from './change.js';
import { schemaOf } from './copy.js';
import type { PostgresPlace } from './place.js';
import { Primary, type Head } from './primary.js';
import type { Session } from './session.js';
import { columnsOf, list, quoted, tablesOf, wireRow, type Table } from './table.js';

/** Rows that travel in one go, and how many characters of them at most: those of answers are large. */
const ROWS_AT_ONCE = 1_000;
const CHARACTERS_AT_ONCE = 8 * 1024 * 1024;

/** Puts a ledger of a file into the database, row by row as they are, in one step. Throws `already_set_up`. */
export async function bringIn(
  place: PostgresPlace,
  session: Session,
  path: string,
  state: Head['state'] = 'live',
): Promise<void> {
  const db = openDatabase(path);
  try {
    await session.together([{ text: 'BEGIN' }, { text: 'SET LOCAL synchronous_commit TO on' }]);
    const primary = new Primary(place);
    const tables = tablesOf(db);
    await session.together(primary.creation(tables));
    for (const table of tables)
      for (const rows of rowsAtOnce(db, table)) await putRows(session, place, table, rows);
    await primary.begin(session, {
      ...{ ledgerId: identify(db, null).id, state, schemaVersion: schemaVersionOf(db) },
      ...{ position: 0, hash: FIRST_LINK, epoch: 1, timeline: session.timeline, schema: schemaOf(db) },
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

/** Renames what stands in a wallet's schema, where there is anything: nothing of it is deleted but what was aside before. */
export async function setAsideIn({ schema }: PostgresPlace, session: Session): Promise<void> {
  const [aside, here] = [quoted(`${schema}_replaced`), quoted(schema)];
  const [row] = await session.run<{ there: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [
    here,
  ]);
  if (row?.there !== true) return;
  await session.together([
    { text: 'BEGIN' },
    { text: `DROP SCHEMA IF EXISTS ${aside} CASCADE` },
    { text: `ALTER SCHEMA ${here} RENAME TO ${aside}` },
    { text: 'COMMIT' },
  ]);
}

function* rowsAtOnce(db: Sqlite, table: Table): Generator<string> {
  let [rows, characters]: [string[], number] = [[], 0];
  const select = statement(db, `SELECT * FROM ${quoted(table.name)}`);
  for (const row of select.iterate() as Iterable<SqlRow>) {
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
     SELECT ${list(names)} FROM jsonb_populate_recordset(NULL::${into}, $1::text::jsonb)`,
    [rows],
  );
}
