import { setImmediate as nextTurn } from 'node:timers/promises';
import { endpointOf, networksOf, type Listing } from '../readers/listing.js';
import type { Shape } from '../readers/document.js';
import { foldLabel, labelOf, siteOf } from '../site.js';
import { trustOf } from '../trust.js';
import { statement, type Sqlite } from './database.js';
import { detailOf, wordsOf } from './listingRow.js';

/** A run that broke off is taken up within a day; later the list has moved on. */
const RESUME_WITHIN_MS = 86_400_000;
/** Listings written in one step: some 30 milliseconds, in which nothing else of the process runs. */
const STEP_LISTINGS = 100;

/** One pass over one source. */
export interface Run {
  readonly sourceId: number;
  readonly url: string;
  readonly generation: number;
  /** Position to begin at: above 0 where an earlier run broke off. */
  readonly position: number;
  /** Listings that the earlier run had seen. */
  readonly seen: number;
  /** True until the source was once seen whole: nothing in it counts as new then. */
  readonly first: boolean;
  readonly nowMs: number;
}

/** What a page said of itself. */
export interface PageFacts {
  readonly etag: string | null;
  readonly modified: string | null;
  readonly items: number;
  readonly total: number | null;
  readonly dropped: number;
}

interface SourceRow {
  readonly id: number;
  readonly generation: number;
  readonly began_ms: number | null;
  readonly resume_at: number | null;
  readonly completed_ms: number | null;
}

/** Takes a source for a run; null while another process has it. */
export function beginRun(db: Sqlite, url: string, nowMs: number, leaseMs: number): Run | null {
  return db
    .transaction((): Run | null => {
      statement(db, 'INSERT INTO sources (url) VALUES (?) ON CONFLICT DO NOTHING').run(url);
      const taken = statement(
        db,
        'UPDATE sources SET lease_ms = ? WHERE url = ? AND (lease_ms < ? OR lease_ms > ?)',
      )
        // A lease from a clock that was set back is none.
        .run(nowMs + leaseMs, url, nowMs, nowMs + 2 * leaseMs);
      if (taken.changes === 0) return null;
      const row = statement(
        db,
        'SELECT id, generation, began_ms, resume_at, completed_ms FROM sources WHERE url = ?',
      ).get(url) as SourceRow;
      const resumes = row.resume_at !== null && (row.began_ms ?? 0) > nowMs - RESUME_WITHIN_MS;
      const generation = resumes ? row.generation : row.generation + 1;
      const update = statement(
        db,
        'UPDATE sources SET generation = ?, began_ms = ?, dropped = ? WHERE id = ?',
      );
      if (!resumes) update.run(generation, nowMs, 0, row.id);
      return {
        sourceId: row.id,
        url,
        generation,
        position: resumes ? (row.resume_at ?? 0) : 0,
        seen: resumes ? countSeen(db, row) : 0,
        first: row.completed_ms === null,
        nowMs,
      };
    })
    .immediate();
}

function countSeen(db: Sqlite, { id, generation }: SourceRow): number {
  const count = statement(db, 'SELECT count(*) FROM listings WHERE source_id = ? AND generation = ?').pluck();
  return Number(count.get(id, generation));
}

/** What is known of the page at a position. */
export function pageState(db: Sqlite, run: Run, position: number): PageFacts | null {
  const found = statement(
    db,
    'SELECT etag, modified, items, total, dropped FROM pages WHERE source_id = ? AND position = ?',
  ).get(run.sourceId, position);
  return (found as PageFacts | undefined) ?? null;
}

/**
 * Writes a page in steps, in each of which nothing else of the process runs; answers how many of its listings this
 * run had not seen.
 *
 * @param use hands the open database to each step
 */
export async function savePage(
  use: <T>(work: (db: Sqlite) => T) => T,
  run: Run,
  page: PageFacts & { readonly position: number },
  listings: readonly Listing[],
): Promise<number> {
  let fresh = 0;
  for (let from = 0; from < listings.length; from += STEP_LISTINGS) {
    if (from > 0) await nextTurn();
    const step = listings.slice(from, from + STEP_LISTINGS);
    fresh += use((db) => db.transaction(() => writeListings(db, run, page.position, step)).immediate());
  }
  use((db) => {
    db.transaction(() => {
      const { position, etag, modified, items, total, dropped } = page;
      statement(db, 'INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?)').run(
        run.sourceId,
        position,
        etag,
        modified,
        items,
        total,
        dropped,
      );
      advance(db, run, position + items, dropped);
    }).immediate();
  });
  return fresh;
}

/** Counts what a page had as seen; answers how many listings. */
export function keepPage(db: Sqlite, run: Run, position: number, resumeAt: number): number {
  return db
    .transaction(() => {
      const kept = statement(
        db,
        'UPDATE listings SET generation = ? WHERE source_id = ? AND position = ?',
      ).run(run.generation, run.sourceId, position);
      advance(db, run, resumeAt, pageState(db, run, position)?.dropped ?? 0);
      return kept.changes;
    })
    .immediate();
}

function advance(db: Sqlite, run: Run, resumeAt: number, dropped: number): void {
  const update = statement(db, 'UPDATE sources SET resume_at = ?, dropped = dropped + ? WHERE id = ?');
  update.run(resumeAt, dropped, run.sourceId);
}

