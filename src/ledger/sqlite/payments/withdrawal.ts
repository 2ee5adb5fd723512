import type { AtomicAmount } from '../../../money/unit.js';
import { newId } from '../../newId.js';
import { createHash } from 'node:crypto';
import {
  OWNER_SESSION,
  WITHDRAWAL_ORIGIN,
  WITHDRAWAL,
  withdrawalOf,
  type AttemptRow,
  type SqlRow,
  type WithdrawalRow,
} from './paymentColumns.js';
import type {
  FundsReading,
  PaidFrom,
  Withdrawal,
  WithdrawalRequest,
  WithdrawalResult,
} from '../../attempts/withdrawal.js';
import { toUsdMicros } from '../../../money/asset.js';
import { type LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { assertInvariant } from '../../../errors/walletError.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { LIVE_STATES } from '../../attempts/attempt.js';
import { authenticPayment, existingPayment, findLive, insertPayment, selectPayment } from './paymentRow.js';
import { putLease } from './leaseRow.js';
import { assertNotRebuilding } from '../journal/rebuild.js';
import { heldAtomic } from '../views/report.js';

/** Withdrawals' ids begin alike, and sort behind those of payments. */
const IS_WITHDRAWAL = `id >= 'wdr_' AND id < 'wdr\`'`;
// The plus signs leave the planner the ids alone: a few rows, where another index would walk all of the address.
const FROM = '+network = ? AND +asset = ? AND +pay_from = ?';
const LIVE = LIVE_STATES.map((state) => `'${state}'`).join(', ');

/**
 * Reserves what the owner takes out, in the caller's one transaction: never coins that a live payment can still move,
 * unless the owner said so, and never more than was on chain when it was read. A freeze does not stop it. Throws
 * `ledger_rebuilding`, for then nobody knows what is held.
 *
 * A crash right after it leaves a `held` row, for which nothing was signed; once its lease has ended it is released.
 */
export function openWithdrawal(context: LedgerContext, request: WithdrawalRequest): WithdrawalResult {
  assertNotRebuilding(context);
  const head = context.journal.checkedHead();
  const { asset, network, payFrom, amountAtomic } = request;
  const requestHash = hashOf({ network, asset: asset.address, payFrom });
  const open = findLive(context, head, requestHash);
  if (open !== null) return { kind: 'open', withdrawal: withdrawalOf(asRow(open)) };
  const held = request.takesHeld ? 0n : heldAtomic(context.db, network, asset.address, payFrom);
  const gone = capturedSince(context, request.readSeq, request);
  const spendableAtomic = atLeastZero(request.onChainAtomic - held - gone);
  if (amountAtomic <= 0n || amountAtomic > spendableAtomic)
    return { kind: 'short', spendableAtomic, heldAtomic: held };
  const nowMs = ledgerTimeMs(head, request.nowMs);
  const row = withdrawalRow(request, { requestHash, nowMs }, head.configVersion);
  insertPayment(context, head, row);
  putLease(context, row.id, request.nowMs);
  return { kind: 'held', withdrawal: withdrawalOf(row) };
}

/** What stands for a request: one withdrawal at a time leaves an address in one asset. */
function hashOf({ network, asset, payFrom }: PaidFrom): string {
  return createHash('sha256').update(`withdrawal ${network} ${asset} ${payFrom}`).digest('hex');
}

/** A row that has to be a withdrawal's. */
function asRow(row: AttemptRow): WithdrawalRow {
  assertInvariant(row.kind === 'withdrawal', `${row.id} is a withdrawal`);
  return row;
}

/** The withdrawal by id, or null. */
export function findWithdrawal(context: LedgerContext, head: JournalHead, id: string): Withdrawal | null {
  const row = selectPayment(context, head, 'id = ?', id);
  return row?.kind === 'withdrawal' ? withdrawalOf(row) : null;
}

/** The withdrawal that is under way from here, or null. */
export function openFrom(context: LedgerContext, head: JournalHead, from: PaidFrom): Withdrawal | null {
  const row = findLive(context, head, hashOf(from));
  return row === null ? null : withdrawalOf(asRow(row));
}

/** The withdrawal that was opened last from here, or null. */
export function latestFrom(context: LedgerContext, head: JournalHead, from: PaidFrom): Withdrawal | null {
  const { network, asset, payFrom } = from;
  const row = selectPayment(context, head, `${IS_WITHDRAWAL} AND ${FROM}`, network, asset, payFrom);
  return row === null ? null : withdrawalOf(asRow(row));
}

/**
 * What withdrawals leave of a balance for a payment, in atomic units; null where none is under way or newer than the
 * reading, and so none bears on it. With one under way and no reading, nothing is left.
 */
export function leftByWithdrawals(
  context: LedgerContext,
  payer: PaidFrom,
  reading: FundsReading | null,
): AtomicAmount | null {
  const { network, asset, payFrom } = payer;
  const rows = statement(
    context.db,
    `SELECT * FROM payments WHERE ${IS_WITHDRAWAL} AND ${FROM}
       AND (+state IN (${LIVE}) OR (+state = 'captured' AND coalesce(captured_wall_ms, captured_ms) >= ?))`,
  ).all(network, asset, payFrom, reading?.atMs ?? Number.MAX_SAFE_INTEGER) as SqlRow[];
  if (rows.length === 0) return null;
  if (reading === null) return 0n;
  const captured = rows
    .map((row) => authenticPayment(context, row))
    .reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
  const held = heldAtomic(context.db, network, asset, payFrom);
  return atLeastZero(reading.onChainAtomic - held - captured);
}

/** What left the address since the journal stood at `seq`: a balance read then may or may not show it. */
function capturedSince(
  context: LedgerContext,
  seq: number,
  { network, asset, payFrom }: WithdrawalRequest,
): AtomicAmount {
  const head = context.journal.checkedHead();
  const subjects = statement(
    context.db,
    `SELECT DISTINCT subject FROM journal WHERE seq > ? AND kind IN ('capture', 'confirm', 'recapture')`,
  )
    .pluck()
    .all(seq) as string[];
  return subjects
    .map((id) => existingPayment(context, head, id))
    .filter((one) => one.network === network && one.asset === asset.address && one.payFrom === payFrom)
    .reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
}

function atLeastZero(atomic: AtomicAmount): AtomicAmount {
  return atomic > 0n ? atomic : 0n;
}

function withdrawalRow(
  request: WithdrawalRequest,
  found: { readonly requestHash: string; readonly nowMs: number },
  configVersion: number,
): WithdrawalRow {
  const { requestHash, nowMs } = found;
  const { amountAtomic } = request;
  const { agent, network, asset, payFrom, payTo, scheme, nonce, validAfterSec, validBeforeSec } = request;
  return {
    kind: 'withdrawal',
    id: newId('wdr'),
    agent,
    sessionId: OWNER_SESSION,
    state: 'held',
    requestHash,
    idempotencyKey: null,
    method: 'POST',
    url: WITHDRAWAL_ORIGIN,
    origin: WITHDRAWAL_ORIGIN,
    host: new URL(WITHDRAWAL_ORIGIN).hostname,
    category: null,
    protocol: WITHDRAWAL,
    scheme,
    network,
    asset: asset.address,
    payFrom,
    payTo,
    heldAtomic: amountAtomic,
    heldUsdMicros: toUsdMicros(asset, amountAtomic),
    capturedAtomic: null,
    capturedUsdMicros: null,
    nonce,
    validAfterSec,
    validBeforeSec,
    payload: null,
    configVersion,
    openedMs: nowMs,
    changedMs: nowMs,
    capturedMs: null,
    countedMs: null,
    confirmed: false,
    tx: null,
    receipt: null,
    note: null,
    reason: null,
    quoteId: null,
    approvalId: null,
    pastCaps: [],
    openedWallMs: request.nowMs,
    capturedWallMs: null,
    delivery: null,
    budgetPath: null,
  };
}
