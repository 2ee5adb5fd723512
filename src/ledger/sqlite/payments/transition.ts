import { refillsOf, type AttemptRow, type RowFields } from './paymentColumns.js';
import type {
  CaptureFacts,
  LandingProof,
  ReleaseNote,
  SendRequest,
  SendResult,
  SignResult,
  SignedPayload,
  Transition,
} from '../../attempts/transition.js';
import { assertInvariant } from '../../../errors/walletError.js';
import { isCommitment, isDeposit, isDrawn } from '../../../protocols/protocol.js';
import { endUnmade, giveBack } from '../calls/entitlement.js';
import { newestSession } from '../calls/session.js';
import { budgetsOf, runsOf } from '../../books/budget.js';
import type { CapLine } from '../../../money/cap.js';
import type { UsdMicros } from '../../../money/unit.js';
import { chargesWithin } from '../../../payment/commitment.js';
import { findApproval } from '../owner/approvalRow.js';
import { budgetStop } from '../owner/budget.js';
import type { LedgerContext } from '../file/context.js';
import { findByKey, noteConfig } from './hold.js';
import { recurrenceOf, windowOf } from './reserve.js';
import { contributionOf } from './totals.js';
import { boundingLines, budgetsBounding, exceededLines } from './usage.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { watchReleased } from '../views/look.js';
import { capturedWallMs, isLive } from '../../attempts/attempt.js';
import { statement } from '../file/database.js';
import { refillBar } from './refill.js';
import { findLease, isLeasedElsewhere, putLease } from './leaseRow.js';
import { changePayment, existingPayment } from './paymentRow.js';

/** Whether the owner moves it themselves. */
function isOwners(row: AttemptRow): boolean {
  return row.kind === 'withdrawal' && refillsOf(row) === null;
}

/**
 * held → signed: the bytes are durable before anything can send them. Whoever's lease was taken over meets a conflict,
 * and the signature is thrown away. A crash after it: signed, never sent.
 */
export function recordSigned(
  context: LedgerContext,
  id: string,
  payload: SignedPayload,
  nowMs: number,
): SignResult<AttemptRow> {
  const head = context.journal.checkedHead();
  const before = existingPayment(context, head, id);
  // A withdrawal is the owner's own: it empties a suspended agent too.
  const bar = isOwners(before) ? null : refillBar(context, head, before, nowMs);
  if (bar !== null) return { kind: 'barred', bar };
  if (before.state !== 'held' || isLeasedElsewhere(context, id)) return { kind: 'conflict', attempt: before };
  const patch = { state: 'signed', payload: JSON.stringify(payload) } as const;
  return changePayment(context, head, before, { kind: 'sign', patch, nowMs });
}

/**
 * signed or unknown → sent. Freeze, the agent's suspension, its end and the config's version are read again in the same step, so an
 * owner who froze, suspended or tightened a moment ago is obeyed. Where the row was judged under another version of the
 * config, it is measured against `capLines` again, its own amount included, and counts from then on in the budgets that its
 * agent was put in meanwhile, too, and in the category that its host was put in. Only the holder of the lease sends; a lease
 * that nobody has is taken. A crash after it: unknown.
 */
export function markSent(context: LedgerContext, id: string, send: SendRequest): SendResult<AttemptRow> {
  const checked = context.journal.checkedHead();
  const before = existingPayment(context, checked, id);
  // A freeze stops agents; the owner's own money stays theirs to take out.
  const isFrozen = checked.frozen || context.isStopped();
  if (isFrozen && !isOwners(before)) return { kind: 'frozen' };
  if (checked.configVersion > send.configVersion)
    return { kind: 'config_changed', configVersion: checked.configVersion };
  // A withdrawal is the owner's own: it empties a suspended agent too.
  const bar = isOwners(before) ? null : refillBar(context, checked, before, send.nowMs);
  if (bar !== null) return { kind: 'barred', bar };
  const isSendable = before.state === 'signed' || before.state === 'unknown';
  if (!isSendable || isLeasedElsewhere(context, id)) return { kind: 'conflict', attempt: before };
  const nowMs = ledgerTimeMs(checked, send.nowMs);
  const head = noteConfig(context, checked, send.configVersion, nowMs);
  const [budgetId] = runsOf(before);
  if (budgetId !== undefined) {
    // T42: what a program asked for before its end is not sent after it. Its own amount is in the totals already.
    const { agent } = before;
    const stop = budgetStop(context, head, {
      id: budgetId,
      agent,
      usdMicros: 0n,
      timeMs: nowMs,
      nowMs: send.nowMs,
    });
    if (stop !== null) return { kind: 'budget', ...stop };
  }
  const entered: string[] = [];
  let { category } = before;
  if (before.configVersion !== send.configVersion) {
    const approvalId = before.kind === 'payment' ? before.approvalId : null;
    const approval = approvalId === null ? null : findApproval(context, head, approvalId);
    const lines = boundingLines(send.capLines, approval);
    const known = budgetsOf(before);
    entered.push(...budgetsBounding(lines).filter((name) => !known.includes(name)));
    if (send.category !== undefined) ({ category } = send);
    const isMoved = category !== before.category;
    const isEntered = ({ scope }: CapLine): boolean =>
      (scope.kind === 'budget' && entered.includes(scope.budget)) ||
      (isMoved && 'category' in scope && scope.category === category);
    const exceeded = [
      // Its own amount is in the totals already, so nothing is added.
      ...exceededLines(
        context,
        head,
        lines.filter((line) => !isEntered(line)),
        { usdMicros: 0n, isHeld: true, nowMs },
      ),
      // But for a budget that its agent was put in since, and the category that its host was put in.
      ...exceededLines(context, head, lines.filter(isEntered), {
        usdMicros: (line) => addedBy(before, line),
        runId: budgetId ?? null,
        nowMs,
      }),
    ];
    if (exceeded.length > 0) return { kind: 'exceeded', exceeded };
  }
  const patch = {
    state: 'sent',
    configVersion: send.configVersion,
    note: null,
    category,
    ...(entered.length === 0 ? {} : { budgetPath: [...budgetsOf(before), ...entered].join(' ') }),
  } as const;
  putLease(context, id, send.nowMs);
  return changePayment(context, head, before, { kind: 'send', patch, nowMs });
}

