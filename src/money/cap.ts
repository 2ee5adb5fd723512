import type { UsdMicros } from './unit.js';

/** Whose spending a line adds up. */
export type CapScope =
  | { readonly kind: 'wallet' }
  | { readonly kind: 'agent'; readonly agent: string }
  | {
      readonly kind: 'session';
      readonly agent: string;
      readonly sessionId: string;
      /** What of the session went to one category alone; all of it unless given. */
      readonly category?: string;
    }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'category'; readonly category: string }
  | {
      readonly kind: 'budget';
      readonly budget: string;
      /** The budgets that the owner put below it, by name: what they set aside for a run is set aside in this one too. */
      readonly below: readonly string[];
    };

/**
 * One bound on spending, as data: policy writes it from the owner's config, the ledger enforces exactly it in the
 * step that opens a hold.
 *
 * Passing a `cap` asks the owner; passing a `ceiling` is refused whoever agrees.
 */
export interface CapLine {
  /** The config key that set it, such as `limits.per_day_usd`: shown to people and agents. */
  readonly name: string;
  readonly kind: 'cap' | 'ceiling';
  readonly scope: CapScope;
  /** Length of the rolling window; null where the scope itself bounds the time (a session). */
  readonly windowSec: number | null;
  readonly usdMicrosMax: UsdMicros;
  /** Set for the owner's cap on this one agent: a prompt of the agent's client never takes a payment past it (T34). */
  readonly isAgentsOwn?: true;
}

/** A bound on how many payments may be opened in a rolling window. */
export interface RateLine {
  readonly name: string;
  readonly scope: CapScope;
  readonly windowSec: number;
  readonly callsMax: number;
}
