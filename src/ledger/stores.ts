import type { LedgerStore } from './ledgerStore.js';
import { SqliteStore } from './sqlite/sqliteStore.js';

/** The store of the wallet in this folder: the one place that chooses what stands behind the ledger's interfaces. */
export function ledgerStoreIn(home: string): LedgerStore {
  return new SqliteStore(home);
}
