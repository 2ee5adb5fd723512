import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder, T0, testMac } from '../../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import type { LedgerOptions } from '../../../src/ledger/ledgerStore.js';
import type { PostgresPlace } from '../../../src/ledger/postgres/place.js';
import { PostgresStore } from '../../../src/ledger/postgres/postgresStore.js';
import type { TestPostgres } from '../../support/postgres.js';

let worlds = 0;

/** A new ledger in a schema of its own, and the folders of the servers that share it. Gone when `await using` ends. */
export class PostgresWorld {
  readonly #folder = scratchFolder();
  readonly #opened: Ledger[] = [];
  readonly place: PostgresPlace;

  private constructor(server: TestPostgres) {
    this.place = server.place(`wallet_${process.pid}_${worlds++}`);
  }

  static async begin(server: TestPostgres): Promise<PostgresWorld> {
    const world = new PostgresWorld(server);
    await world.store('one').create({ mac: testMac(), nowMs: T0, configVersion: 1 });
    return world;
  }

  /** The folder of one server. */
  home(name: string): string {
    const home = join(this.#folder.path, name);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return home;
  }

  store(name: string, place = this.place): PostgresStore {
    return new PostgresStore(this.home(name), place);
  }

  /** Opens the ledger on a server. */
  async open(name: string, options: Partial<LedgerOptions> = {}, place = this.place): Promise<Ledger> {
    const ledger = await this.store(name, place).open({ mac: testMac(), holder: name, ...options });
    this.#opened.push(ledger);
    return ledger;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((ledger) => ledger.close()));
    this.#folder[Symbol.dispose]();
  }
}
