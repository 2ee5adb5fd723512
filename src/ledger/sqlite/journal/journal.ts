import type { SqlRow } from '../payments/paymentColumns.js';
import { assertInvariant, WalletError } from '../../../errors/walletError.js';
import { journalHash, type RowAuthenticator } from './authenticity.js';
import { statement, type Sqlite } from '../file/database.js';
import { changedBehind, OLDER_COPY } from '../../fault.js';
import type { LedgerClock } from '../../ledgerStore.js';
import {
  entryOf,
  follows,
  GENESIS_HASH,
  setsTimeBack,
  WALLET,
  type JournalEntry,
  type JournalKind,
} from './entry.js';
import { EMPTY_REGISTER, type RegisterDigests } from './register.js';

/** Where the journal stands. `attestedSeq` is the newest entry vouched for with the wallet's key. */
export interface JournalHead {
  readonly seq: number;
  readonly hash: string;
  readonly timeMs: number;
  readonly attestedSeq: number;
  readonly attestedHash: string;
  readonly attestedFrozen: boolean;
  /** Attested, or frozen since by someone without the keys: entries past the attested one can only be freezes. */
  readonly frozen: boolean;
  readonly configVersion: number;
  readonly register: RegisterDigests;
  /** The latest that ledger time may go on to now, ms since 1970; see {@link LedgerClock}. */
  readonly latestMs: number;
}

/** A write that is under way, as far as the head goes; `version` is that of the database when it began. */
export interface HeadWrite {
  head: JournalHead | null;
  isStored: boolean;
  readonly version: bigint;
}

/** The switches an entry can move on. */
type HeadChange = Partial<Pick<JournalHead, 'frozen' | 'configVersion' | 'register'>>;

/** The columns that the head's code covers: the newest attested entry (whose hash covers its time) and the switches. */
const ATTESTED = ['attested_seq', 'attested_hash', 'frozen', 'config_version', 'register'] as const;

/**
 * The time that caps are reckoned by: the later of the clock and the newest entry, so that a clock set back frees
 * nothing; and no later than the head allows, so that neither does one set forward (T30).
 */
export function ledgerTimeMs(head: Pick<JournalHead, 'timeMs' | 'latestMs'>, nowMs: number): number {
  assertInvariant(Number.isSafeInteger(nowMs) && nowMs > 0, 'a time is whole milliseconds since 1970');
  return Math.max(Math.min(nowMs, head.latestMs), head.timeMs);
}

const UNBOUNDED: LedgerClock = { latestMs: () => Infinity };

/** The append-only, hash-chained record that every total is derived from. */
export class Journal {
  readonly #db: Sqlite;
  /** Null where the keys are locked: then only reading and `freeze` work. */
  readonly #auth: RowAuthenticator | null;
  /** The newest entry this process knows to be committed: the journal never goes back behind it. */
  #seen: { readonly seq: number; readonly hash: string } | null = null;
  readonly #clock: LedgerClock;
  /** The head as last proved, and which state of the database it was proved in. */
  #proved: { readonly state: string; readonly head: JournalHead } | null = null;
  /** What was read of a state of the database, by what was asked. */
  #found: { readonly state: string; readonly byKey: Map<string, unknown> } | null = null;
  /** The write that is under way: its head, once that was proved or made, and whether it is yet to be stored. */
  #write: HeadWrite | null = null;

  constructor(db: Sqlite, auth: RowAuthenticator | null, clock: LedgerClock = UNBOUNDED) {
    this.#db = db;
    this.#auth = auth;
    this.#clock = clock;
  }

  /** The head as stored, unchecked: for reading without keys. */
  readHead(): JournalHead {
    return this.#headOf(this.#controlRow());
  }

  #controlRow(): SqlRow {
    const row = statement(this.#db, 'SELECT * FROM control WHERE id = 1').get() as SqlRow | undefined;
    if (row === undefined) throw changedBehind('The ledger has no head.');
    return row;
  }

