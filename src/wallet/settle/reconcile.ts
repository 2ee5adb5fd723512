import { type DueAttempt, LOOK_MS_MAX } from '../../ledger/attempts/observation.js';
import { isCommitment, isDrawn } from '../../protocols/protocol.js';
import { isWalletError } from '../../errors/walletError.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { isLeased, takeOver, untilFree } from '../leaseKeeper.js';
import type { Engine } from '../engine.js';
import { closeExpired } from './depositClose.js';
import { closed, controlOf, settleAttempt, type SettlementVerdict } from './settlement.js';

/** Rows that one pass of the background takes up; what is left is due still, and comes with the next. */
const ROWS_PER_PASS = 200;
/** Rows of one network that are looked at together: an RPC that answers late must not keep all others waiting. */
const LOOKS_AT_ONCE = 4;
/** A pass begins no look after so long: what came meanwhile is taken up by the next one, before all that is stuck. */
const PASS_MS_MAX = 60_000;
/** Rows that the owner's own pass looks at: more than can be open within an authorization's life, in some 20 MB. */
const ROWS_MAX = 10_000;
/** Released payments that the owner's own pass looks at again, newest first; an audit compares all of the same time. */
const RELEASED_ROWS_MAX = 200;
/** No cap counts longer: what is found out later changes no limit. */
const RELEASED_LOOK_MS = 30 * 24 * 3_600_000;
/** Released payments looked at in one pass of the background: rare, and in no hurry. */
const WATCHED_PER_PASS = 20;
/** How often the background looks what is due, and how soon after start: never in the way of a first call. */
const EVERY_MS = 15_000;
const FIRST_AFTER_MS = 3_000;
/** How often one payment is looked at: a chain is asked about few payments, and each some dozens of times at most. */
const LOOK_EVERY_MS = 30_000;
/** The same of one that counts as paid already: a block is settled for good after a minute or some. */
const CONFIRM_EVERY_MS = 60_000;
/** A look that brought nothing doubles the wait for the next, up to this: an RPC that comes back is heard soon. */
const FAILED_LOOK_MS_MAX = 600_000;

/**
 * Takes one payment as far as what is known allows: an unsigned hold whose lease ended is released, a sent one becomes
 * unknown, and the chain is asked about the rest.
 */
export async function reconcileAttempt<A extends AnyAttempt>(
  engine: Engine,
  attempt: A,
  signal: AbortSignal,
): Promise<SettlementVerdict<A>> {
  const verdict = await lookAt(engine, attempt, signal);
  engine.noteSettled(verdict);
  return verdict;
}

async function lookAt<A extends AnyAttempt>(
  engine: Engine,
  attempt: A,
  signal: AbortSignal,
): Promise<SettlementVerdict<A>> {
  const isBusy = await isLeased(engine, attempt);
  const expired = attempt.validBeforeSec * 1000 < engine.now();
  if (isBusy && !expired) return busyElsewhere(attempt);
  if (attempt.state === 'held') {
    // One whose holder lives, and cannot sign it any more, goes too: it loses the compare-and-set and signs nothing.
    if (!expired && !(await takeOver(engine, attempt.id))) return busyElsewhere(attempt);
    const released = await controlOf(engine, attempt).release(attempt.id, 'never_signed', engine.now());
    return closed(released.attempt, 'released', 'Its process ended before anything was signed.');
  }
  if (attempt.state === 'sent' && !isBusy) {
    if (!(await takeOver(engine, attempt.id))) return busyElsewhere(attempt);
    const unknown = await controlOf(engine, attempt).markUnknown(attempt.id, 'process_ended', engine.now());
    return settleAttempt(engine, unknown.attempt, signal);
  }
  return settleAttempt(engine, attempt, signal);
}

function busyElsewhere<A extends AnyAttempt>(attempt: A): SettlementVerdict<A> {
  return waits(attempt, 'A call is busy with it.', attempt.validBeforeSec * 1000);
}

function waits<A extends AnyAttempt>(attempt: A, message: string, retryAtMs: number): SettlementVerdict<A> {
  return {
    attempt,
    verdict: 'waits',
    message,
    retryAtMs,
    stillValid: false,
    openReason: null,
    owner: null,
  };
}

/**
 * One pass over everything open, for the owner who asks, and over what was released of late: a release may have been
 * false (T32). The verdicts, longest unchanged first; of what was released those that changed. A fault of one row leaves
 * the others their turn.
 */
export async function reconcileAll(engine: Engine, signal: AbortSignal): Promise<SettlementVerdict[]> {
  const open = await engine.ledger.openAttempts(ROWS_MAX);
  // Of a process that has just died the owner wants to know now.
  await Promise.all(open.map((attempt) => untilFree(engine, attempt, signal)));
  const known = new Set(open.map(({ id }) => id));
  const since = engine.now() - RELEASED_LOOK_MS;
  const released = (await engine.ledger.releasedAttempts(since, RELEASED_ROWS_MAX)).filter(
    ({ id }) => !known.has(id),
  );
  const rows = [...open, ...released];
  const verdicts = await reconcileRows(engine, rows.map(asDue), signal);
  return rows.flatMap(({ id, state }) => {
    const verdict = verdicts.get(id);
    return verdict === undefined || (state === 'released' && verdict.attempt.state === state)
      ? []
      : [verdict];
  });
}

