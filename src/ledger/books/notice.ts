import type { UsdMicros } from '../../money/unit.js';

/** What the owner is told of. `approval`, `payee_changed` and `price_changed` are questions that wait for them, and so is `proposal`, for another owner. */
export const NOTICE_KINDS = [
  'approval',
  'payee_changed',
  'price_changed',
  'cap',
  'budget',
  'money_low',
  'refill',
  'lost',
  'unknown',
  'factor',
  'client',
  'proposal',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** Something that the owner is told of. Nothing in it lets anybody do anything (T20). */
export interface NewNotice {
  readonly kind: NoticeKind;
  /** What it is told of once: a notice of the same occasion is not made again. */
  readonly occasion: string;
  readonly agent: string | null;
  /** The seller, in punycode. */
  readonly host: string | null;
  readonly usdMicros: UsdMicros | null;
  /** The payment, the question, the proposal, or the setting that it is about. */
  readonly subject: string | null;
  /** What else its kind says, as short text of ours; text of a client stands under `client` alone. */
  readonly facts: Readonly<Record<string, string>>;
}

/** A notice that was made. */
export interface Notice extends NewNotice {
  /** Its number: later ones have a higher one. */
  readonly seq: number;
  /** By the wall clock. */
  readonly atMs: number;
  /** When the owner saw it, or when it was over; null before. */
  readonly seenMs: number | null;
}

/** How a notice is to go out by one channel. */
export interface PlannedSend {
  readonly channel: string;
  readonly dueMs: number;
  /** Whether it may stand in one message with others. */
  readonly isBundled: boolean;
  /** Whether it is sent only where nobody saw or answered it until then. */
  readonly isEscalation: boolean;
}

/** A notice on its way out by one channel. */
export interface Send extends PlannedSend {
  readonly id: number;
  readonly notice: Notice;
  /** How often it was tried. */
  readonly tries: number;
}

/** What became of a channel's sends. */
export interface ChannelState {
  readonly channel: string;
  readonly waiting: number;
  readonly sentMs: number | null;
  /** When a send failed last, and in which words of ours; null where the last one went well. */
  readonly failedMs: number | null;
  readonly fault: string | null;
}

/** What one look came to: what is told, and what is remembered of it. */
export interface Settled {
  readonly notices: readonly NewNotice[];
  /** Marks that change; null forgets one. */
  readonly marks: ReadonlyMap<string, string | null>;
}

/**
 * What the owner was told of, what is remembered so that each is told once, and what is still to go out. Shared by all
 * processes of a wallet, and by all of its servers where the ledger is in a database. No limit goes by it: where it is lost,
 * some notices are. Any method rejects as those of the ledger do.
 */
export interface NoticeBook {
  /** When it was begun: what was before is not told. */
  begunMs(): Promise<number>;
  /**
   * One step over all processes: looks at the marks, decides, and keeps what is new, each with its sends. Answers the
   * notices that were made. `decide` and `plan` may be called again where the step is made again.
   */
  settle(
    decide: (marks: ReadonlyMap<string, string>) => Settled,
    plan: (notice: Notice) => readonly PlannedSend[],
    nowMs: number,
  ): Promise<readonly Notice[]>;
  /** Sets a mark where it is older than `ageMs`, or not there: true for the one process that did. */
  claim(key: string, ageMs: number, nowMs: number): Promise<boolean>;
  /** The newest, newest first; `unseen` alone those nobody saw. */
  list(limit: number, filter?: { readonly unseen?: boolean }): Promise<readonly Notice[]>;
  unseen(): Promise<number>;
  /** Whether a notice was seen, or is kept no more. */
  isSeen(seq: number): Promise<boolean>;
  /** Marks as seen: one by its number, or all up to a number. */
  markSeen(which: { readonly seq: number } | { readonly upTo: number }, nowMs: number): Promise<void>;
  /**
   * Takes the next sends of a channel that are due, in the order of their notices: one, or several that stand in one
   * message. Nobody else takes from the channel until they are settled or `leaseMs` is over. Empty where nothing is due.
   */
  take(nowMs: number, leaseMs: number): Promise<readonly Send[]>;
  /** Ends sends: they are out, or not needed any more. */
  done(ids: readonly number[], how: 'sent' | 'over', nowMs: number): Promise<void>;
  /** Has sends tried again at `dueMs`; null gives them up. */
  failed(ids: readonly number[], fault: string, dueMs: number | null, nowMs: number): Promise<void>;
  channels(): Promise<readonly ChannelState[]>;
  /** Forgets what is on its way by a channel. */
  dropChannel(channel: string): Promise<void>;
  /** Has a channel sent all notices from a number on once more; answers how many. */
  replay(channel: string, fromSeq: number, nowMs: number): Promise<number>;
  close(): void;
}

/** Notices that are kept: more than an owner looks back. */
export const NOTICES_KEPT_MAX = 2_000;
/** Sends that stand in one message: what fits in a chat's. */
export const BUNDLE_MAX = 20;

/** Of a channel's sends in order, those that go out in one message now: none where the first of them is not due yet. */
export function nextMessage(sends: readonly Send[], nowMs: number): readonly Send[] {
  const [first] = sends;
  if (first === undefined || first.dueMs > nowMs) return [];
  if (!first.isBundled) return [first];
  const last = sends.findIndex(({ isBundled }) => !isBundled);
  return last < 0 ? sends : sends.slice(0, last);
}
