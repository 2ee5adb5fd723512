import type { AttemptReader, PaymentReader } from '../../ledger.js';
import type { Payment } from '../../attempts/payment.js';
import type { AnyAttempt } from '../../attempts/withdrawal.js';
import type { LedgerAccess } from '../file/access.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs } from '../journal/journal.js';
import { heldAtomic } from '../views/report.js';
import { findByKey } from './hold.js';
import { LIVE, WAYS_OF_COMMITMENTS } from './reserve.js';
import { usageOf } from './usage.js';
import { attemptOf, type AttemptRow, type SqlRow } from './paymentColumns.js';
import {
  asideOf,
  currentPayment,
  existingPayment,
  findLive,
  paymentOf,
  selectPayment,
} from './paymentRow.js';
import type { Waiting } from './waiting.js';

/** As {@link capturedWallMs}; from no earlier than the opening, whatever the clock said meanwhile. */
const CAPTURED_WALL = `max(coalesce(captured_wall_ms, captured_ms), coalesce(opened_wall_ms, 0))`;

/** More promises are never listed at once. */
const COMMITMENTS_MAX = 1_000;

/** Payments as they stand. */
export function paymentReader(access: LedgerAccess, waiting: Waiting): PaymentReader {
  return {
    findPayment: (id) =>
      access.read((context, head) => {
        const row = selectPayment(context, head, 'id = ?', id);
        // A withdrawal by that id is no payment.
        return row?.kind === 'payment' ? row : null;
      }),
    findLive: (...requestHashes) =>
      access.read((context, head) => {
        for (const requestHash of [...requestHashes, ...requestHashes.map(asideOf)]) {
          const live = findLive(context, head, requestHash);
          if (live !== null) return paymentOf(live);
        }
        return null;
      }),
    findByKey: (agent, key) => access.read((context, head) => findByKey(context, head, agent, key)),
    findCaptured: (requestHash, sinceMs, otherHash = requestHash) => {
      const condition = `request_hash IN (?, ?) AND state = 'captured' AND ${CAPTURED_WALL} >= ?`;
      return access.read((context, head) => {
        const find = (...hashes: [string, string]): AttemptRow | null =>
          selectPayment(context, head, condition, ...hashes, sinceMs);
        return orNull(find(requestHash, otherHash) ?? find(asideOf(requestHash), asideOf(otherHash)));
      });
    },
    drawnFrom: (network, payFrom, subject) =>
      access.read((context, head) => {
        // Behind the slash comes the amount: an index has all of one deposit together.
        const rows = statement(
          context.db,
          `SELECT * FROM payments WHERE network = ? AND pay_from = ? AND nonce > ? || '/' AND nonce < ? || '0'
           ORDER BY opened_ms, id`,
        ).all(network, payFrom, subject, subject) as SqlRow[];
        return rows.map((row) => paymentOf(currentPayment(context, head, row)));
      }),
    commitments: (sinceMs = Number.MAX_SAFE_INTEGER) =>
      access.read((context, head) => {
        const select = `SELECT * FROM payments WHERE (${WAYS_OF_COMMITMENTS}) AND (state IN (${LIVE}) OR changed_ms >= ?)
           ORDER BY opened_ms DESC, id LIMIT ${COMMITMENTS_MAX}`;
        const rows = statement(context.db, select).all(sinceMs) as SqlRow[];
        return rows.map((row) => paymentOf(currentPayment(context, head, row)));
      }),
    heldAtomic: (network, asset, payFrom, exceptIds = []) =>
      access.look((db) => heldAtomic(db, network, asset, payFrom, exceptIds)),
    usage: (lines, nowMs, runId = null) =>
      access.read((context, head) =>
        usageOf(context, head, lines, { nowMs: ledgerTimeMs(head, nowMs), runId }),
      ),
    waitForEnd: (id, signal) =>
      waiting.forEnd(
        () => access.read((context, head) => paymentOf(existingPayment(context, head, id))),
        signal,
      ),
  };
}

function orNull(row: AttemptRow | null): Payment | null {
  return row === null ? null : paymentOf(row);
}

/** Payments and withdrawals alike. */
export function attemptReader(access: LedgerAccess): AttemptReader {
  function select(sql: string, ...values: (string | number)[]): Promise<AnyAttempt[]> {
    return access.read((context, head) => {
      const rows = statement(context.db, sql).all(...values) as SqlRow[];
      return rows.map((row) => attemptOf(currentPayment(context, head, row)));
    });
  }
  return {
    openAttempts: (limit) =>
      select(
        `SELECT * FROM payments
         WHERE state IN ('held', 'signed', 'sent', 'unknown') OR (state = 'captured' AND confirmed = 0)
         ORDER BY changed_ms LIMIT ?`,
        limit,
      ),
    openAttemptsFrom: (network, asset, payFrom, limit) =>
      select(
        // By name, as {@link heldAtomic} does.
        `SELECT * FROM payments INDEXED BY one_live_payment_per_request
         WHERE network = ? AND asset = ? AND pay_from = ? AND state IN ('held', 'signed', 'sent', 'unknown')
         ORDER BY changed_ms LIMIT ?`,
        network,
        asset,
        payFrom,
        limit,
      ),
    releasedAttempts: (sinceMs, limit) =>
      select(
        `SELECT * FROM payments WHERE opened_ms >= ? AND state = 'released' AND payload IS NOT NULL
         ORDER BY opened_ms DESC LIMIT ?`,
        sinceMs,
        limit,
      ),
  };
}
