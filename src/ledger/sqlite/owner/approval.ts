import type { SqlRow } from '../payments/paymentColumns.js';
import {
  type ApprovalProblem,
  type ApprovalRecord,
  type Ask,
  type AskResult,
  type Decision,
  type DecisionResult,
  type PaidBefore,
  PROMPTS_MAX,
} from '../../books/approval.js';
import { assertInvariant } from '../../../errors/walletError.js';
import { type LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { addElicited, ELICITED_COUNT_MAX, elicitedKey, elicitedOf } from './elicited.js';
import { changeFactor } from './factor.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import type { Payment } from '../../attempts/payment.js';
import { findApproval, putApproval, selectApprovals } from './approvalRow.js';

/** A question that was denied is not asked again for so long: the owner said it once. */
export const DENIED_KEPT_MS = 3_600_000;
/** The span that questions are counted in (T19). */
export const ASK_WINDOW_MS = 30 * 60_000;
/** Questions without a yes: a person looks at some in half an hour with care; more are answered unread. */
export const ASKS_PER_SESSION_MAX = 15;
/** One seller does not use up a session's questions. */
export const ASKS_PER_ORIGIN_MAX = 10;
/** Questions that ran out unanswered are written down as expired, so many with each new one. */
const LAPSES_MAX = 64;

/** Refusals of one session and origin that are looked at: more than its bound on questions lets one put. */
const CLOSED_MAX = 50;

/** Method and path of a stored call: what an owner's no closes. */
function endpointOf(request: string): string {
  const { call } = JSON.parse(request) as { call?: { method?: string; url?: string } };
  const url = URL.parse(call?.url ?? '');
  return `${call?.method ?? ''} ${url === null ? request : url.origin + url.pathname}`;
}

/**
 * Puts a question, or joins the same one that is open, inside the caller's transaction: the limits hold for all
 * processes. A no that came from a client's prompt is that client's alone, named as {@link Decision} has it; `client` is
 * the one that asks now, null for none.
 */
export function ask(context: LedgerContext, question: Ask, client: string | null): AskResult {
  const nowMs = question.createdMs;
  const head = lapse(context, nowMs);
  const [open] = selectApprovals(
    context,
    head,
    `ask_key = ? AND state IN ('pending', 'approved') ORDER BY created_ms DESC LIMIT 1`,
    question.askKey,
  );
  if (open !== undefined) return { kind: 'joined', approval: open };
  const [denied] = selectApprovals(
    context,
    head,
    `ask_key = ? AND state = 'denied' AND created_ms > ?
       AND (answered_how <> 'elicitation' OR answered_by = ?) ORDER BY created_ms DESC LIMIT 1`,
    question.askKey,
    BigInt(nowMs - DENIED_KEPT_MS),
    client,
  );
  if (denied !== undefined) return { kind: 'denied', approval: denied };
  // One no closes the endpoint for its session: a parameter more makes no new question of it.
  const closed = selectApprovals(
    context,
    head,
    `session_id = ? AND origin = ? AND state = 'denied' AND created_ms > ?
       AND (answered_how <> 'elicitation' OR answered_by = ?) ORDER BY created_ms DESC LIMIT ${CLOSED_MAX}`,
    question.sessionId,
    question.origin,
    BigInt(nowMs - DENIED_KEPT_MS),
    client,
  ).find((one) => endpointOf(one.request) === endpointOf(question.request));
  if (closed !== undefined) return { kind: 'denied', approval: closed };
  const limited =
    limitOf(context, 'session', question.sessionId, nowMs) ??
    limitOf(context, 'origin', question.origin, nowMs);
  if (limited !== null) return limited;
  const approval: ApprovalRecord = {
    ...question,
    state: 'pending',
    prompts: 0,
    answer: null,
    answeredHow: null,
    answeredBy: null,
    answeredMs: null,
    paymentId: null,
  };
  putApproval(context, head, approval, { kind: 'ask', timeMs: ledgerTimeMs(head, nowMs) });
  return { kind: 'asked', approval };
}

function limitOf(
  context: LedgerContext,
  scope: 'session' | 'origin',
  value: string,
  nowMs: number,
): Extract<AskResult, { kind: 'limited' }> | null {
  const [column, max] =
    scope === 'session' ? ['session_id', ASKS_PER_SESSION_MAX] : ['origin', ASKS_PER_ORIGIN_MAX];
  const row = statement(
    context.db,
    `SELECT created_ms FROM approvals WHERE ${column} = ? AND created_ms > ?
       AND state NOT IN ('approved', 'consumed') ORDER BY created_ms DESC LIMIT 1 OFFSET ?`,
  ).get(value, nowMs - ASK_WINDOW_MS, max - 1) as SqlRow | undefined;
  if (row === undefined) return null;
  const retryAfterSec = Math.ceil((Number(row['created_ms']) + ASK_WINDOW_MS - nowMs) / 1000);
  return { kind: 'limited', scope, retryAfterSec: Math.max(1, retryAfterSec) };
}

/** Writes down what ran out unanswered or unused. */
function lapse(context: LedgerContext, nowMs: number): JournalHead {
  let head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  const over = selectApprovals(
    context,
    head,
    `state IN ('pending', 'approved') AND expires_ms <= ? ORDER BY expires_ms LIMIT ${LAPSES_MAX}`,
    BigInt(nowMs),
  );
  for (const approval of over)
    head = putApproval(context, head, { ...approval, state: 'expired' }, { kind: 'lapse', timeMs });
  return head;
}

/** Notes that a client is handed a question to ask. False where it was often enough, or it is no longer open. */
export function notePrompt(context: LedgerContext, id: string, nowMs: number): boolean {
  const head = context.journal.checkedHead();
  const approval = findApproval(context, head, id);
  if (approval === null || approval.state !== 'pending' || approval.expiresMs <= nowMs) return false;
  if (approval.prompts >= PROMPTS_MAX) return false;
  const timeMs = ledgerTimeMs(head, nowMs);
  putApproval(context, head, { ...approval, prompts: approval.prompts + 1 }, { kind: 'prompt', timeMs });
  return true;
}

/** The register's key of a grant. */
export function grantKey(key: string): string {
  return `grant ${key}`;
}

/** Stores an answer, once, with what it grants, inside the caller's transaction. */
export function decide(context: LedgerContext, id: string, decision: Decision): DecisionResult {
  let head = context.journal.checkedHead();
  const approval = findApproval(context, head, id);
  if (approval === null) return { kind: 'unknown' };
  const timeMs = ledgerTimeMs(head, decision.nowMs);
  if (approval.state === 'expired') return { kind: 'expired', approval };
  if (approval.state !== 'pending') return { kind: 'closed', approval };
  if (approval.expiresMs <= decision.nowMs) return { kind: 'expired', approval };
  if (decision.factor !== undefined) {
    const changed = changeFactor(context, head, decision.factor, timeMs);
    if (changed === null) return { kind: 'factor_gone' };
    head = changed;
  }
  const elicits = decision.how === 'elicitation' && decision.state === 'approved';
  let { register } = head;
  if (elicits) {
    const before = elicitedOf(context, head, approval.agent, timeMs);
    const sum = before.usdMicros + approval.usdMicros;
    const isAbove = sum > (decision.elicitedUsdMicrosMax ?? 0n) || before.count >= ELICITED_COUNT_MAX;
    if (isAbove) return { kind: 'above_elicited' };
    const key = elicitedKey(approval.agent);
    const known = context.register.get(register, key);
    register = context.register.set(register, key, addElicited(known, timeMs, approval.usdMicros));
  }
  for (const { key, value } of decision.grants ?? [])
    register = context.register.set(register, grantKey(key), value);
  const after: ApprovalRecord = {
    ...approval,
    state: decision.state,
    answer: decision.answer,
    answeredHow: decision.how,
    answeredBy: decision.by,
    answeredMs: decision.nowMs,
  };
  const data = {
    grants: decision.grants ?? [],
    elicited: elicits ? approval.usdMicros.toString() : null,
    elicited_for: elicits ? approval.agent : null,
  };
  putApproval(context, { ...head, register }, after, { kind: 'answer', timeMs, data });
  return { kind: 'done', approval: after };
}

/** What of a hold an approval must have been given for. */
export type Approved = Pick<
  Payment,
  'agent' | 'requestHash' | 'network' | 'asset' | 'payTo' | 'heldAtomic' | 'heldUsdMicros'
>;

/** Whether an approval pays for this hold as it stands now; its record, or why not (T18). */
export function checkApproval(
  context: LedgerContext,
  head: JournalHead,
  id: string,
  hold: Approved,
  nowMs: number,
): ApprovalRecord | ApprovalProblem {
  const approval = findApproval(context, head, id);
  if (approval === null || approval.agent !== hold.agent) return 'unknown';
  if (approval.state === 'approved' && approval.expiresMs <= nowMs) return 'expired';
  if (approval.state !== 'approved')
    return approval.state === 'pending' && approval.expiresMs <= nowMs ? 'expired' : approval.state;
  const same =
    approval.requestHash === hold.requestHash &&
    approval.network === hold.network &&
    approval.asset === hold.asset &&
    approval.payTo === hold.payTo &&
    approval.amountAtomic === hold.heldAtomic &&
    approval.usdMicros === hold.heldUsdMicros;
  return same ? approval : 'changed';
}

/** approved → consumed, in the transaction that opens the hold: one approval is one payment, whatever races. */
export function consumeApproval(
  context: LedgerContext,
  head: JournalHead,
  approval: ApprovalRecord,
  paymentId: string,
  timeMs: number,
): JournalHead {
  assertInvariant(approval.state === 'approved', 'only what was approved is consumed');
  return putApproval(
    context,
    head,
    { ...approval, state: 'consumed', paymentId },
    { kind: 'consume', timeMs },
  );
}

/** More amounts than this say nothing at a glance. */
const PRICES_MAX = 3;

/** How many payments to an origin were captured, at which prices, and where the newest of them went. */
export function paidBefore(context: LedgerContext, origin: string): PaidBefore {
  const counted = statement(
    context.db,
    `SELECT count(*) AS payments FROM payments WHERE origin = ? AND state = 'captured'`,
  ).get(origin) as SqlRow;
  const last = statement(
    context.db,
    `SELECT * FROM payments WHERE origin = ? AND state = 'captured' ORDER BY opened_ms DESC LIMIT 1`,
  ).get(origin) as SqlRow | undefined;
  if (last !== undefined) context.auth.checkRow('payments', last);
  const prices = statement(
    context.db,
    `SELECT captured_usd_micros AS usd_micros, count(*) AS payments FROM payments
       WHERE origin = ? AND state = 'captured' GROUP BY captured_usd_micros
       ORDER BY count(*) DESC, captured_usd_micros LIMIT ${PRICES_MAX}`,
  ).all(origin) as SqlRow[];
  return {
    payments: Number(counted['payments']),
    lastPayTo: last === undefined ? null : String(last['pay_to']),
    prices: prices.map((row) => ({
      usdMicros: BigInt(String(row['usd_micros'])),
      payments: Number(row['payments']),
    })),
  };
}