function asDue(attempt: AnyAttempt): DueAttempt {
  return { attempt, failures: 0 };
}

/**
 * Looks at what is due, and again at what was released of late: what is found out of that is no call's to wait for. When
 * each is looked at next is kept in the ledger, for every process of the wallet; what this pass has no time for stays
 * due, and what is not stuck comes first.
 */
export async function reconcileDue(engine: Engine, signal: AbortSignal): Promise<void> {
  const pass = AbortSignal.any([signal, AbortSignal.timeout(PASS_MS_MAX)]);
  const nowMs = engine.now();
  const open = await engine.ledger.dueAttempts(nowMs, ROWS_PER_PASS);
  const watched = (await engine.ledger.watchedAttempts(nowMs, WATCHED_PER_PASS)).map(asDue);
  await reconcileRows(engine, [...open, ...watched], signal, pass);
  await closeExpired(engine, pass);
}

/** Looks at rows, each network beside the others, until no more is to be begun: one that is down holds up no other. */
async function reconcileRows(
  engine: Engine,
  rows: readonly DueAttempt[],
  signal: AbortSignal,
  beginning: AbortSignal = signal,
): Promise<Map<string, SettlementVerdict>> {
  const verdicts = new Map<string, SettlementVerdict>();
  const lanes = [...Map.groupBy(rows, ({ attempt }) => attempt.network).values()].flatMap((lane) => {
    const left = [...lane];
    return Array.from({ length: LOOKS_AT_ONCE }, async () => {
      for (let row = left.shift(); row !== undefined && !beginning.aborted; row = left.shift())
        verdicts.set(row.attempt.id, await reconcileRow(engine, row, signal));
    });
  });
  await Promise.all(lanes);
  return verdicts;
}

/** Reconciles one row among others: a fault that is the row's own is said of it, any other is thrown. */
async function reconcileRow(
  engine: Engine,
  { attempt, failures }: DueAttempt,
  signal: AbortSignal,
): Promise<SettlementVerdict> {
  let verdict: SettlementVerdict;
  try {
    verdict = await reconcileAttempt(engine, attempt, signal);
  } catch (error) {
    if (!isWalletError(error) || error.code !== 'internal') throw error;
    verdict = { ...waits(attempt, error.shortMessage, engine.now()), openReason: 'rpc_down' };
  }
  if (verdict.retryAtMs !== null && verdict.openReason !== 'interrupted')
    await planNextLook(engine, verdict, verdict.retryAtMs, failures);
  return verdict;
}

/** Writes down when an open payment is looked at next. */
async function planNextLook(
  engine: Engine,
  { attempt, openReason }: SettlementVerdict,
  retryAtMs: number,
  failures: number,
): Promise<void> {
  const nowMs = engine.now();
  if (attempt.state === 'released') {
    const dueMs = Math.min(retryAtMs, nowMs + LOOK_MS_MAX);
    await engine.ledger.saveLook({ paymentId: attempt.id, dueMs, failures: 0, reason: 'released' });
    return;
  }
  // A long search makes headway at every look.
  const failed = openReason !== null && openReason !== 'searching' ? failures + 1 : 0;
  const everyMs = attempt.state === 'captured' ? CONFIRM_EVERY_MS : LOOK_EVERY_MS;
  const waitMs =
    attempt.kind === 'payment' && (isDrawn(attempt) || isCommitment(attempt))
      ? LOOK_MS_MAX
      : Math.min(everyMs * 2 ** Math.max(0, failed - 1), FAILED_LOOK_MS_MAX);
  // A late settlement shows before the end can be proved, so the wait for a proof is not slept through.
  const isSooner = failed === 0 && attempt.state !== 'captured' && retryAtMs < nowMs + waitMs;
  const dueMs = isSooner ? retryAtMs : nowMs + waitMs;
  await engine.ledger.saveLook({ paymentId: attempt.id, dueMs, failures: failed, reason: openReason });
}

/** Reconciles behind the calls until the wallet closes; never keeps the process alive, never delays its start. */
export function reconcileInBackground(engine: Engine): void {
  const schedule = (afterMs: number): void => {
    const timer = setTimeout(() => {
      // A fault here (a locked ledger, a config in mid-edit) is met again, and told, by the next call that needs it.
      reconcileDue(engine, engine.closing)
        .catch(() => undefined)
        .finally(() => {
          // Also of what others wrote meanwhile, such as a freeze by somebody without keys (T29).
          engine.renewCheckpoint();
          if (!engine.closing.aborted) schedule(EVERY_MS);
        });
    }, afterMs);
    timer.unref();
    engine.closing.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  schedule(FIRST_AFTER_MS);
}
