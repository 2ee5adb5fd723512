import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBodyFile, type BodyFile, type FileRules } from './bodyFile.js';

/** A user's folder with a wallet in it, one elsewhere, and what an agent would like to have. */
let top = '';
let rules: FileRules;
const at = (...steps: string[]): string => join(top, ...steps);
const put = (path: string, text = 'bytes'): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  // Real at once: a temporary folder may be reached by a link.
  top = realpathSync(mkdtempSync(join(tmpdir(), 'purser-files-')));
  for (const folder of ['me/docs', 'me/.ssh', 'me/purser', 'me/other', 'out', 'srv/.data/in'])
    mkdirSync(at(folder), { recursive: true });
  for (const name of ['config.json', 'keystore.json', 'ledger.db']) {
    put(at('me/purser', name));
    put(at('me/other', name));
  }
  put(at('me/docs/photo.png'), 'pixels');
  put(at('me/.ssh/id_ed25519'));
  put(at('me/.env'));
  put(at('me/docs/.git/config'));
  put(at('me/purser/responses/abc'));
  put(at('me/other/backups/deep/phrase.txt'));
  put(at('me/pass.txt'));
  put(at('out/secret'));
  put(at('srv/.data/in/rows.csv'));
  put(at('srv/.data/in/.hidden'));
  rules = {
    home: at('me/purser'),
    sendFrom: ['home'],
    env: { HOME: at('me'), USERPROFILE: at('me'), PURSER_PASSPHRASE_FILE: at('me/pass.txt') },
    platform: process.platform,
  };
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

async function textOf(file: BodyFile): Promise<string> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of file.read()) pieces.push(piece);
  } finally {
    await file.close();
  }
  return Buffer.concat(pieces).toString();
}
const read = async (path: string, more: Partial<FileRules> = {}): Promise<string> =>
  textOf(await openBodyFile(path, { ...rules, ...more }));

