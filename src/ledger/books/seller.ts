import type { UsdMicros } from '../../money/unit.js';
import type { Payment } from '../attempts/payment.js';

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

/** What a call of one model cost last. */
export interface ModelPrice {
  readonly model: string;
  readonly usdMicros: UsdMicros;
  /** When it was paid, by the wall clock, ms. */
  readonly atMs: number;
}

/** What was asked at an endpoint of late. */
export interface AskedBefore {
  /** Captured payments, newest first, of 24 hours of ledger time at most. */
  readonly captured: readonly Payment[];
  /** Whether a payment since the oldest of them was turned away, lost or never settled, as far as the ledger knows. */
  readonly stumbled: boolean;
}

/** How often an origin took money and denied it, claimed money that never moved, or gave nothing for it several times. */
export interface CircuitBreaker {
  readonly origin: string;
  /** Payments since the last one delivered, and since the owner ended a pause, that ended so. */
  readonly failures: number;
  /** When the latest was found out, by the wall clock, or 0. */
  readonly lastFailureMs: number;
}
