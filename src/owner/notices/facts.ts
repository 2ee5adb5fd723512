import type { UsdMicros } from '../../money/unit.js';

/** A bound on spending, and what counts against it at this moment. */
export interface BoundUse {
  /** The key of the setting, such as `limits.per_day_usd`. */
  readonly name: string;
  /** The session that it bounds; null for a window of time. */
  readonly sessionId: string | null;
  readonly agent: string | null;
  readonly host: string | null;
  readonly kind: 'cap' | 'budget';
  readonly usedUsdMicros: UsdMicros;
  readonly maxUsdMicros: UsdMicros;
}

/** A question that waits for the owner. */
export interface WaitingQuestion {
  readonly id: string;
  readonly agent: string;
  readonly host: string;
  readonly usdMicros: UsdMicros;
  readonly expiresMs: number;
  /** Why it is asked, as codes of the policy. */
  readonly codes: readonly string[];
}

/** What one owner proposed, and another one has to confirm. */
export interface WaitingProposal {
  readonly id: string;
  /** The owner who proposed it. */
  readonly by: string;
  /** What it would do, in one line. */
  readonly line: string;
  readonly expiresMs: number;
}

/** A payment as notices speak of it. */
export interface NoticedPayment {
  readonly id: string;
  readonly agent: string;
  readonly host: string;
  readonly usdMicros: UsdMicros;
  /** When it came to be as it is: unknown, or paid for nothing. */
  readonly sinceMs: number;
}

/** What an agent has left on all networks together. */
export interface AgentMoney {
  readonly agent: string;
  readonly leftUsdMicros: UsdMicros;
}

/** Wrong tries of the owner passphrase at one place. */
export interface WrongPassphrases {
  readonly place: string;
  readonly wrong: number;
  readonly lastWrongMs: number;
}

/** What is looked at to find what the owner should be told: the wallet at one moment, by the wall clock. */
export interface NoticeFacts {
  readonly nowMs: number;
  readonly bounds: readonly BoundUse[];
  readonly questions: readonly WaitingQuestion[];
  readonly proposals: readonly WaitingProposal[];
  /** Paid for and brought nothing, since the notices were begun. */
  readonly lost: readonly NoticedPayment[];
  /** Whose money may still move. */
  readonly unknown: readonly NoticedPayment[];
  readonly factorTries: readonly WrongPassphrases[];
  /** Null where it was not looked at. */
  readonly money: readonly AgentMoney[] | null;
  readonly lowUsdMicros: UsdMicros;
}

/** What came of an agent's need of a refill. */
export interface RefillSeen {
  readonly agent: string;
  /** The agent whose money it is taken from. */
  readonly from: string;
  /** Why there was none, as a word of ours; null where one arrived. */
  readonly why: string | null;
  readonly leftUsdMicros: UsdMicros;
}

/** A client that calls the wallet. */
export interface ClientSeen {
  readonly agent: string;
  /** What it calls itself: its own word. */
  readonly client: string;
}
