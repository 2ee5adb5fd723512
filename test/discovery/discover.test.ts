import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { POISONED } from '../../sandbox/catalogue/poison.ts';
import type { Catalogue } from '../../sandbox/catalogue/catalogue.ts';
import { shopListings } from '../../sandbox/catalogue/shopListings.ts';
import { renderOutcome } from '../../src/mcp/text.js';
import { DiscoverPlaces } from '../../src/wallet/discover/discoverPlace.js';
import { BYTES_PER_TOKEN, CONCISE_TOKENS_MAX } from '../../src/wallet/discover/discoverResults.js';
import type { ConciseResult } from '../../src/wallet/discover/discoverView.js';
import { syncSources } from '../../src/owner/catalogSources.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { Wallet } from '../../src/wallet/wallet.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
let catalogue: Catalogue;
let mine: TestWallet;
let wallet: Wallet;

async function sync(of: TestWallet, from: Wallet): Promise<void> {
  const places = new DiscoverPlaces(of.options);
  const place = await places.open(() => from.engine());
  await syncSources(place, undefined, { signal: anyCall().signal });
  await places.close();
}

function resultsOf(outcome: Outcome): ConciseResult[] {
  return outcome['results'] as ConciseResult[];
}

function urlOf({ next }: ConciseResult): string {
  return String(next.arguments['url']);
}

beforeAll(async () => {
  world = await startTestWorld();
  const { url, payTo } = world.sandbox.shop;
  const [good] = shopListings({ url, payTo });
  const pottery = { serviceName: 'Pottery', description: 'Ceramic pottery offers.', extensions: {} };
  catalogue = await world.sandbox.addCatalogue({
    count: 500,
    more: [{ ...good, ...pottery, resource: `${url}/v2/price/0.03` }],
  });
  mine = await world.wallet({
    settings: {
      'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
      'discovery.sources': JSON.stringify([catalogue.listUrl]),
    },
  });
  wallet = mine.open();
  await sync(mine, wallet);
});

afterAll(async () => {
  await world.stop();
});

describe('from a need to an answer', () => {
  test('discover, then quote what it points to, then pay what the quote points to', async () => {
    const found = await wallet.discover(
      { need: 'I need company data for this domain', max_usd: '0.02' },
      anyCall(),
    );
    const [first] = resultsOf(found);
    expect(first).toMatchObject({
      usd: '0.01',
      networks: 'eip155:84532',
      fill: ['domain'],
      seller: { title: 'Company profiles by domain', example: { domain: 'example.com' } },
    });
    expect(first?.next).toEqual({
      tool: 'wallet_quote',
      arguments: {
        url: `${world.sandbox.shop.url}/v2/echo`,
        method: 'POST',
        body: { domain: '<domain>' },
      },
    });
    // Nobody buys the template: what stands for a value is named.
    const unfilled = await wallet.quote(first?.next.arguments, anyCall());
    expect(unfilled).toMatchObject({ code: 'bad_input', money: 'none', retry: 'with_changes' });
    expect(unfilled.message).toContain('"domain"');
    const filled = { ...first?.next.arguments, body: first?.seller.example };
    const quoted = await wallet.quote(filled, anyCall());
    expect(quoted).toMatchObject({ code: 'quoted', usd: '0.01', advice: null, listed: null });
    const paid = await wallet.pay(quoted.next?.arguments, anyCall());
    expect(paid).toMatchObject({ status: 'ok', code: 'paid', spent_usd: '0.01' });
    expect(JSON.stringify(paid.response?.body)).toContain('example.com');
    const byCategory = await wallet.ledger({ view: 'by_category' }, anyCall());
    expect(byCategory['groups']).toMatchObject([{ key: 'business', captured_usd: '0.01' }]);
    const byHost = await wallet.ledger({ view: 'by_host' }, anyCall());
    // Its endpoints have names of their own, and none of them is the host's.
    const sells = expect.arrayContaining(['Company profiles by domain', 'City weather and advice']);
    expect(byHost['groups']).toMatchObject([{ key: '127.0.0.1', seller: { sells } }]);
    const shown = renderOutcome({ ...byHost, tell_owner: null }, () => 'mark').split('--- mark')[0];
    expect(shown).not.toMatch(/Company profiles|City weather|Pixel|Pottery/);
    const mineAgain = await wallet.discover({ need: 'company data', detail: 'full', limit: 1 }, anyCall());
    expect(resultsOf(mineAgain)[0]).toMatchObject({
      own_payments: 1,
      listed_in: [catalogue.listUrl],
    });
  });

  test('a quote says what the body lacks, and is still there to be paid', async () => {
    const call = { url: `${world.sandbox.shop.url}/v2/echo`, method: 'POST', body: { depth: 2 } };
    const quoted = await wallet.quote(call, anyCall());
    expect(quoted).toMatchObject({ code: 'quoted', verdict: 'allow', next: { tool: 'wallet_pay' } });
    expect(quoted['advice']).toContain('"domain"');
  });

  test('a quote shows a listed price that is not the live one', async () => {
    const quoted = await wallet.quote({ url: `${world.sandbox.shop.url}/v2/price/0.03` }, anyCall());
    expect(quoted).toMatchObject({ usd: '0.03', verdict: 'allow' });
    expect(quoted['listed']).toEqual({ usd: '0.01' });
    expect(quoted.message).toMatch(
      /^The call costs \$0\.03 on Base Sepolia, 3 times the listed \$0\.01; nothing/,
    );
    const text = renderOutcome({ ...quoted, tell_owner: null }, () => 'mark');
    expect(text.split('--- mark')[0]).toContain('listed: {"usd":"0.01"}');
  });

  test('a jump above the listing, past the floor, asks the owner; what was paid before does not', async () => {
    await mine.set('limits.ask_floor_usd', '0.02');
    const { hostPort } = world.sandbox.shop;
    try {
      const url = `http://${hostPort}/v2/price/0.03`;
      const jumped = await wallet.quote({ url }, anyCall());
      expect(jumped).toMatchObject({ verdict: 'ask', verdict_code: 'price_jumped' });
      expect(await wallet.pay({ url, max_usd: '0.05' }, anyCall())).toMatchObject({
        ...{ status: 'approval_required', money: 'none', payment: null },
      });
    } finally {
      await mine.set('limits.ask_floor_usd', '0.05');
    }
  });
});

