import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { initialSettings } from '../../src/config/settings.js';
import { isBackedUp } from '../../src/owner/setUp/backedUp.js';
import { listFactors } from '../../src/owner/auth/ownerFactors.js';
import { SetUpForm } from '../../src/owner/setUp/setUpForm.js';
import { isMadeUnlockPassphrase } from '../../src/owner/setUp/unlockSecret.js';
import type { Page } from '../../src/web/page.js';
import { startSetUpPage } from '../../src/web/setUp/setUpPage.js';
import {
  addAuthenticator,
  goTo,
  keepPicture,
  NO_CHROMIUM,
  ownCommand,
  PASSPHRASE,
  startBrowser,
} from './owner.js';
import { cookieOf, postForm, send, visitAsAgent, visitWith, type Agent, type Reply } from './request.js';

const UNLOCK = 'what unlocks the keystore';

let folder: string;
let home: string;
let form: SetUpForm;
let page: Page;
/** How often the desktop showed the code. */
let shown: number;
/** The code that the desktop showed last, and what for each was. */
let onDesktop: string;
let purposes: string[];
const startSetUp = (): Promise<Page> =>
  startSetUpPage(form, {
    now: Date.now,
    command: ownCommand,
    showCode: async ({ codeToShow }, purpose) => {
      shown += 1;
      purposes.push(purpose);
      onDesktop = codeToShow();
      return Promise.resolve(true);
    },
  });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'purser-set-up-'));
  home = join(folder, 'wallet');
  shown = 0;
  purposes = [];
  form = new SetUpForm({ home, now: Date.now, passphrase: async () => Promise.resolve(UNLOCK) });
  page = await startSetUp();
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

/** A factor costs as long to make as the keystore: most tests are not about it. */
const NO_FACTOR = { passphrase: '', again: '' };

/** Makes the wallet in a browser that was let in, with the code. */
async function make(over: Record<string, string> = {}, visit?: Agent): Promise<Reply> {
  const by = visit ?? (await visitAsAgent(page));
  return by.post('', { ...CHOICES, code: over['code'] ?? page.codeToShow(), ...over });
}

const factorsOf = async (): Promise<string[]> => {
  const passphrase = async (): Promise<string> => Promise.resolve(UNLOCK);
  const auth = { passphrase, atTerminal: false };
  return (await listFactors({ home, now: Date.now, passphrase, auth })).map(({ kind }) => kind);
};

describe('the owner', () => {
  test('makes the wallet with limits and a factor, and sees where to send money', async () => {
    const visit = await visitAsAgent(page);
    const reply = await make({}, visit);
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
    const { body } = await visit.get('');
    expect(body).toContain('The wallet is ready');
    expect(body).toMatch(/0x[0-9a-fA-F]{40}/);
    // Nothing of it needs a terminal: the words are had here, and the address can be scanned.
    expect(body).toContain('Write down the words');
    expect(body).toMatch(/aria-label="QR code of 0x[0-9a-fA-F]{40}"/);
    expect(body).not.toContain('purser backup');
    // What now holds, limits and ceilings and factor.
    for (const holds of ['$0.25', '$2.50', '$20.00', '$200.00', '“owner passphrase”'])
      expect(body).toContain(holds);
    for (const secret of [PASSPHRASE, UNLOCK]) expect(body).not.toContain(secret);
  });

  test('comes in by the code that the screen shows, too, and sees it again on request, not without end', async () => {
    const code = ` ${page.codeToShow().toLowerCase().replace('-', ' ')} `;
    const entered = await postForm(page.port, '/code', { code });
    expect(entered.status).toBe(303);
    const visit = await visitWith(page.port, entered.headers.location ?? '', cookieOf(entered));
    expect((await visit.get('')).body).toContain('Make the wallet');
    for (let i = 0; i < 8; i += 1) await visit.post('/code', {});
    expect(shown).toBe(5);
    expect((await make({ code, ...NO_FACTOR }, visit)).status).toBe(303);
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
    expect(form.isSetUp()).toBe(false);
  });
});

