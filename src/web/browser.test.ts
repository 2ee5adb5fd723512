import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askedQuestion } from '../approvals/fixtures.js';
import { openInBrowser } from './browser.js';
import { noticeOf, notifyDesktop } from './notification.js';

const URL_SHOWN = 'http://localhost:4402/?key=abc&x=$(touch%20pwned);`id`';

let folder: string;

/** A program that writes its arguments, a line each, into a file; it is first on PATH. */
function program(name: string, exitCode = 0): { path: string; args: () => string[] | null } {
  const path = join(folder, name);
  const log = join(folder, `${name}.args`);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${log}'\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
  return { path, args: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : null) };
}

const path = (): string => `${folder}:/usr/bin:/bin`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-browser-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(process.platform === 'win32')(
  'opening the page (the programs here are shell scripts)',
  () => {
    test('gives BROWSER the address as one argument, whatever is in it', async () => {
      const browser = program('my-browser');
      const opening = await openInBrowser(
        URL_SHOWN,
        { BROWSER: `${browser.path} --new-tab`, PATH: path() },
        'linux',
      );
      expect(opening).toEqual({ opened: true, say: `The page is in your browser: ${URL_SHOWN}` });
      expect(browser.args()).toEqual(['--new-tab', URL_SHOWN]);
    });

    test('puts it where BROWSER says', async () => {
      const browser = program('my-browser');
      await openInBrowser(URL_SHOWN, { BROWSER: `${browser.path} --app=%s -q`, PATH: path() }, 'linux');
      expect(browser.args()).toEqual([`--app=${URL_SHOWN}`, '-q']);
    });

    test.each([
      ['linux', 'xdg-open', { DISPLAY: ':0' }, [URL_SHOWN]],
      ['linux', 'xdg-open', { WAYLAND_DISPLAY: 'wayland-0' }, [URL_SHOWN]],
      ['darwin', 'open', {}, [URL_SHOWN]],
      ['win32', 'rundll32', {}, ['url.dll,FileProtocolHandler', URL_SHOWN]],
    ] as const)("asks %s's own opener, %s", async (platform, name, env, args) => {
      const opener = program(name);
      const { opened } = await openInBrowser(URL_SHOWN, { ...env, PATH: path() }, platform);
      expect(opened).toBe(true);
      expect(opener.args()).toEqual(args);
    });

    test('opens nothing where it must not or cannot, and says the address', async () => {
      const opener = program('xdg-open');
      for (const env of [{ BROWSER: 'none', DISPLAY: ':0' }, {}, { BROWSER: '/nowhere/browser' }]) {
        const opening = await openInBrowser(URL_SHOWN, { ...env, PATH: path() }, 'linux');
        expect(opening).toEqual({ opened: false, say: `Open ${URL_SHOWN}` });
      }
      expect(opener.args()).toBeNull();
      program('xdg-open', 3);
      const failed = await openInBrowser(URL_SHOWN, { DISPLAY: ':0', PATH: path() }, 'linux');
      expect(failed.opened).toBe(false);
    });

    test('says over SSH how to forward the very port', async () => {
      const opener = program('xdg-open');
      const env = { SSH_CONNECTION: '10.0.0.2 52022 10.0.0.9 22', USER: 'ada', DISPLAY: ':0', PATH: path() };
      const { opened, say } = await openInBrowser(URL_SHOWN, env, 'linux');
      expect(opened).toBe(false);
      expect(say).toContain(`Open ${URL_SHOWN}`);
      expect(say).toContain('ssh -N -L 4402:localhost:4402 ada@10.0.0.9');
      expect(opener.args()).toBeNull();
      const odd = await openInBrowser(URL_SHOWN, { SSH_TTY: '/dev/pts/1', USER: 'a;b' }, 'linux');
      expect(odd.say).toContain('ssh -N -L 4402:localhost:4402 USER@THIS_MACHINE');
    });
  },
);

describe.skipIf(process.platform === 'win32')(
  'a desktop notification (the programs here are shell scripts)',
  () => {
    test('is one clean line of ours, behind the options', async () => {
      const notifier = program('notify-send');
      await notifyDesktop('--help <b>x</b>\n\u202e\u001b[2J', { PATH: path() }, 'linux');
      expect(notifier.args()).toEqual(['--app-name=Purser', '--', 'Purser', '--help  b x /b  [2J']);
    });

    test('is an argument of the script on macOS, not a part of it', async () => {
      const notifier = program('osascript');
      await notifyDesktop('x" & (do shell script "id") & "', { PATH: path() }, 'darwin');
      expect(notifier.args()?.at(-1)).toBe('x" & (do shell script "id") & "');
      expect(notifier.args()?.slice(0, -1).join('\n')).not.toContain('do shell');
    });

    test('is nothing where there is no way to show it', async () => {
      await expect(notifyDesktop('x', { PATH: folder }, 'linux')).resolves.toBeUndefined();
      await expect(notifyDesktop('x', { PATH: folder }, 'win32')).resolves.toBeUndefined();
    });

    test('says no word of the seller or the agent', () => {
      const text = noticeOf(
        askedQuestion({ sellerSays: 'SELLER', agentSays: 'REASON', url: 'https://x/URL' }),
      );
      expect(text).toBe('Agent default asks you: pay $0.75 to api.example.com?');
    });
  },
);
