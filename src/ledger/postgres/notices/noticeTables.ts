import { setTimeout as delay } from 'node:timers/promises';
import { isToRepeat, toStoreError } from '../fault.js';
import { assertLive } from '../head.js';
import type { PostgresPlace } from '../place.js';
import { Primary } from '../primary.js';
import { Session } from '../session.js';
import { quoted } from '../table.js';

/** How long a step waits for the database and for other servers. */
const WAIT_MS_MAX = 10_000;
/** How often a step is made again that another one undid. */
const TRIES_MAX = 5;
const AGAIN_MS = 20;
/** What PostgreSQL calls a table that there is none of. */
const NO_TABLE = '42P01';

/** Runs one statement of a step. */
export type Run = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/**
 * The tables of notices beside a ledger in PostgreSQL, made where there are none, and one session for them, opened anew
 * where it was lost. They are no part of the journal: no limit goes by them.
 */
export class NoticeTables {
  readonly #place: PostgresPlace;
  readonly #prefix: string;
  #session: Promise<Session> | null = null;
  /** Steps of this process go one after the other: they share the session. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(place: PostgresPlace) {
    this.#place = place;
    this.#prefix = `${quoted(place.schema)}.purser_notice_`;
  }

  /** Runs a step: what it does stands whole or not at all. It may be run more than once. Throws as a ledger's methods do. */
  step<T>(operation: (run: Run, prefix: string) => Promise<T>): Promise<T> {
    return this.#inTurn(async (session) => {
      const run: Run = (text, values) => session.run(text, values);
      await run('BEGIN ISOLATION LEVEL READ COMMITTED');
      try {
        const value = await operation(run, this.#prefix);
        await run('COMMIT');
        return value;
      } catch (error) {
        if (session.isOpen) await run('ROLLBACK').catch(() => session.close());
        throw error;
      }
    });
  }

  /** Runs one statement by itself. Throws as a ledger's methods do. */
  read(text: (prefix: string) => string, values: readonly unknown[] = []): ReturnType<Run> {
    return this.#inTurn((session) => session.run(text(this.#prefix), values));
  }

  close(): void {
    this.#isClosed = true;
    void this.#session?.then((session) => session.close()).catch(() => undefined);
  }

  #inTurn<T>(operation: (session: Session) => Promise<T>): Promise<T> {
    const turn = this.#last
      .then(() => this.#repeat(operation))
      .catch((error: unknown) => {
        throw toStoreError(error);
      });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #repeat<T>(operation: (session: Session) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await operation(await this.#open());
      } catch (error) {
        const lacksTables = (error as { code?: unknown } | null)?.code === NO_TABLE;
        if (tries === TRIES_MAX || !(lacksTables || isToRepeat(error))) throw error;
        if (lacksTables) await this.#make();
        else await delay(AGAIN_MS);
      }
    }
  }

  async #open(): Promise<Session> {
    const known = await this.#session?.catch(() => null);
    if (known?.isOpen === true) return known;
    this.#session = Session.open(this.#place, { waitMaxMs: WAIT_MS_MAX });
    const session = await this.#session;
    if (this.#isClosed) session.close();
    return session;
  }

  /** Under the lock of the ledger's head, so that one server alone makes them, and none where there is no ledger. */
  async #make(): Promise<void> {
    const session = await this.#open();
    const t = this.#prefix;
    try {
      await session.run('BEGIN ISOLATION LEVEL READ COMMITTED');
      assertLive(await new Primary(this.#place).take(session));
      await session.together(
        [
          `CREATE TABLE IF NOT EXISTS ${t}marks (key text PRIMARY KEY, value text NOT NULL)`,
          `CREATE TABLE IF NOT EXISTS ${t}notices (seq bigint PRIMARY KEY, occasion text NOT NULL UNIQUE,
             said text NOT NULL, at_ms bigint NOT NULL, seen_ms bigint)`,
          `CREATE TABLE IF NOT EXISTS ${t}sends (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, seq bigint NOT NULL,
             channel text NOT NULL, state text NOT NULL, due_ms bigint NOT NULL, bundled boolean NOT NULL,
             escalation boolean NOT NULL, tries integer NOT NULL, leased_ms bigint NOT NULL)`,
          `CREATE INDEX IF NOT EXISTS purser_notice_waiting ON ${t}sends (channel, seq, id) WHERE state = 'waiting'`,
          `CREATE TABLE IF NOT EXISTS ${t}channels (channel text PRIMARY KEY, sent_ms bigint, failed_ms bigint, fault text)`,
        ].map((text) => ({ text })),
      );
      await session.run('COMMIT');
    } catch (error) {
      if (session.isOpen) await session.run('ROLLBACK').catch(() => session.close());
      throw error;
    }
  }
}
