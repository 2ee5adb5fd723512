import { newId } from '../../newId.js';
import { attemptOf, type AttemptRow, type SqlRow } from './paymentColumns.js';
import type { HoldRequest, HoldResult, NewCommitment } from '../../attempts/hold.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { CapLine, RateLine } from '../../../money/cap.js';
import type { UsdMicros } from '../../../money/unit.js';
import { NO_LABELS } from '../../../payment/labels.js';
import { chargesWithin } from '../../../payment/commitment.js';
import { barOf } from '../owner/agent.js';
import { checkApproval, consumeApproval } from '../owner/approval.js';
import { budgetStop } from '../owner/budget.js';
import { pathOf } from '../owner/budgetRow.js';
import { type LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import type { PastCap, Payment } from '../../attempts/payment.js';
import {
  asideOf,
  authenticPayment,
  changePayment,
  findLive,
  insertPayment,
  paymentOf,
  selectPayment,
} from './paymentRow.js';
import { drawOn } from '../calls/entitlement.js';
import { isCharged, isDrawn } from '../../../protocols/protocol.js';
import { isLeasedElsewhere, putLease } from './leaseRow.js';
import { windowOf } from './reserve.js';
import { scopeKey } from './totals.js';
import { boundingLines, budgetsBounding, exceededLines } from './usage.js';
import { leftByWithdrawals } from './withdrawal.js';

/**
 * Milliseconds of ledger time until the line lets one more payment through, or null where it does now: until the
 * `callsMax`-th newest opening leaves the window. Only that row is read, however many calls a minute are allowed.
 */
function waitForRate(context: LedgerContext, line: RateLine, nowMs: number): number | null {
  const { scope, callsMax } = line;
  assertInvariant(scope.kind === 'wallet' || scope.kind === 'agent', 'a rate bounds the wallet or an agent');
  const windowMs = line.windowSec * 1000;
  if (callsMax <= 0) return windowMs;
  const [condition, values] = scope.kind === 'agent' ? ['agent = ? AND', [scope.agent]] : ['', []];
  // By its id alone, so that the rows skipped are counted in the index and not read.
  const row = statement(
    context.db,
    `SELECT * FROM payments WHERE id =
       (SELECT id FROM payments WHERE ${condition} opened_ms > ? AND id < 'wdr_' ORDER BY opened_ms DESC LIMIT 1 OFFSET ?)`,
  ).get(...values, nowMs - windowMs, callsMax - 1) as SqlRow | undefined;
  return row === undefined ? null : authenticPayment(context, row).openedMs + windowMs - nowMs;
}

/**
 * Checks every line and reserves the amount, in the caller's one transaction: between the check and the
 * reservation no other process can spend (T13).
 *
 * A crash right after it leaves a `held` row, for which nothing was signed; once its lease has ended it is released.
 */
export function openHold(context: LedgerContext, request: HoldRequest): HoldResult {
  assertInvariant(request.heldAtomic > 0n && request.heldUsdMicros > 0n, 'a hold reserves something');
  const checked = context.journal.checkedHead();
  const nowMs = ledgerTimeMs(checked, request.nowMs);
  if (checked.frozen || context.isStopped()) return { kind: 'frozen' };
  const bar = barOf(context, checked, request.agent, request.nowMs);
  if (bar !== null) return { kind: 'barred', bar };
  if (checked.configVersion > request.configVersion)
    return { kind: 'config_changed', configVersion: checked.configVersion };
  const head = noteConfig(context, checked, request.configVersion, nowMs);
  const keyed = findByKey(context, head, request.agent, request.idempotencyKey);
  if (keyed !== null && keyed.requestHash !== request.requestHash)
    return { kind: 'key_reused', payment: keyed };
  const duplicate =
    keyed ??
    findLive(context, head, request.requestHash) ??
    findLive(context, head, asideOf(request.requestHash));
  const aside = duplicate !== null && mayStandBeside(context, duplicate, request) ? duplicate : null;
  if (duplicate !== null && aside === null) return { kind: 'duplicate', payment: paymentOf(duplicate) };
  const { budgetId = null, draw = null, commitment = null } = request;
  assertInvariant((commitment !== null) === isCharged(request), 'a first charge names its promise');
  if (commitment !== null && findLive(context, head, commitment.requestHash) !== null)
    return { kind: 'drawn' };
  assertInvariant((draw !== null) === isDrawn(request), 'what is drawn on a deposit names it');
  // A deposit counts whole in each line, so that what is drawn on it adds nothing.
  const addedUsdMicros = draw === null ? request.heldUsdMicros : 0n;
  const addedTo = (line: CapLine): UsdMicros =>
    commitment === null
      ? addedUsdMicros
      : request.heldUsdMicros * chargesWithin(windowOf(line), commitment.recurrence);
  if (budgetId !== null) {
    const { agent } = request;
    const usdMicros = addedUsdMicros;
    const ask = { id: budgetId, agent, usdMicros, timeMs: nowMs, nowMs: request.nowMs };
    const stop = budgetStop(context, head, ask);
    if (stop !== null) return { kind: 'budget', ...stop };
  }
  const { network, payFrom, nonce } = request;
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const earlier = selectPayment(context, head, where, network, payFrom, nonce);
  if (earlier !== null) return { kind: 'nonce_used', payment: attemptOf(earlier) };
  for (const line of request.rateLines) {
    const waitMs = waitForRate(context, line, nowMs);
    // A clock set back waits for itself first: ledger time stands still until it has caught up.
    if (waitMs !== null)
      return { kind: 'rate', line, retryAfterSec: Math.ceil((nowMs - request.nowMs + waitMs) / 1000) };
  }
  const { approvalId = null } = request;
  const approval =
    approvalId === null ? null : checkApproval(context, head, approvalId, request, request.nowMs);
  if (typeof approval === 'string') return { kind: 'approval', problem: approval };
  const adding = { usdMicros: addedTo, runId: budgetId, nowMs };
  const passed = exceededLines(context, head, request.capLines, adding);
  const bounding = boundingLines(request.capLines, approval);
  const exceeded = passed.filter(({ line }) => bounding.includes(line));
  if (exceeded.length > 0) return { kind: 'exceeded', exceeded };
  const left = draw === null ? leftByWithdrawals(context, head, request, request.funds ?? null) : null;
  if (left !== null && left < request.heldAtomic) return { kind: 'withdrawn', spendableAtomic: left };
  if (draw !== null && !drawOn(context, draw, request.heldAtomic, request.nowMs)) return { kind: 'drawn' };
  // What is left are caps that the owner's yes takes it past.
  const pastCaps = passed.map(({ line }): PastCap => [line.name, scopeKey(line.scope)]);
  const runs = budgetId === null ? [] : pathOf(context, head, budgetId);
  const budgetPath = [...runs, ...budgetsBounding(request.capLines)].join(' ') || null;
  const payment = newPayment(request, { pastCaps, budgetPath }, nowMs);
  const alone = aside === null ? head : setAside(context, head, aside, request.requestHash, nowMs);
  const next = approval === null ? alone : consumeApproval(context, alone, approval, payment.id, nowMs);
  insertPayment(context, next, payment, request.callId);
  putLease(context, payment.id, request.nowMs);
  return {
    kind: 'held',
    payment,
    commitment: commitment === null ? null : holdCommitment(context, payment, commitment, request.nowMs),
  };
}

/**
 * Whether a payment of the same request may stay open beside this hold: the one that is named, which its seller has had and
 * nobody is busy with, where both together fit (T37).
 */
function mayStandBeside(
  context: LedgerContext,
  { id, state, heldUsdMicros }: AttemptRow,
  { beside = null, heldUsdMicros: added }: HoldRequest,
): boolean {
  if (beside === null || beside.paymentId !== id || state !== 'unknown') return false;
  return !isLeasedElsewhere(context, id) && heldUsdMicros + added <= beside.usdMicrosMax;
}

/**
 * Takes the request and its key from a payment, for another one of the same request: what it holds stays held, and counts
 * wherever it counted. Once the other one is released, this one is found by the request again.
 */
function setAside(
  context: LedgerContext,
  head: JournalHead,
  before: AttemptRow,
  requestHash: string,
  nowMs: number,
): JournalHead {
  const aside = asideOf(requestHash);
  if (before.requestHash === aside) return head;
  const patch = { state: 'unknown', requestHash: aside, idempotencyKey: null } as const;
  changePayment(context, head, before, { kind: 'unknown', patch, nowMs });
  return context.journal.checkedHead();
}

/** The row of a promise, beside that of its first charge and in the same step: what bounds the one has bounded the other. */
function holdCommitment(
  context: LedgerContext,
  first: Payment,
  { nonce, requestHash, recurrence }: NewCommitment,
  wallMs: number,
): Payment {
  const row: Payment = {
    ...first,
    ...{ id: newId('pay'), scheme: 'commitment', method: COMMITMENT_METHOD, nonce, requestHash },
    ...{ idempotencyKey: null, quoteId: null, validBeforeSec: recurrence.endsSec },
  };
  insertPayment(context, context.journal.checkedHead(), row);
  putLease(context, row.id, wallMs);
  return row;
}

/** The method of a row that is a promise: it is no price of its endpoint's. */
const COMMITMENT_METHOD = 'COMMIT';

/** Notes a config that is newer than the head knows, so that older ones are refused from here on. */
export function noteConfig(
  context: LedgerContext,
  head: JournalHead,
  configVersion: number,
  timeMs: number,
): JournalHead {
  if (configVersion <= head.configVersion) return head;
  return context.journal.append(
    head,
    { kind: 'config', subject: 'config', data: { version: configVersion }, timeMs },
    { configVersion },
  );
}

function newPayment(
  request: HoldRequest,
  counted: Pick<Payment, 'pastCaps' | 'budgetPath'>,
  nowMs: number,
): Payment {
  // The bounds of the step are not columns of the row.
  const {
    capLines: _lines,
    rateLines: _rates,
    funds: _funds,
    callId: _call,
    budgetId: _budget,
    draw: _draw,
    beside: _beside,
    commitment: _commitment,
    nowMs: wallMs,
    ...fixed
  } = request;
  return {
    ...fixed,
    ...counted,
    labels: request.labels ?? NO_LABELS,
    approvalId: request.approvalId ?? null,
    kind: 'payment',
    id: newId('pay'),
    state: 'held',
    capturedAtomic: null,
    capturedUsdMicros: null,
    payload: null,
    openedMs: nowMs,
    changedMs: nowMs,
    capturedMs: null,
    countedMs: null,
    confirmed: false,
    tx: null,
    receipt: null,
    note: null,
    openedWallMs: wallMs,
    capturedWallMs: null,
    delivery: null,
  };
}

/** The payment made under an agent's idempotency key, or null; a released one frees its key. */
export function findByKey(
  context: LedgerContext,
  head: JournalHead,
  agent: string,
  key: string | null,
): Payment | null {
  if (key === null) return null;
  const where = `agent = ? AND idempotency_key = ? AND state <> 'released'`;
  const row = selectPayment(context, head, where, agent, key);
  return row === null ? null : paymentOf(row);
}
