import { chmodSync, copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { renameUnheld } from '../../platform/durableFile.js';
import { isProcessAlive } from '../../platform/process.js';
import type { Ledger } from '../ledger.js';
import type { LedgerOptions, LedgerStore, MacFunction, NewLedger } from '../ledgerStore.js';
import { SqliteLedger } from './sqliteLedger.js';
import { DATABASE_FILE_ENDS } from './file/database.js';

/** The ledger's file in a wallet's folder; SQLite keeps two more beside it while it is open. */
export const DATABASE_FILE = 'purser.db';

/** What a set-up that was killed left behind, with the id of its process. */
const DRAFT_NAME = /^purser\.db\.(\d+)\.new/;

/** A ledger in one file of the wallet's folder. */
export class SqliteStore implements LedgerStore {
  readonly #home: string;
  readonly #path: string;
  readonly keptAs: string;

  constructor(home: string) {
    this.#home = home;
    this.#path = join(home, DATABASE_FILE);
    this.keptAs = `${this.#path}.replaced`;
  }

  async exists(): Promise<boolean> {
    return existsSync(this.#path);
  }

  async create(begin: NewLedger): Promise<void> {
    this.#sweepDrafts();
    try {
      SqliteLedger.create(this.#path, begin);
    } catch (error) {
      // Another process was first: its ledger is the wallet's.
      if (!isWalletError(error) || error.code !== 'already_set_up') throw error;
    }
  }

  async open(options: LedgerOptions): Promise<Ledger> {
    return SqliteLedger.open(this.#path, options);
  }

  async setAside(): Promise<void> {
    for (const end of DATABASE_FILE_ENDS) {
      const from = this.#path + end;
      if (existsSync(from)) await renameUnheld(from, this.keptAs + end);
      else rmSync(this.keptAs + end, { force: true });
    }
  }

  async restore(path: string, mac: MacFunction): Promise<void> {
    if (!existsSync(path)) throw new WalletError('not_found', 'There is no such file.');
    const arriving = `${this.#path}.arriving`;
    copyFileSync(path, arriving);
    chmodSync(arriving, 0o600);
    try {
      await assertSound(arriving, mac);
      await this.setAside();
      await renameUnheld(arriving, this.#path);
    } finally {
      for (const end of DATABASE_FILE_ENDS) rmSync(arriving + end, { force: true });
    }
  }

  /** A living process's draft is its own. */
  #sweepDrafts(): void {
    for (const name of readdirSync(this.#home)) {
      const pid = DRAFT_NAME.exec(name)?.[1];
      if (pid !== undefined && !isProcessAlive(Number(pid))) rmSync(join(this.#home, name), { force: true });
    }
  }
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
