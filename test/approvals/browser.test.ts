import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page as Tab } from 'playwright-core';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { noTerminal, openTerminal, spawnPurser } from '../cli/program.js';
import type { Place } from '../mcp/purser.js';
import { addAuthenticator, goTo, NO_CHROMIUM, startBrowser } from '../web/owner.js';
import { askingPlace } from './place.js';

let sandbox: Sandbox;
let place: Place;
/** Asked once, before there is a factor. */
let question: { id: string; url: string };

beforeAll(async () => {
  sandbox = await startSandbox();
  place = await askingPlace(sandbox, false);
  const url = `${sandbox.shop.url}/v2/price/0.05?id=browser`;
  // Exit code 4: the question waits.
  await expect(place.run('pay', url, '--max-usd', '0.10')).rejects.toMatchObject({ code: 4 });
  const { approvals } = JSON.parse(await place.run('approvals', '--json')) as {
    approvals: { approval_id: string }[];
  };
  question = { id: approvals[0]?.approval_id ?? '', url };
});
afterAll(async () => {
  place.remove();
  await sandbox.stop();
});

/** Runs a command that goes on for a while; `hears` waits for what its stderr says, now or later. */
function start(args: readonly string[]) {
  const child = spawnPurser(args, place.env);
  const { stderr } = child;
  if (stderr === null) throw new Error('The program has no stderr.');
  let said = '';
  stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  child.stdout?.resume();
  const ended = once(child, 'close') as Promise<[exit: number | null]>;
  const hears = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const [, found] = pattern.exec(said) ?? [];
      if (found !== undefined) return found;
      const isOver = await Promise.race([once(stderr, 'data').then(() => false), ended.then(() => true)]);
      if (isOver) throw new Error(`The program ended without ${pattern.source}; it said:\n${said}`);
    }
  };
  return { child, hears, ended: ended.then(([exit]) => exit) };
}

const PAGE = /Open (http:\/\/localhost:\d+\/\S*)\s/;
const CODE = /Where it asks for a code, type (\S+)\s/;

/** Comes in as an owner whose browser could not be opened does: by the bare address, with the code of the terminal. */
async function enter(tab: Tab, url: string, code: string): Promise<void> {
  await goTo(tab, url);
  await tab.getByLabel('The code that Purser showed you').fill(code);
  await tab.getByRole('button', { name: 'Go on' }).click();
  await tab.waitForURL(/\/v\/[0-9a-f]{32}/);
}

/** Another page of the visit that a tab is in. */
const pageOf = (tab: Tab, path: string): string =>
  `${/^.*\/v\/[0-9a-f]{32}/.exec(tab.url())?.[0] ?? ''}${path}`;

test('open shows the page until it is interrupted, and takes it away then', async () => {
  const { child, hears, ended } = start(['open']);
  const url = await hears(PAGE);
  expect((await fetch(url)).status).toBe(403);
  await hears(CODE);
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});