/** Ends a run and gives the source free. */
export function endRun(
  db: Sqlite,
  run: Run,
  end: {
    whole: boolean;
    resumeAt: number | null;
    why: string | null;
    shape: Shape | null;
    nowMs: number;
  },
): void {
  db.transaction(() => {
    if (end.whole) remove(db, run.sourceId, run.generation);
    statement(
      db,
      `UPDATE sources SET resume_at = ?, why = ?, shape = coalesce(?, shape), checked_ms = ?, lease_ms = 0,
         completed_ms = CASE WHEN ? THEN ? ELSE completed_ms END WHERE id = ?`,
    ).run(end.resumeAt, end.why, end.shape, end.nowMs, end.whole ? 1 : 0, end.nowMs, run.sourceId);
  }).immediate();
}

/** Removes what the last `generations` runs of a source did not see. */
export function forgetOld(db: Sqlite, run: Run, generations: number): void {
  db.transaction(() => {
    remove(db, run.sourceId, run.generation - generations + 1);
  }).immediate();
}

/** Removes a source with all it listed. */
export function forgetSource(db: Sqlite, sourceId: number): void {
  db.transaction(() => {
    remove(db, sourceId, Number.MAX_SAFE_INTEGER);
    statement(db, 'DELETE FROM pages WHERE source_id = ?').run(sourceId);
    statement(db, 'DELETE FROM sources WHERE id = ?').run(sourceId);
  }).immediate();
}

function remove(db: Sqlite, sourceId: number, generation: number): void {
  const gone = statement(db, 'SELECT id FROM listings WHERE source_id = ? AND generation < ?')
    .pluck()
    .all(sourceId, generation) as number[];
  if (gone.length === 0) return;
  const removals = [
    'words WHERE rowid',
    'payees WHERE listing_id',
    'details WHERE listing_id',
    'listings WHERE id',
  ].map((from) => statement(db, `DELETE FROM ${from} = ?`));
  for (const id of gone) for (const removal of removals) removal.run(id);
  statement(db, 'DELETE FROM hosts WHERE host NOT IN (SELECT host FROM listings)').run();
}

/** Answers how many of the listings this run had not seen. */
function writeListings(db: Sqlite, run: Run, position: number, listings: readonly Listing[]): number {
  const find = statement(
    db,
    'SELECT id, digest, generation FROM listings WHERE source_id = ? AND url = ? AND method = ?',
  );
  const touch = statement(db, 'UPDATE listings SET generation = ?, position = ? WHERE id = ?');
  let fresh = 0;
  for (const listing of listings) {
    const { url, method } = listing;
    const known = find.get(run.sourceId, url, method) as
      { id: number; digest: string; generation: number } | undefined;
    if (known?.generation !== run.generation) fresh += 1;
    const { detail, digest } = detailOf(listing);
    if (known?.digest === digest) touch.run(run.generation, position, known.id);
    else writeListing(db, run, position, listing, { detail, digest, id: known?.id });
  }
  return fresh;
}

function writeListing(
  db: Sqlite,
  run: Run,
  position: number,
  listing: Listing,
  { detail, digest, id }: { detail: string; digest: string; id: number | undefined },
): void {
  const { url, method, price, use } = listing;
  const { host } = new URL(url);
  if (id !== undefined) {
    statement(db, 'DELETE FROM words WHERE rowid = ?').run(id);
    statement(db, 'DELETE FROM payees WHERE listing_id = ?').run(id);
  }
  const values = [
    run.sourceId,
    position,
    run.generation,
    url,
    method,
    endpointOf(url),
    host,
    listing.category,
    price?.minUsdMicros ?? null,
    price?.maxUsdMicros ?? null,
    networksOf(listing),
    use.calls30d,
    use.payers30d,
    use.lastCalledMs,
    use.curated ? 1 : 0,
    trustOf(use),
    digest,
  ];
  const written = statement(
    db,
    `INSERT OR REPLACE INTO listings VALUES (${['?', ...values.map(() => '?')].join(', ')})`,
  ).run(id ?? null, ...values);
  const rowId = id ?? Number(written.lastInsertRowid);
  statement(db, 'INSERT INTO words (rowid, title, tags, about, path, fields) VALUES (?, ?, ?, ?, ?, ?)').run(
    rowId,
    ...wordsOf(listing),
  );
  statement(db, 'INSERT OR REPLACE INTO details VALUES (?, ?)').run(rowId, detail);
  const site = siteOf(host);
  const payees = new Set(listing.offers.flatMap(({ payTo }) => payTo ?? []));
  const addPayee = statement(db, 'INSERT OR IGNORE INTO payees VALUES (?, ?, ?)');
  for (const payTo of payees) addPayee.run(rowId, payTo, site);
  noteHost(db, host, use.firstSeenMs ?? (run.first ? null : run.nowMs), use.payers30d ?? 0);
}

function noteHost(db: Sqlite, host: string, firstSeenMs: number | null, payers: number): void {
  statement(
    db,
    `INSERT INTO hosts VALUES (?, ?, ?, ?, ?) ON CONFLICT (host) DO UPDATE SET
       payers = max(payers, excluded.payers),
       first_seen_ms = min(first_seen_ms, coalesce(excluded.first_seen_ms, first_seen_ms))`,
  ).run(host, siteOf(host), foldLabel(labelOf(host)), firstSeenMs, payers);
}
