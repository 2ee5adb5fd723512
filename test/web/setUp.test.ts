import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { listFactors } from '../../src/owner/ownerFactors.js';
import { SetUpDesk } from '../../src/owner/setUpDesk.js';
import { startSetUpPage, type SetUpPage } from '../../src/web/setUpPage.js';
import { goTo, keepPicture, NO_CHROMIUM, PASSPHRASE, startBrowser } from './owner.js';
import { send, type Reply } from './request.js';

const UNLOCK = 'what unlocks the keystore';

let folder: string;
let home: string;
let desk: SetUpDesk;
let page: SetUpPage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'purser-set-up-'));
  home = join(folder, 'wallet');
  desk = new SetUpDesk({ home, now: Date.now, passphrase: async () => Promise.resolve(UNLOCK) });
  page = await startSetUpPage(desk, (args) => `purser ${args}`);
});
afterEach(async () => {
  await page.close();
  rmSync(folder, { recursive: true, force: true });
});

const CHOICES = {
  money: 'test',
  keystore: 'file',
  per_call: '0.25',
  per_session: '1',
  per_day: '2.50',
  per_month: '20',
  passphrase: PASSPHRASE,
  again: PASSPHRASE,
};

function post(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return send(page.port, {
    method: 'POST',
    path,
    headers: {
      origin: `http://localhost:${page.port}`,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams(fields).toString(),
  });
}

const cookieOf = ({ headers }: Reply): string => headers['set-cookie']?.[0]?.split(';')[0] ?? '';

/** The visit of who has the owner's own address: its cookie, and the token of its forms. */
async function enter(): Promise<{ cookie: string; token: string }> {
  const { pathname, search } = new URL(page.ownerUrl);
  const cookie = cookieOf(await send(page.port, { path: pathname + search }));
  const { body } = await send(page.port, { headers: { cookie } });
  return { cookie, token: /name="token" value="([^"]+)"/.exec(body)?.[1] ?? '' };
}

async function make(over: Record<string, string> = {}): Promise<Reply> {
  const { cookie, token } = await enter();
  return post('/', { token, ...CHOICES, ...over }, { cookie });
}

const factorsOf = async (): Promise<string[]> => {
  const passphrase = async (): Promise<string> => Promise.resolve(UNLOCK);
  const hand = { passphrase, atTerminal: false };
  return (await listFactors({ home, now: Date.now, passphrase, hand })).map(({ kind }) => kind);
};

describe('the owner', () => {
  test('makes the wallet with limits and a factor, and sees where to send money', async () => {
    const reply = await make();
    expect(reply.status).toBe(303);
    const { limits, ceilings, testnet, keystore } = readConfigUnauthenticated(home);
    expect({ testnet, keystore }).toEqual({ testnet: true, keystore: 'file' });
    expect(limits).toMatchObject({
      perCallUsdMicros: 250_000n,
      perSessionUsdMicros: 1_000_000n,
      perDayUsdMicros: 2_500_000n,
      perMonthUsdMicros: 20_000_000n,
    });
    expect(ceilings).toMatchObject({ perCallUsdMicros: 2_500_000n, perMonthUsdMicros: 200_000_000n });
    expect(await factorsOf()).toEqual(['passphrase']);
    const { cookie } = await enter();
    const { body } = await send(page.port, { headers: { cookie } });
    expect(body).toContain(desk.made?.setUp.address);
    expect(body).toContain('purser backup');
    for (const secret of [PASSPHRASE, UNLOCK]) expect(body).not.toContain(secret);
  });

  test('comes in by the code that the screen shows, too', async () => {
    const entered = await post('/code', { code: ` ${page.code.toLowerCase().replace('-', ' ')} ` });
    expect(entered.status).toBe(303);
    expect((await send(page.port, { headers: { cookie: cookieOf(entered) } })).body).toContain(
      'Make the wallet',
    );
  });

  test.each([
    ['a limit that is none', { per_day: '-1' }, /24 hours must be dollars/],
    ['a limit beyond sense', { per_day: '50000000' }, /slip of the keyboard/],
    ['passphrases that differ', { again: 'another passphrase' }, /differ; nothing was made/],
    ['a short passphrase', { passphrase: 'short', again: 'short' }, /12 to 1024 characters/],
    ['the passphrase that unlocks', { passphrase: UNLOCK, again: UNLOCK }, /must be another than/],
    ['no keystore', { keystore: 'cloud' }, /Choose where the keys are kept/],
  ])('is told of %s before anything is made', async (_what, over, says) => {
    const reply = await make(over);
    expect(reply.status).toBe(400);
    expect(reply.body.replace(/\s+/g, ' ')).toMatch(says);
    expect(reply.body).not.toContain('value="short"');
    expect(desk.isSetUp()).toBe(false);
  });
});

