import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_DESKTOP, startDesktop } from '../support/notifications.js';
import { cookieOf, send, visitWith } from '../web/request.js';
import { Agent, createPlace, type Place } from './purser.js';

let place: Place;
let agent: Agent;
beforeEach(() => {
  place = createPlace();
});
afterEach(async () => {
  await agent.close();
  place.remove();
});

/** A program in the browser's place, that notes what it is given and keeps the file that it is led to. */
function noteBrowser(): { readonly env: Record<string, string>; opened(): string[]; led(): string } {
  const [program, notes, led] = ['browser', 'opened', 'led'].map((name) => join(place.folder, name));
  writeFileSync(notes ?? '', '');
  writeFileSync(program ?? '', `#!/bin/sh\nprintf '%s\\n' "$1" >> '${notes}'\ncp "\${1#file://}" '${led}'\n`);
  chmodSync(program ?? '', 0o755);
  return {
    env: { ...place.env, BROWSER: program ?? '' },
    opened: () =>
      readFileSync(notes ?? '', 'utf8')
        .split('\n')
        .filter(Boolean),
    led: () => /url=(\S+?)"/.exec(readFileSync(led ?? '', 'utf8'))?.[1] ?? '',
  };
}

// The code reaches the owner by their desktop: see NO_DESKTOP.
test.skipIf(NO_DESKTOP)(
  'a server that was never set up opens the page to do it on, once, and finds the wallet when it is made',
  async () => {
    await using desktop = await startDesktop();
    const browser = noteBrowser();
    agent = await Agent.connect({ ...browser.env, ...desktop.env });
    expect(browser.opened()).toEqual([]);
    const first = await agent.call('wallet_balance', {});
    const second = await agent.call('wallet_ledger', {});
    expect(browser.opened()).toHaveLength(1);
    const address = new URL(browser.led());
    const port = Number(address.port);
    const [notice] = desktop.shown;
    const [, code = ''] = / code (\S+)$/.exec(notice?.body ?? '') ?? [];
    expect(notice).toMatchObject({
      stays: true,
      body: expect.stringContaining(`${address.origin}/`) as string,
    });
    for (const { outcome, text } of [first, second]) {
      expect(outcome).toMatchObject({ code: 'not_set_up', retry: 'after_owner', money: 'none' });
      expect(outcome.tell_owner).toContain(`${address.origin}/`);
      expect(outcome.tell_owner).toMatch(/or in a terminal\. Run: .* init$/);
      // What lets in, and what makes the wallet, are on the owner's screen alone.
      for (const secret of [code, address.pathname]) expect(text).not.toContain(secret);
    }

    const entry = await send(port, { path: address.pathname });
    const base = /url=(\/v\/[0-9a-f]{32})"/.exec(entry.body)?.[1] ?? '';
    const visit = await visitWith(port, base, cookieOf(entry));
    const made = await visit.post('', {
      money: 'test',
      keystore: 'file',
      per_call: '0.10',
      per_session: '1',
      per_day: '1',
      per_month: '1',
      passphrase: '',
      again: '',
      code,
    });
    expect(made.status).toBe(303);
    expect((await visit.get('')).body).toContain('The wallet is ready');
    expect((await agent.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  },
);

test.skipIf(NO_DESKTOP)(
  'who has neither a terminal nor a keychain keeps the keys in a file, which opens in every later process',
  async () => {
    await using desktop = await startDesktop();
    const browser = noteBrowser();
    const { PURSER_PASSPHRASE_FILE: _, ...bare } = browser.env;
    agent = await Agent.connect({ ...bare, ...desktop.env });
    await agent.call('wallet_balance', {});
    const address = new URL(browser.led());
    const port = Number(address.port);
    const entry = await send(port, { path: address.pathname });
    const base = /url=(\/v\/[0-9a-f]{32})"/.exec(entry.body)?.[1] ?? '';
    const visit = await visitWith(port, base, cookieOf(entry));
    const form = (await visit.get('')).body;
    expect(form).toContain('what unlocks it is kept beside it');
    expect(form).not.toContain('the keychain of this computer');
    const amounts = { per_call: '0.10', per_session: '1', per_day: '1', per_month: '1' };
    const codeShown = (): string => / code (\S+)$/.exec(desktop.shown.at(-1)?.body ?? '')?.[1] ?? '';
    const choices = { money: 'test', keystore: 'file', passphrase: '', again: '', ...amounts };
    expect((await visit.post('', { ...choices, code: codeShown() })).status).toBe(303);
    await visit.post('/words/code', {});
    expect(desktop.shown.at(-1)?.body).toContain('the words that alone bring your wallet back');
    const words = await visit.post('/words', { code: codeShown() });
    expect([...words.body.matchAll(/<li>[a-z]+<\/li>/g)]).toHaveLength(24);
    await agent.close();
    agent = await Agent.connect(bare);
    expect((await agent.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  },
);

test('where no browser can be opened, or no code be shown, the command alone is named', async () => {
  const browser = noteBrowser();
  const nobody = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${place.folder}/none` };
  for (const env of [
    { ...place.env, BROWSER: 'none' },
    { ...browser.env, ...nobody },
  ]) {
    agent = await Agent.connect(env);
    const { outcome } = await agent.call('wallet_balance', {});
    expect(outcome.tell_owner).toMatch(/^The wallet has to be set up first\. Run: .* init$/);
    await agent.close();
  }
  expect(browser.opened()).toEqual([]);
});