describe('who only knows the address, as an agent does', () => {
  test('sees nothing and makes nothing', async () => {
    const { token } = await visitAsAgent(page);
    const code = page.codeToShow();
    for (const path of ['/', '/code', '/v/x']) {
      const look = await send(page.port, { path });
      expect(look.status).toBe(403);
      expect(look.body).toContain('Is it you?');
      expect(look.body).not.toContain(code);
      expect(
        (await postForm(page.port, path === '/code' ? '/' : path, { token, ...CHOICES, code })).status,
      ).toBe(403);
    }
    expect(form.isSetUp()).toBe(false);
  });

  test('has five codes at the door, and they cost the owner who is inside none', async () => {
    const visit = await visitAsAgent(page);
    const code = page.codeToShow();
    for (let i = 0; i < 7; i += 1)
      expect((await postForm(page.port, '/code', { code: `BCDF-234${i % 10}` })).status).toBe(403);
    expect((await postForm(page.port, '/code', { code })).body).toContain('none is taken any more');
    expect((await make({ code, ...NO_FACTOR }, visit)).status).toBe(303);
  });
});

// T33: an agent that steers the owner's browser has what the browser has.
test('who has the owner’s own browser makes nothing without the code, and five wrong ones close the page', async () => {
  const visit = await visitAsAgent(page);
  const code = page.codeToShow();
  for (const wrong of ['', 'BCDF-2345', visit.token, visit.base]) {
    const reply = await make({ code: wrong }, visit);
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('That is not the code');
    expect(reply.body).not.toContain(PASSPHRASE);
  }
  const other = await visitAsAgent(page);
  expect((await make({ code: 'BCDF-2345' }, other)).body).toContain('This page is closed');
  expect((await make({ code }, visit)).body).toContain('This page is closed');
  expect((await visit.get('')).body).toContain('purser init');
  expect(form.isSetUp()).toBe(false);
});

test('another page of the browser sends no form of this one', async () => {
  const visit = await visitAsAgent(page);
  const fields = { ...CHOICES, code: page.codeToShow() };
  for (const headers of [
    { origin: 'http://localhost:1' },
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { host: 'evil.example' },
    // What a page of another port is sent of the cookie's jar.
    { cookie: '' },
  ])
    expect((await visit.post('', fields, headers)).status).toBeGreaterThanOrEqual(403);
  expect((await visit.post('', { ...fields, token: 'x' })).status).toBe(403);
  // The cookie alone, at every path that is not the secret one.
  for (const path of ['/', '/v', `/v/${'0'.repeat(32)}`])
    expect(
      (await postForm(page.port, path, { token: visit.token, ...fields }, { cookie: visit.cookie })).status,
    ).toBe(403);
  expect(form.isSetUp()).toBe(false);
});

test('once a wallet is there, the page changes nothing, and says to every other window what now holds and that it was made elsewhere', async () => {
  const [mine, theirs] = [await visitAsAgent(page), await visitAsAgent(page)];
  // Whoever got in first, with limits and a factor of their own.
  expect((await make({ per_call: '99999', per_month: '999999', per_day: '99999' }, theirs)).status).toBe(303);
  const before = readConfigUnauthenticated(home);
  expect((await theirs.get('')).body).toContain('The wallet is ready');
  const look = async (visit: Agent): Promise<void> => {
    const { body } = await visit.get('');
    expect(body).toContain('The wallet was made in another window');
    expect(body).toContain('If you did not make it, send it no money');
    for (const holds of ['$99999.00', '$999990.00', '$9999990.00', '“owner passphrase”'])
      expect(body).toContain(holds);
  };
  await look(mine);
  // A form that was open in another tab, and a page of another process.
  const reply = await make({ per_day: '900' }, mine);
  expect(reply.body).toContain('The wallet was made in another window');
  form = new SetUpForm({ home, now: Date.now, passphrase: async () => Promise.resolve(UNLOCK) });
  const elsewhere = await startSetUp();
  await look(await visitAsAgent(elsewhere));
  await elsewhere.close();
  const limits = {
    perCallUsdMicros: 1n,
    perSessionUsdMicros: 1n,
    perDayUsdMicros: 1n,
    perMonthUsdMicros: 1n,
  };
  await expect(
    form.make({
      keystore: 'file',
      testnet: true,
      limits,
      factor: { kind: 'passphrase', passphrase: PASSPHRASE },
    }),
  ).rejects.toMatchObject({ code: 'already_set_up' });
  expect(readConfigUnauthenticated(home)).toEqual(before);
  expect(await factorsOf()).toEqual(['passphrase']);
});

