import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { renameUnheldSync, syncFolder } from '../../platform/durableFile.js';
import type { MacFunction } from '../ledgerStore.js';
import { identify } from '../sqlite/books.js';
import { DATABASE_FILE_ENDS, openDatabase, type Sqlite } from '../sqlite/file/database.js';
import { SCHEMA_VERSION } from '../sqlite/file/schema.js';
import { SqliteLedger } from '../sqlite/sqliteLedger.js';
import { DATABASE_FILE } from '../sqlite/sqliteStore.js';
import { bringIn } from './arrival.js';
import { compareFiles } from './compare.js';
import { COPY_FILE, fillCopy, makeWhole } from './copy.js';
import { toStoreError } from './fault.js';
import type { PostgresPlace } from './place.js';
import { readPlaceFile, removePlaceFile, writePlaceFile } from './placeFile.js';
import { checkHead, type Head } from './head.js';
import { Primary } from './primary.js';
import { Session } from './session.js';
import { withSnapshot } from './snapshot.js';
import { quoted } from './table.js';

/** A ledger of years takes minutes to travel, and nobody writes meanwhile. */
const MOVE_MS_MAX = 3_600_000;
const PATIENT = { waitMaxMs: MOVE_MS_MAX, idleMaxMs: MOVE_MS_MAX };
/** What is left of a file whose ledger went to a database. */
const MOVED_SUFFIX = '.moved';

/** What came of a move. */
export interface Moved {
  /** Rows that were held against each other, one by one. */
  readonly rows: number;
  readonly payments: number;
  /** Where the file is that the ledger was moved out of, or null. */
  readonly keptAs: string | null;
}

/**
 * Moves the ledger of a folder into PostgreSQL, every row as it is. While it moves nobody writes; what arrived is read back,
 * held against the file row by row, and proved against its journal, before the folder follows it. A crash leaves the ledger
 * in the file or in the database, never in both: what has not arrived whole cannot be opened, and a second run goes on.
 *
 * Throws `ledger_missing`, `ledger_damaged`, `already_set_up`, `ledger_busy`, and as the stores do.
 */
export async function moveToPostgres(home: string, place: PostgresPlace, mac: MacFunction): Promise<Moved> {
  const path = join(home, DATABASE_FILE);
  const primary = new Primary(place);
  const session = await Session.open(place, PATIENT);
  try {
    const there = (await primary.exists(session)) ? await primary.readHead(session) : null;
    if (there !== null && there.state === 'live')
      throw new WalletError('already_set_up', 'The database holds a ledger here already.');
    if (existsSync(path)) return await moveFile(home, place, { session, there }, mac);
    // The file had gone when an earlier move was broken off: what arrived had been proved.
    if (there?.state !== 'arriving' || readPlaceFile(home) === null)
      throw new WalletError('ledger_missing', 'The wallet’s folder holds no ledger to move.');
    await finishArrival(primary, session);
    return { rows: 0, payments: 0, keptAs: path + MOVED_SUFFIX };
  } catch (error) {
    throw toStoreError(error);
  } finally {
    session.close();
  }
}

async function moveFile(
  home: string,
  place: PostgresPlace,
  { session, there }: { readonly session: Session; readonly there: Head | null },
  mac: MacFunction,
): Promise<Moved> {
  const path = join(home, DATABASE_FILE);
  const payments = await assertSound(path, mac);
  const source = openDatabase(path);
  const proof = join(home, `ledger-proof.${randomUUID()}.db`);
  try {
    // Who writes the file waits from here on, and finds it gone.
    source.exec('BEGIN IMMEDIATE');
    const primary = new Primary(place);
    // What a move left that was broken off, or a ledger that moved out: nothing that is not a ledger is touched, nor one of
    // another wallet's that is on its way.
    if (there?.state === 'arriving' && there.ledgerId !== identify(source, null).id)
      throw new WalletError('already_set_up', 'The ledger of another wallet is on its way to this place.');
    if (there !== null) await session.run(`DROP SCHEMA ${quoted(place.schema)} CASCADE`);
    await bringIn(place, session, path, { state: 'arriving', afterEpoch: there?.epoch ?? 0 });
    await withSnapshot(session, primary, place, (snapshot) => fillCopy(proof, snapshot));
    const rows = compare(source, proof);
    makeWhole(proof);
    await assertSound(proof, mac);
    await writePlaceFile(home, place);
    for (const end of DATABASE_FILE_ENDS)
      if (existsSync(path + end)) renameUnheldSync(path + end, path + MOVED_SUFFIX + end);
    syncFolder(home);
    await finishArrival(primary, session);
    return { rows, payments, keptAs: path + MOVED_SUFFIX };
  } finally {
    source.close();
    removeFiles(proof);
  }
}

