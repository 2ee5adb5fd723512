import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeIo } from '../io.fixture.js';
import {
  factorPassphrase,
  newFactorPassphrase,
  passphraseFromEnvironment,
  readSecretFile,
} from '../../setUp/passphrase.js';
import { isExposed } from './secretFile.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-secret-'));
  path = join(folder, 'secret');
  writeFileSync(path, 'one line\n', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['UTF-8 with a byte order mark', Buffer.from('\uFEFFone línea\r\n', 'utf8')],
  ['UTF-16 as Windows writes it', Buffer.from('\uFEFFone línea\r\n', 'utf16le')],
  ['UTF-16 in the other order', Buffer.from('\uFEFFone línea\r\n', 'utf16le').swap16()],
])('a secret in %s is read', async (_name, bytes) => {
  writeFileSync(path, bytes);
  expect(await readSecretFile(fakeIo(), '--token-file', path)).toBe('one línea');
});

const OPEN_MODES = [0o640, 0o604, 0o620, 0o602, 0o644, 0o666];

describe('a factor file', () => {
  it.each(OPEN_MODES)('that others can read or write (%i) is refused, with the way out', async (mode) => {
    chmodSync(path, mode);
    for (const read of [factorPassphrase(fakeIo(), path), () => newFactorPassphrase(fakeIo(), path)]) {
      await expect(read()).rejects.toThrow(
        `--factor-file ${path} cannot be used: other users of this machine may read it; run: chmod 600 ${path}`,
      );
    }
  });

  it.each([0o600, 0o400])('that is its owner’s alone (%i) is read', async (mode) => {
    chmodSync(path, mode);
    expect(await factorPassphrase(fakeIo(), path)()).toBe('one line');
  });
});

describe('a token or passphrase file', () => {
  it('that others can read is warned of, once, and taken', async () => {
    chmodSync(path, 0o644);
    const io = fakeIo();
    expect(await readSecretFile(io, '--token-file', path)).toBe('one line');
    expect(await readSecretFile(io, '--token-file', path)).toBe('one line');
    expect(io.err()).toBe(
      `Other users of this machine may read the secret in ${path}; run: chmod 600 ${path}\n`,
    );
    const other = join(folder, 'other');
    writeFileSync(other, 'one line', { mode: 0o644 });
    const lines: string[] = [];
    const env = { PURSER_PASSPHRASE_FILE: other };
    expect(await passphraseFromEnvironment(env, (line) => lines.push(line))).toBe('one line');
    expect(lines).toEqual([expect.stringContaining(`chmod 600 ${other}`)]);
  });

  it('that is its owner’s alone is taken without a word, and so is a pipe', async () => {
    const io = fakeIo();
    expect(await readSecretFile(io, '--token-file', path)).toBe('one line');
    expect(io.err()).toBe('');
    expect(isExposed({ uid: 1, mode: 0o010666, isFile: () => false }, 1000)).toBe(false);
  });
});

describe('who may read a file', () => {
  it.each([
    ['ours alone', 1000, 0o600, false],
    ['ours, and the group’s', 1000, 0o640, true],
    ['ours, and everybody’s', 1000, 0o604, true],
    ['root’s, by an access list', 0, 0o440, false],
    ['root’s, and everybody’s', 0, 0o444, true],
    ['another user’s', 1001, 0o600, true],
  ] as const)('%s', (_what, uid, mode, exposed) => {
    expect(isExposed({ uid, mode: 0o100_000 | mode, isFile: () => true }, 1000)).toBe(exposed);
  });

  it('root may use what a user keeps', () => {
    expect(isExposed({ uid: 1000, mode: 0o100_600, isFile: () => true }, 0)).toBe(false);
  });
});
