import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCatalogue, type Catalogue } from '../../sandbox/catalogue/catalogue.ts';
import { BROKEN, ODD, POISONED } from '../../sandbox/catalogue/poison.ts';
import { PRICE_DIALECTS, recordOf, RECORD_SHAPES } from '../../sandbox/catalogue/shapes.ts';
import { WalletError } from '../../src/errors/walletError.js';
import type { CatalogFetch } from '../../src/discovery/fetch.js';
import { Catalog } from '../../src/discovery/index/catalog.js';
import { syncSource, type SyncReport } from '../../src/discovery/sync.js';
import { createNet, type Net } from '../../src/net/send.js';
import { catalogFetch } from '../../src/wallet/discover/catalogFetch.js';
import { syncCatalog } from '../../src/wallet/discover/catalogSync.js';

const COUNT = 1_200;
let catalogue: Catalogue;
let net: Net;
let fetch: CatalogFetch;
let folder: string;
let catalog: Catalog;

beforeAll(async () => {
  catalogue = await startCatalogue({ count: COUNT });
  const rules = { allowPrivate: [catalogue.hostPort] };
  net = createNet({ ...rules, version: '0.0.0-test', proxy: 'none' });
  fetch = catalogFetch(net, rules);
});
afterAll(async () => {
  await net.close();
  await catalogue.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-sync-'));
  catalog = new Catalog(join(folder, 'catalog.db'));
  catalogue.setFault(null);
  catalogue.requests.length = 0;
});
afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

function sync(
  url = catalogue.listUrl,
  more: { fetch?: CatalogFetch; signal?: AbortSignal } = {},
): Promise<SyncReport> {
  return syncSource(url, { catalog, fetch, signal: new AbortController().signal, now: Date.now, ...more });
}

describe('a good catalogue', () => {
  test('is fetched page by page, and not at all where nothing changed', async () => {
    expect(await sync()).toMatchObject({
      status: 'synced',
      shape: 'list',
      listings: COUNT,
      dropped: 0,
      pages: 12,
      reason: null,
    });
    expect(catalogue.requests).toHaveLength(12);
    const again = await sync();
    expect(again).toMatchObject({ status: 'unchanged', listings: COUNT, bytes: 0 });
    expect(catalog.stats()).toMatchObject({ listings: COUNT });
  });

  test('forgets what its catalogue lists no longer', async () => {
    const own = await startCatalogue({ count: 700 });
    const rules = { allowPrivate: [own.hostPort] };
    const ownNet = createNet({ ...rules, version: '0.0.0-test', proxy: 'none' });
    const ownFetch = catalogFetch(ownNet, rules);
    await sync(own.listUrl, { fetch: ownFetch });
    own.replace((records) => records.splice(100, 300));
    expect(await sync(own.listUrl, { fetch: ownFetch })).toMatchObject({ status: 'synced', listings: 400 });
    expect(catalog.stats()).toMatchObject({ listings: 400 });
    await ownNet.close();
    await own.stop();
  });

  test('goes on where it was broken off', async () => {
    catalogue.setFault('cut_midway');
    expect(await sync()).toMatchObject({ status: 'partial', listings: 100, reason: 'http_500' });
    catalogue.setFault(null);
    catalogue.requests.length = 0;
    expect(await sync()).toMatchObject({ status: 'synced', listings: COUNT, pages: 11 });
    expect(catalogue.requests[0]).toContain('offset=100');
  });

  test('is left as it is by a run that is cancelled', async () => {
    const cancelled = new AbortController();
    const once: CatalogFetch = async (request) => {
      const answer = await fetch(request);
      cancelled.abort();
      return answer;
    };
    expect(await sync(catalogue.listUrl, { fetch: once, signal: cancelled.signal })).toMatchObject({
      status: 'partial',
      reason: 'cancelled',
    });
    expect(await sync()).toMatchObject({ status: 'synced', listings: COUNT });
  });

  test('is not fetched twice at once', async () => {
    const [first, second] = await Promise.all([sync(), sync()]);
    expect([first.status, second.status].sort()).toEqual(['busy', 'synced']);
  });

  test('goes from the index with its source', async () => {
    await sync();
    const plan = { catalog, fetch, now: Date.now, signal: new AbortController().signal };
    expect(await syncCatalog({ ...plan, sources: [] })).toEqual([]);
    expect(catalog.stats()).toMatchObject({ listings: 0, hosts: 0, sources: [] });
    expect(catalog.candidates({ words: [['tide']], category: null, limit: 5 })).toEqual([]);
  });
});

