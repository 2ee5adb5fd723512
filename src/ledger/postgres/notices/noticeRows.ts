import {
  BUNDLE_MAX,
  nextMessage,
  NOTICES_KEPT_MAX,
  type NewNotice,
  type Notice,
  type PlannedSend,
  type Send,
} from '../../books/notice.js';
import type { UsdMicros } from '../../../money/unit.js';
import type { Run } from './noticeTables.js';

/** A row of the tables of notices. */
export type NoticeRow = Readonly<Record<string, unknown>>;

/** Takes the next message of the first channel that nobody else is busy with. */
export async function takeNext(
  run: Run,
  t: string,
  nowMs: number,
  leaseMs: number,
): Promise<readonly Send[]> {
  // Clocks of two servers differ: a lease may end later here than one begun now. One that ends much later is of a clock
  // that was set back since, and holds nobody up.
  const free = await run(
    `SELECT DISTINCT channel FROM ${t}sends WHERE state = 'waiting' AND due_ms <= $1 AND channel NOT IN (
       SELECT channel FROM ${t}sends WHERE state = 'waiting' AND leased_ms > $1 AND leased_ms <= $2
     ) ORDER BY channel`,
    [nowMs, nowMs + 2 * leaseMs],
  );
  for (const { channel } of free) {
    // What is tried again stands in front, though it is not due yet: nothing passes it.
    const rows = await run(
      `SELECT n.*, s.id, s.channel, s.due_ms, s.bundled, s.escalation, s.tries
         FROM ${t}sends s JOIN ${t}notices n ON n.seq = s.seq
         WHERE s.state = 'waiting' AND s.channel = $1 AND (s.due_ms <= $2 OR s.tries > 0)
         ORDER BY s.seq, s.id LIMIT $3`,
      [channel, nowMs, BUNDLE_MAX],
    );
    const taken = nextMessage(rows.map(sendOf), nowMs);
    if (taken.length === 0) continue;
    await run(`UPDATE ${t}sends SET leased_ms = $1 WHERE id = ANY($2::bigint[])`, [
      ...[nowMs + leaseMs, taken.map(({ id }) => id)],
    ]);
    return taken;
  }
  return [];
}

/** Keeps a notice of an occasion that there was none of; null for one that was told. */
export async function keepNotice(
  run: Run,
  t: string,
  notice: NewNotice,
  nowMs: number,
): Promise<Notice | null> {
  const occasion = JSON.stringify(notice.occasion);
  const known = await run(`SELECT seq FROM ${t}notices WHERE occasion = $1`, [occasion]);
  if (known.length > 0) return null;
  const { kind, agent, host, usdMicros, subject, facts } = notice;
  // JSON keeps what a text of PostgreSQL does not, such as NUL.
  const said = JSON.stringify({
    kind,
    agent,
    host,
    subject,
    facts,
    usdMicros: usdMicros?.toString() ?? null,
  });
  // Numbers without a gap: receivers look for those.
  const [row] = await run(
    `INSERT INTO ${t}notices (seq, occasion, said, at_ms)
       SELECT coalesce(max(seq), 0) + 1, $1, $2, $3 FROM ${t}notices RETURNING seq`,
    [occasion, said, nowMs],
  );
  return { ...notice, seq: Number(row?.['seq']), atMs: nowMs, seenMs: null };
}

/** Has a notice sent by a channel. */
export async function putSend(run: Run, t: string, seq: number, send: PlannedSend): Promise<void> {
  const { channel, dueMs, isBundled, isEscalation } = send;
  await run(
    `INSERT INTO ${t}sends (seq, channel, state, due_ms, bundled, escalation, tries, leased_ms)
       VALUES ($1, $2, 'waiting', $3, $4, $5, 0, 0)`,
    [seq, channel, dueMs, isBundled, isEscalation],
  );
}

/** Forgets the notices that are more than are kept, with their sends. */
export async function forgetOld(run: Run, t: string): Promise<void> {
  const gone = await run(
    `DELETE FROM ${t}notices WHERE seq <= (SELECT max(seq) FROM ${t}notices) - $1::bigint RETURNING seq`,
    [NOTICES_KEPT_MAX],
  );
  if (gone.length > 0) await run(`DELETE FROM ${t}sends WHERE seq NOT IN (SELECT seq FROM ${t}notices)`);
}

/** Sets a mark. */
export async function setMark(run: Run, t: string, key: string, value: string): Promise<void> {
  await run(
    `INSERT INTO ${t}marks (key, value) VALUES ($1, $2)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [JSON.stringify(key), value],
  );
}

/** Ends sends; answers their channels. */
export async function endSends(
  run: Run,
  t: string,
  ids: readonly number[],
  state: string,
): Promise<string[]> {
  return channelsIn(
    await run(
      `UPDATE ${t}sends SET state = $1, leased_ms = 0 WHERE id = ANY($2::bigint[]) RETURNING channel`,
      [state, ids],
    ),
  );
}

/** The channels that rows name, each once. */
export function channelsIn(rows: readonly NoticeRow[]): string[] {
  return [...new Set(rows.map(({ channel }) => String(channel)))];
}

/** A text as it was kept. */
export function readText(text: unknown): string {
  return JSON.parse(String(text)) as string;
}

/** A time, or null. */
export function msOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}

/** A notice from its row. */
export function noticeOf(row: NoticeRow): Notice {
  const said = JSON.parse(String(row['said'])) as Omit<NewNotice, 'usdMicros' | 'occasion'> & {
    readonly usdMicros: string | null;
  };
  return {
    ...said,
    usdMicros: said.usdMicros === null ? null : (BigInt(said.usdMicros) satisfies UsdMicros),
    occasion: readText(row['occasion']),
    seq: Number(row['seq']),
    atMs: Number(row['at_ms']),
    seenMs: msOf(row['seen_ms']),
  };
}

function sendOf(row: NoticeRow): Send {
  return {
    id: Number(row['id']),
    notice: noticeOf(row),
    channel: String(row['channel']),
    dueMs: Number(row['due_ms']),
    isBundled: row['bundled'] === true,
    isEscalation: row['escalation'] === true,
    tries: Number(row['tries']),
  };
}
