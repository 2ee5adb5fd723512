import type { AtomicAmount } from '../../money/unit.js';

/** What can be bought ahead of its use. */
export const ENTITLEMENT_KINDS = [
  'l402_token',
  'siwx_session',
  'bearer',
  'prepaid_balance',
  'mpp_session',
  'channel',
  'gateway_deposit',
  'job',
] as const;
export type EntitlementKind = (typeof ENTITLEMENT_KINDS)[number];

/** These hold money of the wallet until a proof closes them: they give way to nothing, and no owner's word ends one. */
export const DEPOSIT_KINDS: readonly EntitlementKind[] = ['mpp_session', 'channel', 'gateway_deposit'];

/** `live` until the seller no longer takes it, its time is over, or the owner ends it. No way leads back. */
export type EntitlementState = 'live' | EntitlementEnd;
export type EntitlementEnd = 'spent' | 'expired' | 'revoked';

/** Where something bought is good, and for whom: there is one live one of each such place. */
export interface EntitlementPlace {
  readonly agent: string;
  readonly kind: EntitlementKind;
  /** Scheme, host and port of the seller: it goes nowhere else (T38). */
  readonly origin: string;
  /** A path that ends in `/` covers all below it; any other covers itself alone, with its query where it has one. */
  readonly path: string;
  /** Which of several at one place it is, such as a channel's id; empty where there is one. */
  readonly subject: string;
}

/** What changes of an entitlement while it is live. */
export interface EntitlementTerms {
  /** What is left of it, in the words of whoever says so: a number as text; null where nothing is counted. */
  readonly valueLeft: string | null;
  /** What `valueLeft` counts, such as `usd` or an asset; null beside no value, or where nobody says. */
  readonly unit: string | null;
  /** When it ends, wall time in ms since 1970; null where nobody says. */
  readonly expiresMs: number | null;
  /** What else its kind needs, no secret: JSON that its own module writes and reads. */
  readonly facts: string;
  /** What the seller takes it by, sealed by a key of the keystore for this place (T38); null where it needs none. */
  readonly secret: Uint8Array | null;
}

/** Something that is bought and not used up. */
export interface Entitlement extends EntitlementPlace, EntitlementTerms {
  readonly id: string;
  readonly state: EntitlementState;
  /** The payment that bought it; null where it cost nothing. */
  readonly paymentId: string | null;
  /** One more with each change: whoever changes it names the one that it saw. */
  readonly revision: number;
  readonly createdMs: number;
  readonly changedMs: number;
}

/**
 * What a deposit says of itself among its `facts`: how much it holds. Its `valueLeft` is what no voucher says yet, both in
 * the smallest unit of the asset.
 */
export interface DepositFacts {
  readonly deposit_atomic: string;
}

/** So much of a deposit is taken with a hold, in the same step: the amount that was drawn before is the one that was seen. */
export interface Draw {
  readonly entitlementId: string;
  readonly drawnAtomic: AtomicAmount;
}

/** What is kept anew. */
export type NewEntitlement = EntitlementPlace & EntitlementTerms & Pick<Entitlement, 'paymentId'>;

/** Which ones are listed; all unless said. */
export interface EntitlementFilter {
  readonly agent?: string;
  readonly isLive?: boolean;
}
