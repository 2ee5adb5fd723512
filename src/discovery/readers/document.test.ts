import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument } from './document.js';
import { detailOf, listingOf, type ListingRow } from '../index/listingRow.js';

const LIST = 'https://facilitator.example/discovery/resources';
const OPENAPI = 'https://api.example.com/openapi.json';
const WELL_KNOWN = 'https://api.example.com/.well-known/x402';

const OFFER = {
  scheme: 'exact',
  network: 'eip155:8453',
  amount: '10000',
  asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  payTo: '0x1111111111111111111111111111111111111111',
  maxTimeoutSeconds: 60,
};

function read(value: unknown, url = LIST) {
  return readDocument(JSON.stringify(value), url);
}

/** Names that readers look at, so that made-up JSON meets them. */
const KEYS = [
  ...[
    'items',
    'resources',
    'resource',
    'url',
    'type',
    'accepts',
    'extensions',
    'bazaar',
    'info',
    'input',
    'schema',
  ],
  ...[
    'properties',
    'body',
    'queryParams',
    'required',
    'quality',
    'tags',
    'paths',
    'openapi',
    'servers',
    'get',
    'post',
  ],
  ...[
    'x-payment-info',
    'price',
    'offers',
    'parameters',
    'responses',
    '402',
    '$ref',
    'allOf',
    '__proto__',
    'constructor',
  ],
];

