import type { CatalogFetch } from '../../discovery/fetch.js';
import type { Catalog } from '../../discovery/index/catalog.js';
import { searchUrlOf } from '../../discovery/remoteSearch.js';
import { syncSource, type SyncReport } from '../../discovery/sync.js';

/** Sources asked at once: enough that those that are gone do not add up, few enough for a small machine. */
const SOURCES_AT_ONCE = 8;
/** How old a source may get before it is looked at again, behind a search. */
const OLD_AFTER_MS = 6 * 3_600_000;
/** A source that failed is tried again sooner, and not with every search. */
const RETRY_AFTER_MS = 15 * 60_000;

/** What a sync needs to know. */
export interface SyncPlan {
  readonly catalog: Catalog;
  /** The owner's sources; what others listed is forgotten. */
  readonly sources: readonly string[];
  readonly fetch: CatalogFetch;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress?: (source: string, listings: number, total: number | null) => void;
}

/** Brings sources up to date, a few at a time; what fails is in its report, and throws nothing. */
export async function syncCatalog(
  plan: SyncPlan,
  only: readonly string[] = plan.sources,
): Promise<SyncReport[]> {
  const { catalog, sources, fetch, now, signal, onProgress } = plan;
  catalog.keepSources([
    ...sources,
    ...sources.flatMap((source) => searchUrlOf(source, '')?.split('?')[0] ?? []),
  ]);
  const reports = new Map<string, SyncReport>();
  const waiting = [...only];
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const url = source;
      const report = await syncSource(url, {
        catalog,
        fetch,
        signal,
        now,
        onProgress: (listings, total) => onProgress?.(url, listings, total),
      });
      reports.set(url, report);
    }
  };
  await Promise.all(Array.from({ length: Math.min(SOURCES_AT_ONCE, only.length) }, work));
  return only.flatMap((source) => reports.get(source) ?? []);
}

/** The sources that are old enough to be looked at again. */
export function dueSources(catalog: Catalog, sources: readonly string[], nowMs: number): string[] {
  return sources.filter((url) => {
    const { checkedMs, why } = catalog.source(url);
    if (checkedMs === null || checkedMs > nowMs) return true;
    return nowMs - checkedMs > (why === null ? OLD_AFTER_MS : RETRY_AFTER_MS);
  });
}
