import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addOwners } from '../approvals/owner.js';
import { ownerOf } from '../support/quickWallet.js';
import { makeScratch, PASSPHRASE, type Run, type Scratch } from './program.js';

const NEXT = 'another tortoise altogether';
/** Of a change: the next one beside the kept one, the keystore, the kept one, and the next one away. */
const STEPS_MIN = 4;
/** More steps than a change can have. */
const STEPS_MAX = 12;

let scratch: Scratch;
let nextFile: string;
beforeEach(async () => {
  scratch = makeScratch({ here: true });
  await scratch.makeWallet();
  nextFile = secret('next', NEXT);
});
afterEach(() => scratch.remove());

function secret(name: string, text: string): string {
  const file = scratch.path(name);
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}
const kept = (home = scratch.home): string => join(home, 'passphrase');
/** Has the passphrase kept for clients, as install does where its owner lets it. */
const keep = (): void => writeFileSync(kept(), `${PASSPHRASE}\n`, { mode: 0o600 });
const change = (...more: string[]): Promise<Run> =>
  scratch.purser(['passphrase', '--passphrase-file', scratch.passphraseFile, ...more]);
const opens = async (...more: string[]): Promise<number | null> =>
  (await scratch.purser(['owners', ...more])).exit;

test('changes what opens the keystore, and what is kept for clients with it', async () => {
  keep();
  const before = readFileSync(join(scratch.home, 'keystore.json'), 'utf8');
  const done = await change('--new-passphrase-file', nextFile);
  expect(done).toMatchObject({ exit: 0 });
  expect(done.out).toContain('A copy of the old keystore still opens with the old passphrase.');
  expect(await opens('--passphrase-file', nextFile)).toBe(0);
  expect(await opens()).toBe(0);
  expect(await opens('--passphrase-file', scratch.passphraseFile)).toBe(6);
  expect(readFileSync(kept(), 'utf8')).toBe(`${NEXT}\n`);
  expect(existsSync(join(scratch.home, 'passphrase.next'))).toBe(false);
  const file = join(scratch.home, 'keystore.json');
  expect(readFileSync(file, 'utf8')).not.toBe(before);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(scratch.written()).not.toContain(NEXT);
});

test('writes no passphrase down that was not kept, and changes nothing without the owner or a new one', async () => {
  writeFileSync(kept(), 'one that opens nothing\n', { mode: 0o600 });
  expect(await change('--new-passphrase-file', nextFile)).toMatchObject({ exit: 0 });
  expect(readFileSync(kept(), 'utf8')).toBe('one that opens nothing\n');
  expect(await change('--new-passphrase-file', nextFile)).toMatchObject({ exit: 6 });
  const again = ['passphrase', '--passphrase-file', nextFile];
  expect(await scratch.purser(again)).toMatchObject({ exit: 2 });
  expect(await scratch.purser([...again, '--new-passphrase-file', secret('empty', '')])).not.toMatchObject({
    exit: 0,
  });
  expect(await opens('--passphrase-file', nextFile)).toBe(0);
  // What unlocks a server is no proof of its owner.
  const asServer = await scratch.purser(['passphrase', '--new-passphrase-file', scratch.passphraseFile], {
    env: { PURSER_PASSPHRASE_FILE: nextFile },
  });
  expect(asServer.exit).not.toBe(0);
  expect(asServer.err).toContain('is the owner’s alone'.replace('’', "'"));
  expect(await opens('--passphrase-file', nextFile)).toBe(0);
});

test('takes the factor where there is one, two owners where it takes two, and never what proves an owner', async () => {
  const owners = { owner: 'the first owner says yes', bob: 'bob says yes to it too' };
  await addOwners(ownerOf(scratch.home, PASSPHRASE), owners);
  const [own, bobs] = Object.entries(owners).map(([name, text]) => secret(`${name}.factor`, text)) as [
    string,
    string,
  ];
  const to = (file: string, ...more: string[]) => change('--new-passphrase-file', file, ...more);
  expect((await to(nextFile)).err).toContain('give the factor');
  const proposed = await to(nextFile, '--factor-file', own);
  expect(proposed).toMatchObject({ exit: 4 });
  expect(proposed.err).toContain('bob gives the same command, and the new passphrase to it');
  expect(await opens('--passphrase-file', scratch.passphraseFile)).toBe(0);
  // Agents read what unlocks: an owner passphrase in its place would be theirs.
  expect((await to(own, '--factor-file', bobs)).err).toContain('That is an owner passphrase of this wallet');
  expect(await opens('--passphrase-file', scratch.passphraseFile)).toBe(0);
  const id = /prp_[0-9a-f]{20}/.exec((await to(nextFile, '--factor-file', own)).err)?.[0] ?? '';
  const confirm = [
    'owners',
    'confirm',
    id,
    '--passphrase-file',
    scratch.passphraseFile,
    '--factor-file',
    bobs,
  ];
  expect(await scratch.purser([...confirm, '--new-passphrase-file', nextFile])).toMatchObject({ exit: 0 });
  expect(await opens('--passphrase-file', nextFile)).toBe(0);
});

test('a kill -9 at any step leaves a keystore that what is kept for clients opens', async () => {
  keep();
  const child = fileURLToPath(new URL('./passphraseCrash.child.ts', import.meta.url));
  const typescript = fileURLToPath(new URL('../../scripts/typescript.js', import.meta.url));
  const endings: (string | number | null)[] = [];
  for (let at = 1; at <= STEPS_MAX && endings.at(-1) !== 0; at++) {
    const home = scratch.path(`home ${at}`);
    cpSync(scratch.home, home, { recursive: true });
    chmodSync(home, 0o700);
    const args = [
      'passphrase',
      '--passphrase-file',
      scratch.passphraseFile,
      '--new-passphrase-file',
      nextFile,
    ];
    const env = scratch.env({ PURSER_HOME: home });
    const run = spawnSync(process.execPath, ['--import', typescript, child, String(at), ...args], { env });
    endings.push(run.signal ?? run.status);
    const served = await scratch.purser(['owners'], { env: { PURSER_HOME: home } });
    expect(served, `killed at step ${at}`).toMatchObject({ exit: 0 });
    // One of the two opens it, whichever it is, and the change can be made again from there.
    const file = (await opensBy(home, scratch.passphraseFile)) ? scratch.passphraseFile : nextFile;
    const again = ['passphrase', '--passphrase-file', file, '--new-passphrase-file', nextFile];
    expect(await scratch.purser(again, { env: { PURSER_HOME: home } })).toMatchObject({ exit: 0 });
    expect([readFileSync(kept(home), 'utf8'), existsSync(join(home, 'passphrase.next'))]).toEqual([
      `${NEXT}\n`,
      false,
    ]);
    rmSync(home, { recursive: true });
  }
  expect(endings.length).toBeGreaterThan(STEPS_MIN);
  expect(endings).toEqual([...Array<string>(endings.length - 1).fill('SIGKILL'), 0]);
});

async function opensBy(home: string, file: string): Promise<boolean> {
  const run = await scratch.purser(['owners', '--passphrase-file', file], { env: { PURSER_HOME: home } });
  return run.exit === 0;
}
