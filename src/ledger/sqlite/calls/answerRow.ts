import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { Answer } from '../../attempts/answer.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';

/** A free answer stands where payments have theirs, under an id that no payment has. */
export const FREE_PREFIX = 'free_';

/** Stores or replaces an answer, inside the caller's transaction. */
export function putAnswer(context: LedgerContext, answer: Answer): void {
  const values: SqlValue[] = [
    answer.paymentId,
    answer.agent,
    BigInt(answer.status),
    JSON.stringify(answer.headers),
    answer.body,
    answer.storedId,
    BigInt(answer.bytes),
    answer.truncated ? 1n : 0n,
    BigInt(answer.storedMs),
  ];
  statement(context.db, 'INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...values,
    context.auth.codeOf('answers', values),
  );
}

/** An answer from its row. Throws `ledger_damaged` where the row does not carry its code. */
export function answerFromSql({ auth }: LedgerContext, row: SqlRow): Answer {
  auth.checkRow('answers', row);
  const body = row['body'];
  return {
    paymentId: String(row['payment_id']),
    agent: String(row['agent']),
    status: Number(row['status']),
    headers: JSON.parse(String(row['headers'])) as [string, string][],
    body: body instanceof Uint8Array ? body : null,
    storedId: row['stored_id'] === null ? null : String(row['stored_id']),
    bytes: Number(row['bytes']),
    truncated: row['truncated'] === 1n,
    storedMs: Number(row['stored_ms']),
  };
}