describe('results', () => {
  test('what has less than half of the words is not shown, whatever another listing is stuffed with (T17)', async () => {
    const { url, payTo } = world.sandbox.shop;
    const [good] = shopListings({ url, payTo });
    const listing = (path: string, serviceName: string, description: string): Record<string, unknown> => ({
      ...{ ...good, serviceName, description, extensions: {} },
      resource: `${url}/v2/price/${path}`,
    });
    const need = 'estimate the tensile strength of woven basalt rope';
    const words = need.split(' ').filter((word) => word.length > 3);
    const stuffed = listing('0.011', words.join(' '), `${words.join(' ')} `.repeat(5));
    const half = listing('0.012', 'Rope strength', 'Tensile tests of rope.');
    const little = listing('0.013', 'Rope shop', 'Ropes of all kinds.');
    const few = await world.sandbox.addCatalogue({ count: 10, more: [stuffed, half, little] });
    const buyer = await world.wallet({
      usdMicros: 0n,
      settings: {
        'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, few.hostPort]),
        'discovery.sources': JSON.stringify([few.listUrl]),
      },
    });
    const outcome = await buyer.open().discover({ need }, anyCall());
    const paths = resultsOf(outcome).map((result) => new URL(urlOf(result)).pathname);
    expect(paths).toEqual(['/v2/price/0.011', '/v2/price/0.012']);
  });

  test('only what this wallet can pay is shown, unless asked', async () => {
    const need = 'tide times for a harbour';
    const own = await wallet.discover({ need }, anyCall());
    expect(resultsOf(own).every(({ networks }) => networks === undefined || networks.includes('84532'))).toBe(
      true,
    );
    // What shares a word or two with the need is not counted among them.
    expect(own.message).toMatch(/ 1 more is on networks .*\["any"\]|[2-9] more are on networks .*\["any"\]/);
    // Where something fits, what does not is no news.
    const weather = { need: 'weather alerts', limit: 25 };
    const some = await wallet.discover(weather, anyCall());
    const more = await wallet.discover({ ...weather, networks: ['any'] }, anyCall());
    expect(resultsOf(more).length).toBeGreaterThan(resultsOf(some).length);
    expect(some.message).toMatch(/^\d+ endpoints?\b.* asks for the live price\.$/);
    const all = await wallet.discover({ need, networks: ['any'] }, anyCall());
    // Its offer on Solana names nobody who pays the fee: the live demand will.
    const networks = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp eip155:8453';
    expect(resultsOf(all)[0]).toMatchObject({ networks, seller: { title: 'Tide tables' } });
  });

  test('ten concise results stay within their tokens, as text and as structure', async () => {
    const outcome = await wallet.discover(
      { need: 'analytics of crypto tokens', networks: ['any'], limit: 10 },
      anyCall(),
    );
    expect(resultsOf(outcome)).toHaveLength(10);
    const bytesMax = CONCISE_TOKENS_MAX * BYTES_PER_TOKEN;
    expect(Buffer.byteLength(JSON.stringify(outcome))).toBeLessThanOrEqual(bytesMax);
    expect(Buffer.byteLength(renderOutcome({ ...outcome, tell_owner: null }))).toBeLessThanOrEqual(bytesMax);
  });

  test('pages follow one another without a result twice', async () => {
    const asked = { need: 'weather alerts', networks: ['any'], limit: 4 };
    const first = await wallet.discover(asked, anyCall());
    const second = await wallet.discover({ ...asked, cursor: first['next_cursor'] }, anyCall());
    const urls = [...resultsOf(first), ...resultsOf(second)].map(({ next }) => JSON.stringify(next));
    expect(new Set(urls).size).toBe(8);
    const foreign = await wallet.discover({ need: 'other words', cursor: first['next_cursor'] }, anyCall());
    expect(foreign).toMatchObject({ status: 'failed', code: 'bad_input' });
  });

  test.each([
    [{}, 'Give need'],
    [{ need: '' }, '"need"'],
    [{ need: 'x', networks: ['mars:1'] }, 'networks'],
    [{ need: 'x', limit: 26 }, '"limit"'],
    [{ need: 'x', wrong: 1 }, '"wrong"'],
  ])('bad arguments are told: %j', async (input, words) => {
    const outcome = await wallet.discover(input, anyCall());
    expect(outcome).toMatchObject({ status: 'failed', code: 'bad_input', money: 'none' });
    expect(outcome.message).toContain(words);
  });

  test('hosts that the owner denies are not shown', async () => {
    const other = await world.wallet({
      usdMicros: 0n,
      settings: {
        'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
        'discovery.sources': JSON.stringify([catalogue.listUrl]),
        'hosts.deny': JSON.stringify([world.sandbox.shop.hostPort]),
      },
    });
    const denied = other.open();
    await sync(other, denied);
    const outcome = await denied.discover({ need: 'company data for a domain' }, anyCall());
    expect(resultsOf(outcome).map(urlOf)).not.toContain(`${world.sandbox.shop.url}/v2/echo`);
  });
});

