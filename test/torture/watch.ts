import Database from 'better-sqlite3';
import { STILL_MS } from '../../src/wallet/leaseKeeper.js';
import type { JournalLine } from '../support/books.js';
import type { Witness } from './exposure.js';

/** How often the journal is read on, in ms: what is seen is judged a moment late, and never too early. */
const LOOK_EVERY_MS = 25;

/** A line of the journal, and when it was first seen, by the world's clock. */
export interface SeenLine extends JournalLine {
  readonly atMs: number;
  /** The ledger's own time of it. */
  readonly ledgerMs: number;
  /** The same as `atMs` by this process's monotonic clock. */
  readonly seenMs: number;
  /** The lease on its payment when the journal was last read. */
  readonly lease: SeenLease | undefined;
}

interface SeenLease {
  /** The process whose it was. */
  readonly pid: number;
  /** By the wall clock of its holder. */
  readonly untilMs: number;
  /** Since when it was seen to stand still, and when it was last seen, by this process's monotonic clock. */
  readonly sinceMs: number;
  readonly seenMs: number;
  /** The one that it took the place of, where that was not ended before. */
  readonly tookOver: SeenLease | undefined;
}

/** A row of the table of leases. */
interface LeaseRow {
  readonly payment_id: string;
  readonly holder: string;
  readonly until_ms: number;
}

/**
 * Reads the journal while it is written, and holds each entry against what is true at that moment: nothing is let go
 * that could still settle, and nothing is taken from a process that lives.
 */
export class Watch {
  readonly #path: string;
  readonly #witness: Witness;
  readonly #now: () => number;
  readonly lines: SeenLine[] = [];
  /** Sentences, one for each entry that was not true when it was seen. */
  readonly broken: string[] = [];
  readonly #nonces = new Map<string, string>();
  /** The leases that stood at the last look, by payment. */
  #leases = new Map<string, SeenLease>();
  /** When the journal was last read, by this process's monotonic clock. */
  #lookedMs = performance.now();
  /** Brings the file that is read to where the ledger stands; null where that file is the ledger. */
  readonly #follow: (() => Promise<void>) | null;
  /** As of when the file is the ledger, by the monotonic clock; null where it always is. */
  #freshMs: number | null;
  #db: Database.Database | null = null;
  #looking: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(
    path: string,
    witness: Witness,
    now: () => number,
    follow: (() => Promise<void>) | null = null,
  ) {
    this.#path = path;
    this.#follow = follow;
    this.#freshMs = follow === null ? null : performance.now();
    this.#witness = witness;
    this.#now = now;
  }

  start(): void {
    this.#db = new Database(this.#path, { readonly: true });
    this.#looking = setInterval(() => void this.#lookInTurn(), LOOK_EVERY_MS);
    // A torture that fails must end all the same.
    this.#looking.unref();
  }

  /** Reads what is there, and no more until it is started again. */
  stop(): void {
    clearInterval(this.#looking);
    this.look();
    this.#db?.close();
    this.#db = null;
  }

  get seq(): number {
    return this.lines.at(-1)?.seq ?? 0;
  }

  /** Reads what is in the ledger at this moment; what cannot be asked for now comes with the next look. */
  async lookNow(): Promise<void> {
    const askedMs = performance.now();
    await this.#follow?.().then(
      () => (this.#freshMs = Math.max(this.#freshMs ?? 0, askedMs)),
      () => undefined,
    );
    this.look();
  }

  /** One look after the other: a ledger that cannot be asked for a while is not asked a hundred times at once. */
  async #lookInTurn(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.lookNow();
    this.#isLooking = false;
  }

  look(): void {
    const db = this.#db;
    if (db === null) return;
    // One snapshot: an entry and the lease that it ends are written in one commit.
    const [rows, leases] = db.transaction(
      () =>
        [
          db
            .prepare(
              'SELECT seq, time_ms AS ledgerMs, kind, subject, data FROM journal WHERE seq > ? ORDER BY seq',
            )
            .all(this.seq) as (Omit<JournalLine, 'data'> & { ledgerMs: number; data: string })[],
          db.prepare('SELECT payment_id, holder, until_ms FROM leases').all() as LeaseRow[],
        ] as const,
    )();
    const atMs = this.#now();
    const seenMs = performance.now();
    for (const row of rows) {
      const data = JSON.parse(row.data) as JournalLine['data'];
      const line = { ...row, data, atMs, seenMs, lease: this.#leases.get(row.subject) };
      this.lines.push(line);
      this.#judge(line);
    }
    // By what stood before these lines: who took a payment has its lease by now. One that is gone was given up by a call
    // that ended, though its payment may be open, as on a full disk: then the next one to look takes it from nobody.
    // What stood in a file that lags behind stood so as of then: what changed since may have changed right after that.
    const asOfMs = this.#freshMs ?? seenMs;
    this.#leases = new Map(leases.map((row) => [row.payment_id, this.#seen(row, asOfMs)]));
    this.#lookedMs = asOfMs;
  }

  #seen({ payment_id: id, holder, until_ms: untilMs }: LeaseRow, seenMs: number): SeenLease {
    const pid = Number(holder.split('-')[0]);
    const last = this.#leases.get(id);
    const isSame = last?.pid === pid;
    const isStill = isSame && last.untilMs === untilMs;
    // What changed since the last look may have changed right after it.
    const sinceMs = isStill ? last.sinceMs : (last?.seenMs ?? this.#lookedMs);
    return { pid, untilMs, sinceMs, seenMs, tookOver: isSame ? last.tookOver : last };
  }

  /**
   * Entries after `seq` by which others took what a process, stopped since then, was busy with, though its lease cannot
   * have stood still for as long as a takeover needs. A busy machine can make it stand still for longer than it was stopped.
   */
  takenFrom(pid: number, seq: number): string[] {
    this.look();
    return this.lines
      .filter((line) => line.seq > seq && isTakeover(line) && isTooSoon(line, pid))
      .map(({ seq: at, kind, subject, data }) => {
        const note = data['note'] ?? 'no note';
        return `entry ${at}: ${subject} was taken from process ${pid}, which lives (${kind}, ${note})`;
      });
  }

  #judge({ seq, kind, subject, data }: SeenLine): void {
    if (kind === 'hold') this.#nonces.set(subject, String(data['nonce']));
    if (kind !== 'release') return;
    const arrival = this.#witness.arrivals.get(this.#nonces.get(subject) ?? '');
    if (arrival !== undefined && this.#witness.couldSettle(arrival))
      this.broken.push(
        `entry ${seq}: ${subject} was let go while ${arrival.expiry.chain} could still take it`,
      );
  }
}

/** What is written of a payment whose process is taken to be gone. */
function isTakeover({ kind, data }: SeenLine): boolean {
  const note = data['note'];
  return (kind === 'release' && note === 'never_signed') || (kind === 'unknown' && note === 'process_ended');
}

/** Whether a payment was taken from a process whose lease cannot have stood still for as long as a takeover needs. */
function isTooSoon({ lease, seenMs }: SeenLine, pid: number): boolean {
  // Between the taking and what was written behind it there may have been a look.
  const taken = lease?.pid === pid ? lease : lease?.tookOver;
  return taken?.pid === pid && seenMs - taken.sinceMs < STILL_MS;
}
