import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { quicken } from '../support/quickWallet.js';
import { makeScratch, PASSPHRASE, type Scratch } from './program.js';

/** Canaries: no real wallet has them. */
const PHRASE = 'letter advice cage absurd amount doctor acoustic avoid letter advice cage above';
const KEY = 'b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291';

let scratch: Scratch;
/** What went past the surroundings that a command line is given, straight to the process's own streams. */
let direct: string[];
beforeEach(() => {
  scratch = makeScratch({ here: true });
  direct = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => direct.push(Buffer.from(chunk).toString()) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

/** Every file of the wallet's folder, as bytes. */
function filesIn(folder: string): Buffer[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [readFileSync(path)];
  });
}

/** Runs every command there is, rightly and wrongly, for programs or for people. */
async function useEverything(secret: string, isJson: boolean): Promise<void> {
  const unlocked = { env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile } };
  const owner = ['--passphrase-file', scratch.passphraseFile];
  writeFileSync(scratch.path('wrong'), 'no such passphrase');
  // No chain is there, and nobody outside this machine is asked.
  await scratch.purser(['config', 'set', 'networks.eip155:84532.rpc_url', 'http://127.0.0.1:9', ...owner]);
  const lines = [
    ['address'],
    ['balance'],
    ['limits'],
    ['ledger'],
    ['ledger', '--csv'],
    ['ledger', 'show', 'pay_00'],
    ['config', 'get'],
    ['config', 'set', 'limits.per_day_usd', '4.00'],
    ['config', 'set', 'limits.per_day_usd', '4.50'],
    ['config', 'accept'],
    ['quote', 'http://127.0.0.1:9/'],
    ['pay', 'http://127.0.0.1:9/', '--max-usd', '1'],
    ['response', 'pay_00'],
    ['freeze'],
    ['unfreeze'],
    ['reconcile'],
    ['audit'],
    ['backup'],
  ];
  for (const line of lines) {
    await scratch.purser(isJson ? [...line, '--json'] : line, unlocked);
  }
  await scratch.purser(['config', 'set', 'limits.per_day_usd', '4.50', ...owner]);
  await scratch.purser(['unfreeze', ...owner]);
  await scratch.purser(['address', '--passphrase-file', scratch.path('wrong')]);
  await scratch.init('--restore-stdin');
  await scratch.init(...secret.split(' '));
  writeFileSync(join(scratch.home, 'keystore.json'), '{"purser":"keystore"}');
  await scratch.purser(['address', ...owner]);
}

/** The ways a text is written down without being meant to: as it is, in hex, in base64 from any of three places. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((skip) => bytes.subarray(skip, bytes.length - ((bytes.length - skip) % 3)));
  return [text, bytes.toString('hex'), ...base64.map((part) => part.toString('base64'))];
}

describe('no output and no file holds a secret (T21)', () => {
  const words = PHRASE.split(' ').slice(2, 7).join(' ');
  const digits = KEY.slice(8, 40);
  it.each([
    ['phrase', '--restore-stdin', PHRASE, formsOf(words)],
    [
      'key',
      '--import-key-stdin',
      `0x${KEY}`,
      [...formsOf(digits), Buffer.from(digits, 'hex').toString('latin1')],
    ],
  ])('of a wallet made of a %s', async (_kind, flag, secret, forms) => {
    const args = [
      'init',
      '--keystore',
      'file',
      '--passphrase-file',
      scratch.passphraseFile,
      '--yes',
      '--testnet',
    ];
    expect(await scratch.purser([...args, flag], { input: secret })).toMatchObject({ exit: 0 });
    const files = filesIn(scratch.home);
    await quicken(scratch.home, PASSPHRASE);
    // What a line says does not hang on the kind of secret: each form of it is read once.
    await useEverything(secret, flag === '--restore-stdin');
    files.push(...filesIn(scratch.home));
    expect(files.length).toBeGreaterThan(8);
    const written = [scratch.written(), ...direct].join('\n');
    expect(written).toContain('limits.per_day_usd');
    for (const form of [...forms, ...formsOf(PASSPHRASE)]) {
      expect(written.toLowerCase()).not.toContain(form.toLowerCase());
      for (const file of files) expect(file.includes(form, 0, 'latin1')).toBe(false);
    }
  });
});
