import { statSync } from 'node:fs';
import { statement, type Sqlite } from './database.js';

/** What the catalogue knows of one source. Times are ms. */
export interface SourceState {
  readonly id: number;
  readonly url: string;
  readonly shape: string | null;
  readonly listings: number;
  /** Records of the last run that could not be read. */
  readonly dropped: number;
  readonly completedMs: number | null;
  readonly checkedMs: number | null;
  /** Set where the last run broke off and the next goes on. */
  readonly resumeAt: number | null;
  /** Why the last run ended early, in one word; null where it ended well. */
  readonly why: string | null;
}

/** The catalogue as a whole. */
export interface CatalogStats {
  readonly sources: readonly SourceState[];
  readonly listings: number;
  readonly endpoints: number;
  readonly hosts: number;
  readonly databaseBytes: number;
}

interface SourceSql {
  readonly id: number;
  readonly url: string;
  readonly shape: string | null;
  readonly dropped: number;
  readonly completed_ms: number | null;
  readonly checked_ms: number | null;
  readonly resume_at: number | null;
  readonly why: string | null;
  readonly listings: number;
}

const SELECT = `SELECT s.*, (SELECT count(*) FROM listings WHERE source_id = s.id) AS listings FROM sources s`;

/** One source, or undefined. */
export function sourceOf(db: Sqlite, url: string): SourceState | undefined {
  const row = statement(db, `${SELECT} WHERE url = ?`).get(url) as SourceSql | undefined;
  return row === undefined ? undefined : fromSql(row);
}

/** Counts over the whole catalogue; reads all of it, so it is for commands, not for searches. */
export function readStats(db: Sqlite, path: string): CatalogStats {
  const sources = (statement(db, `${SELECT} ORDER BY id`).all() as SourceSql[]).map(fromSql);
  const count = (what: string): number =>
    Number(statement(db, `SELECT count(${what}) FROM listings`).pluck().get());
  return {
    sources,
    listings: count('*'),
    endpoints: count(`DISTINCT method || ' ' || endpoint`),
    hosts: count('DISTINCT host'),
    databaseBytes: [path, `${path}-wal`]
      .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, bytes) => sum + bytes, 0),
  };
}

function fromSql(row: SourceSql): SourceState {
  return {
    id: row.id,
    url: row.url,
    shape: row.shape,
    listings: row.listings,
    dropped: row.dropped,
    completedMs: row.completed_ms,
    checkedMs: row.checked_ms,
    resumeAt: row.resume_at,
    why: row.why,
  };
}
