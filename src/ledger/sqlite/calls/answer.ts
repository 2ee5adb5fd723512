import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { Answer, FreeAnswer } from '../../answer.js';
import { hash } from 'node:crypto';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';

function valuesOf(answer: Answer): SqlValue[] {
  return [
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
}

/** Stores or replaces the answer to a payment, inside the caller's transaction. */
export function saveAnswer(context: LedgerContext, answer: Answer): void {
  const values = valuesOf(answer);
  statement(context.db, 'INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...values,
    context.auth.codeOf('answers', values),
  );
}

/** An agent's free answers found again; the files of older ones are mostly cleared by then. */
const FREE_MAX = 500;

/** The ids of an agent's free answers, where payments have theirs: the range of the table that holds them and no other's. */
function freeRange(agent: string): { readonly prefix: string; readonly end: string } {
  return { prefix: `free_${agent}_`, end: `free_${agent}\`` };
}

/**
 * Stores a free answer, once however often it came, and drops the oldest of its agent's, inside the caller's
 * transaction. One agent's answers make no other's go.
 */
export function saveFreeAnswer(context: LedgerContext, answer: FreeAnswer): void {
  const { prefix, end } = freeRange(answer.agent);
  saveAnswer(context, { ...answer, body: null, paymentId: `${prefix}${hash('sha256', answer.storedId)}` });
  statement(
    context.db,
    `DELETE FROM answers WHERE payment_id IN (
       SELECT payment_id FROM answers WHERE payment_id >= ? AND payment_id < ?
       ORDER BY stored_ms DESC, payment_id LIMIT -1 OFFSET ${FREE_MAX})`,
  ).run(prefix, end);
}

/** The agent's own stored answer, or null; another agent's is unknown to this one. */
export function findAnswer(
  context: LedgerContext,
  agent: string,
  by: { paymentId: string } | { storedId: string },
): Answer | null {
  const [condition, value] = 'paymentId' in by ? ['payment_id', by.paymentId] : ['stored_id', by.storedId];
  const found = statement(
    context.db,
    `SELECT * FROM answers WHERE ${condition} = ? AND agent = ? LIMIT 1`,
  ).get(value, agent);
  if (found === undefined) return null;
  const row = found as SqlRow;
  context.auth.checkRow('answers', row);
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
