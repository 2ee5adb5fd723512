import type Database from 'better-sqlite3';
import {
  BUNDLE_MAX,
  nextMessage,
  NOTICES_KEPT_MAX,
  type ChannelState,
  type NewNotice,
  type Notice,
  type NoticeBook,
  type NoticeKind,
  type PlannedSend,
  type Send,
} from '../../books/notice.js';
import { openSideFile } from '../file/sideFile.js';

/** One more whenever the tables change: a file of another version is made anew. */
const VERSION = 1;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS marks (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  occasion TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  agent TEXT,
  host TEXT,
  usd_micros TEXT,
  subject TEXT,
  facts TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  seen_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS notices_unseen ON notices (seq) WHERE seen_ms IS NULL;
CREATE TABLE IF NOT EXISTS sends (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'over', 'given_up')),
  due_ms INTEGER NOT NULL,
  bundled INTEGER NOT NULL,
  escalation INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  leased_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sends_waiting ON sends (channel, seq, id) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS channels (
  channel TEXT PRIMARY KEY,
  sent_ms INTEGER,
  failed_ms INTEGER,
  fault TEXT
) STRICT, WITHOUT ROWID;
`;

type Row = Readonly<Record<string, bigint | string | null>>;

const BEGUN = 'begun';

/**
 * Opens the book in a file of its own beside the ledger; one that is missing, damaged or of another version is made anew.
 * Throws `home_unusable`, `disk_full`.
 */
export function openNoticeFile(path: string, nowMs: number): NoticeBook {
  return openSideFile(path, { version: VERSION, schema: SCHEMA, isDurable: true }, (db) => bookOf(db, nowMs));
}

function bookOf(db: Database.Database, openedMs: number): NoticeBook {
  const addMark = db.prepare('INSERT OR IGNORE INTO marks VALUES (?, ?)');
  const readMark = db.prepare('SELECT value FROM marks WHERE key = ?');
  const readMarks = db.prepare('SELECT key, value FROM marks');
  const setMark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?)');
  const dropMark = db.prepare('DELETE FROM marks WHERE key = ?');
  const add = db.prepare(
    `INSERT INTO notices (occasion, kind, agent, host, usd_micros, subject, facts, at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const findOccasion = db.prepare('SELECT seq FROM notices WHERE occasion = ?');
  const addSend = db.prepare(
    `INSERT INTO sends (seq, channel, state, due_ms, bundled, escalation, tries, leased_ms)
     VALUES (?, ?, 'waiting', ?, ?, ?, 0, 0)`,
  );
  const newest = db.prepare('SELECT * FROM notices ORDER BY seq DESC LIMIT ?');
  const newestUnseen = db.prepare('SELECT * FROM notices WHERE seen_ms IS NULL ORDER BY seq DESC LIMIT ?');
  const unseenBySeq = db.prepare('SELECT seq FROM notices WHERE seq = ? AND seen_ms IS NULL');
  const countUnseen = db.prepare('SELECT count(*) AS count FROM notices WHERE seen_ms IS NULL');
  const seeOne = db.prepare('UPDATE notices SET seen_ms = ? WHERE seq = ? AND seen_ms IS NULL');
  const seeUpTo = db.prepare('UPDATE notices SET seen_ms = ? WHERE seq <= ? AND seen_ms IS NULL');
  const forget = db.prepare('DELETE FROM notices WHERE seq <= (SELECT max(seq) FROM notices) - ?');
  const forgetSends = db.prepare('DELETE FROM sends WHERE seq NOT IN (SELECT seq FROM notices)');
  addMark.run(BEGUN, String(openedMs));

  const keep = (notice: NewNotice, nowMs: number): Notice | null => {
    const { kind, occasion, agent, host, usdMicros, subject, facts } = notice;
    // Not left to the insert: one that is ignored takes a number all the same, and receivers look for gaps.
    if (findOccasion.get(occasion) !== undefined) return null;
    const { lastInsertRowid } = add.run(
      ...[occasion, kind, agent, host, usdMicros?.toString() ?? null, subject, JSON.stringify(facts), nowMs],
    );
    return { ...notice, seq: Number(lastInsertRowid), atMs: nowMs, seenMs: null };
  };
  const plan = (seq: number, { channel, dueMs, isBundled, isEscalation }: PlannedSend): void =>
    void addSend.run(seq, channel, dueMs, isBundled ? 1 : 0, isEscalation ? 1 : 0);

  const settle = db.transaction((...[decide, planOf, nowMs]: Parameters<NoticeBook['settle']>) => {
    const marks = new Map(
      (readMarks.all() as Row[]).map((row) => [String(row['key']), String(row['value'])]),
    );
    const settled = decide(marks);
    for (const [key, value] of settled.marks)
      if (value === null) dropMark.run(key);
      else setMark.run(key, value);
    const made = settled.notices.flatMap((notice) => keep(notice, nowMs) ?? []);
    for (const notice of made) for (const send of planOf(notice)) plan(notice.seq, send);
    if (made.length > 0 && forget.run(NOTICES_KEPT_MAX).changes > 0) forgetSends.run();
    return made;
  });
  const claim = db.transaction((key: string, ageMs: number, nowMs: number) => {
    const value = (readMark.get(key) as Row | undefined)?.['value'];
    // A clock that went back does not keep everybody waiting.
    if (value !== undefined && Math.abs(nowMs - Number(value)) < ageMs) return false;
    setMark.run(key, String(nowMs));
    return true;
  });
  return {
    begunMs: async () => Number((readMark.get(BEGUN) as Row | undefined)?.['value'] ?? openedMs),
    settle: async (decide, planOf, nowMs) => settle.immediate(decide, planOf, nowMs),
    claim: async (key, ageMs, nowMs) => claim.immediate(key, ageMs, nowMs),
    list: async (limit, { unseen = false } = {}) =>
      ((unseen ? newestUnseen : newest).all(limit) as Row[]).map(noticeOf),
    unseen: async () => Number((countUnseen.get() as Row)['count']),
    isSeen: async (seq) => unseenBySeq.get(seq) === undefined,
    async markSeen(which, nowMs) {
      if ('seq' in which) seeOne.run(nowMs, which.seq);
      else seeUpTo.run(nowMs, which.upTo);
    },
    ...outboxOf(db, plan),
    close: () => void db.close(),
  };
}