describe('every shape', () => {
  test.each(RECORD_SHAPES)('records as %s say the same', async (shape) => {
    const [endpoint] = catalogue.world;
    const text = JSON.stringify({ items: [recordOf(endpoint!, shape)] });
    const one: CatalogFetch = async ({ url }) => ({
      status: 200,
      headers: [],
      text,
      bytes: text.length,
      cut: false,
      url,
    });
    expect(await sync('https://one.example/discovery/resources', { fetch: one })).toMatchObject({
      listings: 1,
    });
    const [stored] = catalog.ofHost(new URL(endpoint!.url).host, 5);
    expect(stored?.listing).toMatchObject({ url: endpoint!.url, method: endpoint!.method });
    expect(stored?.listing.price).not.toBeNull();
    const { input } = stored!.listing;
    const required = (input?.query ?? input?.body)?.['required'];
    expect(required).toEqual(
      endpoint!.fields.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1)),
    );
  });

  test.each(PRICE_DIALECTS)('an OpenAPI document with prices as %s', async (dialect) => {
    const report = await sync(`${catalogue.url}/openapi-${dialect}.json`);
    expect(report).toMatchObject({ status: 'synced', shape: 'openapi', listings: 8, dropped: 0 });
    const stored = catalog.ofHost(catalogue.hostPort, 20).map(({ listing }) => listing);
    expect(stored.every(({ price }) => price !== null && price.minUsdMicros > 0n)).toBe(true);
    expect(stored.every(({ input }) => input !== null)).toBe(true);
  });

  test('a bare site by the first document it has', async () => {
    expect(await sync(`${catalogue.url}/`)).toMatchObject({
      status: 'synced',
      shape: 'openapi',
      listings: 8,
    });
  });

  test('a site’s own list of URLs, without those of others', async () => {
    const report = await sync(`${catalogue.url}/.well-known/x402`);
    expect(report).toMatchObject({ status: 'synced', shape: 'well_known', listings: 3, dropped: 1 });
  });
});

