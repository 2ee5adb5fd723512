import type { Labels } from '../../payment/labels.js';
import type { Attempt } from './attempt.js';

/** What a payment brought. `pending`: a job was bought, whose result is still to come. `lost`: nothing came, or not all of it. */
export const DELIVERIES = ['delivered', 'pending', 'empty', 'error', 'schema_mismatch', 'lost'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** What was paid for and brought nothing. An answer that lacks what a listing promises is none: listings are hints (T17). */
export const UNDELIVERED: readonly Delivery[] = ['empty', 'error', 'lost'];

/** A payment as the ledger keeps it: an attempt to pay for one request of an agent's. */
export interface Payment extends Attempt {
  readonly kind: 'payment';
  readonly sessionId: string;
  /** Identity of the HTTP request: see wallet/call/request. */
  readonly requestHash: string;
  readonly idempotencyKey: string | null;
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  readonly host: string;
  readonly category: string | null;
  readonly protocol: string;
  /** The agent's own words for why it pays: quoted as the agent's wherever shown. */
  readonly reason: string | null;
  readonly quoteId: string | null;
  /** The approval it was paid by; then ceilings alone are its lines. */
  readonly approvalId: string | null;
  /** The caps it was approved past: it counts toward every other cap and every ceiling, and not toward these. */
  readonly pastCaps: readonly PastCap[];
  /** What it brought; null while that is open, and in rows of before schema 5. */
  readonly delivery: Delivery | null;
  /** The budgets that it counts in, from the one it was made under to the topmost: see `budgetsOf`; null for none. */
  readonly budgetPath: string | null;
  /** Tags that whoever called gave it, for reports. No limit looks at them. */
  readonly labels: Labels;
}

/** A cap by its name, and the key of the scope that it bounded. */
export type PastCap = readonly [name: string, scope: string];
