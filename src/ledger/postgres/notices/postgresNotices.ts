import type { ChannelState, Notice, NoticeBook, Send } from '../../books/notice.js';
import type { PostgresPlace } from '../place.js';
import {
  channelsIn,
  endSends,
  forgetOld,
  keepNotice,
  msOf,
  noticeOf,
  putSend,
  readText,
  setMark,
  takeNext,
  type NoticeRow,
} from './noticeRows.js';
import { NoticeTables, type Run } from './noticeTables.js';

const BEGUN = 'begun';

/**
 * What the owner is told, in the database that many servers share: each notice is made once and each send taken by one of
 * them, in steps that one row's lock puts in order. Who takes a send has it for a lease; where its server dies, another one
 * takes it then. So each is sent at least once, and each channel's in their order.
 */
export class PostgresNotices implements NoticeBook {
  readonly #tables: NoticeTables;
  readonly #openedMs: number;

  constructor(place: PostgresPlace, openedMs: number) {
    this.#tables = new NoticeTables(place);
    this.#openedMs = openedMs;
  }

  begunMs(): Promise<number> {
    return this.#step(async (run, t) => {
      const [row] = await run(`SELECT value FROM ${t}marks WHERE key = $1`, [JSON.stringify(BEGUN)]);
      return Number(row?.['value']);
    });
  }

  settle(...[decide, plan, nowMs]: Parameters<NoticeBook['settle']>): ReturnType<NoticeBook['settle']> {
    return this.#step(async (run, t) => {
      const rows = await run(`SELECT key, value FROM ${t}marks`);
      const settled = decide(new Map(rows.map(({ key, value }) => [readText(key), String(value)])));
      const marks = [...settled.marks];
      const gone = marks.flatMap(([key, value]) => (value === null ? [JSON.stringify(key)] : []));
      if (gone.length > 0) await run(`DELETE FROM ${t}marks WHERE key = ANY($1::text[])`, [gone]);
      for (const [key, value] of marks) if (value !== null) await setMark(run, t, key, value);
      const made: Notice[] = [];
      for (const notice of settled.notices) {
        const one = await keepNotice(run, t, notice, nowMs);
        if (one === null) continue;
        made.push(one);
        for (const send of plan(one)) await putSend(run, t, one.seq, send);
      }
      if (made.length > 0) await forgetOld(run, t);
      return made;
    });
  }

  claim(key: string, ageMs: number, nowMs: number): Promise<boolean> {
    return this.#step(async (run, t) => {
      const [row] = await run(`SELECT value FROM ${t}marks WHERE key = $1`, [JSON.stringify(key)]);
      // A clock that went back does not keep everybody waiting.
      if (row !== undefined && Math.abs(nowMs - Number(row['value'])) < ageMs) return false;
      await setMark(run, t, key, String(nowMs));
      return true;
    });
  }

  async list(limit: number, { unseen = false } = {}): Promise<readonly Notice[]> {
    const which = unseen ? 'WHERE seen_ms IS NULL' : '';
    const rows = await this.#tables.read(
      (t) => `SELECT * FROM ${t}notices ${which} ORDER BY seq DESC LIMIT $1`,
      [limit],
    );
    return rows.map(noticeOf);
  }

  async unseen(): Promise<number> {
    const [row] = await this.#tables.read(
      (t) => `SELECT count(*) AS count FROM ${t}notices WHERE seen_ms IS NULL`,
    );
    return Number(row?.['count']);
  }

  async isSeen(seq: number): Promise<boolean> {
    const rows = await this.#tables.read(
      (t) => `SELECT seq FROM ${t}notices WHERE seq = $1 AND seen_ms IS NULL`,
      [seq],
    );
    return rows.length === 0;
  }

  async markSeen(which: { readonly seq: number } | { readonly upTo: number }, nowMs: number): Promise<void> {
    const [sign, seq] = 'seq' in which ? ['=', which.seq] : ['<=', which.upTo];
    await this.#tables.read(
      (t) => `UPDATE ${t}notices SET seen_ms = $1 WHERE seq ${sign} $2 AND seen_ms IS NULL`,
      [nowMs, seq],
    );
  }

  async take(nowMs: number, leaseMs: number): Promise<readonly Send[]> {
    // Asked by every server each second: the lock is for those who find something.
    const due = await this.#tables.read(
      (t) => `SELECT 1 FROM ${t}sends WHERE state = 'waiting' AND due_ms <= $1 LIMIT 1`,
      [nowMs],
    );
    return due.length === 0 ? [] : this.#step((run, t) => takeNext(run, t, nowMs, leaseMs));
  }

  done(ids: readonly number[], how: 'sent' | 'over', nowMs: number): Promise<void> {
    return this.#step(async (run, t) => {
      const channels = await endSends(run, t, ids, how);
      if (how !== 'sent') return;
      for (const channel of channels)
        await run(
          `INSERT INTO ${t}channels (channel, sent_ms) VALUES ($1, $2) ON CONFLICT (channel) DO UPDATE
             SET sent_ms = excluded.sent_ms, failed_ms = NULL, fault = NULL`,
          [channel, nowMs],
        );
    });
  }

  failed(ids: readonly number[], fault: string, dueMs: number | null, nowMs: number): Promise<void> {
    return this.#step(async (run, t) => {
      const channels =
        dueMs === null
          ? await endSends(run, t, ids, 'given_up')
          : channelsIn(
              await run(
                `UPDATE ${t}sends SET due_ms = $1, tries = tries + 1, leased_ms = 0
                   WHERE id = ANY($2::bigint[]) RETURNING channel`,
                [dueMs, ids],
              ),
            );
      for (const channel of channels)
        await run(
          `INSERT INTO ${t}channels (channel, failed_ms, fault) VALUES ($1, $2, $3) ON CONFLICT (channel) DO UPDATE
             SET failed_ms = excluded.failed_ms, fault = excluded.fault`,
          [channel, nowMs, fault],
        );
    });
  }

  async channels(): Promise<readonly ChannelState[]> {
    const rows = await this.#tables.read(
      (t) => `SELECT coalesce(c.channel, w.channel) AS channel, coalesce(w.waiting, 0) AS waiting,
           c.sent_ms, c.failed_ms, c.fault
         FROM ${t}channels c FULL JOIN (
           SELECT channel, count(*) AS waiting FROM ${t}sends WHERE state = 'waiting' GROUP BY channel
         ) w ON w.channel = c.channel`,
    );
    return rows.map((row) => ({
      channel: String(row['channel']),
      waiting: Number(row['waiting']),
      sentMs: msOf(row['sent_ms']),
      failedMs: msOf(row['failed_ms']),
      fault: row['fault'] === null ? null : String(row['fault']),
    }));
  }

  dropChannel(channel: string): Promise<void> {
    return this.#step(async (run, t) => {
      for (const table of ['sends', 'channels'])
        await run(`DELETE FROM ${t}${table} WHERE channel = $1`, [channel]);
    });
  }

  replay(channel: string, fromSeq: number, nowMs: number): Promise<number> {
    return this.#step(async (run, t) => {
      const rows = await run(`SELECT seq FROM ${t}notices WHERE seq >= $1 ORDER BY seq`, [fromSeq]);
      const send = { channel, dueMs: nowMs, isBundled: false, isEscalation: false };
      for (const row of rows) await putSend(run, t, Number(row['seq']), send);
      return rows.length;
    });
  }

  close(): void {
    this.#tables.close();
  }

  /** One step of all servers: nobody else is in one meanwhile. */
  #step<T>(operation: (run: Run, tables: string) => Promise<T>): Promise<T> {
    return this.#tables.step(async (run, t) => {
      // The row that all steps lock is when the book was begun.
      const lock = (): Promise<readonly NoticeRow[]> =>
        run(`SELECT key FROM ${t}marks WHERE key = $1 FOR UPDATE`, [JSON.stringify(BEGUN)]);
      if ((await lock()).length === 0) {
        await run(`INSERT INTO ${t}marks (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [
          ...[JSON.stringify(BEGUN), String(this.#openedMs)],
        ]);
        await lock();
      }
      return operation(run, t);
    });
  }
}
