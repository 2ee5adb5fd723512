import type { UsdMicros } from '../money/unit.js';

/** What it came to that ledger time was set back. */
export interface Rebased {
  /** How far ledger time had been ahead. ms */
  readonly aheadMs: number;
  /** Payments that count in every window from then on, and what they come to. */
  readonly counted: number;
  readonly countedUsdMicros: UsdMicros;
}