test('a wallet whose keys do not open here is told of with the limits that its file says', async () => {
  await make(NO_FACTOR);
  form = new SetUpForm({ home, now: Date.now, passphrase: async () => Promise.resolve('another') });
  const elsewhere = await startSetUp();
  const { body } = await (await visitAsAgent(elsewhere)).get('');
  await elsewhere.close();
  expect(body).toContain('Not all of it can be looked at from here');
  expect(body).toContain('$0.25');
  expect(body).toContain('not known');
});

// Where there is no Chromium there is nothing to look with: see NO_CHROMIUM.
test.skipIf(NO_CHROMIUM)('in a browser, from the address that was opened to the ready wallet', async () => {
  await using browser = await startBrowser();
  const tab = await browser.context.newPage();
  await goTo(tab, page.ticket('').url);
  await tab.getByRole('heading', { level: 1, name: 'Set up the wallet of your agents' }).waitFor();
  await keepPicture(tab, 'set-up');
  await tab.getByLabel('Test money: Base Sepolia').check();
  await tab.getByLabel('One call').fill('0.10');
  await tab.getByLabel('The code on your desktop').fill(page.codeToShow());
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

describe('the recovery words', () => {
  const wordsIn = (body: string): string[] =>
    [...body.matchAll(/<li>([a-z]+)<\/li>/g)].map(([, word = '']) => word);
  const askedIn = (body: string): number[] =>
    [...body.matchAll(/name="word(\d+)"/g)].map(([, place]) => Number(place));

  test('come once for a code of their own, and are noted as backed up by three of them', async () => {
    const visit = await visitAsAgent(page);
    const first = page.codeToShow();
    await make(NO_FACTOR, visit);
    // The code that made the wallet was typed into the browser: it opens nothing more.
    expect((await visit.post('/words', { code: first })).body).not.toContain('<li>');
    expect((await visit.post('/words/code', {})).body).toContain('Is it you?');
    expect(purposes).toEqual(['words']);
    expect(onDesktop).not.toBe(first);
    const shownOnce = await visit.post('/words', { code: onDesktop });
    const words = wordsIn(shownOnce.body);
    expect(words).toHaveLength(24);
    expect(shownOnce.headers['cache-control']).toBe('no-store');
    expect(wordsIn((await visit.post('/words', { code: onDesktop })).body)).toEqual([]);
    const asked = askedIn((await visit.post('/words/ask', {})).body);
    expect(asked).toHaveLength(3);
    const given = Object.fromEntries(asked.map((place) => [`word${place}`, words[place] ?? '']));
    const wrong = await visit.post('/words/check', { ...given, [`word${asked[0]}`]: 'zebra' });
    expect(wrong.status).toBe(400);
    expect(isBackedUp(home)).toBe(false);
    expect((await visit.post('/words/check', given)).status).toBe(303);
    expect(isBackedUp(home)).toBe(true);
    expect((await visit.get('')).body).toContain('You have proved a copy');
    // Proved once, they are shown on no page again.
    expect((await visit.post('/words/code', {})).status).toBe(403);
  });

  test('are shown to no other window, to no wrong code, and of no wallet that was there before', async () => {
    const [mine, theirs] = [await visitAsAgent(page), await visitAsAgent(page)];
    await make(NO_FACTOR, mine);
    for (const path of ['/words/code', '/words', '/words/ask', '/words/check'])
      expect((await theirs.post(path, { code: page.codeToShow() })).status).toBe(403);
    expect(shown).toBe(0);
    expect((await theirs.get('')).body).not.toContain('QR code of');
    await mine.post('/words/code', {});
    for (let i = 0; i < 6; i += 1)
      expect(wordsIn((await mine.post('/words', { code: `BCDF-234${i}` })).body)).toEqual([]);
    expect(wordsIn((await mine.post('/words', { code: onDesktop })).body)).toEqual([]);
    form = new SetUpForm({ home, now: Date.now, passphrase: async () => Promise.resolve(UNLOCK) });
    const elsewhere = await startSetUp();
    const late = await visitAsAgent(elsewhere);
    const [, token = ''] = /data-token="([^"]+)"/.exec((await late.get('')).body) ?? [];
    expect((await late.post('/words/code', { token })).body).toContain('purser backup');
    await elsewhere.close();
  });
});

