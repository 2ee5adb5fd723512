import { expect, test } from 'vitest';
import { notifyDesktop } from '../../src/web/desktop/notification.js';
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