async function finishArrival(primary: Primary, session: Session): Promise<void> {
  await session.run('BEGIN');
  await primary.setState(session, 'live');
}

/**
 * Moves the ledger of a folder out of PostgreSQL into a file, every row as it is. Other servers stop: their database says
 * that it went. Throws as {@link moveToPostgres} does.
 */
export async function moveToFile(home: string, mac: MacFunction): Promise<Moved> {
  const place = readPlaceFile(home);
  if (place === null)
    throw new WalletError('bad_input', 'The ledger is a file of the wallet’s folder already.');
  const path = join(home, DATABASE_FILE);
  const arriving = join(home, `ledger-arriving.${randomUUID()}.db`);
  const primary = new Primary(place);
  const [writer, reader] = [await Session.open(place, PATIENT), await Session.open(place, PATIENT)];
  try {
    const head = await primary.lock(writer);
    // A move that was broken off after its last step but one.
    const isOver = head.state === 'moved' && existsSync(path);
    if (!isOver) checkHead(head, SCHEMA_VERSION, null);
    const rows = await readBack(reader, primary, place, arriving);
    if (isOver) assertSame(path, arriving);
    const payments = await assertSound(isOver ? path : arriving, mac);
    if (!isOver) {
      removeFiles(path);
      linkSync(arriving, path);
      syncFolder(home);
      await primary.setState(writer, 'moved');
    }
    removePlaceFile(home);
    removeFiles(join(home, COPY_FILE));
    return { rows, payments, keptAs: null };
  } catch (error) {
    throw toStoreError(error);
  } finally {
    writer.close();
    reader.close();
    removeFiles(arriving);
  }
}

/** Reads the database twice, and holds what came against each other. Returns how many rows there are. */
async function readBack(
  reader: Session,
  primary: Primary,
  place: PostgresPlace,
  path: string,
): Promise<number> {
  const second = `${path}.again`;
  try {
    for (const file of [path, second])
      await withSnapshot(reader, primary, place, (snapshot) => fillCopy(file, snapshot));
    const db = openDatabase(path);
    try {
      return compare(db, second);
    } finally {
      db.close();
      makeWhole(path);
    }
  } finally {
    removeFiles(second);
  }
}

/** Throws `ledger_damaged` where a file is of another try, and another server moved the ledger out since. */
function assertSame(path: string, moved: string): void {
  const db = openDatabase(path);
  try {
    compare(db, moved);
  } finally {
    db.close();
  }
}

/** Throws `ledger_damaged` unless a file has the rows of another one, every one as it is. */
function compare(source: Sqlite, path: string): number {
  const db = openDatabase(path);
  try {
    const { rows, differing } = compareFiles(source, db);
    if (differing.length === 0) return rows;
    throw new WalletError(
      'ledger_damaged',
      `What arrived is not what was sent (${differing.join(', ')}); the ledger stays where it was.`,
    );
  } finally {
    db.close();
  }
}

/** Throws `ledger_damaged` unless a file holds in itself. Returns how many payments it has. */
async function assertSound(path: string, mac: MacFunction): Promise<number> {
  const ledger = SqliteLedger.open(path, { mac });
  try {
    const { findings, payments } = await ledger.audit();
    if (findings.length === 0) return payments;
  } finally {
    await ledger.close();
  }
  throw new WalletError('ledger_damaged', 'The ledger does not hold in itself; it stays where it was.', {
    owner: { say: 'See what differs before it is moved.', action: { kind: 'audit' } },
  });
}

function removeFiles(path: string): void {
  for (const end of DATABASE_FILE_ENDS) rmSync(path + end, { force: true });
}
