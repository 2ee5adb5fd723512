import { WalletError } from '../../errors/walletError.js';
import { OLDER_COPY } from '../fault.js';
import { missing } from './fault.js';

/** Where the ledger in the database stands. One row, and whoever writes holds its lock. */
export interface Head {
  readonly ledgerId: string;
  /** Names what was brought in here once: another one stands here after a rebuilding or a restoring of the owner's. */
  readonly arrival: string;
  /** `arriving` until a ledger that was moved here is whole and proved; `moved` once it went elsewhere. */
  readonly state: 'arriving' | 'live' | 'moved';
  readonly schemaVersion: number;
  /** Number and link of the newest change. */
  readonly position: number;
  readonly hash: string;
  /**
   * Counts the failovers, and what was put in the ledger's place: a server that has seen a later one writes to no database
   * that has not.
   */
  readonly epoch: number;
  /** The timeline that the newest epoch began with, or null where the engine knows none. */
  readonly timeline: number | null;
}

/** Where a copy of the ledger stands. */
export type CopyPlace = Pick<Head, 'arrival' | 'position' | 'hash' | 'epoch'>;

/** The columns of a head that {@link headOf} reads. */
export const HEAD_COLUMNS = 'ledger_id, arrival, state, schema_version, position, hash, epoch, timeline';

/**
 * Throws unless a head is one that a copy at `copy` may follow: `ledger_newer`, `ledger_older`, `ledger_missing`.
 * `version` is the schema that this program knows.
 */
export function checkHead(head: Head, version: number, copy: CopyPlace | null): void {
  assertLive(head);
  if (head.schemaVersion > version)
    throw new WalletError(
      'ledger_newer',
      `The ledger was written by a newer Purser (schema ${head.schemaVersion}, this one knows ${version}).`,
      { owner: { say: 'This Purser is older than the ledger.', action: { kind: 'takeNewest' } } },
    );
  if (copy === null) return;
  // T41: a failover to a standby that lacks what was committed, or the primary of before it.
  if (head.epoch < copy.epoch) throw wentBack();
  if (head.arrival !== copy.arrival)
    throw new WalletError(
      'ledger_missing',
      'The owner put another ledger in the place of the one that this program has open; start it again.',
    );
  if (head.position < copy.position) throw wentBack();
  if (head.position === copy.position && head.hash !== copy.hash) throw wentBack();
}

/** The error for a database that lacks what this server saw committed. */
export function wentBack(): WalletError {
  return new WalletError(
    'ledger_older',
    'The database went back behind what this server saw committed, as after a failover to a standby that lagged; nothing is signed.',
    { owner: OLDER_COPY },
  );
}

/** Throws `ledger_missing` for a ledger that was moved elsewhere, or has not arrived whole. */
export function assertLive({ state }: Head): void {
  if (state === 'live') return;
  throw new WalletError(
    'ledger_missing',
    state === 'moved'
      ? 'The ledger was moved out of this database.'
      : 'A move of the ledger into this database was not finished.',
    { owner: { say: 'Finish the move of the ledger, or have this server use the one it was moved to.' } },
  );
}

/** The head that the database gave as rows. Throws `ledger_missing` where there is none. */
export function headOf(rows: readonly Record<string, unknown>[]): Head {
  const [row] = rows;
  if (row === undefined) throw missing();
  return {
    ledgerId: String(row['ledger_id']),
    arrival: String(row['arrival']),
    state: String(row['state']) as Head['state'],
    schemaVersion: Number(row['schema_version']),
    position: Number(row['position']),
    hash: String(row['hash']),
    epoch: Number(row['epoch']),
    timeline: row['timeline'] === null ? null : Number(row['timeline']),
  };
}
