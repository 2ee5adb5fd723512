import type { Ledger } from '../ledger/ledger.js';
import { pausedUntilMs } from '../policy/history.js';
import { hostPortOf, namesOf } from '../policy/host.js';
import { openLedger } from '../wallet/engine.js';
import { unlockAsAnyone, unlockAsOwner, type OwnerOperation, type OwnerOptions } from './auth/ownerAuth.js';

/** An origin that nothing is paid to for a while (T12). */
export interface Pause {
  readonly origin: string;
  readonly failures: number;
  readonly untilMs: number;
}

/** The pauses in force, by origin. Throws the codes of the keystore and of the ledger. */
export async function listPauses(options: OwnerOptions): Promise<Pause[]> {
  const ledger = await openLedger(options, await unlockAsAnyone(options));
  try {
    return await pausesIn(ledger, options.now());
  } finally {
    await ledger.close();
  }
}

/** What two owners agree on who end a pause, on whichever face. */
export function endPausePair(place: string): Pick<OwnerOperation, 'action' | 'agreed'> {
  return { action: { kind: 'endPause', place }, agreed: ['end pause', place] };
}

/**
 * Ends the pauses of a place, which is a host, a `host:port` or an origin: the owner's alone. Answers the origins that
 * may be paid again, none where none of that name was paused.
 */
export async function endPauses(options: OwnerOptions, place: string): Promise<string[]> {
  const keys = await unlockAsOwner(options, {
    what: `Ending the pause of ${place}`,
    ...endPausePair(place),
  });
  const ledger = await openLedger(options, keys);
  try {
    const ended = (await pausesIn(ledger, options.now()))
      .map(({ origin }) => origin)
      .filter((origin) => [origin, ...namesOf(hostPortOf(new URL(origin)))].includes(place));
    for (const origin of ended) await ledger.resetCircuitBreaker(origin, options.now());
    return ended;
  } finally {
    await ledger.close();
  }
}

/** The pauses in force, in an open ledger. Reads all payments. */
export async function pausesIn(ledger: Pick<Ledger, 'trippedBreakers'>, nowMs: number): Promise<Pause[]> {
  return (await ledger.trippedBreakers())
    .map((breaker) => ({
      origin: breaker.origin,
      failures: breaker.failures,
      untilMs: pausedUntilMs(breaker),
    }))
    .filter(({ untilMs }) => untilMs > nowMs);
}
