/**
 * The points at which a payment's truth becomes durable, in the order of its life. A crash between two of them
 * leaves exactly what the earlier one wrote; the crash tests stop at each.
 */
export const COMMIT_POINTS = {
  session: 1,
  quote: 2,
  held: 3,
  signed: 4,
  sent: 5,
  unknown: 6,
  captured: 7,
  answered: 8,
  confirmed: 9,
  released: 10,
  frozen: 11,
  config: 12,
} as const;

/**
 * A point of a payment's life; or beside it `owner`, a question, an answer or a factor, `look`, what a look at the chain
 * leaves for the next one, and `entitlement`, what is bought and not used up.
 */
export type CommitPoint = keyof typeof COMMIT_POINTS | 'owner' | 'look' | 'entitlement';

/** Called around each commit; tests crash here. The product passes none. */
export interface CommitObserver {
  beforeCommit?(point: CommitPoint): void;
  afterCommit?(point: CommitPoint): void;
}
