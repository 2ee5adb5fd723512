import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import type { Engine } from '../../src/wallet/engine.js';
import { reconcileAttempt } from '../../src/wallet/settle/reconcile.js';

/** Rows reconciled at once, and the rounds after which a row that is still open is a fault. */
const AT_ONCE = 8;
const ROUNDS_MAX = 20;
const OPEN_MAX = 1_000;

/** Gives every payment its final state. Returns sentences on those that have none. */
export async function settleForGood(engine: Engine): Promise<string[]> {
  const patient = new AbortController().signal;
  let open: AnyAttempt[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    open = await engine.ledger.openAttempts(OPEN_MAX);
    if (open.length === 0) return [];
    const queue = [...open];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await reconcileAttempt(engine, next, patient);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  return open.map(({ id, state, note }) => `${id} has no final state: ${state} (${note ?? 'no note'})`);
}
