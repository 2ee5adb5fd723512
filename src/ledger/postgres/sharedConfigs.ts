import { hash } from 'node:crypto';
import type { SharedConfig, SharedConfigBook } from '../books/sharedConfig.js';
import type { Sealing } from '../ledgerStore.js';
import type { LedgerAccess } from '../sqlite/file/access.js';
import { agreeOnConfig, agreedConfig } from '../sqlite/journal/agreedConfig.js';
import { toStoreError } from './fault.js';
import type { PostgresPlace } from './place.js';
import type { Session } from './session.js';
import { quoted } from './table.js';

/** What PostgreSQL calls a table that there is none of. */
const NO_TABLE = '42P01';

/** What it works with. */
export interface SharedConfigParts {
  readonly place: PostgresPlace;
  readonly access: LedgerAccess;
  readonly sealing: Sealing;
  session(): Promise<Session>;
}

/**
 * The texts of configs in a table beside the ledger, each under its digest. A text is kept before the journal names it: one
 * that another server was faster than is named by nobody, and a crash between leaves a text and no agreement.
 */
export class SharedConfigs implements SharedConfigBook {
  readonly #parts: SharedConfigParts;
  readonly #table: string;

  constructor(parts: SharedConfigParts) {
    this.#parts = parts;
    this.#table = `${quoted(parts.place.schema)}.purser_configs`;
  }

  async newest(): Promise<SharedConfig | null> {
    const agreed = await this.#parts.access.read(agreedConfig);
    if (agreed === null) return null;
    const { version, digest } = agreed;
    const [row] = await this.#run<{ sealed: Uint8Array }>(
      `SELECT sealed FROM ${this.#table} WHERE digest = $1`,
      [digest],
    );
    const text = row === undefined ? null : this.#parts.sealing.unseal(sealPlace(version), row.sealed);
    return text === null || digestOf(text) !== digest ? null : { version, text };
  }

  async put({ version, text }: SharedConfig, nowMs: number): Promise<boolean> {
    const { access, sealing } = this.#parts;
    const digest = digestOf(text);
    const sealed = Buffer.from(sealing.seal(sealPlace(version), text));
    // What somebody put there under this digest gives way: it may not be what is read back.
    await this.#run(
      `INSERT INTO ${this.#table} (digest, version, sealed) VALUES ($1, $2, $3)
       ON CONFLICT (digest) DO UPDATE SET version = EXCLUDED.version, sealed = EXCLUDED.sealed`,
      [digest, version, sealed],
    );
    const isAgreed = await access.write('config', (context) =>
      agreeOnConfig(context, { version, digest }, nowMs),
    );
    if (isAgreed) await this.#run(`DELETE FROM ${this.#table} WHERE version < $1`, [version]);
    return isAgreed;
  }

  /** Runs one statement, with the table made where there is none yet. */
  async #run<Row extends Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      const session = await this.#parts.session();
      try {
        return await session.run<Row>(text, values);
      } catch (error) {
        if ((error as { code?: unknown } | null)?.code !== NO_TABLE) throw error;
        await session.run(
          `CREATE TABLE IF NOT EXISTS ${this.#table} (
            digest text PRIMARY KEY, version bigint NOT NULL, sealed bytea NOT NULL)`,
        );
        return await session.run<Row>(text, values);
      }
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

function digestOf(text: string): string {
  return hash('sha256', text);
}

/** T22: what was sealed as one version opens as no other. */
function sealPlace(version: number): string {
  return `purser shared config ${version}`;
}
