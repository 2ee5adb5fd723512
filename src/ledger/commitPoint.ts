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

/**
 * Points whose commit need not wait for the disk. A power cut may then take away what was written since the last commit
 * that did wait, and nothing older: never a row of which bytes may have left, for `sent` waits and takes along all that was
 * committed before it. What is lost of a payment the chain tells anew; what is lost beside that was told to nobody who
 * outlived the cut, or is found out again. A process that is killed loses nothing: the system has the bytes.
 */
const LEFT_TO_THE_SYSTEM: ReadonlySet<CommitPoint> = new Set([
  'session',
  'quote',
  'held',
  'signed',
  'unknown',
  'captured',
  'answered',
  'confirmed',
  'look',
]);

/** Whether what is written at a point is on the disk before its promise resolves. */
export function waitsForDisk(point: CommitPoint): boolean {
  return !LEFT_TO_THE_SYSTEM.has(point);
}

/** Called around each commit; tests crash here. The product passes none. */
export interface CommitObserver {
  beforeCommit?(point: CommitPoint): void;
  afterCommit?(point: CommitPoint): void;
  /** All that was committed so far is on the disk. */
  onDisk?(): void;
}
