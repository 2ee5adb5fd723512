import { chownSync } from 'node:fs';
import { expect, test } from 'vitest';
import { askedQuestion } from '../../src/approvals/fixtures.js';
import { noticeOf, notifyDesktop } from '../../src/web/desktop/notification.js';
import { NO_DESKTOP, startDesktop } from '../support/notifications.js';

// Without the programs of a session bus there is no desktop to notify: see NO_DESKTOP.
test.skipIf(NO_DESKTOP)('a notice reaches the desktop through its bus, as one clean line', async () => {
  await using desktop = await startDesktop();
  const { env, shown } = desktop;
  const show = (text: string, stays: boolean): Promise<boolean> =>
    notifyDesktop({ text, stays }, env, 'linux');
  expect(await show('Pay $0.75 to bücher.example? code BCDF-2345', false)).toBe(true);
  expect(await show('--help <b>x</b>\n\u202e\u001b[2J', true)).toBe(true);
  expect(await show('x'.repeat(1000), true)).toBe(true);
  expect(shown).toEqual([
    { title: 'Purser', body: 'Pay $0.75 to bücher.example? code BCDF-2345', stays: false },
    { title: 'Purser', body: '--help  b x /b  [2J', stays: true },
    { title: 'Purser', body: `${'x'.repeat(199)}…`, stays: true },
  ]);
});

test.skipIf(NO_DESKTOP)(
  'a bus with nobody who shows notices says so, and the caller does not wait',
  async () => {
    await using desktop = await startDesktop({ shows: false });
    expect(await notifyDesktop({ text: 'x', stays: true }, desktop.env, 'linux')).toBe(false);
  },
);

test.skipIf(NO_DESKTOP)('a notice says what to do, however long the name of the seller is', async () => {
  await using desktop = await startDesktop();
  const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
  const text = noticeOf(askedQuestion({ host }), 'http://localhost:65535/ code BCDF-2345');
  expect(await notifyDesktop({ text, stays: false }, desktop.env, 'linux')).toBe(true);
  expect(desktop.shown[0]?.body).toMatch(/ code BCDF-2345$/);
});

// T33: a bus that has ended leaves its name to any user of the machine, and a notice may hold a code.
test.skipIf(NO_DESKTOP)('a bus that is another than the environment says is told nothing', async () => {
  await using desktop = await startDesktop();
  const address = desktop.env['DBUS_SESSION_BUS_ADDRESS'] ?? '';
  const tell = (at: string): Promise<boolean> =>
    notifyDesktop({ text: 'code BCDF-2345', stays: true }, { DBUS_SESSION_BUS_ADDRESS: at }, 'linux');
  expect(address).toContain(',guid=');
  expect(await tell(address.replace(/guid=.*/, `guid=${'0'.repeat(32)}`))).toBe(false);
  // A name that is no file has no owner to look at, so it has to prove itself.
  expect(await tell('unix:abstract=/tmp/dbus-purser-test')).toBe(false);
  expect(desktop.shown).toEqual([]);
  expect(await tell(address)).toBe(true);
});

// Only root can give a file to another user.
test.skipIf(NO_DESKTOP !== null || process.getuid?.() !== 0)(
  'a bus of another user is told nothing',
  async () => {
    await using desktop = await startDesktop();
    const path = /path=([^,;]+)/.exec(desktop.env['DBUS_SESSION_BUS_ADDRESS'] ?? '')?.[1] ?? '';
    chownSync(path, 64_404, 64_404);
    expect(await notifyDesktop({ text: 'code', stays: true }, desktop.env, 'linux')).toBe(false);
    expect(desktop.shown).toEqual([]);
  },
);
