import type { CommandCall } from '../command.js';
import { readCatalogStats } from './catalogList.js';
import { printReport } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';

/** Shows how much the catalogue holds. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const stats = readCatalogStats(home);
  const fields = {
    message: stats === null ? 'Nothing was fetched yet.' : 'What the catalogue holds.',
    listings: stats?.listings ?? 0,
    endpoints: stats?.endpoints ?? 0,
    hosts: stats?.hosts ?? 0,
    dropped: stats?.sources.reduce((sum, { dropped }) => sum + dropped, 0) ?? 0,
    database_bytes: stats?.databaseBytes ?? 0,
  };
  return printReport(io, flags.has('json'), fields, [
    ...(stats === null ? [fields.message] : []),
    ...layPairs([
      ['listings', String(fields.listings)],
      ['endpoints', String(fields.endpoints)],
      ['hosts', String(fields.hosts)],
      ['unreadable records', String(fields.dropped)],
      ['database', `${(fields.database_bytes / 1024 / 1024).toFixed(1)} MiB`],
    ]),
  ]);
}
