import type { FactorUse } from './factor.js';

/** How many owners a loosening can need: with a third, one lost factor more would stop the wallet and stop nobody else. */
export const QUORUM_MAX = 2;

/** How long a proposal waits for the second owner: they may be asleep. Later nobody remembers what was proposed. */
export const PROPOSAL_LIFE_MS = 24 * 3_600_000;

/** Clocks of servers that share a ledger differ by less; one that says an earlier time yet is not believed. */
export const PROPOSAL_SKEW_MS = 60_000;

/** Two owners talk about fewer at a time; and one factor in wrong hands cannot fill the journal's head with them. */
export const PROPOSALS_MAX = 16;

/** Who proved to be an owner, and by which of their factors. */
export interface Approver {
  /** The owner's name. */
  readonly owner: string;
  /** The label of their factor; null where the wallet has no factor yet. */
  readonly factor: string | null;
}

/** Something that only owners do, as they are shown it. */
export interface OwnersAct {
  readonly what: string;
  readonly details: readonly string[];
  /** SHA-256 in hex of all that two owners agree on: the same act in another state of the wallet has another one. */
  readonly digest: string;
  /** The `OwnerAction` that does it, as JSON; null where no command does. */
  readonly action: string | null;
}

/** An act that one owner has just proved. */
export interface ProvedAct {
  readonly act: OwnersAct;
  readonly by: Approver;
  /** Who has a factor: a proposal of anybody else counts no more. */
  readonly owners: readonly string[];
  /** To be stored in the same step; null where the wallet has no factor yet. */
  readonly use: FactorUse | null;
  /** False for what only takes from agents, or brings money back: one owner does. */
  readonly needsQuorum: boolean;
  /** The proposal that is meant, by its id: nothing new is proposed in its place. Null for whichever. */
  readonly confirms: string | null;
}

/** An act that one owner has proved, and that waits for another one. */
export interface Proposal extends OwnersAct {
  readonly id: string;
  readonly by: Approver;
  /** By the later of the clock and ledger time, ms since 1970; so is its end. */
  readonly createdMs: number;
  readonly expiresMs: number;
}

/** What came of an owner's word for an act: it may be done now, once; or it waits for another owner. */
export type Allowed =
  | { readonly kind: 'allowed'; readonly by: readonly Approver[] }
  | { readonly kind: 'proposed'; readonly proposal: Proposal };

/** One line of what owners did, out of the journal. */
export interface OwnersEntry {
  readonly act: 'allowed' | 'proposed' | 'withdrawn' | 'quorum';
  readonly what: string;
  readonly by: readonly Approver[];
  /** By the clock that it was done by, ms since 1970. */
  readonly atMs: number;
}
