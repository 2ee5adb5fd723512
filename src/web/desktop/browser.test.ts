import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askedQuestion } from '../../approvals/fixtures.js';
import { forwardingWords, openInBrowser } from './browser.js';
import { noticeOf, notifyDesktop } from './notification.js';

/** What stands in no argument list. */
const SECRET = 'kEy-9_x';
const ADDRESS = `http://localhost:4402/open/${SECRET}`;

let folder: string;

/** A program that notes its arguments, a line each, its stdin, and the file that it is led to; it is first on PATH. */
function program(name: string, exitCode = 0) {
  const path = join(folder, name);
  const [args, input, led] = ['args', 'input', 'led'].map((kind) => join(folder, `${name}.${kind}`));
  writeFileSync(
    path,
    `#!/bin/sh
printf '%s\\n' "$@" > '${args}'
cat > '${input}'
for word in "$@"; do case "$word" in *file://*) cp "\${word#*file://}" '${led}';; esac; done
exit ${exitCode}
`,
  );
  chmodSync(path, 0o755);
  const read = (file = ''): string | null => (existsSync(file) ? readFileSync(file, 'utf8') : null);
  return {
    path,
    args: () => read(args)?.trimEnd().split('\n') ?? null,
    input: () => read(input),
    led: () => read(led),
  };
}

const path = (): string => `${folder}:/usr/bin:/bin`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-browser-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(process.platform === 'win32')(
  'opening the page (the programs here are shell scripts)',
  () => {
    let used: () => void;
    const open = (env: Record<string, string>, platform: NodeJS.Platform = 'linux', hasSnap = false) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      used = () => resolve(undefined);
      const place = { env: { XDG_RUNTIME_DIR: folder, ...env }, platform, hasSnap };
      return openInBrowser({ url: ADDRESS, ended: promise }, place);
    };
    const leaders = (at = folder): string[] =>
      readdirSync(at).filter((name) => name.startsWith('purser-open-'));

    test('gives the browser a file of the owner’s alone, never the address, and takes it away once it was used', async () => {
      const browser = program('my-browser');
      expect(await open({ BROWSER: `${browser.path} --new-tab`, PATH: path() })).toBe(true);
      const [flag, file = '', ...more] = browser.args() ?? [];
      expect([flag, ...more]).toEqual(['--new-tab']);
      expect(file).toMatch(/^file:\/\/\/.*purser\.html$/);
      expect(browser.led()).toContain(`url=${ADDRESS}"`);
      const at = fileURLToPath(file);
      expect(statSync(at).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(at)).mode & 0o777).toBe(0o700);
      used();
      await expect.poll(() => existsSync(dirname(at))).toBe(false);
    });

    test('puts it where BROWSER says', async () => {
      const browser = program('my-browser');
      await open({ BROWSER: `${browser.path} --app=%s -q`, PATH: path() });
      expect(browser.args()).toEqual([expect.stringMatching(/^--app=file:/), '-q']);
      expect(browser.led()).toContain(ADDRESS);
      used();
    });

    test.each([
      ['linux', 'xdg-open', { DISPLAY: ':0' }, [/^file:.*html$/]],
      ['linux', 'xdg-open', { WAYLAND_DISPLAY: 'wayland-0' }, [/^file:.*html$/]],
      ['win32', 'rundll32', {}, [/^url\.dll,FileProtocolHandler$/, /^\/.*html$/]],
    ] as const)("asks %s's own opener, %s", async (platform, name, env, args) => {
      const opener = program(name);
      expect(await open({ ...env, PATH: path() }, platform)).toBe(true);
      expect(opener.args()).toEqual(args.map((arg) => expect.stringMatching(arg) as string));
      expect(opener.args()?.join()).not.toContain(SECRET);
      used();
    });

    test('asks macOS by a script on stdin', async () => {
      const opener = program('osascript');
      expect(await open({ PATH: path() }, 'darwin')).toBe(true);
      expect(opener.args()).toEqual(['-']);
      expect(opener.input()).toBe(`open location "${ADDRESS}"\n`);
      expect(leaders()).toEqual([]);
    });

    test('puts the file where a browser of snapd sees it', async () => {
      const home = join(folder, 'home');
      mkdirSync(home);
      const opener = program('xdg-open');
      await open({ DISPLAY: ':0', HOME: home, PATH: path() }, 'linux', true);
      expect(leaders(home)).toHaveLength(1);
      expect(opener.led()).toContain(ADDRESS);
      used();
      await expect.poll(() => leaders(home)).toEqual([]);
    });

    test('opens nothing where it must not or cannot', async () => {
      const opener = program('xdg-open');
      const ssh = { SSH_TTY: '/dev/pts/1', DISPLAY: ':0' };
      for (const env of [{ BROWSER: 'none', DISPLAY: ':0' }, {}, { BROWSER: '/nowhere/browser' }, ssh])
        expect(await open({ ...env, PATH: path() })).toBe(false);
      expect(opener.args()).toBeNull();
      program('xdg-open', 3);
      expect(await open({ DISPLAY: ':0', PATH: path() })).toBe(false);
      used();
    });

    test('says over SSH how to forward the very port', () => {
      const env = { SSH_CONNECTION: '10.0.0.2 52022 10.0.0.9 22', USER: 'ada' };
      expect(forwardingWords(4402, env)).toContain('ssh -N -L 4402:localhost:4402 ada@10.0.0.9');
      const odd = forwardingWords(4402, { SSH_TTY: '/dev/pts/1', USER: 'a;b' });
      expect(odd).toContain('ssh -N -L 4402:localhost:4402 USER@THIS_MACHINE');
      expect(forwardingWords(4402, { DISPLAY: ':0' })).toBeNull();
    });
  },
);

describe.skipIf(process.platform === 'win32')(
  'a desktop notification (the programs here are shell scripts)',
  () => {
    const show = (text: string, stays: boolean, platform: NodeJS.Platform, at = path()): Promise<boolean> =>
      notifyDesktop({ text, stays }, { PATH: at, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' }, platform);

    test.each([
      [false, /^display notification "x\\" & \(do shell script \\"id\\"\) & \\"" with title "Purser"\n$/],
      [true, /^display dialog "x\\" & .* giving up after 600\n$/],
    ])('goes to macOS on stdin, as one string of its script (stays: %s)', async (stays, script) => {
      const notifier = program('osascript');
      expect(await show('x" & (do shell script "id") & "', stays, 'darwin')).toBe(true);
      expect(notifier.args()).toEqual(['-']);
      expect(notifier.input()).toMatch(script);
    });

    test('goes to Windows on stdin, as one string of its script, where it has to stay', async () => {
      const notifier = program('powershell');
      expect(await show("x'); calc; \u2019$(calc)`n", true, 'win32')).toBe(true);
      expect(notifier.args()?.join()).toBe('-NoProfile,-Command,-');
      expect(notifier.input()).toContain("Popup('x''); calc; ?$(calc)`n', 600,");
      expect(await show('x', false, 'win32')).toBe(false);
    });

    test('is nothing where there is no way to show it', async () => {
      for (const platform of ['linux', 'win32', 'darwin', 'aix'] as const)
        expect(await show('x', true, platform, folder), platform).toBe(false);
    });

    test('says no word of the seller or the agent', () => {
      const text = noticeOf(
        askedQuestion({ sellerSays: 'SELLER', agentSays: 'REASON', url: 'https://x/URL' }),
        'Then.',
      );
      expect(text).toBe('Agent default asks you: pay $0.75 to api.example.com? Then.');
    });
  },
);
