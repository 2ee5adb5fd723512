import type { LeaseBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { LEASE_MS, type Lease } from '../../attempts/lease.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import type { SqlRow } from './paymentColumns.js';

/** Who is busy with a payment. */
export function leaseBook(access: LedgerAccess): LeaseBook {
  return {
    findLease: (paymentId) => access.read((context) => findLease(context, paymentId)),
    isHeldHere: ({ holder }) => holder === access.context().holder,
    takeLease: (paymentId, seen, nowMs) =>
      access.write('look', (context) => takeLease(context, paymentId, seen, nowMs)),
    renewLease: (paymentId, nowMs) =>
      access.write('look', (context) => renewLease(context, paymentId, nowMs)),
    async endLease(paymentId) {
      const isOurs = (context: LedgerContext): boolean =>
        findLease(context, paymentId)?.holder === context.holder;
      // A call that went well has ended it already: then nothing is written.
      if (await access.read(isOurs))
        await access.write('look', (context) => isOurs(context) && endLease(context, paymentId));
    },
  };
}

/** The lease on a payment, or null where nobody has one. Throws `ledger_damaged`. */
export function findLease({ db, auth }: LedgerContext, paymentId: string): Lease | null {
  const row = statement(db, 'SELECT * FROM leases WHERE payment_id = ?').get(paymentId) as SqlRow | undefined;
  if (row === undefined) return null;
  auth.checkRow('leases', row);
  return { holder: String(row['holder']), untilMs: Number(row['until_ms']) };
}

/** Gives this process the lease, from now. The caller has looked whose it is, in the same transaction. */
export function putLease({ db, auth, holder }: LedgerContext, paymentId: string, nowMs: number): void {
  const values = [paymentId, holder, BigInt(nowMs + LEASE_MS)];
  statement(db, 'INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)').run(
    ...values,
    auth.codeOf('leases', values),
  );
}

/** Whether another process has the lease, whatever time it is: what it was not taken from, it alone signs and sends. */
export function isLeasedElsewhere(context: LedgerContext, paymentId: string): boolean {
  const lease = findLease(context, paymentId);
  return lease !== null && lease.holder !== context.holder;
}

/** Takes a lease that stands exactly as it was seen; false where it was renewed, taken or ended meanwhile. */
export function takeLease(
  context: LedgerContext,
  paymentId: string,
  seen: Lease | null,
  nowMs: number,
): boolean {
  const lease = findLease(context, paymentId);
  if (lease?.holder !== seen?.holder || lease?.untilMs !== seen?.untilMs) return false;
  putLease(context, paymentId, nowMs);
  return true;
}

/** Renews the lease of this process; false where it has none any more. */
export function renewLease(context: LedgerContext, paymentId: string, nowMs: number): boolean {
  if (findLease(context, paymentId)?.holder !== context.holder) return false;
  putLease(context, paymentId, nowMs);
  return true;
}

/** Ends the lease on a payment, whosever it is. */
export function endLease({ db }: Pick<LedgerContext, 'db'>, paymentId: string): void {
  statement(db, 'DELETE FROM leases WHERE payment_id = ?').run(paymentId);
}
