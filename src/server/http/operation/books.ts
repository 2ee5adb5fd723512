import type { UsdMicros } from '../../../money/unit.js';
import type { Engine } from '../../../wallet/engine.js';

const DAY_MS = 24 * 60 * 60_000;

/** What the ledger says of the whole wallet at one moment. Amounts are in millionths of a dollar. */
export interface Books {
  readonly heldUsdMicros: UsdMicros;
  readonly capturedDayUsdMicros: UsdMicros;
  /** Payments still open, and captures the chain has not confirmed. */
  readonly backlog: number;
  /** Seconds since the oldest open payment last changed; 0 if no payment is open. */
  readonly oldestSec: number;
}

/** What the ledger says of all agents together. Throws `ledger_*`. */
export async function readBooks(engine: Engine): Promise<Books> {
  const nowMs = engine.now();
  const { heldUsdMicros, capturedUsdMicros, open, oldestMs } = await engine.ledger.openBooks(nowMs - DAY_MS);
  return {
    heldUsdMicros,
    capturedDayUsdMicros: capturedUsdMicros,
    backlog: open,
    oldestSec: oldestMs === null ? 0 : Math.max(0, Math.round((nowMs - oldestMs) / 1000)),
  };
}
