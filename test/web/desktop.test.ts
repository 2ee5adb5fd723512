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