describe('a catalogue that does harm', () => {
  test('bad records are dropped and counted, and good ones beside them kept', async () => {
    const report = await sync(`${catalogue.url}/broken/discovery/resources`);
    expect(report).toMatchObject({ status: 'synced', dropped: BROKEN.length, listings: ODD.length + 5 });
  });

  test('poisoned records are cut down to size', async () => {
    await sync(`${catalogue.url}/poisoned/discovery/resources`);
    expect(catalog.stats()).toMatchObject({ listings: POISONED.length });
    const [stored] = catalog.ofHost('poison.example', 1);
    expect(stored?.listing.about?.length).toBeLessThanOrEqual(400);
    expect(stored?.listing.tags.length).toBeLessThanOrEqual(10);
    expect(
      JSON.stringify(stored?.listing, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ).not.toMatch(/\\u001b|[\u0000-\u001f\u202e\u200b]/);
    const [liar] = catalog.ofHost('openai-api.cheap-models.xyz', 1);
    expect(liar?.listing.use).toMatchObject({ calls30d: 1_000_000_000, payers30d: 1_000_000_000 });
    const [decimals] = catalog.ofHost('false-decimals.example', 1);
    expect(decimals?.listing.price).toBeNull();
  });

  test('every other record broken', async () => {
    catalogue.setFault('half_broken');
    const report = await sync();
    expect(report).toMatchObject({ status: 'synced', listings: COUNT / 2, dropped: COUNT / 2 });
  });

  test('the same page for every offset ends with the second', async () => {
    catalogue.setFault('looping');
    expect(await sync()).toMatchObject({ status: 'synced', listings: 100, pages: 2, reason: 'looping' });
  });

  test('a list without end ends at a bound', async () => {
    const endless: CatalogFetch = async ({ url }) => {
      const offset = Number(new URL(url).searchParams.get('offset'));
      const items = Array.from({ length: 1_000 }, (_, index) => ({
        resource: `https://endless.example/${offset + index}`,
        accepts: [],
      }));
      const text = JSON.stringify({ items });
      return { status: 200, headers: [], text, bytes: text.length, cut: false, url };
    };
    expect(await sync('https://endless.example/list', { fetch: endless })).toMatchObject({
      listings: 40_000,
      reason: 'cut',
    });
  });

  test.each([
    ['down', 'unreachable'],
    ['garbled', 'not_a_catalogue'],
    ['huge', 'answer_too_large'],
  ] as const)('%s: told as %s, and what was there stays', async (fault, why) => {
    await sync();
    catalogue.setFault(fault);
    expect(await sync()).toMatchObject({ status: 'failed', reason: why });
    expect(catalog.stats()).toMatchObject({ listings: COUNT });
  });

  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const many = (record: string): string => `[${Array.from({ length: 100 }, () => record).join()}]`;
  test('brackets, numbers or empty records in the place of a list: what was there stays', async () => {
    await sync();
    const nested = `${'{"resource":'.repeat(9_000)}1${'}'.repeat(9_000)}`;
    for (const [items, why] of [
      [deep(1_000_000), 'not_a_catalogue'],
      [many('[]'), 'not_a_catalogue'],
      [many('7'), 'not_a_catalogue'],
      [many('{}'), 'unreadable'],
      [`[${nested}]`, 'unreadable'],
    ] as const) {
      const text = `{"items":${items}}`;
      const broken: CatalogFetch = ({ url }) =>
        Promise.resolve({ status: 200, headers: [], text, bytes: text.length, cut: false, url });
      expect(await sync(catalogue.listUrl, { fetch: broken })).toMatchObject({
        status: 'failed',
        reason: why,
      });
      expect(catalog.stats()).toMatchObject({ listings: COUNT });
    }
    expect(await sync()).toMatchObject({ listings: COUNT });
  });

  test('one page of brackets among good ones: its listings stay, and the next run goes on from it', async () => {
    await sync();
    const broken: CatalogFetch = async (request) => {
      if (new URL(request.url).searchParams.get('offset') !== '300') return fetch(request);
      return { status: 200, headers: [], text: '{"items":[[],[]]}', bytes: 20, cut: false, url: request.url };
    };
    expect(await sync(catalogue.listUrl, { fetch: broken })).toMatchObject({
      status: 'partial',
      reason: 'not_a_catalogue',
    });
    expect(catalog.stats()).toMatchObject({ listings: COUNT });
    expect(await sync()).toMatchObject({ listings: COUNT });
  });

  test.each(['[[],[]]', deep(1_000_000), '{"resources":[1,2]}'])(
    'a site whose own list is %.20s: what was there stays',
    async (text) => {
      const url = 'https://shop.example/.well-known/x402';
      const serve = (body: string): CatalogFetch => {
        return () =>
          Promise.resolve({ status: 200, headers: [], text: body, bytes: body.length, cut: false, url });
      };
      await sync(url, { fetch: serve('["https://shop.example/a","https://shop.example/b"]') });
      expect(await sync(url, { fetch: serve(text) })).toMatchObject({ status: 'failed' });
      expect(catalog.stats()).toMatchObject({ listings: 2 });
    },
  );

  test.each(['slow', 'dribble'] as const)('%s: ended by the deadline of a page', async (fault) => {
    catalogue.setFault(fault);
    const hasty: CatalogFetch = (request) => fetch({ ...request, timeoutMs: 300 });
    expect(await sync(catalogue.listUrl, { fetch: hasty })).toMatchObject({
      status: 'failed',
      reason: 'timed_out',
    });
  });

  test('one that cannot be reached holds up no other', async () => {
    const plan = { catalog, fetch, now: Date.now, signal: new AbortController().signal };
    const sources = ['http://127.0.0.1:9/discovery/resources', catalogue.listUrl];
    const reports = await syncCatalog({ ...plan, sources });
    expect(reports.map(({ status, reason }) => [status, reason])).toEqual([
      ['failed', 'address_refused'],
      ['synced', null],
    ]);
  });
});

describe('a list of providers, each with a document of its own', () => {
  const INDEX = 'https://catalog.example/v1/skills.json';
  const NAMES = ['acme/ocr', 'acme/lost', 'beta/weather', 'gamma/none'];
  const provider = (name: string) => ({
    ...{ fqn: name, title: name, description: `What ${name} does`, category: 'data' },
    service_url: `https://${name.replace('/', '-')}.example/`,
    endpoints: [
      { method: 'POST', path: '/v1/run', description: 'Runs it', protocol: ['x402'], pricing: PRICE },
      { method: 'GET', path: 'v1/list', protocol: ['mpp'], pricing: null },
      { method: 'GET' },
    ],
  });
  const PRICE = { mode: 'flat', dimensions: [{ tiers: [{ price_usd: 0.02 }] }] };
  /** Serves the list and its documents; `until` is how many requests it answers before it is gone. */
  function serve(asked: string[], until = Infinity, base = 'https://catalog.example/v1'): CatalogFetch {
    return async ({ url, headers = [] }) => {
      asked.push(url);
      if (asked.length > until) throw new WalletError('unreachable', 'gone');
      const name = /providers\/(.+)\.json$/.exec(url)?.[1];
      const providers = [...NAMES.map((fqn) => ({ fqn })), { fqn: '../../etc/passwd' }];
      const body = name === undefined ? { base_url: base, providers } : provider(name);
      const isKnown = headers.some(
        ([field, value]) => field === 'if-none-match' && value === `"${String(name)}"`,
      );
      const status = name === 'acme/lost' ? 404 : isKnown ? 304 : 200;
      const text = status === 200 ? JSON.stringify(body) : '';
      return Promise.resolve({
        ...{ status, text, bytes: text.length, cut: false, url },
        headers: [['etag', `"${String(name)}"`]],
      });
    };
  }

  test('is read one by one; what does not come, or cannot be read, is counted', async () => {
    const asked: string[] = [];
    // One name that is none, one document that is not there, and one endpoint without a path in each of the others.
    const report = { status: 'synced', shape: 'providers', listings: 6, dropped: 5, reason: null };
    expect(await sync(INDEX, { fetch: serve(asked) })).toMatchObject(report);
    expect(asked).toEqual([
      INDEX,
      ...NAMES.map((name) => `https://catalog.example/v1/providers/${name}.json`),
    ]);
    expect(catalog.ofHost('acme-ocr.example', 10).map(({ listing }) => listing)).toMatchObject([
      {
        ...{ url: 'https://acme-ocr.example/v1/run', method: 'POST', protocols: ['x402'] },
        ...{ title: 'acme/ocr', about: 'Runs it', price: { minUsdMicros: 20_000n } },
      },
      { url: 'https://acme-ocr.example/v1/list', protocols: ['mpp'], price: null },
    ]);
    // The list is asked for whole again, its documents on condition, and nothing is lost.
    expect(await sync(INDEX, { fetch: serve([]) })).toMatchObject({ ...report, listings: 6 });
    expect(catalog.stats()).toMatchObject({ listings: 6 });
  });

  test('goes on where it broke off', async () => {
    expect(await sync(INDEX, { fetch: serve([], 3) })).toMatchObject({ status: 'partial', listings: 2 });
    const asked: string[] = [];
    expect(await sync(INDEX, { fetch: serve(asked) })).toMatchObject({ listings: 6, reason: null });
    expect(asked.slice(0, 2)).toEqual([INDEX, 'https://catalog.example/v1/providers/beta/weather.json']);
    expect(catalog.stats()).toMatchObject({ listings: 6 });
  });

  test('of another site’s documents is none (T17)', async () => {
    const asked: string[] = [];
    const report = await sync(INDEX, { fetch: serve(asked, Infinity, 'https://victim.example') });
    expect(report).toMatchObject({ status: 'failed', reason: 'not_a_catalogue' });
    expect(asked).toEqual([INDEX]);
  });
});

describe('the file', () => {
  test('a damaged one is made anew', async () => {
    await sync();
    catalog.close();
    writeFileSync(catalog.path, 'this is no database, and never was one'.repeat(400));
    for (const file of ['-wal', '-shm']) rmSync(catalog.path + file, { force: true });
    catalog = new Catalog(catalog.path);
    expect(catalog.stats()).toMatchObject({ listings: 0 });
    expect(await sync()).toMatchObject({ status: 'synced', listings: COUNT });
  });

  test('one that vanishes while it is open is made anew', async () => {
    await sync();
    for (const file of ['', '-wal', '-shm']) rmSync(catalog.path + file, { force: true });
    expect(catalog.candidates({ words: [['tide']], category: null, limit: 5 })).toEqual([]);
    expect(await sync()).toMatchObject({ status: 'synced', listings: COUNT });
  });

  test('one damaged in the middle is made anew by whoever meets the damage', async () => {
    await sync();
    catalog.close();
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(catalog.path);
    bytes.fill(0xa5, 4096 * 2);
    writeFileSync(catalog.path, bytes);
    for (const file of ['-wal', '-shm']) rmSync(catalog.path + file, { force: true });
    catalog = new Catalog(catalog.path);
    catalog.candidates({ words: [['tide'], ['data']], category: null, limit: 5 });
    expect(await sync()).toMatchObject({ status: 'synced', listings: COUNT });
    expect(catalog.stats()).toMatchObject({ listings: COUNT });
  });

  test('a folder in its place is told', () => {
    expect(() => new Catalog(folder)).toThrow(WalletError);
  });
});
