import type { RefillTerms, WithdrawalRequest, WithdrawalResult } from '../../attempts/withdrawal.js';
import { toUsdMicros } from '../../../money/asset.js';
import type { UsdMicros } from '../../../money/unit.js';
import { isLive, LIVE_STATES } from '../../attempts/attempt.js';
import type { AgentBar } from '../../books/agent.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { barOf } from '../owner/agent.js';
import {
  refillOrigin,
  refillsOf,
  WITHDRAWAL_ORIGIN,
  type AttemptRow,
  type SqlRow,
} from './paymentColumns.js';
import { authenticPayment } from './paymentRow.js';

const DAY_MS = 24 * 3_600_000;
/** An RPC may be some blocks behind the one that showed the last refill. */
const REST_MS = 60_000;
/** How long a transfer can go on after its hold and be taken in time: far longer than any signature here is good for. */
const LATE_MS = DAY_MS;

type Refilled = Pick<RefillTerms, 'agent' | 'addresses'>;

const LIVE = LIVE_STATES.map((state) => `'${state}'`).join(', ');

/** Why a row may not be signed or sent now: a freeze, suspensions and the end of an agent's time stop refills, as they do payments. */
export function refillBar(
  context: LedgerContext,
  head: JournalHead,
  row: AttemptRow,
  nowMs: number,
): AgentBar | null {
  const refilled = refillsOf(row);
  return (
    barOf(context, head, row.agent, nowMs) ??
    (refilled === null ? null : barOf(context, head, refilled, nowMs))
  );
}

/** Why a refill is not to be reserved, or null; inside the step that reserves it (T13). */
export function refillStop(
  context: LedgerContext,
  head: JournalHead,
  request: WithdrawalRequest,
  refill: RefillTerms,
): WithdrawalResult | null {
  if (head.frozen || context.isStopped()) return { kind: 'frozen' };
  const bar =
    barOf(context, head, request.agent, request.nowMs) ?? barOf(context, head, refill.agent, request.nowMs);
  if (bar !== null) return { kind: 'barred', bar };
  const nowMs = ledgerTimeMs(head, request.nowMs);
  const rows = refillsSince(context, refill, nowMs);
  const arrived = rows.filter(({ state }) => state === 'captured');
  const open = rows.find(({ state }) => isLive(state));
  if (open !== undefined || arrived.some(({ changedMs }) => changedMs > nowMs - REST_MS))
    return { kind: 'just_refilled' };
  // A process that stood still since it read the balance.
  if (capturedBehind(context, request.readSeq, new Set(arrived.map(({ id }) => id))))
    return { kind: 'just_refilled' };
  const refilledUsdMicros = sumOf(rows);
  return refilledUsdMicros + toUsdMicros(request.asset, request.amountAtomic) > refill.perDayUsdMicros
    ? { kind: 'day_used', refilledUsdMicros }
    : null;
}

/** What refills brought an agent in the last 24 hours of ledger time, those on their way included. */
export function refilledUsdMicros(
  context: LedgerContext,
  head: JournalHead,
  refilled: Refilled,
  wallMs: number,
): UsdMicros {
  return sumOf(refillsSince(context, refilled, ledgerTimeMs(head, wallMs)));
}

/**
 * An agent's refills that count in the day: live ones of any age, and those that arrived in it. A ledger that was rebuilt from
 * the chain cannot tell a refill from a transfer of the owner's to the agent: both count.
 */
function refillsSince(context: LedgerContext, { agent, addresses }: Refilled, nowMs: number): AttemptRow[] {
  const origin = refillOrigin(agent);
  const rows = statement(
    context.db,
    // The plus sign leaves the planner the few rows still open.
    `SELECT * FROM payments WHERE origin IN (?, ?) AND opened_ms > ?
     UNION SELECT * FROM payments WHERE state IN (${LIVE}) AND +origin = ?`,
  ).all(origin, WITHDRAWAL_ORIGIN, nowMs - DAY_MS - LATE_MS, origin) as SqlRow[];
  return rows
    .map((row) => authenticPayment(context, row))
    .filter((row) => row.origin === origin || (row.payload === null && addresses.includes(row.payTo)))
    .filter(
      ({ state, openedMs, capturedMs }) =>
        isLive(state) || (state === 'captured' && Math.max(openedMs, capturedMs ?? 0) > nowMs - DAY_MS),
    );
}

function sumOf(rows: readonly AttemptRow[]): UsdMicros {
  return rows.reduce((sum, row) => sum + (row.capturedUsdMicros ?? row.heldUsdMicros), 0n);
}

function capturedBehind({ db }: LedgerContext, seq: number, ids: ReadonlySet<string>): boolean {
  const subjects = statement(
    db,
    `SELECT DISTINCT subject FROM journal WHERE seq > ? AND kind IN ('capture', 'confirm', 'recapture')`,
  )
    .pluck()
    .all(seq) as string[];
  return subjects.some((id) => ids.has(id));
}
