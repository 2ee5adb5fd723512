import { readFileSync } from 'node:fs';
import type { Client, ClientConfig, QueryResult, QueryResultRow } from 'pg';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { isAnswer, toStoreError, unreachable } from './fault.js';
import { isLoopback, type PostgresPlace } from './place.js';

/** A server that answers nothing for so long is taken for gone. */
const CONNECT_MS_MAX = 5_000;
/** A session that holds the ledger's lock and says nothing for so long is ended by the server: others go on. */
const IDLE_WITH_LOCK_MS_MAX = 5_000;

/** One statement with its values; a name has the server keep it prepared for the session. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** How a session is opened. */
export interface SessionOptions {
  /** How long a statement may wait, for a lock or for a standby. */
  readonly waitMaxMs: number;
  /** How long it may hold the ledger's lock and say nothing: 5 s unless said. */
  readonly idleMaxMs?: number;
  /** Called when another server says that it wrote. */
  readonly onNotice?: () => void;
}

/**
 * One session with the primary. A replica is refused when the session opens: its rows may be old, and a cap is asked of
 * the newest alone (T41). So is a server that does not wait for its own disk.
 */
export class Session {
  readonly #client: Client;
  /** The timeline that the server writes; a failover begins a later one. Null where the engine knows none. */
  readonly timeline: number | null;
  #isOpen = true;
  /** Warnings of the server since the last step began. */
  #warnings: string[] = [];

  private constructor(client: Client, timeline: number | null, state: { lost: boolean }) {
    this.#client = client;
    this.timeline = timeline;
    this.#isOpen = !state.lost;
    const end = (): void => void (this.#isOpen = false);
    client.on('error', end);
    client.on('end', end);
    client.on('notice', ({ code, message = '' }) => {
      if (code?.startsWith('01') === true) this.#warnings.push(message);
    });
  }

  /** Opens a session. Throws `ledger_unreachable`, `home_unusable`. */
  static async open(place: PostgresPlace, options: SessionOptions): Promise<Session> {
    const pg = await import('pg');
    const { onNotice } = options;
    const client = new pg.default.Client(configOf(place, options, pg.default.types.getTypeParser));
    const state = { lost: false };
    // Until somebody listens, a lost connection would end the process.
    client.on('error', () => (state.lost = true));
    try {
      // No TLS, or a certificate that does not hold: many codes and texts, and one meaning.
      await client.connect().catch((error: unknown) => {
        throw isAnswer(error) || isWalletError(error) ? error : unreachable(error);
      });
      const timeline = await lookAtServer(client);
      if (onNotice !== undefined) {
        client.on('notification', onNotice);
        await client.query(`LISTEN ${channelOf(place)}`);
      }
      return new Session(client, timeline, state);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw toStoreError(error);
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What the server warned of since the last step began. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Runs one statement. Throws as PostgreSQL does. */
  async run<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    const [result] = await this.together([{ text, values }]);
    return (result as QueryResult<Row>).rows;
  }

  /** Sends statements in one go, and waits for all: each is answered in its turn. Throws what the first fault was. */
  async together(statements: readonly Statement[]): Promise<readonly QueryResult[]> {
    this.#warnings = [];
    const asked = statements.map(({ text, values = [], name }) =>
      this.#client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) }),
    );
    const results = await Promise.allSettled(asked);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return results.map((result) => (result as PromiseFulfilledResult<QueryResult>).value);
  }

  /** Ends the session; what is under way is undone by the server. */
  close(): void {
    this.#isOpen = false;
    void this.#client.end().catch(() => undefined);
  }
}

/** The channel by which servers tell each other that they wrote. */
export function channelOf({ schema }: PostgresPlace): string {
  return `purser_${schema}`;
}

function configOf(
  place: PostgresPlace,
  { waitMaxMs, idleMaxMs = IDLE_WITH_LOCK_MS_MAX }: SessionOptions,
  parserOf: NonNullable<ClientConfig['types']>['getTypeParser'],
): ClientConfig {
  const { host, port, user, database, passwordFile, caFile } = place;
  const parsers = {
    // An integer of 64 bits is one here too: never a float, and no text.
    getTypeParser: (oid: number, format?: 'text') =>
      oid === 20 && format !== ('binary' as never) ? BigInt : (parserOf(oid, format) as unknown),
  } as ClientConfig['types'];
  return {
    ...{ host, port, user, database, types: parsers, pipeline: true, keepAlive: true },
    // Never from the environment: what is set there was not said by the wallet's owner.
    password: async () => (passwordFile === null ? '' : readSecret(passwordFile)),
    ssl: isLoopback(host)
      ? false
      : { rejectUnauthorized: true, ...(caFile === null ? {} : { ca: readSecret(caFile) }) },
    application_name: 'purser',
    connectionTimeoutMillis: CONNECT_MS_MAX,
    lock_timeout: waitMaxMs,
    query_timeout: waitMaxMs + CONNECT_MS_MAX,
    idle_in_transaction_session_timeout: idleMaxMs,
  };
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new WalletError('home_unusable', `The file ${path} cannot be read; nothing is signed.`, {
      cause,
      owner: { say: 'The ledger’s database needs that file. Look at its rights.' },
    });
  }
}

/** Throws `ledger_unreachable` for a server that must not be asked. Returns its timeline. */
async function lookAtServer(client: Client): Promise<number | null> {
  // A commit that a standby did not confirm is told as a warning.
  await client.query('SET client_min_messages TO warning');
  const { rows } = await client.query<{ standby: boolean; fsync: string; timeline: string | null }>(
    `SELECT pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,
       CASE WHEN pg_is_in_recovery() THEN NULL
         ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline`,
  );
  const [server] = rows;
  if (server === undefined || server.standby) throw unreachable('it is a standby, and may be behind');
  if (server.fsync !== 'on') throw unreachable('fsync is off, so that a power cut loses payments');
  return server.timeline === null ? null : parseInt(server.timeline, 16);
}