/** What a row adds to a line that it enters: its hold, or where it is a promise as much as the line's window can see taken. */
function addedBy(row: AttemptRow, line: CapLine): UsdMicros {
  if (!isCommitment(row)) return contributionOf(row).live;
  return row.heldUsdMicros * chargesWithin(windowOf(line), recurrenceOf(row));
}

/**
 * sent → unknown: the call ended and nothing proves what became of the money. unknown → unknown says why anew. A process
 * that lost its lease leaves the row to the one that took it.
 */
export function markUnknown(
  context: LedgerContext,
  id: string,
  note: string,
  nowMs: number,
  receipt?: string,
): Transition<AttemptRow> {
  const head = context.journal.checkedHead();
  const before = existingPayment(context, head, id);
  const isUnsettled = before.state === 'sent' || before.state === 'unknown';
  if (!isUnsettled || isLeasedElsewhere(context, id)) return { kind: 'conflict', attempt: before };
  const patch = { state: 'unknown', note, ...(receipt === undefined ? {} : { receipt }) } as const;
  return changePayment(context, head, before, { kind: 'unknown', patch, nowMs });
}

/**
 * sent, unknown → captured on the seller's word; signed, sent, unknown, captured → confirmed once the chain shows it,
 * and that is final.
 *
 * The note stays: it tells why nothing was delivered. It counts from the chain's time, but from no earlier than the
 * hold and no later than now: an RPC that gives a false time neither frees a cap nor fills it for years. Now is the later of
 * ledger time and the clock: while nobody can check the clock, ledger time stays behind, and what counted from there would
 * leave its windows too early (T30).
 */
export function capture(
  context: LedgerContext,
  id: string,
  facts: CaptureFacts,
  nowMs: number,
): Transition<AttemptRow> {
  const head = context.journal.checkedHead();
  const before = existingPayment(context, head, id);
  if (!canCapture(before, facts.confirmed)) return { kind: 'conflict', attempt: before };
  return changePayment(context, head, before, {
    kind: before.state === 'captured' ? 'confirm' : 'capture',
    patch: {
      ...capturePatch(before, facts, { timeMs: ledgerTimeMs(head, nowMs), nowMs }),
      delivery: facts.delivery ?? deliveryOf(context, before, facts.receipt, nowMs),
      ...countedSession(context, head, before),
    },
    nowMs,
  });
}

/**
 * What a payment has brought by the time it is captured. Nothing, where the chain alone tells of it, no answer is kept and
 * nobody is busy with it any more: its caller died, or gave it up. What a claim brings comes behind it.
 */
function deliveryOf(
  context: LedgerContext,
  before: AttemptRow,
  receipt: string | null,
  nowMs: number,
): AttemptRow['delivery'] {
  const { id, delivery } = before;
  // A deposit brings nothing by itself: what is paid out of it does.
  if (delivery !== null || receipt !== null || before.kind === 'withdrawal' || isDeposit(before))
    return delivery;
  const lease = findLease(context, id);
  const isBusy = lease !== null && lease.untilMs >= nowMs;
  // An answer of before schema 5 says itself what it is.
  const answer = statement(context.db, 'SELECT 1 FROM answers WHERE payment_id = ?').get(id);
  return isBusy || answer !== undefined ? null : 'lost';
}

