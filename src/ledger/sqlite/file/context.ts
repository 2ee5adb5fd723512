import type { RowAuthenticator } from '../journal/authenticity.js';
import type { Sqlite } from './database.js';
import type { Journal } from '../journal/journal.js';
import type { Register } from '../journal/register.js';
import type { Totals } from '../payments/totals.js';

/** What the operations of an unlocked ledger share. Internal to the folder. */
export interface LedgerContext {
  readonly db: Sqlite;
  readonly auth: RowAuthenticator;
  readonly journal: Journal;
  readonly register: Register;
  readonly totals: Totals;
  /** Whose the leases are that this ledger takes. */
  readonly holder: string;
  /** Whether the wallet is stopped by what stands outside the ledger: see {@link LedgerOptions}. */
  readonly isStopped: () => boolean;
}
