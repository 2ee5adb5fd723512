import type { Entitlement } from '../../ledger/books/entitlement.js';
import { changeKept, keptOf } from '../entitlement/deposit.js';
import type { Engine } from '../engine.js';
import { settleAttempt } from './settlement.js';

/** For how long a look at the chain may take. */
const LOOK_MS_MAX = 10_000;
/** So long after what is added could come there for the last time, by a clock that may be off, it is not waited for any more. */
const SHOWS_SEC = 90;

/**
 * Looks at the deposits with an origin that more is being added to: what the chain shows pays from then on. What does not show long
 * after it could come there is not waited for, and still counts.
 */
export async function lookAtTopUps(engine: Engine, origin: string, signal: AbortSignal): Promise<void> {
  const live = await engine.ledger.entitlements.usable(engine.agent, origin, 0);
  for (const deposit of live) {
    if (deposit.kind !== 'channel' || keptOf(deposit).top_up === undefined) continue;
    await lookAtDeposit(engine, deposit, signal);
    const nowSec = engine.now() / 1000;
    await changeKept(engine, deposit.id, ({ top_up }) =>
      top_up !== undefined && nowSec > top_up.valid_before_sec + SHOWS_SEC ? { top_up: undefined } : {},
    );
  }
}

/** Has the chain say what became of a deposit. */
export async function lookAtDeposit(
  engine: Engine,
  { paymentId }: Pick<Entitlement, 'paymentId'>,
  signal: AbortSignal,
): Promise<void> {
  const row = await engine.ledger.findPayment(paymentId ?? '');
  if (row === null) return;
  await settleAttempt(engine, row, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS_MAX)]));
}