/**
 * The session that a deposit counts in once it is closed: its agent's newest. While it was open it counted in each of them, and what
 * was drawn there adds nothing, so that the one that lasts must not forget it; those before are over.
 */
function countedSession(
  context: LedgerContext,
  head: JournalHead,
  before: AttemptRow,
): Partial<Pick<RowFields, 'sessionId'>> {
  // One that counts already stays where it counts.
  if (before.kind === 'withdrawal' || !isDeposit(before) || before.capturedUsdMicros !== null) return {};
  const session = newestSession(context, head.register, before.agent);
  return session === null ? {} : { sessionId: session.id };
}

/** What a capture changes of a row. */
function capturePatch(
  before: AttemptRow,
  facts: CaptureFacts,
  { timeMs, nowMs }: { readonly timeMs: number; readonly nowMs: number },
): Partial<RowFields> {
  const { capturedAtomic, capturedUsdMicros, mayExceedHold = false } = facts;
  assertInvariant(
    capturedAtomic >= 0n && (mayExceedHold || capturedAtomic <= before.heldAtomic),
    'a capture is within its hold',
  );
  assertInvariant(
    capturedUsdMicros >= 0n && (mayExceedHold || capturedUsdMicros <= before.heldUsdMicros),
    'a capture is within its hold in dollars',
  );
  const latestMs = Math.max(timeMs, nowMs);
  return {
    state: 'captured',
    capturedAtomic,
    capturedUsdMicros,
    capturedMs: before.capturedMs ?? timeMs,
    capturedWallMs: capturedWallMs(before) ?? nowMs,
    countedMs: Math.max(before.openedMs, Math.min(facts.chainMs ?? latestMs, latestMs)),
    confirmed: facts.confirmed,
    tx: facts.tx ?? before.tx,
    receipt: facts.receipt ?? before.receipt,
  };
}

function canCapture({ state, confirmed }: AttemptRow, byChain: boolean): boolean {
  if (state === 'captured') return byChain && !confirmed;
  return state === 'sent' || state === 'unknown' || (state === 'signed' && byChain);
}

/**
 * → released, final but for {@link recapture}. A `held` row was never signed; every other needs the caller to hold a
 * proof from the chain. What was claimed or shown of an unconfirmed capture stays in the journal alone.
 */
export function release(
  context: LedgerContext,
  id: string,
  note: ReleaseNote,
  nowMs: number,
): Transition<AttemptRow> {
  const head = context.journal.checkedHead();
  const before = existingPayment(context, head, id);
  if (!canRelease(before, note)) return { kind: 'conflict', attempt: before };
  const patch = {
    state: 'released',
    note,
    capturedAtomic: null,
    capturedUsdMicros: null,
    countedMs: null,
  } as const;
  const released = changePayment(context, head, before, { kind: 'release', patch, nowMs });
  if (note === 'never_signed' && isDrawn(before)) giveBack(context, before, before.heldAtomic, nowMs);
  if (note === 'never_signed' && isDeposit(before)) endUnmade(context, before, nowMs);
  watchReleased(context, released.attempt, nowMs);
  return released;
}

function canRelease({ state, confirmed }: AttemptRow, note: ReleaseNote): boolean {
  switch (note) {
    case 'never_signed':
      return state === 'held';
    case 'expired_unused':
    case 'not_paid':
      return isLive(state);
    case 'receipt_false':
    case 'capture_undone':
      return state === 'captured' && !confirmed;
  }
}

/** The note of a payment that the chain showed after it had been released. */
export const LANDED_AFTER_RELEASE = 'landed_after_release';

/**
 * released → captured, by a proof that it landed all the same: whatever released it was false (T32). It counts from the
 * chain's time as any capture does, also where a cap is exceeded by that. A receipt is no such proof.
 *
 * The release had freed its idempotency key: where another payment has that by now, it stays the other's.
 */
export function recapture(
  context: LedgerContext,
  id: string,
  proof: LandingProof,
  nowMs: number,
): Transition<AttemptRow> {
  const head = context.journal.checkedHead();
  const before = existingPayment(context, head, id);
  if (before.state !== 'released') return { kind: 'conflict', attempt: before };
  const isKeyTaken = findByKey(context, head, before.agent, before.idempotencyKey) !== null;
  return changePayment(context, head, before, {
    kind: 'recapture',
    patch: {
      ...capturePatch(before, { ...proof, receipt: null }, { timeMs: ledgerTimeMs(head, nowMs), nowMs }),
      note: LANDED_AFTER_RELEASE,
      delivery: deliveryOf(context, before, null, nowMs),
      ...countedSession(context, head, before),
      ...(isKeyTaken ? { idempotencyKey: null } : {}),
    },
    nowMs,
  });
}
