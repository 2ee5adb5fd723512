import type { UsdMicros } from '../../money/unit.js';
/** One method and URL, whatever its query. */
export interface Endpoint {
  readonly method: string;
  readonly url: string;
}

/** What the ledger knows of an origin. */
export interface OriginHistory extends Omit<CircuitBreaker, 'origin'> {
  /** Payees of the latest captured payments to the origin on one chain family, newest first. */
  readonly payees: readonly string[];
  /** The same of the endpoint that is called. */
  readonly endpointPayees: readonly string[];
}

/** What the ledger knows of an endpoint: one method and URL, whatever its query. */
export interface EndpointPrices {
  /** Captured in 30 days, in micro-dollars, newest first. */
  readonly prices: readonly bigint[];
  /** The highest of those prices that the owner approved when asked; 0 where none was. */
  readonly approvedUsdMicros: UsdMicros;
}

/** How often an origin took money and denied it, claimed money that never moved, or gave nothing for it several times. */
export interface CircuitBreaker {
  readonly origin: string;
  /** Payments since the last one delivered, and since the owner ended a pause, that ended so. */
  readonly failures: number;
  /** When the latest was found out, by the wall clock, or 0. */
  readonly lastFailureMs: number;
}
