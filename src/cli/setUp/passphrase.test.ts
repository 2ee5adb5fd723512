import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeUnlockPassphrase } from '../../owner/setUp/unlockSecret.js';
import { fakeIo } from '../terminal/io.fixture.js';
import { keepFirstPassphrase, keptPassphraseFile, ownerPassphrase } from './passphrase.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-kept-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('what unlocks a wallet is kept once: whoever comes second gets the first one’s', async () => {
  expect(await keepFirstPassphrase(home, 'one')).toBe('one');
  expect(await keepFirstPassphrase(home, 'two')).toBe('one');
  expect(readFileSync(keptPassphraseFile(home), 'utf8')).toBe('one\n');
});

it('one that is kept and cannot be used makes no wallet', async () => {
  writeFileSync(keptPassphraseFile(home), '');
  await expect(keepFirstPassphrase(home, 'one')).rejects.toMatchObject({ code: 'keystore_locked' });
});

it('a kept one that nobody can type tells the owner on a terminal alone, and one that its owner chose never does', async () => {
  const made = makeUnlockPassphrase();
  await keepFirstPassphrase(home, made);
  expect(await ownerPassphrase(fakeIo({ terminal: true }), home, undefined)()).toBe(made);
  expect(await ownerPassphrase(fakeIo(), home, undefined)()).toBeNull();
  writeFileSync(keptPassphraseFile(home), 'chosen by its owner\n');
  const io = fakeIo({ terminal: true });
  const asked = ownerPassphrase(io, home, undefined)();
  io.typed.write('typed\r');
  expect(await asked).toBe('typed');
});
