import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { CATALOG_FILE, checkHome } from '../../config/home.js';
import { Catalog } from '../../discovery/index/catalog.js';
import type { CatalogStats, SourceState } from '../../discovery/index/sources.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';

/** Shows the catalogues and what is known of each. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const { sources } = readConfigUnauthenticated(home).discovery;
  const states = new Map(readCatalogStats(home)?.sources.map((state) => [state.url, state]));
  const rows = sources.map((url) => viewSource(url, states.get(url)));
  const message = `${rows.length} catalogues are searched.`;
  return printReport(io, flags.has('json'), { message, sources: rows }, [
    ...layTable(
      [
        { title: 'CATALOGUE', flexible: true },
        { title: 'LISTINGS', align: 'right' },
        { title: 'FETCHED' },
        { title: 'LAST TRIED' },
      ],
      rows.map(({ url, listings, fetched_at: fetched, checked_at: checked, why }) => [
        url,
        String(listings),
        fetched === null ? 'never' : minuteOf(fetched),
        why === null ? (checked === null ? '' : minuteOf(checked)) : why,
      ]),
      widthOf(io.stdout),
    ),
    message,
  ]);
}

/** What the catalogue holds, or null where none was ever made. Needs no keys. */
export function readCatalogStats(home: string): CatalogStats | null {
  checkHome(home);
  const path = join(home, CATALOG_FILE);
  if (!existsSync(path)) return null;
  const catalog = new Catalog(path);
  try {
    return catalog.stats();
  } finally {
    catalog.close();
  }
}

function viewSource(url: string, state: SourceState | undefined) {
  return {
    url,
    shape: state?.shape ?? null,
    listings: state?.listings ?? 0,
    dropped: state?.dropped ?? 0,
    fetched_at: isoOf(state?.completedMs ?? null),
    checked_at: isoOf(state?.checkedMs ?? null),
    why: state?.why ?? null,
  };
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