describe('whatever a document holds', () => {
  const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 6 }));
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(
      'https://a.example/b',
      '/p',
      '#/paths',
      'http',
      'GET',
      null,
      true,
      -1,
      1e308,
      '',
    ),
    fc.string({ maxLength: 12, unit: 'binary' }),
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 7 },
      leaf,
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(key, tie('node'), { maxKeys: 6 }),
    ),
  }));

  test.each([LIST, OPENAPI, WELL_KNOWN])('%s: nothing is thrown, and nothing unseen is kept', (url) => {
    fc.assert(
      fc.property(node, (value) => {
        const document = read(value, url);
        for (const listing of document?.listings ?? []) {
          const { detail } = detailOf(listing);
          expect(detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u200b]/);
          expect(listing.url).toMatch(/^https?:\/\//);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('text that nests half a million levels deep', () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    expect(readDocument(deep, LIST)).toBeUndefined();
    const item = `{"resource":"https://a.example/","accepts":[{"scheme":"exact","extra":${deep}}],"extensions":${deep}}`;
    expect(readDocument(`{"items":[${item}]}`, LIST)?.listings).toHaveLength(1);
  });

  test.each(['', '{', 'null', '7', '"x"', '<html></html>', '{}', '{"openapi":"3.1.0"}'])(
    '%j is no catalogue',
    (text) => {
      expect(readDocument(text, LIST)).toBeUndefined();
    },
  );
});

describe('a record', () => {
  test('keeps its price, payee and use, and comes back from a row as it went in', () => {
    const [listing] =
      read({
        items: [
          {
            resource: 'https://api.example.com/v1/{id}?x=1#frag',
            type: 'http',
            x402Version: 2,
            accepts: [OFFER, { ...OFFER, network: 'mars:1' }],
            lastUpdated: 1_793_491_200,
            serviceName: 'A name',
            description: 'What it does.',
            tags: ['Weather', 'weather', 'tides'],
            quality: {
              l30DaysTotalCalls: 10,
              l30DaysUniquePayers: '3',
              lastCalledAt: '2026-11-01T00:00:00Z',
            },
            curated: true,
          },
        ],
      })?.listings ?? [];
    expect(listing).toMatchObject({
      url: 'https://api.example.com/v1/{id}?x=1',
      title: 'A name',
      tags: ['weather', 'tides'],
      category: 'weather',
      price: { minUsdMicros: 10_000n, maxUsdMicros: 10_000n },
      use: { calls30d: 10, payers30d: 3, updatedMs: 1_793_491_200_000, curated: true },
    });
    expect(listing?.offers.map(({ network, payable }) => [network, payable])).toEqual([
      ['eip155:8453', true],
      ['mars:1', false],
    ]);
    const row = {
      ...listing,
      usd_min: 10_000n,
      usd_max: 10_000n,
      calls: 10n,
      payers: 3n,
      last_called_ms: BigInt(listing?.use.lastCalledMs ?? 0),
      curated: 1n,
      detail: detailOf(listing!).detail,
    } as unknown as ListingRow;
    expect(listingOf(row)).toEqual(listing);
  });

  test('an offer that leaves out who settles it is payable: only a live demand has to name them', () => {
    const onSolana = {
      ...OFFER,
      network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
      asset: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
      payTo: '6wSgsCn9nrUbjrMUKxhfFcWg3B7AxJcuaypVoVmJNYc9',
    };
    const offersOf = (accepts: unknown[]) =>
      read({ items: [{ resource: 'https://a.example/', x402Version: 2, accepts }] })?.listings[0];
    const listed = offersOf([onSolana, { ...OFFER, scheme: 'upto' }]);
    expect(listed?.price).toEqual({ minUsdMicros: 10_000n, maxUsdMicros: 10_000n });
    expect(listed?.offers).toMatchObject([
      { network: onSolana.network, asset: 'USDC', payTo: onSolana.payTo, payable: true },
      { network: OFFER.network, payTo: OFFER.payTo, payable: true },
    ]);
    // What a list does state is judged as it stands, and so is all else.
    expect(offersOf([{ ...onSolana, extra: { feePayer: 'nobody' } }])?.offers).toMatchObject([
      { payable: false },
    ]);
    expect(offersOf([{ ...onSolana, asset: onSolana.payTo }])?.offers).toMatchObject([{ payable: false }]);
  });

  test.each([
    [1_793_491_200, 1_793_491_200_000],
    [1_793_491_200_000, 1_793_491_200_000],
    ['1793491200', 1_793_491_200_000],
    ['2026-11-01T00:00:00.000Z', 1_793_491_200_000],
    [-1, null],
    ['yesterday', null],
    [{}, null],
  ])('lastUpdated %j', (lastUpdated, updatedMs) => {
    const document = read({ items: [{ resource: 'https://a.example/', accepts: [], lastUpdated }] });
    expect(document?.listings[0]?.use.updatedMs).toBe(updatedMs);
  });

  test('PayAI’s page: what is no http URL is dropped and counted', () => {
    const page = {
      items: [
        { url: 'monopoly://game/agent0', type: 'http', accepts: [], lastUpdated: 1767429328 },
        { url: 'solana-transfer://AsEDd1vqP4.../x', type: 'http', accepts: [] },
        {
          url: 'https://api.example.com/v1/perpetuals/:var1',
          type: 'http',
          accepts: [OFFER],
          x402Version: 2,
        },
      ],
      pagination: { limit: 100, offset: 0, total: 3 },
    };
    expect(read(page)).toMatchObject({ shape: 'list', items: 3, dropped: 2, total: 3, limit: 100 });
  });
});

describe('an OpenAPI document', () => {
  const operation = { summary: 'Do it', 'x-payment-info': { price: { mode: 'fixed', amount: '0.01' } } };

  test('lists priced operations alone, on servers of its own site alone (T17)', () => {
    const document = {
      openapi: '3.1.0',
      servers: [{ url: 'https://api2.example.com/base/' }],
      paths: {
        '/paid': { post: operation },
        '/free': { get: { summary: 'Free' } },
        '/unpriced': { get: { responses: { 402: {} } } },
      },
    };
    expect(read(document, OPENAPI)?.listings.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://api2.example.com/base/paid',
      'GET https://api2.example.com/base/unpriced',
    ]);
    const foreign = { ...document, servers: [{ url: 'https://bank.example.org' }] };
    expect(read(foreign, OPENAPI)).toMatchObject({ listings: [], dropped: 2 });
  });

  test('follows references within itself, and none that goes round', () => {
    const document = {
      openapi: '3.1.0',
      components: {
        schemas: {
          Ask: { type: 'object', required: ['q'], properties: { q: { $ref: '#/components/schemas/Q' } } },
          Q: { type: 'string', description: 'What to look for' },
          Loop: { $ref: '#/components/schemas/Loop' },
        },
      },
      paths: {
        '/a': {
          post: {
            ...operation,
            requestBody: {
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Ask' } } },
            },
          },
        },
        '/b': {
          post: {
            ...operation,
            requestBody: {
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Loop' } } },
            },
          },
        },
        '/c': {
          post: {
            ...operation,
            requestBody: { content: { 'application/json': { schema: { $ref: 'https://evil.example/x' } } } },
          },
        },
      },
    };
    const bodies = read(document, OPENAPI)?.listings.map(({ input }) => input?.body ?? null);
    expect(bodies).toEqual([
      {
        type: 'object',
        required: ['q'],
        properties: { q: { type: 'string', description: 'What to look for' } },
      },
      null,
      null,
    ]);
  });
});
