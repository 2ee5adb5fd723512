import type { Ledger } from '../../src/ledger/ledger.js';
import type { LedgerOptions } from '../../src/ledger/ledgerStore.js';
import type { PostgresPlace } from '../../src/ledger/postgres/place.js';
import { PostgresStore } from '../../src/ledger/postgres/postgresStore.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';

/** Where a child finds the ledger: a file of SQLite, or a schema in PostgreSQL and the folder of a server. */
export type LedgerPlace = string | { readonly home: string; readonly place: PostgresPlace };

/** Opens the ledger at a place. */
export async function openAt(place: LedgerPlace, options: LedgerOptions): Promise<Ledger> {
  if (typeof place === 'string') return SqliteLedger.open(place, options);
  return new PostgresStore(place.home, place.place).open(options);
}