test('a locked wallet searches too', async () => {
  const locked = mine.open({ passphrase: async () => null });
  expect(await locked.balance({})).toMatchObject({ code: 'keystore_locked' });
  const outcome = await locked.discover({ need: 'tide tables', networks: ['any'] }, anyCall());
  expect(resultsOf(outcome)[0]).toMatchObject({ seller: { title: 'Tide tables' } });
});

test('the first search of a wallet fetches the catalogues itself', async () => {
  const fresh = await world.wallet({
    usdMicros: 0n,
    settings: {
      'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
      'discovery.sources': JSON.stringify([catalogue.listUrl]),
    },
  });
  const outcome = await fresh.open().discover({ need: 'company data for a domain' }, anyCall());
  expect(resultsOf(outcome)[0]).toMatchObject({ seller: { title: 'Company profiles by domain' } });
});

describe('what a catalogue learns of a search', () => {
  const need = 'unusual words that nobody must hear of';

  test('nothing, unless the owner allows remote searches', async () => {
    catalogue.requests.length = 0;
    await wallet.discover({ need }, anyCall());
    expect(catalogue.requests).toEqual([]);
  });

  test('the need, where the owner allows it; what is found is searched with the rest', async () => {
    const asking = await world.wallet({
      usdMicros: 0n,
      settings: {
        'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
        'discovery.sources': JSON.stringify([catalogue.listUrl]),
        'discovery.remote_search': 'true',
      },
    });
    const open = asking.open();
    await sync(asking, open);
    catalogue.requests.length = 0;
    const outcome = await open.discover({ need: `company data by web domain, ${need}` }, anyCall());
    expect(catalogue.requests).toHaveLength(1);
    expect(catalogue.requests[0]).toMatch(/^\/discovery\/search\?query=company\+data/);
    const titles = resultsOf(outcome).map(({ seller }) => seller.title);
    expect(titles.filter((title) => title === 'Company profiles by domain')).toHaveLength(1);
    const full = await open.discover({ need: 'company data', detail: 'full', limit: 1 }, anyCall());
    expect(resultsOf(full)[0]).toMatchObject({ seller: { title: 'Company profiles by domain' } });
  });
});

