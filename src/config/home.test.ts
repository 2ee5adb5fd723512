import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WalletError } from '../errors/walletError.js';
import { checkHome, ensureHome, homeGiven, resolveHome } from './home.js';

describe('resolveHome', () => {
  test.each([
    ['linux', { PURSER_HOME: '/srv/purser', HOME: '/home/a' }, '/srv/purser'],
    ['linux', { PURSER_HOME: '/srv/../srv/purser/' }, '/srv/purser'],
    ['linux', { PURSER_HOME: '~/wallet', HOME: '/home/a' }, '/home/a/wallet'],
    ['linux', { PURSER_HOME: '~', HOME: '/home/a' }, '/home/a'],
    ['linux', { PURSER_HOME: '', HOME: '/home/a' }, '/home/a/.config/purser'],
    ['linux', { HOME: '/home/a', XDG_CONFIG_HOME: '/cfg' }, '/cfg/purser'],
    ['linux', { HOME: '/home/a', XDG_CONFIG_HOME: 'cfg' }, '/home/a/.config/purser'],
    ['linux', {}, path.join(homedir(), '.config/purser')],
    ['darwin', { HOME: '/Users/a', XDG_CONFIG_HOME: '/cfg' }, '/Users/a/Library/Application Support/Purser'],
    ['win32', { APPDATA: 'C:\\Users\\a\\AppData\\Roaming' }, 'C:\\Users\\a\\AppData\\Roaming\\Purser'],
    ['win32', { USERPROFILE: 'C:\\Users\\a' }, 'C:\\Users\\a\\AppData\\Roaming\\Purser'],
    ['win32', { PURSER_HOME: 'D:\\purser' }, 'D:\\purser'],
  ] as const)('on %s, %j gives %s', (platform, env, home) => {
    expect(resolveHome(env, platform)).toBe(home);
  });

  test.each([
    ['linux', 'rel'],
    ['linux', './rel'],
    ['win32', 'rel\\wallet'],
    // On the disk that happens to be in use.
    ['win32', 'D:wallet'],
  ] as const)('on %s, %s is refused: it means another folder wherever a client starts', (platform, named) => {
    const error = refusal(() => resolveHome({ PURSER_HOME: named, HOME: '/home/a' }, platform));
    expect(error.code).toBe('home_unusable');
    expect(error.shortMessage).toContain('relative');
  });

  test('a folder that a person names on a command line counts from theirs', () => {
    expect(homeGiven('rel', 'linux')).toBe(path.resolve('rel'));
    for (const other of ['~/wallet', '$HOME/wallet', '"/srv"']) expect(homeGiven(other, 'linux')).toBe(other);
  });

  test.each(['$HOME/wallet', '${HOME}/wallet', '"/srv/wallet"', "'/srv/wallet'", '%APPDATA%\\Purser'])(
    'refuses %s, which no shell expands for a client',
    (named) => {
      const error = refusal(() => resolveHome({ PURSER_HOME: named, HOME: '/home/a' }, 'linux'));
      expect(error.code).toBe('home_unusable');
      expect(error.owner?.say).toContain('absolute path');
    },
  );
});

function refusal(act: () => void): WalletError {
  try {
    act();
  } catch (error) {
    return error as WalletError;
  }
  throw new Error('nothing was refused');
}

describe.skipIf(process.platform === 'win32')('the folder', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'purser-home-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  test('is made for its owner alone, with those above it', () => {
    const home = path.join(root, 'a', 'b');
    ensureHome(home);
    expect(lstatSync(home).mode & 0o777).toBe(0o700);
    ensureHome(home);
  });

  test('is closed where it stood open and empty, and refused where it held something', () => {
    const empty = path.join(root, 'empty');
    mkdirSync(empty);
    chmodSync(empty, 0o755);
    ensureHome(empty);
    expect(lstatSync(empty).mode & 0o777).toBe(0o700);

    writeFileSync(path.join(empty, 'x'), '');
    chmodSync(empty, 0o755);
    expect(refusal(() => ensureHome(empty)).code).toBe('home_unsafe');
    expect(lstatSync(empty).mode & 0o777).toBe(0o755);
  });

  test.each([0o740, 0o704, 0o720, 0o701])(
    'open to others (%o) is refused with the command that mends it',
    (mode) => {
      const home = path.join(root, "o'pen");
      mkdirSync(home);
      chmodSync(home, mode);
      const error = refusal(() => checkHome(home));
      expect(error.code).toBe('home_unsafe');
      expect(error.shortMessage).toContain(`run: chmod 700 '${root}/o'\\''pen'`);
    },
  );

  test('of another user is refused', () => {
    // Root may give a folder away; anybody else looks at one of root's.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(root, 65_534, 65_534);
    const error = refusal(() => checkHome(isRoot ? root : '/usr'));
    expect(error.code).toBe('home_unsafe');
    expect(error.shortMessage).toContain('sudo chown -R "$(id -un)"');
    expect(refusal(() => ensureHome(isRoot ? root : '/usr')).code).toBe('home_unsafe');
  });

  test('that is missing is not set up; one that is a file is unusable', () => {
    expect(refusal(() => checkHome(path.join(root, 'none')))).toMatchObject({
      code: 'not_set_up',
      owner: { action: { kind: 'setUp' } },
    });
    const file = path.join(root, 'file');
    writeFileSync(file, '', { mode: 0o600 });
    expect(refusal(() => checkHome(file)).code).toBe('home_unusable');
    expect(refusal(() => ensureHome(file)).code).toBe('home_unusable');
    expect(refusal(() => ensureHome(path.join(file, 'below'))).code).toBe('home_unusable');
    // A file system that takes no folders and says that they are missing: Node's own way never ends there.
    if (process.platform === 'linux')
      expect(refusal(() => ensureHome('/proc/purser/home')).code).toBe('home_unusable');
  });
});
