import { setTimeout as delay } from 'node:timers/promises';
import { WalletError } from '../errors/walletError.js';
import { LEASE_MS, LEASE_RENEW_MS, type Lease } from '../ledger/attempts/lease.js';
import type { Ledger, LeaseBook } from '../ledger/ledger.js';
import { isLive, type Attempt } from '../ledger/attempts/attempt.js';
import type { Payment } from '../ledger/attempts/payment.js';

/** What leases need of an open wallet. */
export interface LeasePlace {
  readonly ledger: LeaseBook;
  /** The wall clock. */
  now(): number;
}

/** A lease must be seen to stand still for so long, by the monotonic clock: one that lives is renewed twice meanwhile. */
export const STILL_MS = 2 * LEASE_RENEW_MS;
/** How often it is looked whether a lease ended. */
const LOOK_EVERY_MS = 250;
/** How long a lease is waited for: where its holder died just after a renewal, it has ended by then. */
const WAIT_MS_MAX = LEASE_MS + 4 * LOOK_EVERY_MS;

/** A call of this process that is busy with a payment. */
interface Work {
  readonly end: Promise<void>;
  /** When its lease was last renewed, by the monotonic clock. */
  renewedMs: number;
}

/** Those calls, whichever wallet object they came through, by the payment's id. */
const busy = new Map<string, Work>();

/** Leases of others as they were first seen, and when, by the monotonic clock. */
const seen = new Map<string, Lease & { readonly sinceMs: number }>();

/**
 * Runs the call that takes a payment from its hold, or from one more sending, to what is known at its end, and renews its
 * lease meanwhile.
 */
export async function underLease<T>(
  place: LeasePlace,
  paymentId: string,
  work: () => Promise<T>,
): Promise<T> {
  const { ledger } = place;
  if (busy.has(paymentId))
    throw new WalletError('payment_unresolved', 'Another call is busy with this payment.', {
      money: 'unknown',
      retryAfterSec: 5,
    });
  let end = (): void => undefined;
  busy.set(paymentId, { end: new Promise((resolve) => (end = resolve)), renewedMs: -Infinity });
  const renewing = setInterval(() => {
    const askedMs = performance.now();
    ledger
      .renewLease(paymentId, place.now())
      .then((isOurs) => isOurs && renewedAt(paymentId, askedMs))
      // The next one meets it again; where the ledger cannot be written, nothing is signed either.
      .catch(() => undefined);
  }, LEASE_RENEW_MS);
  renewing.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewing);
    // Else it ends by itself.
    await ledger.endLease(paymentId).catch(() => undefined);
    busy.delete(paymentId);
    end();
  }
}

/** Resolves when the call of this process that is busy with a payment ends; undefined where there is none. */
export function endOfWork(paymentId: string): Promise<void> | undefined {
  return busy.get(paymentId)?.end;
}

/**
 * Notes that the ledger gave this process the lease on a payment, in a step that was asked for at `askedMs` of the monotonic
 * clock, and no later: between its commit and here the process may have stood still, and another one taken the payment. Where
 * that step took long the ledger says once more whose it is; what is another's is not sent ({@link stillLeased}).
 */
export async function noteLease(place: LeasePlace, paymentId: string, askedMs: number): Promise<void> {
  renewedAt(paymentId, askedMs);
  if (stillLeased(paymentId)) return;
  const againMs = performance.now();
  if (await place.ledger.renewLease(paymentId, place.now())) renewedAt(paymentId, againMs);
}

/** A lease counts from when the ledger was asked: what answers later may tell of what was. */
function renewedAt(paymentId: string, askedMs: number): void {
  const work = busy.get(paymentId);
  if (work !== undefined) work.renewedMs = Math.max(work.renewedMs, askedMs);
}

/**
 * Whether nobody can have taken a payment over from this process by now: asked at the last moment before bytes leave, for
 * the process may have stood still since the ledger let them. Whoever takes it has watched for longer, by the monotonic
 * clock, so a wall clock that jumps meanwhile stops nothing that was paid.
 */
export function stillLeased(paymentId: string): boolean {
  const work = busy.get(paymentId);
  return work !== undefined && performance.now() - work.renewedMs < STILL_MS - LOOK_EVERY_MS;
}

/** A payment as the ledger has it after a fault; null where that cannot be read, and says nothing of its end. */
export async function paymentAsKnown(
  { ledger }: { readonly ledger: Pick<Ledger, 'findPayment'> },
  { id }: Pick<Payment, 'id'>,
): Promise<Payment | null> {
  try {
    return await ledger.findPayment(id);
  } catch {
    return null;
  }
}

/** Whether a call of this or of another living process is busy with the payment at this moment. */
export async function isLeased(place: LeasePlace, attempt: Attempt): Promise<boolean> {
  if (busy.has(attempt.id)) return true;
  return isLive(attempt.state) && attempt.state !== 'unknown' && (await isLeasedElsewhere(place, attempt.id));
}

/** Whether another process has a lease on the payment, and may be alive. */
export async function isLeasedElsewhere(place: LeasePlace, paymentId: string): Promise<boolean> {
  const lease = await place.ledger.findLease(paymentId);
  return lease !== null && !hasEnded(place, paymentId, lease);
}

/**
 * Takes the payment of a process that died, or stood still for too long: from here on that one can neither sign nor send.
 * False where its holder turned out to be alive.
 */
export async function takeOver(place: LeasePlace, paymentId: string): Promise<boolean> {
  const lease = await place.ledger.findLease(paymentId);
  if (lease === null || place.ledger.isHeldHere(lease)) return true;
  if (!hasEnded(place, paymentId, lease)) return false;
  return place.ledger.takeLease(paymentId, lease, place.now());
}

/** Waits until no other process is busy with the payment; false where one lives, or the signal ended the wait. */
export async function untilFree(place: LeasePlace, attempt: Attempt, signal: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (await isLeased(place, attempt)) {
    if (busy.has(attempt.id) || performance.now() > endMs || signal.aborted) return false;
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return true;
}

/**
 * Whether nobody can be busy under this lease any more. Its time by the wall clock has to be over, and it has to have
 * stood still while this process watched: after a sleep of the machine or a jump of its clock every lease looks old, and
 * those who hold one need a moment to renew it. A time that is too far ahead was written under a clock that was fast.
 */
function hasEnded(place: LeasePlace, paymentId: string, lease: Lease): boolean {
  if (place.ledger.isHeldHere(lease)) return true;
  const nowMs = place.now();
  const known = seen.get(paymentId);
  if (known?.holder !== lease.holder || known.untilMs !== lease.untilMs) {
    forgetOld();
    seen.delete(paymentId);
    seen.set(paymentId, { ...lease, sinceMs: performance.now() });
    return false;
  }
  const isOver = lease.untilMs <= nowMs || lease.untilMs > nowMs + LEASE_MS;
  return isOver && performance.now() - known.sinceMs >= STILL_MS;
}

/** What is asked about is asked about again within seconds; the rest is of payments that have ended. */
const SEEN_MS = 10 * 60_000;

function forgetOld(): void {
  for (const [id, { sinceMs }] of seen) {
    if (performance.now() - sinceMs < SEEN_MS) return;
    seen.delete(id);
  }
}
