import { isWalletError } from '../errors/walletError.js';
import type { Payment } from '../ledger/payment.js';
import { LOOK_MS_MAX } from '../ledger/sqlite/look.js';
import { isDriven } from './driver.js';
import type { Engine } from './engine.js';
import { settleFate, type FateVerdict } from './fate.js';

/** Rows looked at in one pass of the background; what is left comes with the next. */
const ROWS_PER_PASS = 200;
/** Rows that the owner's own pass looks at: more than can be open within an authorization's life, in some 20 MB. */
const ROWS_MAX = 10_000;
/** Released payments that the owner's own pass looks at again, newest first; an audit compares all of the same time. */
const RELEASED_ROWS_MAX = 200;
/** No cap counts longer: what is found out later changes no limit. */
const RELEASED_LOOK_MS = 30 * 24 * 3_600_000;
/** Released payments looked at in one pass of the background: rare, and in no hurry. */
const WATCHED_PER_PASS = 20;
/** How often the background looks, and how soon after start: never in the way of a first call. */
const EVERY_MS = 15_000;
const FIRST_AFTER_MS = 3_000;
/** How often one payment is looked at: a chain is asked about few payments, and each some dozens of times at most. */
const LOOK_EVERY_MS = 30_000;

/**
 * Takes one payment as far as what is known allows: a dead owner's unsigned hold is released, a sent one becomes
 * unknown, and the chain is asked about the rest.
 */
export async function reconcilePayment(
  engine: Engine,
  payment: Payment,
  signal: AbortSignal,
): Promise<FateVerdict> {
  const expired = payment.validBeforeSec * 1000 < engine.now();
  if (isDriven(payment) && !expired) {
    const says = `Process ${payment.ownerPid} is busy with it.`;
    return { payment, verdict: 'waits', says, retryAtMs: payment.validBeforeSec * 1000, stillValid: false };
  }
  if (payment.state === 'held') {
    // A driver that is alive after all loses the compare-and-set and signs nothing.
    const released = await engine.ledger.release(payment.id, 'never_signed', engine.now());
    const says = 'Its process ended before anything was signed.';
    return { payment: released.payment, verdict: 'released', says, retryAtMs: null, stillValid: false };
  }
  if (payment.state === 'sent' && !isDriven(payment)) {
    const unknown = await engine.ledger.markUnknown(payment.id, 'process_ended', engine.now());
    return settleFate(engine, unknown.payment, signal);
  }
  return settleFate(engine, payment, signal);
}

/**
 * One pass over everything open, oldest first, for the owner who asks, and over what was released of late: a release may
 * have been false (T32). A fault of one row leaves the others their turn.
 */
export async function reconcileAll(engine: Engine, signal: AbortSignal): Promise<FateVerdict[]> {
  const verdicts: FateVerdict[] = [];
  const known = new Set<string>();
  for (const payment of engine.ledger.openPayments(ROWS_MAX)) {
    if (signal.aborted) break;
    known.add(payment.id);
    verdicts.push(await reconcileRow(engine, payment, signal));
  }
  const since = engine.now() - RELEASED_LOOK_MS;
  for (const payment of engine.ledger.releasedPayments(since, RELEASED_ROWS_MAX)) {
    if (signal.aborted) break;
    if (known.has(payment.id)) continue;
    const verdict = await reconcileRow(engine, payment, signal);
    if (verdict.payment.state !== 'released') verdicts.push(verdict);
  }
  return verdicts;
}

/** Reconciles one row among others: a fault that is the row's own is said of it, any other is thrown. */
async function reconcileRow(engine: Engine, payment: Payment, signal: AbortSignal): Promise<FateVerdict> {
  try {
    return await reconcilePayment(engine, payment, signal);
  } catch (error) {
    if (!isWalletError(error) || error.code !== 'internal') throw error;
    const retryAtMs = engine.now() + LOOK_EVERY_MS;
    return { payment, verdict: 'waits', says: error.shortMessage, retryAtMs, stillValid: false };
  }
}

/** Looks again at released payments whose look is due: what is found out of them is no call's to wait for. */
async function lookAtReleased(engine: Engine): Promise<void> {
  for (const payment of engine.ledger.watchedPayments(engine.now(), WATCHED_PER_PASS)) {
    if (engine.closing.aborted) return;
    const { payment: after, retryAtMs } = await reconcileRow(engine, payment, engine.closing);
    if (after.state !== 'released' || retryAtMs === null) continue;
    const dueMs = Math.min(retryAtMs, engine.now() + LOOK_MS_MAX);
    await engine.ledger.saveLook({ paymentId: payment.id, dueMs, failures: 0, reason: 'released' });
  }
}

/** Reconciles behind the calls until the wallet closes; never keeps the process alive, never delays its start. */
export function reconcileInBackground(engine: Engine): void {
  const dueMs = new Map<string, number>();
  const pass = async (): Promise<void> => {
    for (const payment of engine.ledger.openPayments(ROWS_PER_PASS)) {
      if (engine.closing.aborted) return;
      if ((dueMs.get(payment.id) ?? 0) > engine.now()) continue;
      const { retryAtMs } = await reconcileRow(engine, payment, engine.closing);
      // A late settlement shows before the end can be proved, so the wait for a proof is not slept through.
      if (retryAtMs === null) dueMs.delete(payment.id);
      else dueMs.set(payment.id, Math.min(retryAtMs, engine.now() + LOOK_EVERY_MS));
    }
    await lookAtReleased(engine);
  };
  const schedule = (afterMs: number): void => {
    const timer = setTimeout(() => {
      // A fault here (a locked ledger, a config in mid-edit) is met again, and told, by the next call that needs it.
      pass()
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
