import { join } from 'node:path';
import { CATALOG_FILE } from '../../config/home.js';
import { Catalog } from '../../discovery/index/catalog.js';
import type { SyncReport } from '../../discovery/sync.js';
import { dueSources, syncCatalog, type SyncPlan } from './catalogSync.js';

const keepers = new WeakMap<AbortSignal, CatalogKeeper>();

/** The catalogue of one open wallet: opened by its first use, closed with the wallet, synced once at a time. */
export class CatalogKeeper {
  readonly #home: string;
  readonly #closing: AbortSignal;
  #catalog: Catalog | undefined;
  #sync: Promise<SyncReport[]> | undefined;

  private constructor(home: string, closing: AbortSignal) {
    this.#home = home;
    this.#closing = closing;
    closing.addEventListener('abort', () => void this.#close(), { once: true });
  }

  /** The keeper for whatever lives until `closing` aborts. */
  static of(home: string, closing: AbortSignal): CatalogKeeper {
    let keeper = keepers.get(closing);
    if (keeper === undefined) keepers.set(closing, (keeper = new CatalogKeeper(home, closing)));
    return keeper;
  }

  /** Throws `home_unusable` where no catalogue can be kept. */
  catalog(): Catalog {
    this.#catalog ??= new Catalog(join(this.#home, CATALOG_FILE));
    return this.#catalog;
  }

  /** Brings what is old up to date; null where nothing is. One sync runs at a time, and its callers share it. */
  refresh(plan: Omit<SyncPlan, 'catalog' | 'signal'>): Promise<SyncReport[]> | null {
    if (this.#sync !== undefined) return this.#sync;
    const catalog = this.catalog();
    const due = dueSources(catalog, plan.sources, plan.now());
    if (due.length === 0 || this.#closing.aborted) return null;
    this.#sync = syncCatalog({ ...plan, catalog, signal: this.#closing }, due)
      // A sync that nobody asked for fails silently: the next search tries again.
      .catch(() => [])
      .finally(() => (this.#sync = undefined));
    return this.#sync;
  }

  async #close(): Promise<void> {
    await this.#sync;
    this.#catalog?.close();
    this.#catalog = undefined;
  }
}
