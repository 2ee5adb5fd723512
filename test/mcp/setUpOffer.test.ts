import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

/** A program in the browser's place, that notes each address it is given. */
function noteBrowser(): { readonly env: Record<string, string>; opened(): string[] } {
  const [program, notes] = [join(place.folder, 'browser'), join(place.folder, 'opened')];
  writeFileSync(notes, '');
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${notes}'\n`);
  chmodSync(program, 0o755);
  return {
    env: { ...place.env, BROWSER: program },
    opened: () => readFileSync(notes, 'utf8').split('\n').filter(Boolean),
  };
}

test('a server that was never set up opens the page to do it on, once, and finds the wallet when it is made', async () => {
  const browser = noteBrowser();
  agent = await Agent.connect(browser.env);
  expect(browser.opened()).toEqual([]);
  const first = await agent.call('wallet_balance', {});
  const second = await agent.call('wallet_ledger', {});
  expect(browser.opened()).toHaveLength(1);
  const ownerUrl = new URL(browser.opened()[0] ?? '');
  const key = ownerUrl.searchParams.get('key') ?? '';
  expect(key.length).toBeGreaterThan(30);
  for (const { outcome, text } of [first, second]) {
    expect(outcome).toMatchObject({ code: 'not_set_up', retry: 'after_owner', money: 'none' });
    expect(outcome.tell_owner).toContain(`${ownerUrl.origin}/`);
    expect(outcome.tell_owner).toMatch(/or run in a terminal: .* init$/);
    // What lets in is on the owner's screen alone.
    expect(text).not.toContain(key);
  }

  const entry = await fetch(ownerUrl);
  const cookie = entry.headers.get('set-cookie')?.split(';')[0] ?? '';
  const form = await (await fetch(ownerUrl.origin, { headers: { cookie } })).text();
  const body = new URLSearchParams({
    token: /name="token" value="([^"]+)"/.exec(form)?.[1] ?? '',
    money: 'test',
    keystore: 'file',
    per_call: '0.10',
    per_session: '1',
    per_day: '1',
    per_month: '1',
    passphrase: '',
    again: '',
  });
  const headers = { cookie, origin: ownerUrl.origin };
  const made = await fetch(ownerUrl.origin, { method: 'POST', headers, body });
  expect(await made.text()).toContain('The wallet is ready');
  expect((await agent.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
});

test('where no browser can be opened, the command alone is named', async () => {
  agent = await Agent.connect({ ...place.env, BROWSER: 'none' });
  const { outcome } = await agent.call('wallet_balance', {});
  expect(outcome.tell_owner).toMatch(/^The wallet has to be set up first\. Run: .* init$/);
});
