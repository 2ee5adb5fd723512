import { statement, type Sqlite } from './database.js';

/** What is looked for. */
export interface CandidateQuery {
  /** Words of a need, with words that mean the same beside them; empty for whatever is used most. */
  readonly words: readonly (readonly string[])[];
  readonly category: string | null;
  readonly limit: number;
}

/** A listing that may fit, with all that ranking looks at. */
export interface Candidate {
  readonly id: bigint;
  /** How well its words fit; above 0, more is better. */
  readonly fit: number;
  /** How many of the words looked for it has, each as itself or as one that means the same; no word of its own counts twice. */
  readonly covers: number;
  readonly url: string;
  readonly method: string;
  readonly host: string;
  readonly category: string | null;
  readonly usdMin: bigint | null;
  readonly networks: string | null;
  readonly trust: number;
  readonly lastCalledMs: number | null;
}

/** A word in a title says more than one in a path; the names of fields say what an endpoint takes. */
const COLUMN_WEIGHTS = 'bm25(words, 6.0, 4.0, 3.0, 2.5, 1.5)';

/**
 * Listings that the words of a search may stand in, added up. Scoring one takes half a microsecond; the most common
 * words tell the least and are left out of longer searches.
 */
const SCORED_MAX = 5_000;

const COLUMNS = 'l.id, l.url, l.method, l.host, l.category, l.usd_min, l.networks, l.trust, l.last_called_ms';

interface CandidateSql {
  readonly id: bigint;
  readonly fit?: number;
  readonly url: string;
  readonly method: string;
  readonly host: string;
  readonly category: string | null;
  readonly usd_min: bigint | null;
  readonly networks: string | null;
  readonly trust: number;
  readonly last_called_ms: bigint | null;
}

/** Listings that may fit, the best first. */
export function findCandidates(db: Sqlite, query: CandidateQuery): Candidate[] {
  const rows = query.words.length === 0 ? mostUsed(db, query) : matching(db, query);
  const covers = coverage(db, query.words, rows);
  return rows.map((row) => ({
    id: row.id,
    fit: row.fit ?? 1,
    covers: covers.get(row.id) ?? 0,
    url: row.url,
    method: row.method,
    host: row.host,
    category: row.category,
    usdMin: row.usd_min,
    networks: row.networks,
    trust: row.trust,
    lastCalledMs: row.last_called_ms === null ? null : Number(row.last_called_ms),
  }));
}

function mostUsed(db: Sqlite, { category, limit }: CandidateQuery): CandidateSql[] {
  const find = statement(
    db,
    `SELECT ${COLUMNS} FROM listings l WHERE l.category = ? ORDER BY l.trust DESC, l.id LIMIT ?`,
  );
  return find.safeIntegers(true).all(category, limit) as CandidateSql[];
}

function matching(db: Sqlite, { words, category, limit }: CandidateQuery): CandidateSql[] {
  const match = matchOf(db, words);
  if (match === null) return [];
  const find = statement(
    db,
    `SELECT ${COLUMNS}, -w.score AS fit
     FROM (SELECT rowid, ${COLUMN_WEIGHTS} AS score FROM words WHERE words MATCH ? ORDER BY score LIMIT ?) w
     CROSS JOIN listings l ON l.id = w.rowid WHERE ? IS NULL OR l.category = ? ORDER BY w.score, l.id`,
  );
  return find.safeIntegers(true).all(match, limit, category, category) as CandidateSql[];
}

/** How many of the words each row has, common ones too: scoring leaves those out, and they tell what a listing is about. */
function coverage(
  db: Sqlite,
  words: CandidateQuery['words'],
  rows: readonly CandidateSql[],
): ReadonlyMap<bigint, number> {
  const covers = new Map<bigint, number>();
  // Without the plus, FTS5 would begin a search of its own for each row.
  const having = statement(
    db,
    'SELECT rowid FROM words WHERE words MATCH ? AND +rowid IN (SELECT value FROM json_each(?))',
  )
    .pluck()
    .safeIntegers(true);
  const ids = `[${rows.map(({ id }) => id).join()}]`;
  const add = (id: bigint, count: number): void => void covers.set(id, (covers.get(id) ?? 0) + count);
  for (const cluster of clustersOf(words)) {
    const [only] = cluster;
    if (cluster.length === 1 && only !== undefined) {
      for (const id of having.all(only.map(quote).join(' OR '), ids) as bigint[]) add(id, 1);
      continue;
    }
    const has = new Map<bigint, number>();
    for (const word of new Set(cluster.flat()))
      for (const id of having.all(quote(word), ids) as bigint[]) has.set(id, (has.get(id) ?? 0) + 1);
    for (const [id, count] of has) add(id, Math.min(count, cluster.length));
  }
  return covers;
}

/** Words looked for that mean the same, together: a single word of a listing stands for one of them, not for each. */
function clustersOf(words: CandidateQuery['words']): (readonly string[])[][] {
  const clusters: (readonly string[])[][] = [];
  for (const same of words) {
    const known = clusters.find((cluster) => cluster.some(([own = '']) => same.includes(own)));
    if (known === undefined) clusters.push([same]);
    else known.push(same);
  }
  return clusters;
}

/** The rarest words first, as long as scoring all they stand in stays quick; null where none stands anywhere. */
function matchOf(db: Sqlite, words: readonly (readonly string[])[]): string | null {
  const count = statement(
    db,
    'SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)',
  ).pluck();
  const counted = [...new Set(words.flat())]
    .map((word) => ({ word, rows: Number(count.get(quote(word), SCORED_MAX + 1)) }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => a.rows - b.rows);
  let rows = 0;
  const kept = counted.filter((term, index) => {
    rows += term.rows;
    return index === 0 || rows <= SCORED_MAX;
  });
  return kept.length === 0 ? null : kept.map(({ word }) => quote(word)).join(' OR ');
}

/** A word as FTS5 takes it: no part of it is ever syntax. */
function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}