  /**
   * The head, proved: its code is right, the newest entry is what the head says, nothing but `freeze` was written
   * without the keys, and it continues what this process saw before. Throws `ledger_damaged`, `ledger_older`.
   */
  checkedHead(): JournalHead {
    const within = this.#write?.head ?? null;
    if (within !== null) return this.#atThisTime(within);
    const head = this.#proveHead();
    if (this.#write !== null) this.#write.head = head;
    return head;
  }

  #proveHead(): JournalHead {
    const row = this.#controlRow();
    this.#authenticator().check(
      'control',
      ATTESTED.map((name) => row[name] ?? null),
      row['mac'],
    );
    const head = this.#headOf(row);
    this.#checkTail(head);
    this.#checkSeen(head);
    return head;
  }

  /**
   * {@link checkedHead} for those that only read, proved once for each state of the database: a call looks at a dozen
   * things, and most calls of a busy server find nothing written since the one before. SQLite itself says when
   * another connection wrote; `commits` counts our own.
   */
  headForReading(commits: number): JournalHead {
    const state = stateOf(commits, this.#dataVersion());
    if (this.#proved?.state !== state) this.#proved = { state, head: this.#proveHead() };
    return this.#atThisTime(this.#proved.head);
  }

  /**
   * What `read` gives, or gave before in the same state of the database: so a call can read what it will need while it waits for
   * something else, and what is written meanwhile counts all the same. To be called behind {@link headForReading}, within its
   * view, with a key that says all that `read` goes by.
   */
  readOnce<T>(key: string, read: () => T): T {
    const state = this.#proved?.state ?? '';
    if (this.#found?.state !== state) this.#found = { state, byKey: new Map() };
    const { byKey } = this.#found;
    if (byKey.has(key)) return byKey.get(key) as T;
    if (byKey.size >= FOUND_MAX) byKey.clear();
    const found = read();
    byKey.set(key, found);
    return found;
  }

  /**
   * Begins a write, within its transaction and before its commit counts among `commits`. Where nobody wrote since the head
   * was proved, it need not be proved again; within the write it is passed on from one entry to the next, and stored once.
   */
  beginWrite(commits: number): void {
    const version = this.#dataVersion();
    const known = this.#proved?.state === stateOf(commits, version) ? this.#proved.head : null;
    this.#write = { head: known, isStored: true, version };
  }

  /** Where the write stands; {@link backTo} undoes what an operation made of it since. */
  get point(): HeadWrite | null {
    return this.#write === null ? null : { ...this.#write };
  }

  /** Takes the write back to a {@link point} of it, with its transaction. */
  backTo(point: HeadWrite | null): void {
    this.#write = point;
  }

  /** Stores the head that the write made, before its commit. Gives it, or as it is stored where nobody asked for it. */
  storeHead(): Pick<JournalHead, 'seq' | 'hash'> {
    const { head, isStored } = this.#write ?? { head: null, isStored: true };
    if (head === null) return this.readHead();
    if (!isStored) this.#store(head);
    return head;
  }

  /** Ends a write: `commits` counts it now where it was committed, and is null where it was undone. */
  endWrite(commits: number | null): void {
    const write = this.#write;
    this.#write = null;
    // By the version that stood within the transaction: another process may have written since.
    if (write !== null && write.head !== null && commits !== null)
      this.#proved = { state: stateOf(commits, write.version), head: write.head };
  }

  /** Changes with each commit of another connection. */
  #dataVersion(): bigint {
    return statement(this.#db, 'PRAGMA data_version').pluck().get() as bigint;
  }

  /** Time goes on where nothing is written. */
  #atThisTime(head: JournalHead): JournalHead {
    return { ...head, latestMs: this.#clock.latestMs(head.timeMs) };
  }

  #headOf(row: SqlRow): JournalHead {
    const head = headOf(row);
    return { ...head, latestMs: this.#clock.latestMs(head.timeMs) };
  }

  #checkTail(head: JournalHead): void {
    const rows = statement(this.#db, 'SELECT * FROM journal WHERE seq >= ? ORDER BY seq').all(
      head.attestedSeq,
    ) as SqlRow[];
    let last: JournalEntry | null = null;
    for (const row of rows) {
      const entry = entryOf(row);
      const linked =
        last === null
          ? entry.seq === head.attestedSeq && entry.hash === head.attestedHash
          : follows(entry, last) && entry.kind === 'freeze';
      if (!linked || journalHash(entry) !== entry.hash) throw broken();
      last = entry;
    }
    if (last === null || last.seq !== head.seq || last.hash !== head.hash || last.timeMs !== head.timeMs)
      throw broken();
  }

  #checkSeen(head: JournalHead): void {
    const seen = this.#seen;
    if (seen === null) return;
    const hash = seen.seq === head.seq ? head.hash : this.entry(seen.seq)?.hash;
    if (hash === seen.hash) return;
    // T29: an older copy was put in our place while we ran.
    throw new WalletError('ledger_older', 'The ledger went back behind what this process wrote to it.', {
      owner: OLDER_COPY,
    });
  }

  /** Remembers the head as committed; the writer calls it, with the head of the transaction, after its commit. */
  remember(head: Pick<JournalHead, 'seq' | 'hash'>): void {
    this.#seen = { seq: head.seq, hash: head.hash };
  }

  /**
   * Throws `ledger_older` unless the journal has the entry with this number and hash, and `ledger_damaged` unless each
   * one since links up with the head.
   */
  verifySince(seq: number, hash: string): void {
    let first: JournalEntry | null = null;
    let last: JournalEntry | null = null;
    for (const entry of this.entries(seq)) {
      if ((last !== null && !follows(entry, last)) || journalHash(entry) !== entry.hash) throw broken();
      first ??= entry;
      last = entry;
    }
    const head = this.checkedHead();
    if (last !== null && last.hash !== head.hash) throw broken();
    // The head holds: this is the wallet's own ledger, put back to before that entry, and perhaps written to since.
    if (first?.seq !== seq || first.hash !== hash) throw olderCopy();
  }

  /** Appends one entry, inside the caller's transaction, and returns the head it makes. `head` must be the checked one. */
  append(
    head: JournalHead,
    entry: {
      readonly kind: JournalKind;
      readonly subject: string;
      readonly data: object;
      readonly timeMs: number;
    },
    change: HeadChange = {},
  ): JournalHead {
    assertInvariant(
      entry.timeMs >= head.timeMs || setsTimeBack(entry),
      'the journal’s time does not go back but where its owner sets it',
    );
    const seq = head.seq + 1;
    const hash = this.#insert({ ...entry, seq, data: JSON.stringify(entry.data), prevHash: head.hash });
    const frozen = change.frozen ?? head.frozen;
    const next = {
      ...head,
      ...change,
      seq,
      hash,
      timeMs: entry.timeMs,
      attestedSeq: seq,
      attestedHash: hash,
      attestedFrozen: frozen,
      frozen,
    };
    this.attest(next);
    return next;
  }

  /** Makes this the head, vouched for: at the end of the write that is under way, or at once where there is none. */
  attest(head: JournalHead): void {
    if (this.#write === null) return this.#store(head);
    this.#write.head = head;
    this.#write.isStored = false;
  }

  #store(head: JournalHead): void {
    const attested = [
      BigInt(head.attestedSeq),
      head.attestedHash,
      head.attestedFrozen ? 1n : 0n,
      BigInt(head.configVersion),
      head.register,
    ];
    statement(
      this.#db,
      `INSERT OR REPLACE INTO control (id, head_seq, head_hash, head_ms, ${ATTESTED.join(', ')}, mac)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(head.seq, head.hash, head.timeMs, ...attested, this.#authenticator().codeOf('control', attested));
  }

  /** Appends a freeze; without keys too, and then it is left to the next process with keys to vouch for it. */
  appendFreeze(nowMs: number): void {
    const entry = { kind: 'freeze', subject: WALLET, data: {} } as const;
    if (this.#auth !== null) {
      const head = this.checkedHead();
      this.append(head, { ...entry, timeMs: ledgerTimeMs(head, nowMs) }, { frozen: true });
      return;
    }
    const head = this.readHead();
    const [seq, timeMs] = [head.seq + 1, ledgerTimeMs(head, nowMs)];
    const hash = this.#insert({ ...entry, seq, timeMs, data: '{}', prevHash: head.hash });
    statement(this.#db, 'UPDATE control SET head_seq = ?, head_hash = ?, head_ms = ? WHERE id = 1').run(
      seq,
      hash,
      timeMs,
    );
    if (this.#write !== null) this.#write.head = null;
  }

  /** Writes the first entry and the head of an empty ledger. */
  begin(ledgerId: string, nowMs: number, configVersion: number): JournalHead {
    const nothing: JournalHead = {
      seq: 0,
      hash: GENESIS_HASH,
      timeMs: 0,
      attestedSeq: 0,
      attestedHash: GENESIS_HASH,
      attestedFrozen: false,
      frozen: false,
      configVersion,
      register: EMPTY_REGISTER,
      latestMs: Infinity,
    };
    const timeMs = ledgerTimeMs(nothing, nowMs);
    return this.append(nothing, { kind: 'genesis', subject: ledgerId, data: { configVersion }, timeMs });
  }

  #insert(entry: Omit<JournalEntry, 'hash'>): string {
    const hash = journalHash(entry);
    statement(
      this.#db,
      'INSERT INTO journal (seq, time_ms, kind, subject, data, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(entry.seq, entry.timeMs, entry.kind, entry.subject, entry.data, entry.prevHash, hash);
    return hash;
  }

  /** The newest entry of a subject, or null. */
  last(subject: string): JournalEntry | null {
    const row = statement(this.#db, 'SELECT * FROM journal WHERE subject = ? ORDER BY seq DESC LIMIT 1').get(
      subject,
    ) as SqlRow | undefined;
    return row === undefined ? null : entryOf(row);
  }

  /** Whether the owner has frozen the wallet, or somebody without keys has; a rebuilding freezes it beside that. */
  isFrozenByOwner(): boolean {
    return this.last(WALLET)?.kind === 'freeze';
  }

  /** One entry by its number, or null. */
  entry(seq: number): JournalEntry | null {
    const row = statement(this.#db, 'SELECT * FROM journal WHERE seq = ?').get(seq) as SqlRow | undefined;
    return row === undefined ? null : entryOf(row);
  }

  /** All entries from a number on in order, one at a time: a ledger of years does not fit in memory. */
  *entries(fromSeq = 0): Generator<JournalEntry> {
    const rows = this.#db.prepare('SELECT * FROM journal WHERE seq >= ? ORDER BY seq').iterate(fromSeq);
    for (const row of rows) yield entryOf(row as SqlRow);
  }

  #authenticator(): RowAuthenticator {
    if (this.#auth === null)
      throw new WalletError('keystore_locked', 'The ledger cannot be checked while the keys are locked.');
    return this.#auth;
  }
}

/** A busy ledger is written every few milliseconds; one that is not is asked the same by a few calls. */
const FOUND_MAX = 64;

/** Names a state of the database: by the writes of this connection and by those of others. */
function stateOf(commits: number, version: bigint): string {
  return `${commits} ${version}`;
}

function headOf(row: SqlRow): Omit<JournalHead, 'latestMs'> {
  const attestedFrozen = row['frozen'] === 1n;
  const seq = Number(row['head_seq']);
  const attestedSeq = Number(row['attested_seq']);
  return {
    seq,
    hash: String(row['head_hash']),
    timeMs: Number(row['head_ms']),
    attestedSeq,
    attestedHash: String(row['attested_hash']),
    attestedFrozen,
    frozen: attestedFrozen || seq > attestedSeq,
    configVersion: Number(row['config_version']),
    register: row['register'] as Uint8Array,
  };
}

function olderCopy(): WalletError {
  return new WalletError(
    'ledger_older',
    'The ledger is an older copy than the one this wallet last wrote, as after restoring a backup or a snapshot; nothing is signed with it.',
    { owner: OLDER_COPY },
  );
}

function broken(): WalletError {
  return changedBehind(
    'The journal does not link up with its head: something other than Purser wrote to it.',
  );
}
