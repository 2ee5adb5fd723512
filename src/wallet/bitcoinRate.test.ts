import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { initialSettings, type Config } from '../config/settings.js';
import { RATE_AGE_MAX_MS } from '../money/bitcoin.js';
import { createNet, type Net } from '../net/send.js';
import { BitcoinRate } from './bitcoinRate.js';

// Sources of rates on loopback that agree, leap, are away, and lie. One rate decides what every payment by Lightning counts.
const DAY_MS = 86_400_000;
const T0 = 1_790_000_000_000;
const LIGHTNING = 'bip122:000000000019d6689c085ae165831e93';

interface Source {
  readonly server: Server;
  readonly url: string;
  /** What it answers; null breaks the connection. */
  body: string | null;
  status: number;
  asked: number;
}

let sources: Source[];
let net: Net;
let home: string;
let rate: BitcoinRate;

beforeAll(async () => {
  sources = await Promise.all([0, 1, 2].map(startSource));
  net = createNet({ allowPrivate: [], proxy: 'none', version: 'test' });
});
afterAll(async () => {
  await net.close();
  for (const { server } of sources) {
    server.close();
    server.closeAllConnections();
  }
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-rate-'));
  rate = new BitcoinRate(home);
  for (const source of sources) Object.assign(source, { body: null, status: 200, asked: 0 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function startSource(): Promise<Source> {
  const source = { body: null, status: 200, asked: 0 } as Partial<Source>;
  const server = createServer((request, response) => {
    (source as Source).asked += 1;
    if (source.body === null) return request.socket.destroy();
    response.writeHead(source.status ?? 200, { 'content-type': 'application/json', location: '/other' });
    response.end(source.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(source as Source, { server, url: `http://127.0.0.1:${port}/price#/data/0/usd` });
}

function say(...prices: readonly (string | number | null)[]): void {
  for (const [i, price] of prices.entries())
    sources[i]!.body = price === null ? null : JSON.stringify({ data: [{ usd: price }] });
}

const config = (rates: Config['rates'] = { source: { kind: 'urls', urls: sources.map(({ url }) => url) } }) =>
  ({
    ...initialSettings(false),
    ...{ version: 1, walletId: '0'.repeat(32), keystore: 'file', testnet: false, rates },
    networks: { ...initialSettings(false).networks, enabled: [LIGHTNING] },
  }) as Config;

/** Dollars for a bitcoin, or why there is no rate. */
async function at(nowMs: number, given = config(), by = rate): Promise<string> {
  const terms = await by.terms(given, net, nowMs);
  return 'off' in terms ? terms.off : (Number(terms.usdMicrosPerBtc) / 1e6).toFixed(2);
}

test('the dearer of two that agree counts, as text or as a number, and a third that lies does not', async () => {
  say('65000.00', 65_400.5, '1000000');
  expect(await at(T0)).toBe('65400.50');
});

test.each<readonly [string, readonly (string | number | null)[], string]>([
  ['two disagree by more than two percent', [65_000, 66_400], 'its sources disagree'],
  ['all three are apart', [60_000, 65_000, 70_000], 'its sources disagree'],
  ['one answers', [65_000], 'fewer than two of its sources answer'],
  ['none answers', [], 'fewer than two of its sources answer'],
  ['one says what is no rate', [65_000, '6.5e4'], 'fewer than two of its sources answer'],
  ['two agree on what no bitcoin ever cost', ['0.5', '0.5'], 'fewer than two of its sources answer'],
  ['two agree on a negative price', ['-65000', '-65000'], 'fewer than two of its sources answer'],
])('Lightning is off where %s', async (_what, prices, why) => {
  say(...prices);
  const off = await at(T0);
  expect(off).toContain(`the rate of bitcoin is not known, for ${why}`);
});

test('one source that answers under two addresses is one voice', async () => {
  say(65_000);
  const { url } = sources[0]!;
  const twice = { kind: 'urls', urls: [url, url.replace('/price', '/also')] } as const;
  expect(await at(T0, config({ source: twice }))).toContain('fewer than two of its sources answer');
});

test('an answer other than 200 says nothing, and no redirect is followed', async () => {
  say(65_000, 65_000);
  sources[1]!.status = 302;
  expect(await at(T0)).toContain('fewer than two of its sources answer');
  expect(sources[1]!.asked).toBe(1);
});

test('a leap of more than a fifth in a day pays nothing, in another process too, and the owner’s own rate does', async () => {
  say(50_000, 50_000);
  expect(await at(T0)).toBe('50000.00');
  say(61_000, 61_000);
  for (const one of [rate, new BitcoinRate(home)])
    expect(await at(T0 + RATE_AGE_MAX_MS + 1, config(), one)).toContain('more than 20 % a day away');
  say(39_000, 39_000);
  expect(await at(T0 + RATE_AGE_MAX_MS + 1)).toContain('more than 20 % a day away');
  const fixed = { kind: 'fixed', usdMicrosPerBtc: 61_000_000_000n } as const;
  expect(await at(T0 + RATE_AGE_MAX_MS + 1, config({ source: fixed }))).toBe('61000.00');
  say(61_000, 61_000);
  expect(await at(T0 + DAY_MS + 1)).toBe('61000.00');
});

test('a rate is read anew before it is too old; sources that are away leave it good for ten minutes and no more', async () => {
  say(65_000, 65_000);
  expect(await at(T0)).toBe('65000.00');
  expect(await at(T0 + 1_000)).toBe('65000.00');
  expect(sources[0]!.asked).toBe(1);
  say(null, null);
  expect(await at(T0 + RATE_AGE_MAX_MS)).toBe('65000.00');
  expect(sources[0]!.asked).toBe(2);
  expect(await at(T0 + RATE_AGE_MAX_MS + 1)).toContain('fewer than two');
  // A clock that was set back makes it none of now.
  expect(await at(T0 - 1)).toContain('fewer than two');
});

test('Lightning is off without a source, and without its network, and asks nobody', async () => {
  say(65_000, 65_000);
  expect(await at(T0, config({ source: { kind: 'none' } }))).toBe(
    'Lightning is off: rates.source does not say what bitcoin is worth.',
  );
  const without = config();
  const elsewhere = { ...without, networks: { ...without.networks, enabled: [] } };
  expect(await at(T0, elsewhere)).toContain('no Lightning network is enabled');
  expect(sources.map(({ asked }) => asked)).toEqual([0, 0, 0]);
});
