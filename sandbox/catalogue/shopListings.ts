import { USDC } from '../usdc.ts';
import type { Shop } from '../shop/shop.ts';
import { atomicFromUsd } from '../usd.ts';

/** Goods of the shop that a catalogue can list, by path. */
const GOODS: readonly {
  path: string;
  method: 'GET' | 'POST';
  title: string;
  about: string;
  field?: string;
}[] = [
  {
    path: '/v2/echo',
    method: 'POST',
    title: 'Company profiles by domain',
    about: 'Company data for a web domain: name, size, industry and headquarters.',
    field: 'domain',
  },
  {
    path: '/v2/json',
    method: 'GET',
    title: 'City weather and advice',
    about: 'Current temperature of a city, and what to wear.',
  },
  { path: '/v2/png', method: 'GET', title: 'Pixel picture', about: 'A picture of one pixel, as PNG.' },
];

/** What the shop's goods cost unless a URL says otherwise. */
const USD = '0.01';

/** Records of the shop's goods as a facilitator lists them, to be put at the head of a catalogue. */
export function shopListings({ url, payTo }: Pick<Shop, 'url' | 'payTo'>): Record<string, unknown>[] {
  return GOODS.map(({ path, method, title, about, field }) => ({
    resource: url + path,
    type: 'http',
    x402Version: 2,
    serviceName: title,
    description: about,
    accepts: [
      {
        scheme: 'exact',
        network: 'eip155:84532',
        amount: String(atomicFromUsd(USD)),
        asset: USDC,
        payTo,
        maxTimeoutSeconds: 60,
        extra: { name: 'USDC', version: '2' },
      },
    ],
    extensions: { bazaar: bazaarOf(method, field) },
  }));
}

function bazaarOf(method: string, field: string | undefined): Record<string, unknown> {
  const input = { type: 'http', method };
  if (field === undefined) return { info: { input } };
  const body = { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] };
  return {
    info: { input: { ...input, bodyType: 'json', body: { [field]: 'example.com' } } },
    schema: { type: 'object', properties: { input: { type: 'object', properties: { body } } } },
  };
}
