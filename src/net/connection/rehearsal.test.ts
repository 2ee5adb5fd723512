import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBody } from '../body.js';
import { parseCallUrl } from '../destination/url.js';
import { openRehearsedPlace, type RehearsedPlace } from './rehearsal.js';

const OPTIONS = {
  deadline: { connectMs: 5_000, firstByteMs: 5_000, wholeMs: 5_000 },
  redirects: 'return',
  bodyBytesMax: 65_536,
} as const;

let place: RehearsedPlace;

beforeEach(async () => {
  place = await openRehearsedPlace([
    { status: '402 Payment Required', headers: [['payment-required', 'x'.repeat(2_000)]], body: '{}' },
    { status: '200 OK', headers: [], body: 'paid' },
  ]);
});
afterEach(() => place.close());

function ask(url: string) {
  const target = parseCallUrl(url, { allowPrivate: [place.hostPort] });
  return place.net.send({ method: 'GET', url: target, headers: [] }, OPTIONS);
}

test('a place on loopback gives each of its answers once', async () => {
  const url = `http://${place.hostPort}/price`;
  const [priced, paid] = [await ask(url), await ask(url)];
  expect(priced.status).toBe(402);
  expect(priced.headers).toContainEqual(['payment-required', 'x'.repeat(2_000)]);
  expect(paid.status).toBe(200);
  await readBody(priced, { bytesMax: 100 });
  expect(Buffer.from((await readBody(paid, { bytesMax: 100 })).bytes).toString()).toBe('paid');
  await expect(ask(url)).rejects.toMatchObject({ code: 'unreachable' });
});

test('by the way to it nobody else is reached', async () => {
  await expect(ask('https://hooks.example.com/')).rejects.toThrow('A rehearsal calls nobody.');
});
