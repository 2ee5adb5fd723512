import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build } from 'esbuild';
import { createFile, renameUnheld, renameUnheldSync, replaceFile } from './durableFile.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-file-'));
  path = join(folder, 'settings.json');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a file that is replaced', () => {
  it('has the new text and the rights it was given, and nothing stays beside it', async () => {
    await writeFile(path, 'old');
    await replaceFile(path, 'new', { mode: 0o640 });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(['settings.json']);
  });

  // A limit on a file's size takes a part of a write and says so by its answer alone, just as a full disk does.
  it('stays whole where the disk takes only a part (T44)', async () => {
    const program = join(folder, 'program.mjs');
    const contents = `
      import { replaceFile } from './durableFile.js';
      process.on('SIGXFSZ', () => undefined);
      const error = await replaceFile(process.argv[2], 'x'.repeat(300_000), { mode: 0o600 }).then(
        () => null, ({ code }) => code);
      process.stdout.write(String(error));`;
    const stdin = { contents, resolveDir: import.meta.dirname, loader: 'ts' } as const;
    await build({
      stdin,
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    await writeFile(path, 'old');
    const shell = `ulimit -f 128; exec "$0" "$1" "$2"`;
    const child = spawn('bash', ['-c', shell, process.execPath, program, path]);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    expect(said).toMatch(/^(EFBIG|ENOSPC)$/);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['program.mjs', 'settings.json']);
  });

  it('stays where its folder takes no other file', async () => {
    await writeFile(path, 'old');
    await chmod(folder, 0o500);
    const tried = replaceFile(path, 'new', { mode: 0o600 });
    // Root may write everywhere.
    if (process.geteuid?.() === 0) await tried;
    else await expect(tried).rejects.toMatchObject({ code: 'EACCES' });
    await chmod(folder, 0o700);
    expect(await readFile(path, 'utf8')).toBe(process.geteuid?.() === 0 ? 'new' : 'old');
  });

  it('takes away what a killed process left, and leaves what another may be writing', async () => {
    const left = join(folder, '.settings.json.001122334455.new');
    const young = join(folder, '.settings.json.aabbccddeeff.new');
    const foreign = join(folder, '.settings.json.keep');
    await Promise.all([left, young, foreign].map((file) => writeFile(file, 'part')));
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(left, longAgo, longAgo);
    await replaceFile(path, 'new', { mode: 0o600 });
    expect((await readdir(folder)).sort()).toEqual([
      '.settings.json.aabbccddeeff.new',
      '.settings.json.keep',
      'settings.json',
    ]);
    await replaceFile(path, 'newer', { mode: 0o600, isSoleWriter: true });
    expect((await readdir(folder)).sort()).toEqual(['.settings.json.keep', 'settings.json']);
  });
});

describe('a file that is made', () => {
  it('never takes the place of another', async () => {
    expect(await createFile(path, 'first', { mode: 0o600 })).toBe(true);
    expect(await createFile(path, 'second', { mode: 0o600 })).toBe(false);
    expect(await readFile(path, 'utf8')).toBe('first');
    expect(await readdir(folder)).toEqual(['settings.json']);
  });
});

describe('a rename while another program holds the file', () => {
  /** Fails so often, with this code, before it renames. */
  const held = (times: number, code: string) => {
    let tries = 0;
    const move = async (): Promise<void> => {
      tries += 1;
      if (tries <= times) throw Object.assign(new Error(code), { code });
      return Promise.resolve();
    };
    return { move, tries: () => tries };
  };

  it.each(['EBUSY', 'EPERM', 'EACCES'])('is tried again on Windows after %s', async (code) => {
    const { move, tries } = held(2, code);
    await renameUnheld('a', 'b', { move, platform: 'win32' });
    expect(tries()).toBe(3);
  });

  it('is given up at last, with what the system said', async () => {
    const { move, tries } = held(Infinity, 'EBUSY');
    const quick = { move, platform: 'win32', pausesMs: [0, 0] } as const;
    await expect(renameUnheld('a', 'b', quick)).rejects.toMatchObject({ code: 'EBUSY' });
    expect(tries()).toBe(3);
  });

  it('is not tried again where the system forbids it, nor for another fault', async () => {
    for (const [code, platform] of [
      ['EPERM', 'linux'],
      ['ENOENT', 'win32'],
    ] as const) {
      const { move, tries } = held(1, code);
      await expect(renameUnheld('a', 'b', { move, platform })).rejects.toMatchObject({ code });
      expect(tries()).toBe(1);
    }
  });

  it('inside a transaction is tried again likewise, and the process stands still meanwhile', () => {
    let tries = 0;
    const begun = performance.now();
    const move = (): void => {
      tries += 1;
      if (tries < 3) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    renameUnheldSync('a', 'b', { move, platform: 'win32', pausesMs: [5, 5, 5] });
    expect(tries).toBe(3);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(9);
    expect(() => renameUnheldSync('a', 'b', { move: fails('EPERM'), platform: 'linux' })).toThrow('EPERM');
    expect(() =>
      renameUnheldSync('a', 'b', { move: fails('EBUSY'), platform: 'win32', pausesMs: [0] }),
    ).toThrow('EBUSY');
  });
});

function fails(code: string): () => void {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}
