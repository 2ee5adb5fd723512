import { chmodSync, copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Ledger } from '../ledger.js';
import type { LedgerOptions, LedgerStore, MacFunction, NewLedger } from '../ledgerStore.js';
import { SqliteLedger } from '../sqlite/sqliteLedger.js';
import { asideOf, bringIn, setAsideIn } from './arrival.js';
import { COPY_FILE } from './copy.js';
import { toStoreError } from './fault.js';
import { placeName, type PostgresPlace } from './place.js';
import { openPostgresLedger } from './postgresLedger.js';
import { Primary } from './primary.js';
import { Session } from './session.js';
import { DATABASE_FILE_ENDS } from '../sqlite/file/database.js';

/** How long set-up and moves wait for the database. */
const WAIT_MS_MAX = 60_000;

/** A ledger in a schema of a PostgreSQL database, which many servers share. */
export class PostgresStore implements LedgerStore {
  readonly #home: string;
  readonly #place: PostgresPlace;
  readonly keptAs: string;

  constructor(home: string, place: PostgresPlace) {
    this.#home = home;
    this.#place = place;
    this.keptAs = placeName(asideOf(place));
  }

  exists(): Promise<boolean> {
    return this.#with((session, primary) => primary.exists(session));
  }

  async create(begin: NewLedger): Promise<void> {
    // One that is there already stays.
    if (await this.exists()) return;
    const draft = join(this.#home, `ledger-draft.${process.pid}.db`);
    removeFiles(draft);
    try {
      SqliteLedger.create(draft, begin);
      await this.#with((session) => bringIn(this.#place, session, draft));
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'already_set_up') throw error;
    } finally {
      removeFiles(draft);
    }
  }

  open(options: LedgerOptions): Promise<Ledger> {
    return openPostgresLedger(this.#place, join(this.#home, COPY_FILE), options);
  }

  async setAside(): Promise<void> {
    await this.#with((session) => setAsideIn(this.#place, session));
    removeFiles(join(this.#home, COPY_FILE));
  }

  async restore(path: string, mac: MacFunction): Promise<void> {
    if (!existsSync(path)) throw new WalletError('not_found', 'There is no such file.');
    const arriving = join(this.#home, `ledger-arriving.${process.pid}.db`);
    removeFiles(arriving);
    copyFileSync(path, arriving);
    chmodSync(arriving, 0o600);
    try {
      await assertSound(arriving, mac);
      await this.#with((session) => bringIn(this.#place, session, arriving, { replaces: true }));
      removeFiles(join(this.#home, COPY_FILE));
    } finally {
      removeFiles(arriving);
    }
  }

  async #with<T>(operation: (session: Session, primary: Primary) => Promise<T>): Promise<T> {
    const session = await Session.open(this.#place, { waitMaxMs: WAIT_MS_MAX });
    try {
      return await operation(session, new Primary(this.#place));
    } catch (error) {
      throw toStoreError(error);
    } finally {
      session.close();
    }
  }
}

function removeFiles(path: string): void {
  for (const end of DATABASE_FILE_ENDS) rmSync(path + end, { force: true });
}

async function assertSound(path: string, mac: MacFunction): Promise<void> {
  const candidate = SqliteLedger.open(path, { mac });
  try {
    const { findings } = await candidate.audit();
    if (findings.length === 0) return;
  } finally {
    await candidate.close();
  }
  throw new WalletError('ledger_damaged', 'The backup does not hold in itself; it was not put in place.');
}
