import type { SqlRow } from '../payments/paymentColumns.js';

/** What a journal entry can record. `freeze` alone may be written without the wallet's keys. */
export type JournalKind =
  | 'genesis'
  | 'session'
  | 'hold'
  | 'withdraw'
  | 'sign'
  | 'send'
  | 'unknown'
  | 'capture'
  | 'confirm'
  | 'release'
  | 'recapture'
  | 'deliver'
  | 'freeze'
  | 'unfreeze'
  | 'resume'
  | 'config'
  | 'rebase'
  | 'ask'
  | 'prompt'
  | 'answer'
  | 'consume'
  | 'lapse'
  | 'factor'
  | 'tries'
  | 'agent'
  | 'budget'
  | 'admin'
  | 'owner';

/** One line of the journal. */
export interface JournalEntry {
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: JournalKind;
  readonly subject: string;
  readonly data: string;
  readonly prevHash: string;
  readonly hash: string;
}

/** The subject of what the owner does to the whole wallet. */
export const WALLET = 'wallet';

/** The subject of what owners allowed, proposed and withdrew: no payment, session or agent has this id. */
export const OWNERS = 'owners';

/** The subject of the one entry that sets ledger time back: see rebase.ts. */
export const LEDGER_TIME = 'time';

/** The link before the first entry. */
export const GENESIS_HASH = '0'.repeat(64);

/** Whether an entry is the next one after another. */
export function follows(entry: JournalEntry, last: JournalEntry): boolean {
  const isLater = entry.timeMs >= last.timeMs || setsTimeBack(entry);
  return entry.seq === last.seq + 1 && entry.prevHash === last.hash && isLater;
}

/** Whether an entry is the owner's, who says that ledger time was ahead of the truth (T30). */
export function setsTimeBack({ kind, subject }: Pick<JournalEntry, 'kind' | 'subject'>): boolean {
  return kind === 'rebase' && subject === LEDGER_TIME;
}

/** An entry from its row. */
export function entryOf(row: SqlRow): JournalEntry {
  return {
    seq: Number(row['seq']),
    timeMs: Number(row['time_ms']),
    kind: String(row['kind']) as JournalKind,
    subject: String(row['subject']),
    data: String(row['data']),
    prevHash: String(row['prev_hash']),
    hash: String(row['hash']),
  };
}