type Outbox = Pick<NoticeBook, 'take' | 'done' | 'failed' | 'channels' | 'dropChannel' | 'replay'>;

function outboxOf(db: Database.Database, plan: (seq: number, send: PlannedSend) => void): Outbox {
  const free = db.prepare(
    `SELECT DISTINCT channel FROM sends WHERE state = 'waiting' AND due_ms <= ?
       AND channel NOT IN (SELECT channel FROM sends WHERE state = 'waiting' AND leased_ms > ? AND leased_ms <= ?)`,
  );
  const sendColumns = `n.*, s.id, s.channel, s.due_ms, s.bundled, s.escalation, s.tries
     FROM sends s JOIN notices n ON n.seq = s.seq WHERE s.state = 'waiting'`;
  // What is tried again stands in front, though it is not due yet: nothing passes it.
  const inOrder = db.prepare(
    `SELECT ${sendColumns} AND s.channel = ? AND (s.due_ms <= ? OR s.tries > 0) ORDER BY s.seq, s.id LIMIT ?`,
  );
  const lease = db.prepare('UPDATE sends SET leased_ms = ? WHERE id = ?');
  const end = db.prepare('UPDATE sends SET state = ?, leased_ms = 0 WHERE id = ?');
  const again = db.prepare('UPDATE sends SET due_ms = ?, tries = tries + 1, leased_ms = 0 WHERE id = ?');
  const channelOf = db.prepare('SELECT channel FROM sends WHERE id = ?');
  const noteSent = db.prepare(
    `INSERT INTO channels VALUES (?, ?, NULL, NULL)
     ON CONFLICT (channel) DO UPDATE SET sent_ms = excluded.sent_ms, failed_ms = NULL, fault = NULL`,
  );
  const noteFailed = db.prepare(
    `INSERT INTO channels VALUES (?, NULL, ?, ?)
     ON CONFLICT (channel) DO UPDATE SET failed_ms = excluded.failed_ms, fault = excluded.fault`,
  );
  const states = db.prepare('SELECT * FROM channels');
  const waiting = db.prepare(
    `SELECT channel, count(*) AS count FROM sends WHERE state = 'waiting' GROUP BY channel`,
  );
  const dropSends = db.prepare('DELETE FROM sends WHERE channel = ?');
  const dropState = db.prepare('DELETE FROM channels WHERE channel = ?');
  const from = db.prepare('SELECT seq FROM notices WHERE seq >= ? ORDER BY seq');

  const take = db.transaction((nowMs: number, leaseMs: number): readonly Send[] => {
    // A lease that ends later than one begun now is of a clock that was set back since: it holds nobody up.
    for (const { channel } of free.all(nowMs, nowMs, nowMs + leaseMs) as Row[]) {
      const sends = (inOrder.all(channel, nowMs, BUNDLE_MAX) as Row[]).map(sendOf);
      const taken = nextMessage(sends, nowMs);
      for (const { id } of taken) lease.run(nowMs + leaseMs, id);
      if (taken.length > 0) return taken;
    }
    return [];
  });
  const channelName = (id: number): string => String((channelOf.get(id) as Row | undefined)?.['channel']);
  const done = db.transaction((...[ids, how, nowMs]: Parameters<NoticeBook['done']>) => {
    for (const id of ids) end.run(how, id);
    if (how === 'sent') for (const name of new Set(ids.map(channelName))) noteSent.run(name, nowMs);
  });
  const failed = db.transaction((...[ids, fault, dueMs, nowMs]: Parameters<NoticeBook['failed']>) => {
    for (const id of ids)
      if (dueMs === null) end.run('given_up', id);
      else again.run(dueMs, id);
    for (const name of new Set(ids.map(channelName))) noteFailed.run(name, nowMs, fault);
  });
  const replay = db.transaction((channel: string, fromSeq: number, nowMs: number) => {
    const rows = from.all(fromSeq) as Row[];
    for (const row of rows)
      plan(Number(row['seq']), { channel, dueMs: nowMs, isBundled: false, isEscalation: false });
    return rows.length;
  });
  return {
    take: async (nowMs, leaseMs) => take.immediate(nowMs, leaseMs),
    done: async (ids, how, nowMs) => done.immediate(ids, how, nowMs),
    failed: async (ids, fault, dueMs, nowMs) => failed.immediate(ids, fault, dueMs, nowMs),
    async channels() {
      const counts = new Map((waiting.all() as Row[]).map((row) => [row['channel'], Number(row['count'])]));
      const known = new Map((states.all() as Row[]).map((row) => [String(row['channel']), row]));
      return [...new Set([...counts.keys(), ...known.keys()])].map((channel): ChannelState => {
        const row = known.get(String(channel));
        return {
          channel: String(channel),
          waiting: counts.get(channel) ?? 0,
          sentMs: msOf(row?.['sent_ms']),
          failedMs: msOf(row?.['failed_ms']),
          fault: textOf(row?.['fault']),
        };
      });
    },
    async dropChannel(channel) {
      dropSends.run(channel);
      dropState.run(channel);
    },
    replay: async (channel, fromSeq, nowMs) => replay.immediate(channel, fromSeq, nowMs),
  };
}

function textOf(value: Row[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function msOf(value: Row[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function noticeOf(row: Row): Notice {
  const usdMicros = textOf(row['usd_micros']);
  return {
    seq: Number(row['seq']),
    kind: row['kind'] as NoticeKind,
    occasion: String(row['occasion']),
    agent: textOf(row['agent']),
    host: textOf(row['host']),
    usdMicros: usdMicros === null ? null : BigInt(usdMicros),
    subject: textOf(row['subject']),
    facts: JSON.parse(String(row['facts'])) as Record<string, string>,
    atMs: Number(row['at_ms']),
    seenMs: msOf(row['seen_ms']),
  };
}

function sendOf(row: Row): Send {
  return {
    id: Number(row['id']),
    notice: noticeOf(row),
    channel: String(row['channel']),
    dueMs: Number(row['due_ms']),
    isBundled: row['bundled'] === 1n,
    isEscalation: row['escalation'] === 1n,
    tries: Number(row['tries']),
  };
}
