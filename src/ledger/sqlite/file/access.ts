import type { CommitPoint } from '../../commitPoint.js';
import type { JournalHead } from '../journal/journal.js';
import type { LedgerContext } from './context.js';
import type { Sqlite } from './database.js';

/** How the books of a ledger read one moment's view and write in one step. */
export interface LedgerAccess {
  /** Reads under a head that was proved. Rejects with `keystore_locked` without keys, as {@link write} does. */
  read<T>(operation: (context: LedgerContext, head: JournalHead) => T): Promise<T>;
  /** Reads without keys, and so unproved. */
  look<T>(operation: (db: Sqlite) => T): Promise<T>;
  /** What the operations share. Throws `keystore_locked` without keys. */
  context(): LedgerContext;
  write<T>(point: CommitPoint, operation: (context: LedgerContext) => T): Promise<T>;
}
