import { join } from 'node:path';
import Database from 'better-sqlite3';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import type { Engine } from '../../src/wallet/engine.js';

/** More rows than any test writes. */
const ROWS_MAX = 100_000;

/** Every payment of a ledger, oldest first. */
export async function paymentsIn({ ledger }: Pick<Engine, 'ledger'>): Promise<Payment[]> {
  return [...(await ledger.listPayments({}, ROWS_MAX, null)).payments].reverse();
}

/** Every payment and every withdrawal of a ledger, oldest first. */
export async function attemptsIn({ ledger }: Pick<Engine, 'ledger'>): Promise<AnyAttempt[]> {
  return [...(await ledger.listAttempts({}, ROWS_MAX, null)).attempts].reverse();
}

/** The payment or the withdrawal by id, or null. */
export async function findAttempt(ledger: Ledger, id: string): Promise<AnyAttempt | null> {
  return (await ledger.findPayment(id)) ?? (await ledger.withdrawals.find(id));
}

/** One line of the journal as the file has it. */
export interface JournalLine {
  readonly seq: number;
  readonly kind: string;
  readonly subject: string;
  readonly data: Record<string, string | null>;
}

/** The journal, read from the file itself: what was written, whatever any code says of it. */
export function journalOf(home: string): JournalLine[] {
  const db = new Database(join(home, DATABASE_FILE), { readonly: true });
  try {
    const rows = db.prepare('SELECT seq, kind, subject, data FROM journal ORDER BY seq').all();
    return (rows as (Omit<JournalLine, 'data'> & { data: string })[]).map((row) => ({
      ...row,
      data: JSON.parse(row.data) as JournalLine['data'],
    }));
  } finally {
    db.close();
  }
}

/** How many signatures the journal tells of. */
export function signaturesIn(home: string): number {
  return journalOf(home).filter(({ kind }) => kind === 'sign').length;
}
