import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../text/json.js';
import { readDocument } from './document.js';
import { networksOf, protocolsOf } from './listing.js';
import { statedPrice } from './statedPrice.js';

describe('a price in a record’s own words', () => {
  test.each<[JsonObject, bigint, bigint?]>([
    [{ price: '$0.01' }, 10_000n],
    [{ price: 0.01 }, 10_000n],
    [{ price: '0.01 USDC' }, 10_000n],
    [{ price: '$2 per call' }, 2_000_000n],
    [{ price: '1', currency: 'USD' }, 1_000_000n],
    [{ price_usdc: '0.005' }, 5_000n],
    [{ price_usdc: 1 }, 1_000_000n],
    // In favour of nobody: what is finer than a millionth is rounded up.
    [{ price_usd: 0.0077819 }, 7_782n],
    [{ price_usd: 0.0000001 }, 1n],
    [{ pricing: '$0.02 / request' }, 20_000n],
    [{ pricing: { amount: '0.02', currency: 'USDC' } }, 20_000n],
    [{ pricing: { price: '$0.02' } }, 20_000n],
    [{ price: { usd: '0.03' } }, 30_000n],
    [{ pricing: { currency: 'USD', min: '0.01', max: '0.50' } }, 10_000n, 500_000n],
    [{ pricing: { mode: 'flat', dimensions: [{ tiers: [{ price_usd: 0.25 }] }] } }, 250_000n],
    [{ pricing: { dimensions: [{ tiers: [{ price_usd: 0.25 }, { price_usd: 0.1 }] }] } }, 100_000n, 250_000n],
  ])('%j', (record, minUsdMicros, maxUsdMicros = minUsdMicros) => {
    expect(statedPrice(record)).toEqual({ minUsdMicros, maxUsdMicros });
  });

  test.each<[JsonObject]>([
    [{}],
    // A whole number beside nothing may be of a token's smallest units: half a thousandth, not five hundred dollars.
    [{ price: '500' }],
    [{ price: 10_000 }],
    [{ amount: '0.5' }],
    [{ price: '0.5', currency: 'EUR' }],
    [{ price: '0.5 ETH' }],
    [{ price: '-1.0' }],
    [{ price: 'free' }],
    [{ price: '1e-2' }],
    [{ price: { price: { price: { price: { price: '0.1' } } } } }],
    [{ price: Number.NaN }],
    [{ price: '$0.1'.repeat(10_000) }],
  ])('not %j', (record) => {
    expect(statedPrice(record)).toBeNull();
  });
});

describe('dialects of a site’s own list', () => {
  const read = (document: unknown, path = '/.well-known/x402.json') =>
    readDocument(JSON.stringify(document), `https://api.example.com${path}`);

  test.each<[string, unknown]>([
    ['a text', { resources: ['GET /forecast'] }],
    ['a record', { resources: [{ resource: 'GET /forecast', price: '$0.01' }] }],
    ['a record with its method beside it', { endpoints: [{ path: '/forecast', method: 'get' }] }],
    ['another name of a URL', { resources: [{ resource_url: 'https://api.example.com/forecast' }] }],
    ['another name of the list', { paidHttpResources: [{ resource: 'https://api.example.com/forecast' }] }],
    ['the list itself', ['GET /forecast']],
    ['an object by method and path', { 'GET /forecast': { price: '$0.01' } }],
    ['the same under a name', { endpoints: { 'GET /forecast': '$0.01' } }],
  ])('"GET /forecast" as %s', (_name, document) => {
    expect(read(document)).toMatchObject({
      shape: 'well_known',
      dropped: 0,
      listings: [{ url: 'https://api.example.com/forecast', method: 'GET' }],
    });
  });

  test('keeps the price beside it, and another method than GET', () => {
    const { listings } = read({ 'POST /ocr': { price: '$0.05', description: 'Reads a scan' } })!;
    expect(listings).toMatchObject([
      { method: 'POST', about: 'Reads a scan', price: { minUsdMicros: 50_000n, maxUsdMicros: 50_000n } },
    ]);
  });

  test('counts what it cannot read, and what is another site’s (T17)', () => {
    const document = {
      resources: ['GET /a', 'LAUNCH /rocket now', 7, 'https://other.example/b', { price: 1 }],
    };
    expect(read(document)).toMatchObject({ dropped: 4, listings: [{ url: 'https://api.example.com/a' }] });
  });
});

describe('402index', () => {
  const service = {
    name: 'Search GitHub',
    description: 'Search GitHub repositories and accounts',
    url: 'https://tools.example.com/github-search',
    protocol: 'x402',
    price_sats: null,
    price_usd: 0.05,
    payment_asset: 'USD Coin',
    payment_network: 'Base',
    category: 'tools/search',
    last_checked: '2026-04-24 16:17:12',
    registered_at: '2026-03-02 01:01:28',
    http_method: 'GET',
    uptime_30d: 1,
  };
  const read = (...services: unknown[]) =>
    readDocument(
      JSON.stringify({ services, total: 25_432, limit: 3, offset: 0 }),
      'https://402index.io/api/v1/services?limit=3&offset=0',
    );

  test('is a list with pages, whose prices and networks stand in words', () => {
    const page = read(service, { ...service, url: 'nothing' });
    expect(page).toMatchObject({ shape: 'list', items: 2, total: 25_432, limit: 3, dropped: 1 });
    const [listing] = page!.listings;
    expect(listing).toMatchObject({
      method: 'GET',
      title: 'Search GitHub',
      tags: ['tools/search'],
      price: { minUsdMicros: 50_000n, maxUsdMicros: 50_000n },
      offers: [{ network: 'eip155:8453', asset: 'USDC', payable: true }],
      use: { updatedMs: expect.any(Number) as number, firstSeenMs: expect.any(Number) as number },
    });
    expect(networksOf(listing!)).toBe(' eip155:8453 ');
    expect(protocolsOf(listing!)).toEqual(['x402']);
  });

  test('lists what is paid over Lightning under that name', () => {
    const lightning = { ...service, protocol: 'L402', payment_asset: 'BTC', payment_network: 'Lightning' };
    const [listing] = read(lightning)!.listings;
    expect(listing).toMatchObject({ protocols: ['l402'], offers: [], price: { minUsdMicros: 50_000n } });
    // Where the owner enabled Lightning it can be paid, and nowhere else.
    expect(networksOf(listing!)).toBe(' bip122:000000000019d6689c085ae165831e93 ');
  });
});
