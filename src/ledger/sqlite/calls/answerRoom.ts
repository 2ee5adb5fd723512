import type { SqlRow } from '../payments/paymentColumns.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { answerFromSql, FREE_PREFIX, putAnswer } from './answerRow.js';

const MIB = 1024n * 1024n;
/** Files of answers, all agents together: a disk has room for so many bytes, and a folder for so many files. */
const FILES = { bytesMax: 512n * MIB, answersMax: 5_000n };
/** Answers within the ledger itself, which is copied before each change of its schema and read whole by an audit. */
const INLINE = { bytesMax: 64n * MIB, answersMax: 20_000n };
/** Small answers come with most payments: one in so many of a process looks, and the bound is passed by that much. */
const INLINE_LOOK_EVERY = 64;
/** The most that is cleared for one answer: other processes wait for the ledger meanwhile. */
const CLEARED_AT_ONCE_MAX = 256;

/** What one agent keeps. */
interface Share {
  answers: bigint;
  bytes: bigint;
}

/** How answers of one kind are counted and cleared. */
interface Kind {
  readonly bounds: { readonly bytesMax: bigint; readonly answersMax: bigint };
  /** Rows of agent, answers, bytes. */
  readonly shares: string;
  /** The id and bytes of what goes first of an agent's, but for the newest. */
  readonly next: string;
  readonly clear: (context: LedgerContext, agent: string, id: string) => void;
}

const IN_FILES: Kind = {
  bounds: FILES,
  // The same bytes that were bought twice are one file.
  shares: `SELECT agent, count(*) AS answers, sum(bytes) AS bytes FROM
    (SELECT agent, max(bytes) AS bytes FROM answers WHERE stored_id IS NOT NULL GROUP BY agent, stored_id)
    GROUP BY agent`,
  next: `SELECT stored_id AS id, max(bytes) AS bytes FROM answers
    WHERE agent = ? AND stored_id IS NOT NULL AND stored_id <> ? GROUP BY stored_id
    ORDER BY max(payment_id NOT GLOB '${FREE_PREFIX}*'), max(stored_ms), stored_id LIMIT 1`,
  clear: (context, agent, storedId) => {
    const named = statement(context.db, 'SELECT * FROM answers WHERE agent = ? AND stored_id = ?');
    for (const row of named.all(agent, storedId) as SqlRow[]) clearRow(context, row);
  },
};

const WITHIN: Kind = {
  bounds: INLINE,
  shares: `SELECT agent, count(*) AS answers, sum(bytes) AS bytes FROM answers WHERE body IS NOT NULL GROUP BY agent`,
  next: `SELECT payment_id AS id, bytes FROM answers
    WHERE agent = ? AND body IS NOT NULL AND payment_id <> ? ORDER BY stored_ms, payment_id LIMIT 1`,
  clear: (context, _agent, paymentId) => {
    const row = statement(context.db, 'SELECT * FROM answers WHERE payment_id = ?').get(paymentId);
    clearRow(context, row as SqlRow);
  },
};

/**
 * Makes room for an answer that was stored in a file just now, inside the same transaction. The ids of files that nothing
 * names any more.
 */
export function makeRoomForFile(context: LedgerContext, storedId: string): string[] {
  return unnamedFiles(context, makeRoom(context, IN_FILES, storedId));
}

const inlineStored = new WeakMap<LedgerContext, number>();

/** Makes room for an answer that was stored within the ledger just now, inside the same transaction. */
export function makeRoomForInline(context: LedgerContext, paymentId: string): void {
  const stored = inlineStored.get(context) ?? 0;
  inlineStored.set(context, stored + 1);
  if (stored % INLINE_LOOK_EVERY === 0) makeRoom(context, WITHIN, paymentId);
}

/** Those of these files that no answer names. */
export function unnamedFiles({ db }: LedgerContext, storedIds: readonly string[]): string[] {
  if (storedIds.length === 0) return [];
  const sql = 'SELECT DISTINCT stored_id FROM answers WHERE stored_id IS NOT NULL';
  const named = new Set(statement(db, sql).pluck().all());
  return storedIds.filter((storedId) => !named.has(storedId));
}

/**
 * Clears answers until all of a kind are within its bounds. The agent that keeps most gives way each time, which is more
 * than an equal share: whoever keeps less loses nothing to another. The newest one stays, whatever its size. Answers the
 * ids of what was cleared.
 */
function makeRoom(context: LedgerContext, { bounds, shares, next, clear }: Kind, newest: string): string[] {
  const kept = new Map(
    (statement(context.db, shares).all() as SqlRow[]).map((row): [string, Share] => [
      String(row['agent']),
      { answers: row['answers'] as bigint, bytes: row['bytes'] as bigint },
    ]),
  );
  const cleared: string[] = [];
  while (cleared.length < CLEARED_AT_ONCE_MAX) {
    const measure = overrun(kept, bounds);
    if (measure === null) break;
    const [agent, share] = largest(kept, measure);
    const found = statement(context.db, next).get(agent, newest) as SqlRow | undefined;
    // It keeps nothing but the newest.
    if (found === undefined) break;
    clear(context, agent, String(found['id']));
    share.answers -= 1n;
    share.bytes -= found['bytes'] as bigint;
    cleared.push(String(found['id']));
  }
  return cleared;
}

function overrun(kept: ReadonlyMap<string, Share>, bounds: Kind['bounds']): keyof Share | null {
  const sum = (measure: keyof Share): bigint =>
    [...kept.values()].reduce((total, share) => total + share[measure], 0n);
  if (sum('bytes') > bounds.bytesMax) return 'bytes';
  return sum('answers') > bounds.answersMax ? 'answers' : null;
}

function largest(kept: ReadonlyMap<string, Share>, measure: keyof Share): [string, Share] {
  return [...kept].reduce((most, one) => (one[1][measure] > most[1][measure] ? one : most));
}

/**
 * A free answer goes whole. Of a paid one, what was answered goes: that it was bought is still known. A row that was
 * changed behind goes too: to write it anew would give it a code, and to stop here would lose what was just bought.
 */
function clearRow(context: LedgerContext, row: SqlRow): void {
  const paymentId = String(row['payment_id']);
  if (paymentId.startsWith(FREE_PREFIX) || !context.auth.rowMatches('answers', row))
    statement(context.db, 'DELETE FROM answers WHERE payment_id = ?').run(paymentId);
  else putAnswer(context, { ...answerFromSql(context, row), headers: [], body: null, storedId: null });
}
