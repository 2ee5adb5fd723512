import type { AdminAct } from '../../books/adminAct.js';
import type { AdminBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { statement } from '../file/database.js';
import type { SqlRow } from '../payments/paymentColumns.js';
import { entryOf } from './entry.js';
import { ledgerTimeMs } from './journal.js';

/** The subject of all such entries: no payment, session or agent has this id. */
const SUBJECT = 'admin';

/** What clients of the admin API asked for: entries of the journal, and no rows beside it. */
export function adminBook(access: LedgerAccess): AdminBook {
  return {
    note: ({ client, role, act, subject }, nowMs) =>
      access.write('owner', ({ journal }) => {
        const head = journal.checkedHead();
        const data: AdminAct = { client, role, act, subject };
        journal.append(head, { kind: 'admin', subject: SUBJECT, data, timeMs: ledgerTimeMs(head, nowMs) });
      }),
    list: (limit) =>
      access.look((db) => {
        const rows = statement(
          db,
          `SELECT * FROM journal WHERE subject = ? AND kind = 'admin' ORDER BY seq DESC LIMIT ?`,
        ).all(SUBJECT, limit) as SqlRow[];
        return rows.map((row) => {
          const { data, timeMs } = entryOf(row);
          return { ...(JSON.parse(data) as AdminAct), atMs: timeMs };
        });
      }),
  };
}