// There is no passkey without a browser: see NO_CHROMIUM; and an owner command waits for one at a terminal alone.
describe.skipIf(NO_CHROMIUM || noTerminal() !== null)('a passkey', () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let tab: Tab;
  beforeAll(async () => {
    browser = await startBrowser();
    tab = await browser.context.newPage();
    await addAuthenticator(tab);
  });
  afterAll(async () => browser[Symbol.asyncDispose]());

  /** A command that loosens, run at a terminal, and the page that it waits at. */
  async function confirming(value: string) {
    const terminal = openTerminal(['config', 'set', 'limits.per_day_usd', value], place.env);
    await terminal.sees('Where it asks for a code');
    await terminal.sees('\n');
    const [, url = ''] = PAGE.exec(terminal.screen()) ?? [];
    const [, code = ''] = CODE.exec(terminal.screen()) ?? [];
    await enter(tab, url, code);
    return terminal;
  }

  test('is added from the command line by the code that it shows', async () => {
    const args = ['factor', 'add', 'passkey', '--label', 'laptop', '--passphrase-file', place.passphraseFile];
    const { hears, ended } = start(args);
    const url = await hears(PAGE);
    const code = await hears(CODE);
    await enter(tab, url, code);
    await tab.getByLabel('The code that your terminal shows').fill(code);
    await tab.keyboard.press('Enter');
    await tab.getByText('It is called “laptop”.').waitFor();
    expect(await ended).toBe(0);
    expect(JSON.parse(await place.run('factor', 'list', '--json'))).toMatchObject({
      factors: [{ kind: 'passkey', label: 'laptop' }],
    });
  });

  test('is offered while a wallet is made', async () => {
    const home = mkdtempSync(join(tmpdir(), 'purser-init-'));
    const env = { ...place.env, PURSER_HOME: join(home, 'new') };
    const args = ['init', '--keystore', 'file', '--passphrase-file', place.passphraseFile, '--testnet'];
    const terminal = openTerminal(args, env);
    await terminal.sees('Owner passphrase');
    terminal.type('\r');
    await terminal.sees('A passkey instead');
    terminal.type('y\r');
    await terminal.sees('Where it asks for a code');
    await terminal.sees('\n');
    const [url, code] = [PAGE, CODE].map((pattern) => pattern.exec(terminal.screen())?.[1] ?? '');
    await enter(tab, url ?? '', code ?? '');
    await tab.getByLabel('The code that your terminal shows').fill(code ?? '');
    await tab.keyboard.press('Enter');
    await tab.getByText('The passkey is added').waitFor();
    expect(await terminal.end()).toMatchObject({ exit: 0, screen: expect.stringContaining('Added ') });
    rmSync(home, { recursive: true });
  });

  test('is asked of whoever loosens, and a terminal with all that unlocks the wallet is not enough', async () => {
    const terminal = await confirming('6.00');
    await tab.getByRole('button', { name: 'Decline', exact: true }).click();
    await tab.getByText('Declined').waitFor();
    expect(await terminal.end()).toMatchObject({ exit: 3 });
    expect(JSON.parse(await place.run('config', 'get', 'limits.per_day_usd', '--json'))).toMatchObject({
      value: '5.00',
    });
  });

  test('accepts an edit of the config that its page shows whole, and nothing that changed since', async () => {
    const file = join(place.env['PURSER_HOME'] ?? '', 'config.json');
    const saved = readFileSync(file, 'utf8');
    const evil = ['https://one.example/', 'https://two.example/', 'https://evil.example/'];
    const edit = (perDay: string): string => {
      const json = JSON.parse(saved) as { limits: object; networks: Record<string, object> };
      const limits = { ...json.limits, per_day_usd: perDay };
      const hosts = { allow: evil.map((url) => new URL(url).host), deny: [] };
      const text = JSON.stringify({ ...json, limits, hosts });
      writeFileSync(file, text);
      return createHash('sha256').update(text).digest('hex');
    };
    const accepting = async () => {
      const terminal = openTerminal(['config', 'accept'], place.env);
      await terminal.sees('Accept it?');
      terminal.type('y\r');
      await terminal.sees('Where it asks for a code');
      await terminal.sees('\n');
      const [url, code] = [PAGE, CODE].map((pattern) => pattern.exec(terminal.screen())?.[1] ?? '');
      await enter(tab, url ?? '', code ?? '');
      return terminal;
    };
    const hash = edit('49.00');
    const terminal = await accepting();
    await tab.getByRole('heading', { name: 'Accept an edit of config.json?' }).waitFor();
    const shown = await tab.getByRole('main').innerText();
    for (const part of ['limits.per_day_usd loosens', 'from  5.00', 'to    49.00', '+ evil.example', hash])
      expect(shown).toContain(part);
    // Another program writes a file of its own while the owner reads.
    edit('50.00');
    await tab.getByRole('button', { name: /with a passkey/ }).click();
    await tab.getByText('You confirmed it').waitFor();
    expect(await terminal.end()).toMatchObject({
      exit: 6,
      screen: expect.stringContaining('changed again after it was shown') as string,
    });

    edit('49.00');
    const again = await accepting();
    await tab.getByRole('button', { name: /with a passkey/ }).click();
    await tab.getByText('You confirmed it').waitFor();
    expect(await again.end()).toMatchObject({ exit: 0 });
    writeFileSync(file, saved);
    const back = await accepting();
    await tab.getByRole('button', { name: /with a passkey/ }).click();
    expect(await back.end()).toMatchObject({ exit: 0 });
  });

  test('confirms an owner command; its page answers questions too, with the config’s own code', async () => {
    const terminal = await confirming('7.00');
    await goTo(tab, pageOf(tab, `/approvals/${question.id}`));
    await tab.getByRole('button', { name: 'Decline and block 127.0.0.1' }).click();
    await tab.getByText('127.0.0.1 is blocked from now on').waitFor();
    await goTo(tab, pageOf(tab, '/confirm'));
    await tab.getByRole('button', { name: /with a passkey/ }).click();
    await tab.getByText('You confirmed it').waitFor();
    expect(await terminal.end()).toMatchObject({ exit: 0 });
    expect(JSON.parse(await place.run('config', 'get', 'limits.per_day_usd', '--json'))).toMatchObject({
      value: '7.00',
    });
    await expect(place.run('pay', question.url, '--max-usd', '0.10')).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('127.0.0.1') as string,
    });
    expect(JSON.parse(await place.run('audit', '--json'))).toMatchObject({ status: 'ok', findings: [] });
  });
});
