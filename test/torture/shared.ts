import { copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COPY_FILE } from '../../src/ledger/postgres/copy.js';
import { placeUrl, type PostgresPlace } from '../../src/ledger/postgres/place.js';
import { moveLedger } from '../../src/owner/ledger/ledgerMove.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import type { TestPostgres } from '../support/postgres.js';
import { ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';

const SCHEMA = 'tortured';
const CONFIG_FILE = 'config.json';

/** A wallet's ledger in a PostgreSQL that two servers share, and one more that only watches. */
export class SharedLedger {
  readonly #postgres: TestPostgres;
  readonly #root: string;
  readonly #watcher: Wallet;
  /** The folders of the servers. */
  readonly homes: readonly [first: string, second: string];
  /** The working copy of the one that watches: no process that is tortured has a hand in it. */
  readonly watchedFile: string;

  private constructor(postgres: TestPostgres, root: string, homes: SharedLedger['homes'], watcher: Wallet) {
    this.#postgres = postgres;
    this.#root = root;
    this.homes = homes;
    this.#watcher = watcher;
    this.watchedFile = join(root, 'watcher', COPY_FILE);
  }

  /** Moves the wallet's ledger there, as its owner does, and gives each server a copy of its folder. */
  static async open(postgres: TestPostgres, mine: TestWallet, now: () => number): Promise<SharedLedger> {
    const place: PostgresPlace = postgres.place(SCHEMA);
    const to = { url: placeUrl(place), passwordFile: postgres.passwordFile };
    await moveLedger({ ...ownerOf(mine.home, TEST_PASSPHRASE), now }, to);
    const root = mkdtempSync(join(tmpdir(), 'purser-servers-'));
    const [second, watching] = ['second', 'watcher'].map((name) => {
      const home = join(root, name);
      mkdirSync(home, { mode: 0o700 });
      cpSync(mine.home, home, { recursive: true });
      for (const end of ['', '-wal', '-shm']) rmSync(join(home, `${COPY_FILE}${end}`), { force: true });
      return home;
    }) as [string, string];
    const watcher = mine.open({ home: watching });
    await watcher.engine();
    return new SharedLedger(postgres, root, [mine.home, second], watcher);
  }

  /** Brings the watched file to where the ledger stands now. */
  async follow(): Promise<void> {
    const { ledger } = await this.#watcher.engine();
    await ledger.head();
  }

  /** Gives the second server the settings of the first, as the owner does; until then it pays nothing. */
  shareConfig(): void {
    const [first, second] = this.homes;
    const fresh = join(second, `${CONFIG_FILE}.fresh`);
    copyFileSync(join(first, CONFIG_FILE), fresh);
    renameSync(fresh, join(second, CONFIG_FILE));
  }

  /** The database crashes, as in a power cut, and is back after a while. */
  async crash(down: () => Promise<void>): Promise<void> {
    await this.#postgres.crash();
    await down();
    await this.#postgres.begin();
  }

  /** Loses the ledger for good. */
  async lose(): Promise<void> {
    await this.#watcher.close();
    await this.#postgres.query(`DROP SCHEMA ${SCHEMA} CASCADE`);
  }

  async close(): Promise<void> {
    await this.#watcher.close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
