import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../text/json.js';
import { readDocument } from './document.js';
import { networksOf, protocolsOf } from './listing.js';

const USDC_E = '0x20C000000000000000000000b9537d11c60E8b50';

function read(...endpoints: JsonObject[]) {
  const service = {
    ...{ id: 'weather', name: 'Weather', serviceUrl: 'https://weather.example/mpp/' },
    ...{ description: 'Forecasts', categories: ['data'], endpoints },
  };
  return readDocument(JSON.stringify({ version: 1, services: [service] }), 'https://mpp.dev/api/services');
}

const payment = { intent: 'charge', method: 'tempo', amount: '2500', currency: USDC_E, decimals: 6 };

describe('mpp.dev’s list', () => {
  test('gives each endpoint that asks for payment, with dollars by our own table', () => {
    const document = read(
      { method: 'POST', path: '/v1/forecast/:city', description: 'A forecast', payment },
      { method: 'GET', path: '/health' },
    );
    expect(document).toMatchObject({ shape: 'services', dropped: 0 });
    expect(document?.listings).toMatchObject([
      {
        ...{ url: 'https://weather.example/mpp/v1/forecast/{city}', method: 'POST', title: 'Weather' },
        ...{ about: 'A forecast', protocols: ['mpp'] },
        price: { minUsdMicros: 2_500n, maxUsdMicros: 2_500n },
        offers: [{ network: 'eip155:4217', asset: 'USDC.e', usdMicros: 2_500n, payable: true }],
      },
    ]);
    expect(networksOf(document!.listings[0]!)).toBe(' eip155:4217 ');
  });

  test.each<[string, JsonObject]>([
    ['a session', { ...payment, intent: 'session' }],
    ['another method', { ...payment, method: 'stripe', currency: 'usd' }],
    ['a token that is none of ours', { ...payment, currency: '0x20c0000000000000000000000000000000000009' }],
  ])('%s is listed as what this wallet does not pay', (_name, stated) => {
    const [listing] = read({ method: 'GET', path: '/v1', payment: stated })!.listings;
    expect(listing?.offers).toMatchObject([{ payable: false }]);
    expect(networksOf(listing!)).toBe('');
  });

  test('a price that depends is none', () => {
    const [listing] = read({ method: 'GET', path: '/v1', payment: { ...payment, amount: null } })!.listings;
    expect(listing).toMatchObject({ price: null, offers: [{ payable: true, usdMicros: null }] });
  });

  test('what cannot be called is dropped, and spoils nothing else', () => {
    expect(
      read({ method: 'GET', path: 'elsewhere', payment }, { method: 'GET', path: '/v1', payment }),
    ).toMatchObject({ dropped: 1, listings: [{ url: 'https://weather.example/mpp/v1' }] });
  });

  test('a document whose services list no endpoints is no such list', () => {
    expect(readDocument('{"services":[{"name":"x"}]}', 'https://mpp.dev/api/services')).toBeUndefined();
  });
});

test('an OpenAPI of MPP’s dialect is payable, and in dollars where it names a token of Tempo', () => {
  const document = readDocument(
    JSON.stringify({
      openapi: '3.1.0',
      info: { title: 'x', version: '1' },
      paths: {
        '/v1': {
          get: {
            'x-payment-info': {
              offers: [{ intent: 'charge', method: 'tempo', amount: '100', currency: USDC_E }],
            },
            responses: { 402: { description: 'x' } },
          },
        },
      },
    }),
    'https://weather.example/openapi.json',
  );
  const [listing] = document!.listings;
  expect(listing).toMatchObject({ price: { minUsdMicros: 100n }, protocols: ['mpp'] });
  // It names no network, and no protocol that this wallet does not speak.
  expect(networksOf(listing!)).toBeNull();
  expect(protocolsOf(listing!)).toEqual(['mpp']);
});
