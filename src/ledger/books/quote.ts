import type { UsdMicros } from '../../money/unit.js';
/** A priced offer kept for its short life. `request` and `challenge` are JSON texts that wallet reads again. */
export interface Quote {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly requestHash: string;
  readonly request: string;
  /** The 402 as it was received: the offer is parsed from it again, so nothing judged is stored. */
  readonly challenge: string;
  readonly offerIndex: number;
  readonly usdMicros: UsdMicros;
  readonly createdMs: number;
  readonly expiresMs: number;
}
