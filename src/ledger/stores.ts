import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { MovementBook } from './books/movement.js';
import type { NoticeBook } from './books/notice.js';
import type { Ledger } from './ledger.js';
import type { LedgerStore, MacFunction } from './ledgerStore.js';
import * as database from './postgres/look.js';
import { moveToFile, moveToPostgres, type Moved } from './postgres/move.js';
import { readPostgresUrl } from './postgres/place.js';
import { readPlaceFile } from './postgres/placeFile.js';
import { PostgresNotices } from './postgres/notices/postgresNotices.js';
import { PostgresStore } from './postgres/postgresStore.js';
import { openMovementFile } from './sqlite/movements/movementFile.js';
import { openNoticeFile } from './sqlite/notices/noticeFile.js';
import { SqliteLedger } from './sqlite/sqliteLedger.js';
import { SqliteStore } from './sqlite/sqliteStore.js';

/** What chains showed of the wallet's addresses stands beside the ledger: it is read again where it is lost. */
const MOVEMENTS_FILE = 'movements.db';

/**
 * What the owner was told, and what is on its way to them, stands beside the ledger too, in its database where it has one: no
 * limit goes by it.
 */
const NOTICES_FILE = 'notices.db';

/** A database that a ledger is moved to: its address, and a file with the password, where it asks for one. */
export interface DatabaseAddress {
  readonly url: string;
  readonly passwordFile: string | null;
}

/** The store of the wallet in this folder: the one place that chooses what stands behind the ledger's interfaces. */
export function ledgerStoreIn(home: string): LedgerStore {
  const place = readPlaceFile(home);
  return place === null ? new SqliteStore(home) : new PostgresStore(home, place);
}

/**
 * A ledger in memory whose keys are nobody's, and of which nothing is left once it is closed: a program that went through it
 * once is loaded and compiled.
 */
export function scratchLedger(nowMs: number): Ledger {
  const key = randomBytes(32);
  const mac = (data: string): Uint8Array => createHmac('sha256', key).update(data).digest();
  return SqliteLedger.scratch({ mac, nowMs, configVersion: 1 });
}

/** Has an open ledger compile what a {@link scratchLedger} was asked for, so that no call waits for it. */
export function prepareAs(ledger: Ledger, scratch: Ledger): void {
  SqliteLedger.prepareAs(ledger, scratch);
}

/**
 * Moves the ledger of this folder to a database, or with null back into a file of the folder. Throws `bad_input` for an
 * address that is none, and as the stores do.
 */
export function moveLedgerTo(home: string, to: DatabaseAddress | null, mac: MacFunction): Promise<Moved> {
  if (to === null) return moveToFile(home, mac);
  return moveToPostgres(home, readPostgresUrl(to.url, to.passwordFile), mac);
}

/** What the database of this folder's ledger says of itself, or null where the ledger is a file of the folder. */
export async function lookAtDatabase(home: string): Promise<database.DatabaseLook | null> {
  const place = readPlaceFile(home);
  return place === null ? null : database.lookAtDatabase(place);
}

/** Opens what chains showed of the wallet in this folder. Throws `home_unusable`, `disk_full`. */
export function openMovements(home: string): MovementBook {
  return openMovementFile(join(home, MOVEMENTS_FILE));
}

/** Opens what the owner of the wallet in this folder was told. Throws `home_unusable`, `disk_full`. */
export function openNotices(home: string, nowMs: number): NoticeBook {
  const place = readPlaceFile(home);
  if (place !== null) return new PostgresNotices(place, nowMs);
  return openNoticeFile(join(home, NOTICES_FILE), nowMs);
}
