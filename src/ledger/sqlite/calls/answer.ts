import type { AnswerBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import type { SqlRow } from '../payments/paymentColumns.js';
import type { Answer, FreeAnswer } from '../../attempts/answer.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import type { Delivery } from '../../attempts/payment.js';
import { endLease } from '../payments/leaseRow.js';
import { existingPayment, noteDelivery } from '../payments/paymentRow.js';
import { makeRoomForFile, makeRoomForInline, unnamedFiles } from './answerRoom.js';
import { answerFromSql, FREE_PREFIX, putAnswer } from './answerRow.js';

/** Stored responses of sellers. */
export function answerBook(access: LedgerAccess): AnswerBook {
  return {
    saveAnswer: (answer, delivery) =>
      access.write('answered', (context) => saveAnswer(context, answer, delivery)),
    saveFreeAnswer: (answer) => access.write('answered', (context) => saveFreeAnswer(context, answer)),
    unnamedFiles: (storedIds) => access.read((context) => unnamedFiles(context, storedIds)),
    findAnswer: (agent, by) => access.read((context) => findAnswer(context, agent, by)),
  };
}

/**
 * Stores or replaces the answer to a payment, inside the caller's transaction, and makes room for it. The ids of files
 * that nothing names any more. Whoever was busy with the payment is done. `delivery` is what it brought of what was paid for.
 */
export function saveAnswer(context: LedgerContext, answer: Answer, delivery?: Delivery): string[] {
  const { paymentId, storedMs } = answer;
  endLease(context, paymentId);
  putAnswer(context, answer);
  if (delivery !== undefined) {
    const payment = existingPayment(context, context.journal.checkedHead(), paymentId);
    noteDelivery(context, payment, delivery, storedMs);
  }
  if (answer.storedId !== null) return makeRoomForFile(context, answer.storedId);
  makeRoomForInline(context, answer.paymentId);
  return [];
}

/** Stores a free answer, once however often it came, inside the caller's transaction. Answers as {@link saveAnswer}. */
export function saveFreeAnswer(context: LedgerContext, answer: FreeAnswer): string[] {
  const { agent, storedId } = answer;
  return saveAnswer(context, { ...answer, body: null, paymentId: `${FREE_PREFIX}${agent}_${storedId}` });
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
  return found === undefined ? null : answerFromSql(context, found as SqlRow);
}
