import { atomicFromUsd } from '../usd.ts';
import type { WorldEndpoint } from './world.ts';

type Json = Record<string, unknown>;

const BASE_USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';
const SOLANA_USDC = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
const SOLANA_PAYEE = '11111111111111111111111111111112';

/** Ways in which catalogues write one endpoint down. */
export type RecordShape = 'v2' | 'v1' | 'cdp' | 'payai';
export const RECORD_SHAPES: readonly RecordShape[] = ['v2', 'v1', 'cdp', 'payai'];

function namesOf(endpoint: WorldEndpoint): { all: string[]; required: string[] } {
  const required = endpoint.fields.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1));
  return { all: endpoint.fields.map((name) => name.replace('!', '')), required };
}

/** A JSON Schema of an endpoint's fields. */
export function schemaOf(endpoint: WorldEndpoint): Json {
  const { all, required } = namesOf(endpoint);
  const properties = Object.fromEntries(
    all.map((name) => [name, { type: 'string', description: `The ${name}.` }]),
  );
  return { type: 'object', properties, required };
}

function bazaar(endpoint: WorldEndpoint): Json {
  const { all } = namesOf(endpoint);
  const example = Object.fromEntries(all.map((name) => [name, `some ${name}`]));
  const isGet = endpoint.method === 'GET';
  const input = {
    type: 'http',
    method: endpoint.method,
    ...(isGet ? { queryParams: example } : { bodyType: 'json', body: example }),
  };
  const inputSchema = {
    type: 'object',
    properties: { [isGet ? 'queryParams' : 'body']: schemaOf(endpoint) },
  };
  return {
    bazaar: {
      info: { input, output: { type: 'json', example: { ok: true } } },
      schema: { type: 'object', properties: { input: inputSchema } },
    },
  };
}

function offerV2(endpoint: WorldEndpoint): Json {
  return {
    scheme: 'exact',
    network: 'eip155:8453',
    amount: String(atomicFromUsd(endpoint.usd)),
    asset: BASE_USDC,
    payTo: endpoint.payTo,
    maxTimeoutSeconds: 60,
    extra: { name: 'USD Coin', version: '2' },
  };
}

const SOLANA_OFFER = (endpoint: WorldEndpoint): Json => ({
  ...offerV2(endpoint),
  network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  asset: SOLANA_USDC,
  payTo: SOLANA_PAYEE,
});

/** One record of a facilitator's list. */
export function recordOf(endpoint: WorldEndpoint, shape: RecordShape): Json {
  const { url, title, about, tags, listedSec } = endpoint;
  const iso = new Date(listedSec * 1000).toISOString();
  switch (shape) {
    case 'v2':
      return {
        resource: url,
        type: 'http',
        x402Version: 2,
        accepts: [SOLANA_OFFER(endpoint), offerV2(endpoint)],
        lastUpdated: iso,
        description: about,
        serviceName: title,
        tags,
        extensions: bazaar(endpoint),
      };
    case 'v1':
      return {
        resource: url,
        type: 'http',
        x402Version: 1,
        accepts: [offerV1(endpoint)],
        lastUpdated: listedSec * 1000,
        metadata: { name: title, tags },
      };
    case 'cdp':
      return {
        ...recordOf(endpoint, 'v2'),
        curated: endpoint.calls30d > 5_000,
        quality: {
          l30DaysTotalCalls: endpoint.calls30d,
          l30DaysUniquePayers: endpoint.payers30d,
          lastCalledAt: iso,
        },
      };
    case 'payai':
      return {
        url,
        type: 'http',
        x402Version: 2,
        description: `${title}. ${about}`,
        accepts: [offerV2(endpoint)],
        lastUpdated: listedSec,
        metadata: {},
        source: 'aggregated',
        sourceFacilitator: 'payai',
        firstSeen: listedSec,
        extensions: bazaar(endpoint),
      };
  }
}

function offerV1(endpoint: WorldEndpoint): Json {
  const { all, required } = namesOf(endpoint);
  const fields = Object.fromEntries(
    all.map((name) => [
      name,
      { type: 'string', description: `The ${name}.`, required: required.includes(name) },
    ]),
  );
  const input = { type: 'http', method: endpoint.method, discoverable: true };
  return {
    scheme: 'exact',
    network: 'base',
    maxAmountRequired: String(atomicFromUsd(endpoint.usd)),
    resource: endpoint.url,
    description: endpoint.about,
    mimeType: 'application/json',
    payTo: endpoint.payTo,
    maxTimeoutSeconds: 60,
    asset: BASE_USDC,
    outputSchema: {
      input:
        endpoint.method === 'GET'
          ? { ...input, queryParams: fields }
          : { ...input, bodyType: 'json', bodyFields: fields },
      output: { ok: { type: 'boolean' } },
    },
    extra: { name: 'USD Coin', version: '2' },
  };
}

/** The dialects of `x-payment-info`. */
export type PriceDialect = 'price' | 'mpp' | 'mpp_flat' | 'legacy' | 'dynamic';
export const PRICE_DIALECTS: readonly PriceDialect[] = ['price', 'mpp', 'mpp_flat', 'legacy', 'dynamic'];

function paymentInfo({ usd }: WorldEndpoint, dialect: PriceDialect): Json {
  const offer = { intent: 'charge', method: 'tempo', amount: String(atomicFromUsd(usd)), currency: 'USDC' };
  switch (dialect) {
    case 'price':
      return { price: { mode: 'fixed', currency: 'USD', amount: usd }, protocols: [{ x402: {} }] };
    case 'dynamic':
      return {
        price: { mode: 'dynamic', min: usd, max: '2.00' },
        protocols: [{ x402: {} }, { mpp: { method: 'tempo', intent: 'charge', currency: 'USDC' } }],
      };
    case 'mpp':
      return { offers: [offer, { ...offer, amount: null }] };
    case 'mpp_flat':
      return offer;
    case 'legacy':
      return { pricingMode: 'fixed', price: usd };
  }
}

/** The OpenAPI document in which a site lists endpoints of its own; their paths are taken from their URLs. */
export function openApiOf(endpoints: readonly WorldEndpoint[], dialect: PriceDialect, server: string): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const schema = schemaOf(endpoint);
    const { all, required } = namesOf(endpoint);
    const parameters = all.map((name) => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema: { type: 'string' },
    }));
    const body = { required: true, content: { 'application/json': { schema } } };
    const operation = {
      summary: endpoint.title,
      description: endpoint.about,
      tags: endpoint.tags,
      'x-payment-info': paymentInfo(endpoint, dialect),
      ...(endpoint.method === 'GET' ? { parameters } : { requestBody: body }),
      responses: { '200': { description: 'OK' }, '402': { description: 'Payment required' } },
    };
    const { pathname } = new URL(endpoint.url);
    paths[pathname] = { ...paths[pathname], [endpoint.method.toLowerCase()]: operation };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'A paid API', version: '1.0.0', 'x-guidance': 'Call the cheapest endpoint first.' },
    'x-service-info': { categories: ['data'], docs: { homepage: 'https://example.com' } },
    servers: [{ url: server }],
    paths,
  };
}
