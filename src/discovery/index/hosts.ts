import { foldLabel, labelOf, siteOf } from '../site.js';
import { statement, type Sqlite } from './database.js';

/** Another host that a reader could take for this one. */
export interface NamesakeHost {
  readonly host: string;
  readonly payers: number;
}

/** What the catalogue knows of a host. */
export interface HostFacts {
  /** Null where nobody knows. */
  readonly firstSeenMs: number | null;
  readonly payers: number;
  /** Hosts of other sites that go by the same name to a reader, the most used first. */
  readonly namesakes: readonly NamesakeHost[];
}

const NAMESAKES_MAX = 5;

/** Shorter names, and those of addresses, are alike by chance. */
const LABEL_LENGTH_MIN = 5;

/** What is known of a host; it need not be in the catalogue. */
export function hostFacts(db: Sqlite, host: string): HostFacts {
  const own = statement(db, 'SELECT first_seen_ms, payers FROM hosts WHERE host = ?').get(host) as
    { first_seen_ms: number | null; payers: number } | undefined;
  const label = labelOf(host);
  const namesakes =
    label.length < LABEL_LENGTH_MIN
      ? []
      : (statement(
          db,
          'SELECT host, payers FROM hosts WHERE folded = ? AND site <> ? ORDER BY payers DESC LIMIT ?',
        ).all(foldLabel(label), siteOf(host), NAMESAKES_MAX) as NamesakeHost[]);
  return { firstSeenMs: own?.first_seen_ms ?? null, payers: own?.payers ?? 0, namesakes };
}

/** Sites other than `ownSite` whose listings name this payee. */
export function payeeSites(db: Sqlite, payTo: string, ownSite: string, limit: number): string[] {
  return statement(db, 'SELECT DISTINCT site FROM payees WHERE pay_to = ? AND site <> ? LIMIT ?')
    .pluck()
    .all(payTo, ownSite, limit) as string[];
}
