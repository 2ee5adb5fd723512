import { NO_LABELS } from '../../../payment/labels.js';
import type { AtomicAmount } from '../../../money/unit.js';
import { newId } from '../../newId.js';
import { createHash } from 'node:crypto';
import {
  OWNER_SESSION,
  WITHDRAWAL_ORIGIN,
  WITHDRAWAL,
  refillOrigin,
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
import { authenticPayment, existingPayment, findLive, insertPayment, selectPayment } from './paymentRow.js';
import { putLease } from './leaseRow.js';
import { refillStop } from './refill.js';
import { assertNotRebuilding } from '../journal/rebuild.js';
import { heldAtomic } from '../views/report.js';

/** Withdrawals' ids begin alike, and sort behind those of payments. */
const IS_WITHDRAWAL = `id >= 'wdr_' AND id < 'wdr\`'`;
// The plus signs leave the planner the index that is meant: another one would walk all of the address.
const FROM = '+network = ? AND +asset = ? AND +pay_from = ?';
/**
 * What was opened earlier than this before a balance was read had left it, or never could: nothing that is signed here is
 * good for so long.
 */
const READ_BEHIND_MS = 24 * 3_600_000;

/**
 * Reserves what the owner takes out, in the caller's one transaction: never coins that a live payment can still move,
 * unless the owner said so, and never more than was on chain when it was read. A freeze stops refills alone. Throws
 * `ledger_rebuilding`, for then nobody knows what is held.
 *
 * A crash right after it leaves a `held` row, for which nothing was signed; once its lease has ended it is released.
 */
export function openWithdrawal(context: LedgerContext, request: WithdrawalRequest): WithdrawalResult {
  assertNotRebuilding(context);
  const head = context.journal.checkedHead();
  const { asset, network, payFrom, amountAtomic, refill } = request;
  const stop = refill === undefined ? null : refillStop(context, head, request, refill);
  if (stop !== null) return stop;
  const from = { network, asset: asset.address, payFrom };
  const open = openFrom(context, head, from, refill === undefined ? 'owner' : 'anybody');
  if (open !== null) return { kind: 'open', withdrawal: open };
  const requestHash = hashOf(refill === undefined ? 'withdrawal' : 'refill', from);
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

/**
 * What stands for a request: one withdrawal at a time leaves an address in one asset, and one refill. A refill is signed for a
 * facilitator alone, with a nonce or a message of its own: nothing of it stands in the way of the owner's but its amount, which is
 * held. (In a ledger from before, one that is open stands under the owner's.)
 */
function hashOf(kind: 'withdrawal' | 'refill', { network, asset, payFrom }: PaidFrom): string {
  return createHash('sha256').update(`${kind} ${network} ${asset} ${payFrom}`).digest('hex');
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

/** The withdrawal that is under way from here, or null: the owner's, and of `anybody` else the wallet's own refill. */
export function openFrom(
  context: LedgerContext,
  head: JournalHead,
  from: PaidFrom,
  whose: 'owner' | 'anybody',
): Withdrawal | null {
  const row =
    findLive(context, head, hashOf('withdrawal', from)) ??
    (whose === 'owner' ? null : findLive(context, head, hashOf('refill', from)));
  return row === null ? null : withdrawalOf(asRow(row));
}

/** The withdrawal of an agent's that was opened last from here, or null: the owner's, or the wallet's own refill. */
export function latestFrom(
  context: LedgerContext,
  head: JournalHead,
  agent: string,
  from: PaidFrom,
  whose: 'owner' | 'refill',
): Withdrawal | null {
  const { network, asset, payFrom } = from;
  const isWhose = `+origin ${whose === 'owner' ? '=' : '<>'} ?`;
  const where = `agent = ? AND ${IS_WITHDRAWAL} AND ${FROM} AND ${isWhose}`;
  const row = selectPayment(context, head, where, agent, network, asset, payFrom, WITHDRAWAL_ORIGIN);
  return row === null ? null : withdrawalOf(asRow(row));
}

/**
 * What withdrawals leave of a balance for a payment, in atomic units; null where none is under way or newer than the
 * reading, and so none bears on it. With one under way and no reading, nothing is left.
 */
export function leftByWithdrawals(
  context: LedgerContext,
  head: JournalHead,
  payer: PaidFrom & { readonly agent: string },
  reading: FundsReading | null,
): AtomicAmount | null {
  const { agent, network, asset, payFrom } = payer;
  const isOpen = openFrom(context, head, payer, 'anybody') !== null;
  if (reading === null) return isOpen ? 0n : null;
  const rows = statement(
    context.db,
    // By the ids in the agent's index alone: withdrawals are few among its payments.
    `SELECT * FROM payments WHERE id IN
       (SELECT id FROM payments WHERE agent = ? AND opened_ms > ? AND ${IS_WITHDRAWAL})
       AND ${FROM} AND +state = 'captured' AND coalesce(captured_wall_ms, captured_ms) >= ?`,
  ).all(agent, reading.atMs - READ_BEHIND_MS, network, asset, payFrom, reading.atMs) as SqlRow[];
  if (rows.length === 0 && !isOpen) return null;
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
  const { amountAtomic, refill } = request;
  const { agent, network, asset, payFrom, payTo, scheme, nonce, validAfterSec, validBeforeSec } = request;
  const origin = refill === undefined ? WITHDRAWAL_ORIGIN : refillOrigin(refill.agent);
  return {
    kind: 'withdrawal',
    id: newId('wdr'),
    agent,
    sessionId: OWNER_SESSION,
    state: 'held',
    requestHash,
    idempotencyKey: null,
    method: 'POST',
    url: origin,
    origin,
    host: new URL(origin).hostname,
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
    labels: NO_LABELS,
  };
}
