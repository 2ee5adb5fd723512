import type { Listing } from '../readers/listing.js';
import type { Shape } from '../readers/document.js';
import {
  identityOf,
  isDamaged,
  openCatalogFile,
  removeCatalogFile,
  statement,
  type Sqlite,
} from './database.js';
import { findCandidates, type Candidate, type CandidateQuery } from './candidates.js';
import { hostFacts, payeeSites, type HostFacts } from './hosts.js';
import { listingOf, type ListingRow } from './listingRow.js';
import { readStats, sourceOf, type CatalogStats, type SourceState } from './sources.js';
import {
  beginRun,
  endRun,
  forgetOld,
  forgetSource,
  keepPage,
  pageState,
  savePage,
  type PageFacts,
  type Run,
} from './run.js';

/** A listing with where it is kept. */
export interface StoredListing {
  readonly id: bigint;
  readonly sourceId: bigint;
  readonly listing: Listing;
}

/** Twenty results of a search are written within this. */
const FOUND_LEASE_MS = 5_000;
/** Searches whose findings are kept: some hundreds of listings for each facilitator. */
const FOUND_GENERATIONS = 50;

const LISTING = 'SELECT * FROM listings JOIN details ON listing_id = id';

/**
 * The catalogue on disk: listings of all sources, and a search over them.
 *
 * It is no record of anything that happened, and can be fetched again: a file that is missing, damaged or of another
 * version is made anew and empty. It is opened beside the ledger and never locks it. Every method is synchronous and
 * short; a page of a sync is written in pieces.
 */
export class Catalog {
  readonly path: string;
  #db: Sqlite;
  #identity: string | null;

  /** Throws `home_unusable` where no file can be made. */
  constructor(path: string) {
    this.path = path;
    this.#db = openCatalogFile(path);
    this.#identity = identityOf(path);
  }

  close(): void {
    this.#db.close();
  }

  /** The source of a URL, made where there is none yet. */
  source(url: string): SourceState {
    return this.#use((db) => {
      statement(db, 'INSERT INTO sources (url) VALUES (?) ON CONFLICT DO NOTHING').run(url);
      const found = sourceOf(db, url);
      if (found === undefined) throw new Error('A source vanished while it was made.');
      return found;
    });
  }

  /** Every source that was ever looked at, with what it has. */
  stats(): CatalogStats {
    return this.#use((db) => readStats(db, this.path));
  }

  /** Forgets the sources that are not among these, and their listings. */
  keepSources(urls: readonly string[]): void {
    this.#use((db) => {
      const known = statement(db, 'SELECT id, url FROM sources').all() as { id: number; url: string }[];
      for (const { id, url } of known) if (!urls.includes(url)) forgetSource(db, id);
    });
  }

  /** Takes the source for a run, for `leaseMs`; null while another process has it. */
  beginRun(url: string, nowMs: number, leaseMs: number): Run | null {
    return this.#use((db) => beginRun(db, url, nowMs, leaseMs));
  }

  /** What is known of the page at a position, to ask for it on condition. */
  pageState(run: Run, position: number): PageFacts | null {
    return this.#use((db) => pageState(db, run, position));
  }

  /** Writes a page; answers how many of its listings this run had not seen. */
  async savePage(
    run: Run,
    page: PageFacts & { readonly position: number },
    listings: readonly Listing[],
  ): Promise<number> {
    return savePage((work) => this.#use(work), run, page, listings);
  }

  /** Keeps what a page had: its server says it did not change. Answers how many listings. */
  keepPage(run: Run, position: number, resumeAt: number): number {
    return this.#use((db) => keepPage(db, run, position, resumeAt));
  }

  /**
   * Ends a run. `whole` drops what it did not see; otherwise the next run goes on from here, unless the position is
   * null.
   */
  endRun(
    run: Run,
    end: { whole: boolean; resumeAt: number | null; why: string | null; shape: Shape | null; nowMs: number },
  ): void {
    this.#use((db) => {
      endRun(db, run, end);
    });
  }

  /**
   * Keeps what a remote search found, as a source of its own: one that lists the same can say something else. The
   * oldest findings go first.
   */
  async keepFound(searchUrl: string, listings: readonly Listing[], nowMs: number): Promise<void> {
    const run = this.beginRun(searchUrl, nowMs, FOUND_LEASE_MS);
    if (run === null) return;
    const page = { etag: null, modified: null, items: listings.length, total: null, dropped: 0, position: 0 };
    await this.savePage(run, page, listings);
    this.#use((db) => {
      forgetOld(db, run, FOUND_GENERATIONS);
    });
    this.endRun(run, { whole: false, resumeAt: null, why: null, shape: 'list', nowMs });
  }

  /** Listings that may fit, the best first. */
  candidates(query: CandidateQuery): Candidate[] {
    return this.#use((db) => findCandidates(db, query));
  }

  /** Listings by their ids, in that order. */
  load(ids: readonly bigint[]): StoredListing[] {
    return this.#use((db) => {
      const find = statement(db, `${LISTING} WHERE id = ?`).safeIntegers(true);
      return ids.flatMap((id) => stored(find.get(id) as ListingRow | undefined));
    });
  }

  /** Listings of one endpoint (origin and path), from every source. */
  ofEndpoint(endpoint: string, limit: number): StoredListing[] {
    return this.#use((db) => {
      const find = statement(db, `${LISTING} WHERE endpoint = ? LIMIT ?`).safeIntegers(true);
      return (find.all(endpoint, limit) as ListingRow[]).flatMap(stored);
    });
  }

  /** Listings of one host, the most used first. */
  ofHost(host: string, limit: number): StoredListing[] {
    return this.#use((db) => {
      const find = statement(db, `${LISTING} WHERE host = ? ORDER BY trust DESC, id LIMIT ?`).safeIntegers(
        true,
      );
      return (find.all(host, limit) as ListingRow[]).flatMap(stored);
    });
  }

  /** The listings of a host, whatever its port, the most used first, at most `limit`. */
  ofHostname(hostname: string, limit: number): StoredListing[] {
    return this.#use((db) => {
      // A port stands behind a colon, and no host name goes on with what sorts between that and a semicolon.
      const find = statement(
        db,
        `${LISTING} WHERE host = ? OR (host > ? AND host < ?) ORDER BY trust DESC, id LIMIT ?`,
      ).safeIntegers(true);
      return (find.all(hostname, `${hostname}:`, `${hostname};`, limit) as ListingRow[]).flatMap(stored);
    });
  }

  /** What is known of a host, and of others that go by a name like its own. */
  hostFacts(host: string): HostFacts {
    return this.#use((db) => hostFacts(db, host));
  }

  /** Other sites whose listings name this payee, at most `limit`. */
  payeeSites(payTo: string, ownSite: string, limit: number): string[] {
    return this.#use((db) => payeeSites(db, payTo, ownSite, limit));
  }

  /** Works on the file that is there now; one that turns out damaged is made anew, and the work done once more. */
  #use<T>(work: (db: Sqlite) => T): T {
    if (identityOf(this.path) !== this.#identity) this.#reopen(false);
    try {
      return work(this.#db);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#reopen(true);
      return work(this.#db);
    }
  }

  #reopen(anew: boolean): void {
    this.#db.close();
    if (anew) removeCatalogFile(this.path);
    this.#db = openCatalogFile(this.path);
    this.#identity = identityOf(this.path);
  }
}

function stored(row: ListingRow | undefined): StoredListing[] {
  return row === undefined ? [] : [{ id: row.id, sourceId: row.source_id, listing: listingOf(row) }];
}