describe('who only knows the address, as an agent does', () => {
  test('sees nothing and makes nothing', async () => {
    expect(page.url).toBe(`http://localhost:${page.port}/`);
    const look = await send(page.port, {});
    expect(look.status).toBe(403);
    expect(look.body).toContain('Is it you?');
    for (const secret of [page.code, new URL(page.ownerUrl).searchParams.get('key') ?? '?'])
      expect(look.body).not.toContain(secret);
    const { token } = await enter();
    expect((await post('/', { token, ...CHOICES })).status).toBe(403);
    expect(desk.isSetUp()).toBe(false);
  });

  test('has five codes, and then the right one is none either', async () => {
    for (let i = 0; i < 5; i += 1)
      expect((await post('/code', { code: `BCDF-234${i + 5}` })).status).toBe(403);
    const reply = await post('/code', { code: page.code });
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('This page is closed');
  });
});

test('another page of the browser sends no form of this one', async () => {
  const { cookie, token } = await enter();
  const fields = { token, ...CHOICES };
  const own = { cookie };
  for (const headers of [
    { ...own, origin: 'http://localhost:1' },
    { ...own, origin: 'https://evil.example' },
    { ...own, 'sec-fetch-site': 'cross-site' },
    { ...own, host: 'evil.example' },
  ])
    expect((await post('/', fields, headers)).status).toBeGreaterThanOrEqual(403);
  expect((await post('/', { ...fields, token: 'x' }, own)).status).toBe(403);
  expect((await post('/code', { code: page.code }, { origin: 'http://localhost:1' })).status).toBe(403);
  expect(desk.isSetUp()).toBe(false);
});

test('once a wallet is there, the page changes nothing: no limit, and no factor behind the owner’s back', async () => {
  const visit = await enter();
  expect((await make({ passphrase: '', again: '' })).status).toBe(303);
  const before = readConfigUnauthenticated(home);
  const { cookie } = await enter();
  expect((await send(page.port, { headers: { cookie } })).body).toContain('The wallet is ready');
  // A form that was open in another tab, and a page of another process.
  const again = { token: visit.token, ...CHOICES, per_day: '900' };
  const reply = await post('/', again, { cookie: visit.cookie });
  expect(reply.body).toContain('There is a wallet already');
  const other = new SetUpDesk({ home, now: Date.now, passphrase: async () => Promise.resolve(UNLOCK) });
  const limits = {
    perCallUsdMicros: 1n,
    perSessionUsdMicros: 1n,
    perDayUsdMicros: 1n,
    perMonthUsdMicros: 1n,
  };
  await expect(
    other.make({ keystore: 'file', testnet: true, limits, factor: PASSPHRASE }),
  ).rejects.toMatchObject({ code: 'already_set_up' });
  expect(readConfigUnauthenticated(home)).toEqual(before);
  expect(await factorsOf()).toEqual([]);
});

// Where there is no Chromium there is nothing to look with: see NO_CHROMIUM.
test.skipIf(NO_CHROMIUM)('in a browser, from the address that was opened to the ready wallet', async () => {
  await using browser = await startBrowser();
  const tab = await browser.context.newPage();
  await goTo(tab, page.ownerUrl);
  await tab.getByRole('heading', { level: 1, name: 'Set up the wallet of your agents' }).waitFor();
  expect(new URL(tab.url()).search).toBe('');
  await keepPicture(tab, 'set-up');
  await tab.getByLabel('Test money: Base Sepolia').check();
  await tab.getByLabel('One call').fill('0.10');
  await tab.getByLabel('Owner passphrase').fill(PASSPHRASE);
  await tab.getByLabel('The same again').fill(PASSPHRASE);
  await tab.getByRole('button', { name: 'Make the wallet' }).click();
  await tab.getByRole('heading', { level: 1, name: 'The wallet is ready' }).waitFor();
  await keepPicture(tab, 'set-up-ready');
  // Each fact stands beside its name, the second address too.
  const leftOf = (name: string): Promise<number[]> =>
    tab.locator(`.facts ${name}`).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left));
  const [names, facts] = [await leftOf('dt'), await leftOf('dd')];
  expect(facts.length).toBe(names.length + 1);
  expect(new Set(facts).size).toBe(1);
  expect(Math.min(...facts)).toBeGreaterThan(Math.max(...names));
  expect(readConfigUnauthenticated(home).limits.perCallUsdMicros).toBe(100_000n);
});