describe('a file that an agent names', () => {
  test('is read where the owner’s folders have it, by its path or from the user’s folder', async () => {
    const file = await openBodyFile(at('me/docs/photo.png'), rules);
    expect(file).toMatchObject({ name: 'photo.png', length: 6 });
    expect(await textOf(file)).toBe('pixels');
    expect(await read('~/docs/../docs/photo.png')).toBe('pixels');
    symlinkSync(at('me/docs/photo.png'), at('me/a-link.png'));
    expect(await read(at('me/a-link.png'))).toBe('pixels');
  });

  test.each<[string, () => string]>([
    ['a key in a hidden folder', () => at('me/.ssh/id_ed25519')],
    ['the same by way of another folder', () => at('me/docs/../.ssh/id_ed25519')],
    ['a hidden file', () => at('me/.env')],
    ['a hidden folder further down', () => at('me/docs/.git/config')],
    ['the wallet’s own keystore', () => at('me/purser/keystore.json')],
    ['an answer that the wallet keeps', () => at('me/purser/responses/abc')],
    ['another wallet’s, and what lies deep in it', () => at('me/other/backups/deep/phrase.txt')],
    ['the passphrase that unlocks the wallet', () => at('me/pass.txt')],
    ['a file outside', () => at('out/secret')],
    ['a folder whose name begins like an allowed one', () => put(at('me-too/secret'))],
    ['the environment of this process', () => '/proc/self/environ'],
    ['a device', () => '/dev/zero'],
  ])('is refused: %s', async (_name, path) => {
    await expect(read(path())).rejects.toMatchObject({ code: 'file_not_allowed' });
  });

  test('tells nothing of what it is refused for: what is there is refused as what is not', async () => {
    const [there, missing] = await Promise.all(
      ['id_ed25519', 'nothing'].map((name) =>
        read(at('me/.ssh', name)).catch((error: unknown) => String(error)),
      ),
    );
    expect(there).toBe(missing);
    // In an allowed folder the reason is told.
    await expect(read(at('me/docs/none.png'))).rejects.toThrow(/ENOENT/);
  });

  test('is refused where a link leads, not where it stands', async () => {
    const links = at('me/docs/links');
    mkdirSync(links);
    symlinkSync(at('out/secret'), join(links, 'outside'));
    symlinkSync(at('me/.ssh/id_ed25519'), join(links, 'key'));
    symlinkSync(at('me/.ssh'), join(links, 'keys'));
    symlinkSync(at('me/purser'), join(links, 'wallet'));
    symlinkSync(join(links, 'wallet/keystore.json'), join(links, 'chain'));
    symlinkSync('/proc/self/mem', join(links, 'memory'));
    for (const name of ['outside', 'key', 'keys/id_ed25519', 'wallet/ledger.db', 'chain', 'memory'])
      await expect(read(join(links, name)), name).rejects.toMatchObject({ code: 'file_not_allowed' });
  });

  test('is refused by a second name, which may stand for one in a place that is not allowed', async () => {
    linkSync(at('me/purser/keystore.json'), at('me/docs/harmless.json'));
    await expect(read(at('me/docs/harmless.json'))).rejects.toThrow(/second name/);
    rmSync(at('me/docs/harmless.json'));
  });

  test.skipIf(process.platform === 'win32')('is refused at once where it is no plain file', async () => {
    const pipe = at('me/docs/pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(read(pipe)).rejects.toThrow(/plain file/);
    await expect(read(at('me/docs'))).rejects.toThrow(/plain file/);
    await expect(read('/dev/zero', { sendFrom: ['/dev', '/'] })).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
  });

  test('is refused where it is too large, without a byte read', async () => {
    const sparse = put(at('me/docs/sparse.bin'));
    truncateSync(sparse, 64 * 1024 * 1024 + 1);
    await expect(read(sparse)).rejects.toThrow(/64 MiB/);
  });

  test('that grows, shrinks or is written to while it is read is sent in no state', async () => {
    const grows = put(at('me/docs/grows.log'), 'x'.repeat(200_000));
    const file = await openBodyFile(grows, rules);
    const pieces = file.read();
    await pieces.next();
    appendFileSync(grows, 'y'.repeat(300_000));
    const rest = async (): Promise<void> => {
      for await (const _piece of pieces);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'bad_input', retry: 'same_call' });
    await file.close();

    const shrinks = await openBodyFile(grows, rules);
    truncateSync(grows, 10);
    await expect(textOf(shrinks)).rejects.toThrow(/changed/);
  });

  test('is the one that was judged, whatever takes its name in between', async () => {
    const path = put(at('me/docs/swapped.txt'), 'judged');
    const file = await openBodyFile(path, rules);
    renameSync(path, at('me/docs/moved.txt'));
    put(path, 'others');
    expect(await textOf(file)).toBe('judged');
  });

  test('is named by an absolute path', async () => {
    for (const path of [
      'docs/photo.png',
      '',
      '~',
      'file:///etc/passwd',
      '/a\0b',
      `/${'a'.repeat(5_000)}`,
      '\\\\host\\x',
    ])
      await expect(read(path), path.slice(0, 20)).rejects.toMatchObject({ code: 'bad_input' });
  });

  test.each([
    '\\\\host\\share\\x',
    '//host/share/x',
    '\\\\.\\pipe\\x',
    '\\\\?\\C:\\x',
    'C:\\a.txt:stream',
    'C:x',
  ])('on Windows is on a drive, and no share, device or stream: not %j', async (path) => {
    await expect(read(path, { platform: 'win32' })).rejects.toMatchObject({ code: 'bad_input' });
  });
});

describe('the owner’s folders', () => {
  test('that are named whole open a hidden one, and nothing hidden below it', async () => {
    const sendFrom = [at('srv/.data')];
    expect(await read(at('srv/.data/in/rows.csv'), { sendFrom })).toBe('bytes');
    await expect(read(at('srv/.data/in/.hidden'), { sendFrom })).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
    await expect(read(at('me/purser/keystore.json'), { sendFrom: [at('me')] })).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
    await expect(read('/proc/self/environ', { sendFrom: ['/'] })).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
  });

  test('come with the command that adds one; none at all sends nothing', async () => {
    const refused = await read(at('out/secret')).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      owner: { action: { kind: 'addToSetting', key: 'files.send_from', entry: at('out') } },
    });
    await expect(read(at('me/docs/photo.png'), { sendFrom: [] })).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
    // No command leads to a key.
    expect(await read(at('me/.ssh/id_ed25519')).catch((error: unknown) => error)).toMatchObject({
      owner: undefined,
    });
  });

  test('of a desktop leave out where programs keep their own', async () => {
    put(at('me/Library/Keychains/login.keychain'));
    await expect(
      read(at('me/Library/Keychains/login.keychain'), { platform: 'darwin' }),
    ).rejects.toMatchObject({
      code: 'file_not_allowed',
    });
  });
});