test('without a keychain and a passphrase, a file keystore is made whose passphrase is kept for clients', async () => {
  await page.close();
  const kept: string[] = [];
  const place = {
    home,
    now: Date.now,
    passphrase: async () => Promise.resolve(kept.at(-1) ?? null),
    keepPassphrase: async (text: string) => Promise.resolve((kept.push(text), text)),
  };
  form = new SetUpForm(place);
  page = await startSetUp();
  const visit = await visitAsAgent(page);
  expect((await visit.get('')).body).toContain('what unlocks it is kept beside it');
  expect((await make({ ...NO_FACTOR, keystore: 'file' }, visit)).status).toBe(303);
  expect(kept).toHaveLength(1);
  expect(isMadeUnlockPassphrase(kept[0] ?? '')).toBe(true);
  expect((await visit.get('')).body).not.toContain(kept[0]);
  // Another process opens it by what was kept.
  const again = new SetUpForm(place);
  expect(await again.standing()).toMatchObject({ keystore: 'file', problem: null, factors: [] });
});

test('a set-up that was begun with another passphrase is not taken over by one that is made up', async () => {
  await make(NO_FACTOR);
  rmSync(join(home, 'config.json'));
  const kept: string[] = [];
  form = new SetUpForm({
    home,
    now: Date.now,
    passphrase: async () => Promise.resolve(null),
    keepPassphrase: async (text) => Promise.resolve((kept.push(text), text)),
  });
  const { perCallUsdMicros, perSessionUsdMicros, perDayUsdMicros, perMonthUsdMicros } =
    initialSettings(true).limits;
  const limits = { perCallUsdMicros, perSessionUsdMicros, perDayUsdMicros, perMonthUsdMicros };
  await expect(form.make({ keystore: 'file', testnet: true, limits, factor: null })).rejects.toMatchObject({
    code: 'keystore_locked',
  });
  expect(kept).toEqual([]);
});

test.skipIf(NO_CHROMIUM)(
  'in a browser alone: a passkey, the QR code, the words, and no terminal',
  async () => {
    await using browser = await startBrowser();
    const tab = await browser.context.newPage();
    await addAuthenticator(tab);
    await goTo(tab, page.ticket('').url);
    await tab.getByLabel('Test money: Base Sepolia').check();
    await tab.getByLabel('The code on your desktop').fill('BCDF-2345');
    await tab.getByRole('button', { name: 'Make it with a passkey' }).click();
    await tab.getByRole('status').getByText('That is not the code').waitFor();
    await tab.getByLabel('The code on your desktop').fill(page.codeToShow());
    await tab.getByRole('button', { name: 'Make it with a passkey' }).click();
    await tab.getByRole('heading', { level: 1, name: 'The wallet is ready' }).waitFor();
    expect(await factorsOf()).toEqual(['passkey']);
    await tab.getByRole('img', { name: /^QR code of 0x/ }).waitFor();
    await keepPicture(tab, 'set-up-ready-passkey');
    await tab.getByRole('button', { name: 'Write down the words' }).click();
    await tab.getByRole('heading', { level: 1, name: 'Is it you?' }).waitFor();
    await keepPicture(tab, 'set-up-words-code');
    await tab.getByLabel('The code on your desktop').fill(onDesktop);
    await tab.getByRole('button', { name: 'Show the words' }).click();
    await tab.getByRole('heading', { level: 1, name: /^Write these 24 words/ }).waitFor();
    const words = await tab.locator('.words li').allInnerTexts();
    await keepPicture(tab, 'set-up-words');
    await tab.getByRole('button', { name: 'I have written them down' }).click();
    await tab.getByRole('heading', { level: 1, name: /^Three of them/ }).waitFor();
    for (const field of await tab.locator('.field').all()) {
      const place = Number(/\d+/.exec(await field.locator('label').innerText())?.[0]);
      await field.locator('input').fill(words[place - 1] ?? '');
    }
    await keepPicture(tab, 'set-up-words-asked');
    await tab.getByRole('button', { name: 'Check' }).click();
    await tab.getByText('You have proved a copy').waitFor();
    await keepPicture(tab, 'set-up-backed-up');
    expect(isBackedUp(home)).toBe(true);
  },
);
