import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCatalogue, type Catalogue } from '../../sandbox/catalogue/catalogue.ts';
import { SELLERS } from '../../sandbox/catalogue/sellers.ts';
import { Catalog } from '../../src/discovery/index/catalog.js';
import { wordsEnough, wordsOfNeed } from '../../src/discovery/need.js';
import { rank } from '../../src/discovery/rank.js';
import { syncSource } from '../../src/discovery/sync.js';
import { createNet } from '../../src/net/send.js';
import { catalogFetch } from '../../src/wallet/discover/catalogFetch.js';
import { NEEDS } from './needs.js';

/** What may be missed: words mean more than an index knows. */
const HITS_MIN = 37;

let catalogue: Catalogue;
let catalog: Catalog;
const folder = mkdtempSync(join(tmpdir(), 'purser-retrieval-'));

beforeAll(async () => {
  catalogue = await startCatalogue();
  catalog = new Catalog(join(folder, 'catalog.db'));
  const rules = { allowPrivate: [catalogue.hostPort] };
  const net = createNet({ ...rules, version: '0.0.0-test', proxy: 'none' });
  const report = await syncSource(catalogue.listUrl, {
    catalog,
    fetch: catalogFetch(net, rules),
    signal: new AbortController().signal,
    now: Date.now,
  });
  await net.close();
  expect(report).toMatchObject({ status: 'synced', listings: 20_000, dropped: 0 });
});

afterAll(async () => {
  catalog.close();
  await catalogue.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('forty needs in the words of an agent find their endpoint among the first three of 20,000', () => {
  expect(NEEDS).toHaveLength(40);
  let [shown, all] = [0, 0];
  const missed = NEEDS.filter(([need, id]) => {
    const url = SELLERS.find((seller) => seller.id === id)?.url;
    expect(url, id).toBeDefined();
    const found = catalog.candidates({ words: wordsOfNeed(need), category: null, limit: 400 });
    const candidates = found.filter(({ covers }) => covers >= wordsEnough(need));
    [shown, all] = [shown + candidates.length, all + found.length];
    const first = rank(candidates, {
      nowMs: Date.now(),
      ownPurchases: () => ({ delivered: 0, lost: 0 }),
    }).slice(0, 3);
    return !first.some(({ candidate }) => candidate.url === url);
  });
  const hits = NEEDS.length - missed.length;
  console.log(`Retrieval: ${hits} of ${NEEDS.length} needs in the first three.`);
  expect(hits, `missed: ${missed.map(([need]) => need).join('; ')}`).toBeGreaterThanOrEqual(HITS_MIN);
  // What shares a word or two with a need is no answer to it.
  expect(shown).toBeLessThan(all / 4);
});

test('a word of a listing stands for one word of the need, and not for each that means the same', () => {
  const words = wordsOfNeed('software forecast weather');
  const found = catalog.candidates({ words, category: null, limit: 400 });
  const coversOf = (title: RegExp): number[] => {
    const listings = catalog.load(found.map(({ id }) => id)).map(({ listing }) => listing);
    return found.flatMap(({ covers }, at) => (title.test(listings[at]?.title ?? '') ? [covers] : []));
  };
  expect(new Set(coversOf(/^\S+ software forecast$/))).toEqual(new Set([2]));
  expect(Math.max(...coversOf(/weather forecast$/))).toBe(2);
});
