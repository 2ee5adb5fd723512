import type { QueryResult } from 'pg';
import { type Change, linkOf, type ListedChange } from './change.js';
import { unreachable } from './fault.js';
import { HEAD_COLUMNS, headOf, type CopyPlace, type Head } from './head.js';
import type { PostgresPlace } from './place.js';
import { channelOf, type Session, type Statement } from './session.js';
import { sharedTables } from './registerEntries.js';
import { columnsOf, createSql, list, quoted, type Table } from './table.js';

/** Changes that are kept for copies that lag: one that is further behind is made anew. */
const CHANGES_KEPT = 20_000;
/** How often older ones are let go. */
const PRUNE_EVERY = 1_000;
/** Changes that are fetched in one go. */
const FETCH_MAX = 200;

/** The statements of one wallet's ledger in PostgreSQL. Throws as PostgreSQL does where nothing else is said. */
export class Primary {
  readonly #place: PostgresPlace;
  readonly #head: string;
  readonly #changes: string;

  constructor(place: PostgresPlace) {
    this.#place = place;
    this.#head = `${quoted(place.schema)}.purser_head`;
    this.#changes = `${quoted(place.schema)}.purser_changes`;
  }

  /** Whether the database has a ledger here, whatever state it is in. */
  async exists(session: Session): Promise<boolean> {
    const [row] = await session.run<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
      this.#head,
    ]);
    return row?.there === true;
  }

  /** The head as it is committed. Throws `ledger_missing`. */
  async readHead(session: Session): Promise<Head> {
    return headOf(await session.run(`SELECT ${HEAD_COLUMNS} FROM ${this.#head} WHERE id = 1`));
  }

  /** The statements that make the ledger's tables in SQLite. */
  async readSchema(session: Session): Promise<readonly string[]> {
    const [row] = await session.run<{ sqlite_schema: string }>(
      `SELECT sqlite_schema FROM ${this.#head} WHERE id = 1`,
    );
    return JSON.parse(row?.sqlite_schema ?? '[]') as string[];
  }

  /**
   * Begins the step that writes: takes the head's lock, and has the commit wait for the disk and for the standbys that the
   * database names. Nobody else writes until {@link commit} or {@link undo}.
   */
  async lock(session: Session): Promise<Head> {
    const [, locked] = await session.together([
      { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
      {
        name: 'purser_lock',
        text: `SELECT ${HEAD_COLUMNS}, set_config('synchronous_commit',
            CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
            true) AS synchronous
          FROM ${this.#head} WHERE id = 1 FOR UPDATE`,
      },
    ]);
    const rows = (locked as QueryResult).rows as (Record<string, unknown> & { synchronous?: string })[];
    const head = headOf(rows);
    // T41: no synchronous commit, no signature.
    if (!['on', 'remote_apply'].includes(rows[0]?.synchronous ?? ''))
      throw unreachable('it does not commit synchronously');
    return head;
  }

  /** Takes the head's lock in a transaction that the caller began. */
  async take(session: Session): Promise<Head> {
    return headOf(await session.run(`SELECT ${HEAD_COLUMNS} FROM ${this.#head} WHERE id = 1 FOR UPDATE`));
  }

  /** Ends the step under way, and nothing of it stands. */
  async undo(session: Session): Promise<void> {
    await session.run('ROLLBACK');
  }

  /** Changes from a number on, oldest first, a part of them at a time. */
  async changesFrom(session: Session, position: number): Promise<readonly ListedChange[]> {
    const rows = await session.run<{ position: bigint; hash: string; change: string }>(
      `SELECT position, hash, change FROM ${this.#changes} WHERE position >= $1 ORDER BY position LIMIT $2`,
      [position, FETCH_MAX],
    );
    return rows.map((row) => ({ ...row, position: Number(row.position) }));
  }

  /** The change of a number, or null. */
  async linkAt(session: Session, position: number): Promise<string | null> {
    const [row] = await session.run<{ hash: string }>(
      `SELECT hash FROM ${this.#changes} WHERE position = $1`,
      [position],
    );
    return row?.hash ?? null;
  }

  /**
   * Writes a change behind the head that was locked, in the tables as PostgreSQL has them, and commits. Resolves with where the ledger stands then, once the
   * commit is as durable as the database promises. Throws `ledger_unreachable` where it no longer waited for a standby.
   */
  async commit(session: Session, head: Head, change: Change, tables: readonly Table[]): Promise<CopyPlace> {
    const text = JSON.stringify(change);
    const next = this.placeAfter(session, head, text);
    await commitWith(session, [
      this.#writeStatement(head, next, { change, text, tables }, session.timeline),
      ...(next.position % PRUNE_EVERY === 0 ? [this.#pruneStatement(next.position)] : []),
    ]);
    return next;
  }

  /** Commits once more under the lock, so that what stands there already is as durable as the database promises. */
  async confirm(session: Session): Promise<void> {
    await commitWith(session, [{ text: `UPDATE ${this.#head} SET position = position WHERE id = 1` }]);
  }

  /** Where the ledger stands once a change is written: a session of a later timeline begins an epoch. */
  placeAfter(session: Session, head: Head, text: string): CopyPlace {
    const failedOver = session.timeline !== null && session.timeline > (head.timeline ?? 0);
    const epoch = failedOver && head.timeline !== null ? head.epoch + 1 : head.epoch;
    const { arrival } = head;
    return { arrival, position: head.position + 1, hash: linkOf(head.hash, text), epoch };
  }

  /** Tells the other servers that there is something to read. */
  tellOthers(session: Session): void {
    // Who misses it reads the head before anything is decided.
    session.run('SELECT pg_notify($1, $2)', [channelOf(this.#place), '']).catch(() => undefined);
  }

  /**
   * All rows that a change puts or removes, the change itself and the head, in one statement. Its row in the list of
   * changes has no link unless the head stands where it was locked, in the same epoch and of the same arrival: then the
   * statement fails.
   */
  #writeStatement(
    head: Head,
    next: CopyPlace,
    { change, text, tables }: { change: Change; text: string; tables: readonly Table[] },
    timeline: number | null,
  ): Statement {
    const schema = quoted(this.#place.schema);
    const stands = `id = 1 AND position = $2::bigint - 1 AND epoch = $6::bigint AND arrival = $7::text`;
    const parts = [
      `given AS MATERIALIZED (SELECT $1::text::jsonb AS change)`,
      `listed AS (INSERT INTO ${this.#changes} (position, hash, change) VALUES ($2::bigint,
        (SELECT $3::text FROM ${this.#head} WHERE ${stands}), $1::text))`,
    ];
    for (const table of tables) {
      const { name, key } = table;
      const into = `${schema}.${quoted(name)}`;
      const rows = (of: 'put' | 'gone'): string =>
        `given, jsonb_populate_recordset(NULL::${into}, given.change->'${of}'->'${name}') AS r`;
      const names = columnsOf(table);
      const others = names.filter((column) => !key.includes(column));
      if (change.put[name] !== undefined)
        parts.push(`put_${name} AS (INSERT INTO ${into} (${list(names)}) SELECT ${list(names, 'r.')}
          FROM ${rows('put')} ON CONFLICT (${list(key)}) DO UPDATE
          SET ${others.map((column) => `${quoted(column)} = EXCLUDED.${quoted(column)}`).join(', ')})`);
      if (change.gone[name] !== undefined)
        parts.push(`gone_${name} AS (DELETE FROM ${into} AS t USING ${rows('gone')}
          WHERE ${key.map((column) => `t.${quoted(column)} = r.${quoted(column)}`).join(' AND ')})`);
    }
    const sql = `WITH ${parts.join(', ')} UPDATE ${this.#head}
      SET position = $2::bigint, hash = $3::text, epoch = $4::bigint, timeline = $5::bigint
      WHERE ${stands}`;
    const values = [
      ...[text, next.position, next.hash, next.epoch, timeline ?? head.timeline, head.epoch],
      head.arrival,
    ];
    const shape = [...Object.keys(change.put), '', ...Object.keys(change.gone)].join();
    return { name: nameOf(shape), text: sql, values };
  }

  #pruneStatement(position: number): Statement {
    return {
      text: `DELETE FROM ${this.#changes} WHERE position <= $1::bigint`,
      values: [position - CHANGES_KEPT],
    };
  }

  /** Writes the first head of a ledger whose rows are there, and commits the step that the caller began. */
  async begin(session: Session, head: Head & { readonly schema: readonly string[] }): Promise<void> {
    const { ledgerId, arrival, state, schemaVersion, position, hash, epoch, timeline, schema } = head;
    const columns = `${HEAD_COLUMNS}, sqlite_schema`;
    await commitWith(session, [
      {
        text: `INSERT INTO ${this.#head} (id, ${columns}) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        values: [
          ...[ledgerId, arrival, state, schemaVersion, position, hash, epoch, timeline],
          JSON.stringify(schema),
        ],
      },
    ]);
  }

  /** The statement that says what became of the ledger here. */
  stateStatement(state: Head['state']): Statement {
    return { text: `UPDATE ${this.#head} SET state = $1 WHERE id = 1`, values: [state] };
  }

  /** Says what became of the ledger here, in the step that the caller began, and commits it. */
  async setState(session: Session, state: Head['state']): Promise<void> {
    await commitWith(session, [this.stateStatement(state)]);
  }

  /**
   * Writes the head of a ledger that was brought to a later schema, in the step that the caller began, and commits it. No
   * change of before is listed any more: copies are made anew, and a program that knows the schema of before stops.
   */
  async renewHead(session: Session, head: Head, schema: readonly string[], version: number): Promise<void> {
    const hash = linkOf(head.hash, JSON.stringify({ version }));
    await commitWith(session, [
      { text: `DELETE FROM ${this.#changes}` },
      {
        text: `UPDATE ${this.#head} SET schema_version = $1, sqlite_schema = $2, position = position + 1, hash = $3
          WHERE id = 1`,
        values: [version, JSON.stringify(schema), hash],
      },
    ]);
  }

  /** The statements that make the tables of a ledger; the caller has a transaction under way. */
  creation(tables: readonly Table[]): readonly Statement[] {
    const schema = quoted(this.#place.schema);
    return [
      `CREATE SCHEMA ${schema}`,
      `CREATE TABLE ${this.#head} (
        id integer PRIMARY KEY CHECK (id = 1),
        ledger_id text NOT NULL,
        arrival text NOT NULL,
        state text NOT NULL CHECK (state IN ('arriving', 'live', 'moved')),
        schema_version bigint NOT NULL,
        position bigint NOT NULL,
        hash text NOT NULL,
        epoch bigint NOT NULL,
        timeline bigint,
        sqlite_schema text NOT NULL
      )`,
      `CREATE TABLE ${this.#changes} (
        position bigint PRIMARY KEY, hash text NOT NULL, change text NOT NULL
      )`,
      ...sharedTables(tables).map((table) => createSql(this.#place.schema, table)),
    ].map((text) => ({ text }));
  }
}

async function commitWith(session: Session, statements: readonly Statement[]): Promise<void> {
  const results = await session.together([...statements, { text: 'COMMIT' }]);
  // What was undone answers a COMMIT as well.
  if (results.at(-1)?.command !== 'COMMIT') throw unreachable('the commit was undone');
  // The server no longer waited for a standby: what was committed may be lost in a failover (T41).
  const [warning] = session.warnings;
  if (warning !== undefined) throw unreachable(warning);
}

/** Names of prepared statements are cut at 63 bytes by the server: a number for each shape instead. */
const names = new Map<string, string>();

function nameOf(shape: string): string {
  let name = names.get(shape);
  if (name === undefined) names.set(shape, (name = `purser_write_${names.size}`));
  return name;
}
