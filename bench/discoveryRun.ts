// The measuring half of discovery.ts: it runs bundled, as the product does. Its argument is the catalogue's URL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../src/discovery/index/catalog.js';
import { wordsOfNeed } from '../src/discovery/need.js';
import { rank } from '../src/discovery/rank.js';
import { syncSource } from '../src/discovery/sync.js';
import { createNet } from '../src/net/send.js';
import { catalogFetch } from '../src/wallet/discover/catalogFetch.js';
import { NEEDS } from '../test/discovery/needs.ts';
import { line, sampleOf, timed } from './percentile.ts';

const LISTINGS = 20_000;
const ROUNDS = 25;
/** What the product promises. */
const SEARCH_P95_MAX_MS = 10;
const SYNC_MAX_MS = 10_000;
const RSS_MAX_MIB = 150;
const MIB = 1024 * 1024;

async function main(catalogueUrl: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-bench-'));
  const rules = { allowPrivate: [new URL(catalogueUrl).host] };
  const net = createNet({ ...rules, version: '0.0.0-bench', proxy: 'none' });
  const catalog = new Catalog(join(folder, 'catalog.db'));
  const options = {
    catalog,
    fetch: catalogFetch(net, rules),
    signal: new AbortController().signal,
    now: Date.now,
  };
  const sync = async (): Promise<void> => {
    const report = await syncSource(catalogueUrl, options);
    if (report.listings !== LISTINGS) throw new Error(`The sync saw ${report.listings} listings.`);
  };
  try {
    const startMib = process.memoryUsage().rss / MIB;
    const cpuBefore = process.cpuUsage();
    const firstMs = await timed(sync);
    const cpu = process.cpuUsage(cpuBefore);
    const cpuSec = (cpu.user + cpu.system) / 1e6;
    // In KiB on every platform, whatever the operating system counts in.
    const peakMib = process.resourceUsage().maxRSS / 1024;
    const secondMs = await timed(sync);
    const durations: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [need] of NEEDS) {
        durations.push(
          await timed(() => {
            const found = catalog.candidates({ words: wordsOfNeed(need), category: null, limit: 400 });
            const ranked = rank(found, { nowMs: 0, ownPurchases: () => ({ delivered: 0, lost: 0 }) });
            return catalog.load(ranked.slice(0, 10).map(({ candidate }) => candidate.id));
          }),
        );
      }
    }
    const { p95 } = sampleOf(durations);
    const { databaseBytes } = catalog.stats();
    process.stdout.write(
      [
        `${'Discovery, ms'.padEnd(54)} ${'p50'.padStart(8)} ${'p95'.padStart(8)}   calls`,
        line(`search among ${LISTINGS} listings, ten results`, sampleOf(durations)),
        `First sync of ${LISTINGS} listings: ${(firstMs / 1000).toFixed(1)} s (${cpuSec.toFixed(1)} s of CPU); again, unchanged: ${(secondMs / 1000).toFixed(1)} s`,
        `Memory: ${startMib.toFixed(0)} MiB before, ${peakMib.toFixed(0)} MiB at the peak of the first sync`,
        `Database: ${(databaseBytes / MIB).toFixed(1)} MiB, ${Math.round(databaseBytes / LISTINGS)} bytes a listing`,
        '',
      ].join('\n'),
    );
    const broken = [
      ...(p95 > SEARCH_P95_MAX_MS ? [`search p95 above ${SEARCH_P95_MAX_MS} ms`] : []),
      ...(firstMs > SYNC_MAX_MS ? [`first sync above ${SYNC_MAX_MS} ms`] : []),
      ...(peakMib > RSS_MAX_MIB ? [`memory above ${RSS_MAX_MIB} MiB`] : []),
    ];
    if (broken.length > 0) {
      process.stdout.write(`Above its bound: ${broken.join('; ')}\n`);
      process.exitCode = 1;
    }
  } finally {
    await net.close();
    catalog.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv[2] ?? '');