test('a serving wallet fetches old lists again behind the calls, and only then', async () => {
  const serving = await world.wallet({
    usdMicros: 0n,
    settings: {
      'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
      'discovery.sources': JSON.stringify([catalogue.listUrl]),
    },
  });
  let ahead = 0;
  const now = (): number => world.now() + ahead;
  const server = new Wallet({ ...serving.options, now }, { reconcile: true });
  await sync(serving, server);
  catalogue.requests.length = 0;
  await server.discover({ need: 'weather' }, anyCall());
  expect(catalogue.requests).toEqual([]);
  ahead = 7 * 3_600_000;
  const refreshed = new Promise<void>((resolve) => {
    catalogue.onRequest(() => resolve());
  });
  const outcome = await server.discover({ need: 'weather' }, anyCall());
  expect(resultsOf(outcome).length).toBeGreaterThan(0);
  await refreshed;
  await server.close();
});

describe('a poisoned catalogue (T16, T17)', () => {
  test('its text is cleaned, cut and fenced, and its lies are told', async () => {
    const poisoned = await world.wallet({
      usdMicros: 0n,
      settings: {
        'net.allow_private': JSON.stringify([world.sandbox.shop.hostPort, catalogue.hostPort]),
        'discovery.sources': JSON.stringify([`${catalogue.url}/poisoned/discovery/resources`]),
      },
    });
    const victim = poisoned.open();
    await sync(poisoned, victim);
    const asked = { networks: ['any'], limit: 25 };
    const outcome = await victim.discover({ need: 'OpenAI chat company', ...asked }, anyCall());
    const inward = await victim.discover({ need: 'metadata admin', ...asked }, anyCall());
    const results = [outcome, inward].flatMap(resultsOf);
    expect(results.length).toBeGreaterThan(1);
    expect(results.length).toBeLessThan(POISONED.length);
    const hosts = results.map((result) => new URL(urlOf(result)).hostname);
    expect(hosts).not.toContain('169.254.169.254');
    expect(hosts).not.toContain('localhost');
    const openai = results.find((result) => urlOf(result).includes('openai'));
    expect(openai?.warning).toMatch(/openai/);
    const text = renderOutcome({ ...outcome, tell_owner: null }, () => 'mark');
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202e]/);
    const [before, fenced] = text.split('--- mark: written by the seller');
    expect(before).not.toContain('Ignore all previous');
    expect(fenced).toContain('Ignore all previous');
  });
});

describe('origin', () => {
  test('lists a site live, by its own documents', async () => {
    const outcome = await wallet.discover({ origin: catalogue.url, networks: ['any'], limit: 25 }, anyCall());
    expect(outcome['found']).toEqual(['/openapi.json: 8 endpoints', '/.well-known/x402: 3 endpoints']);
    expect(outcome['site_guidance']).toBe('Call the cheapest endpoint first.');
    expect(resultsOf(outcome).every((result) => urlOf(result).startsWith(catalogue.url))).toBe(true);
    expect(resultsOf(outcome).filter(({ usd }) => usd !== undefined)).toHaveLength(8);
  });

  test('asks one endpoint what it costs where the site has no documents', async () => {
    const origin = `${world.sandbox.shop.url}/v2/price/0.04`;
    const outcome = await wallet.discover({ origin, detail: 'full' }, anyCall());
    expect(resultsOf(outcome)).toMatchObject([
      {
        next: { arguments: { url: origin } },
        usd: '0.04',
        networks: 'eip155:84532 solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
      },
    ]);
  });

  test('counts and says what of a site’s documents could not be read', async () => {
    const { shop } = world.sandbox;
    const document = {
      resources: [{ resource: 'GET /v2/json', price: '$0.01' }, 7, 'https://other.example/x'],
    };
    shop.handle('/.well-known/x402.json', (_order, response) => response.end(JSON.stringify(document)));
    const outcome = await wallet.discover({ origin: shop.url, networks: ['any'] }, anyCall());
    expect(outcome).toMatchObject({ found: ['/.well-known/x402.json: 1 endpoints'], unreadable: 2 });
    expect(outcome.message).toContain('2 entries of its documents could not be read.');
    expect(resultsOf(outcome)).toMatchObject([
      { usd: '0.01', next: { arguments: { url: `${shop.url}/v2/json` } } },
    ]);
  });

  test.each([
    ['http://169.254.169.254/', 'address_refused'],
    ['ftp://example.com', 'bad_url'],
    ['', 'bad_url'],
  ])('%s is refused', async (origin, code) => {
    expect(await wallet.discover({ origin }, anyCall())).toMatchObject({ code });
  });
});
