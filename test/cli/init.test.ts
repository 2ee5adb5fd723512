import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleProgram } from '../support/walletProcess.js';
import { makeScratch, runToEnd, spawnPurser, type Scratch } from './program.js';

/** BIP-39's own test vectors and Ethereum's best known test key: worthless, and their addresses are known. */
const PHRASE = 'test test test test test test test test test test test junk';
const PHRASE_ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const KEY = '0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318';
const KEY_ADDRESS = '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch({ here: true });
});
afterEach(() => scratch.remove());

/** For what hangs on processes: that there are two, how they end, or their own environment. */
function useProcesses(): void {
  scratch.remove();
  scratch = makeScratch();
}

/** What a wallet came to is asked within this process, whatever made it. */
const HERE = { here: true } as const;

const address = async (): Promise<unknown> =>
  (await scratch.json(['address', '--passphrase-file', scratch.passphraseFile], HERE))['address'];

/** The audit finds nothing. */
async function expectSound(): Promise<void> {
  const audit = ['audit', '--offline', '--passphrase-file', scratch.passphraseFile];
  expect(await scratch.json(audit, HERE)).toMatchObject({ findings: [] });
}

describe('init without a terminal', () => {
  it('makes a wallet by flags alone, and says what to do next', async () => {
    useProcesses();
    const run = await scratch.init();
    expect(run).toMatchObject({ exit: 0, err: '' });
    const [made = ''] = /0x[0-9a-fA-F]{40}/.exec(run.out) ?? [];
    expect(await address()).toBe(made);
    for (const text of [
      ' on Base Sepolia or Tempo testnet\n',
      ' on Solana devnet\n',
      'send test USDC to one of these; no gas coin',
      'limits.per_call_usd',
      '0.50',
      'backup',
      '"mcpServers"',
      // What unlocks it goes into clients' files with it.
      `install --passphrase-file ${scratch.passphraseFile}\n`,
      `"PURSER_PASSPHRASE_FILE": "${scratch.passphraseFile}"`,
    ]) {
      expect(run.out).toContain(text);
    }
  });

  it('keeps everything to its owner, and leaves nothing half made', async () => {
    await scratch.init();
    expect(statSync(scratch.home).mode & 0o777).toBe(0o700);
    const names = readdirSync(scratch.home).sort();
    expect(names).toEqual([
      'addresses.json',
      'config.accepted.json',
      'config.json',
      'keystore-anchor.json',
      'keystore.json',
      'purser.db',
    ]);
    for (const name of names) expect(statSync(join(scratch.home, name)).mode & 0o777, name).toBe(0o600);
  });

  it('answers JSON where asked', async () => {
    const made = await scratch.json([
      ...['init', '--keystore', 'file', '--passphrase-file', scratch.passphraseFile, '--yes'],
    ]);
    expect(made).toMatchObject({
      status: 'ok',
      code: 'ok',
      made: 'new',
      keystore: 'file',
      testnet: false,
      home: scratch.home,
      networks: ['eip155:8453', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'eip155:4217'],
      limits: { 'limits.per_call_usd': '0.50', 'ceilings.per_month_usd': '500.00' },
    });
    expect(made['address']).toBe(await address());
  });

  it('never makes a second wallet over a first', async () => {
    await scratch.makeWallet();
    const before = await address();
    for (const argument of [[], ['--restore-stdin'], ['--import-key-stdin']]) {
      const again = await scratch.purser(
        [
          'init',
          '--keystore',
          'file',
          '--passphrase-file',
          scratch.passphraseFile,
          '--yes',
          '--testnet',
          ...argument,
        ],
        { input: argument[0] === '--import-key-stdin' ? KEY : PHRASE },
      );
      expect(again).toMatchObject({ exit: 6, out: '' });
      expect(again.err).toContain('exists');
    }
    expect(await address()).toBe(before);
  });

  it('makes one wallet when two run at once', async () => {
    useProcesses();
    const runs = await Promise.all([scratch.init('--json'), scratch.init('--json')]);
    const made = runs
      .filter(({ exit }) => exit === 0)
      .map(({ out }) => (JSON.parse(out) as { address: string }).address);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made)).toEqual(new Set([await address()]));
    for (const { exit, out } of runs) {
      if (exit !== 0) expect(JSON.parse(out)).toMatchObject({ code: 'already_set_up' });
    }
    await expectSound();
  });

  it.each([
    ['no --yes', ['init', '--keystore', 'file'], 2, /--yes/],
    [
      'a passphrase file that is not there',
      ['init', '--keystore', 'file', '--yes', '--passphrase-file', '/nowhere/f'],
      2,
      /ENOENT/,
    ],
    ['no phrase on stdin', ['init', '--keystore', 'file', '--yes', '--restore-stdin'], 2, /holds no phrase/],
    ['two secrets', ['init', '--yes', '--restore-stdin', '--import-key-stdin'], 2, /not both/],
    [
      'no keychain',
      ['init', '--yes', '--testnet', '--keystore', 'keychain'],
      6,
      /init --keystore file --testnet --yes/,
    ],
  ])('with %s says what is missing and makes nothing', async (what, args, exit, says) => {
    // The keychain is sought in the environment of the process itself.
    if (what === 'no keychain') useProcesses();
    const run = await scratch.purser(args, { env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } });
    expect({ exit: run.exit, out: run.out }).toEqual({ exit, out: '' });
    expect(run.err).toMatch(says);
    expect(existsSync(join(scratch.home, 'keystore.json'))).toBe(false);
  });

  it('goes on in a file where there is no keychain, and keeps what unlocks it, once for all that run at once', async () => {
    useProcesses();
    const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    const runs = await Promise.all([1, 2].map(() => scratch.purser(['init', '--yes', '--testnet'], { env })));
    const [made, ...others] = runs.sort((a, b) => (a.exit ?? 9) - (b.exit ?? 9));
    expect(made).toMatchObject({ exit: 0 });
    expect(made?.err).toMatch(/No keychain answers here.*file/);
    for (const { exit } of others) expect([0, 6]).toContain(exit);
    expect(statSync(join(scratch.home, 'passphrase')).mode & 0o777).toBe(0o600);
    // Whatever asked last finds what opens it.
    expect(await scratch.json(['audit', '--offline'], HERE)).toMatchObject({ findings: [] });
    expect(made?.out).toContain(String((await scratch.json(['address'], HERE))['address']));
  });

  it('refuses an empty passphrase file, and one that is no passphrase', async () => {
    for (const text of ['', '\n', 'x'.repeat(10_000)]) {
      writeFileSync(scratch.path('odd'), text);
      const run = await scratch.purser([
        'init',
        '--keystore',
        'file',
        '--yes',
        '--passphrase-file',
        scratch.path('odd'),
      ]);
      expect(run.exit).toBe(2);
      expect(existsSync(join(scratch.home, 'keystore.json'))).toBe(false);
    }
  });
});

describe('a secret of elsewhere', () => {
  it('restores a phrase to the address it had', async () => {
    const run = await scratch.purser(
      [
        'init',
        '--keystore',
        'file',
        '--passphrase-file',
        scratch.passphraseFile,
        '--yes',
        '--restore-stdin',
        '--offline',
        '--json',
      ],
      { input: `  ${PHRASE.toUpperCase().replaceAll(' ', '\n')}\n` },
    );
    expect(JSON.parse(run.out)).toMatchObject({ made: 'restored', address: PHRASE_ADDRESS });
    expect(await address()).toBe(PHRASE_ADDRESS);
  });

  it('imports a raw key', async () => {
    const run = await scratch.purser(
      [
        'init',
        '--keystore',
        'file',
        '--passphrase-file',
        scratch.passphraseFile,
        '--yes',
        '--import-key-stdin',
        '--json',
      ],
      { input: `${KEY}\n` },
    );
    expect(JSON.parse(run.out)).toMatchObject({
      made: 'imported',
      address: KEY_ADDRESS,
      // An imported key has no place on Solana: that network is enabled, and not payable.
      addresses: [
        { network: 'eip155:8453', address: KEY_ADDRESS },
        { network: 'eip155:4217', address: KEY_ADDRESS },
      ],
    });
    expect(await address()).toBe(KEY_ADDRESS);
  });

  it.each([
    ['--restore-stdin', PHRASE.replace('junk', 'test')],
    ['--restore-stdin', PHRASE.replace('junk', 'jnuk')],
    ['--import-key-stdin', KEY.slice(0, -1)],
    ['--import-key-stdin', '0x' + '0'.repeat(64)],
  ])('%s refuses %j, repeats nothing of it and makes nothing', async (flag, input) => {
    const args = ['init', '--keystore', 'file', '--passphrase-file', scratch.passphraseFile, '--yes', flag];
    const run = await scratch.purser(args, { input });
    expect(run.exit).toBe(2);
    for (const word of input.split(' ').filter((text) => text.length > 5))
      expect(run.err).not.toContain(word);
    expect(existsSync(join(scratch.home, 'keystore.json'))).toBe(false);
  });

  it('is refused as an argument, and not repeated', async () => {
    for (const secret of [PHRASE.split(' '), [KEY]]) {
      const run = await scratch.init(...secret);
      expect(run.exit).toBe(2);
      expect(run.err).toContain('standard input');
      expect(run.err).not.toContain('junk');
      expect(run.err).not.toContain(KEY.slice(2, 12));
      expect(existsSync(scratch.home)).toBe(false);
    }
  });
});

describe('a set-up that was cut off', () => {
  let child: string;
  beforeAll(async () => {
    child = await bundleProgram('../cli/setUp.child.ts');
  });

  async function dieBehind(step: string): Promise<void> {
    const dying = spawn(process.execPath, [child, scratch.home, scratch.passphraseFile, step], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: scratch.env(),
    });
    const [, signal] = (await once(dying, 'close')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  }

  async function expectWhole(): Promise<void> {
    await expectSound();
    expect(readdirSync(scratch.home).filter((name) => name.includes('.new'))).toEqual([]);
  }

  it.each(['home', 'keystore', 'config', 'ledger'])('behind %s is finished by the next one', async (step) => {
    await dieBehind(step);
    const keystore = join(scratch.home, 'keystore.json');
    const before = step === 'home' ? null : readFileSync(keystore, 'utf8');
    const again = await scratch.init('--json');
    expect(JSON.parse(again.out)).toMatchObject({ status: 'ok', made: step === 'home' ? 'new' : 'finished' });
    if (before !== null) expect(readFileSync(keystore, 'utf8')).toBe(before);
    await expectWhole();
    expect(await scratch.init()).toMatchObject({ exit: 6 });
  });

  it('behind its last step is whole', async () => {
    await dieBehind('anchor');
    expect(await scratch.init()).toMatchObject({ exit: 6 });
    await expectWhole();
  });

  it('at any instant leaves what the next one finishes, and one keystore', async () => {
    // Spread over the run of init, whatever part of it each falls into.
    for (const delayMs of [200, 350, 500]) {
      const args = [
        'init',
        '--keystore',
        'file',
        '--passphrase-file',
        scratch.passphraseFile,
        '--yes',
        '--testnet',
      ];
      const running = spawnPurser(args, scratch.env());
      const timer = setTimeout(() => running.kill('SIGKILL'), delayMs);
      await runToEnd(running);
      clearTimeout(timer);
      const keystore = join(scratch.home, 'keystore.json');
      const kept = existsSync(keystore) ? readFileSync(keystore, 'utf8') : null;
      const again = await scratch.init();
      expect([0, 6]).toContain(again.exit);
      if (kept !== null) expect(readFileSync(keystore, 'utf8')).toBe(kept);
      await expectWhole();
      rmSync(scratch.home, { recursive: true });
    }
  });

  it('sweeps away what a killed one left of a ledger', async () => {
    await dieBehind('config');
    const draft = join(scratch.home, 'purser.db.999999999.new');
    writeFileSync(draft, '');
    writeFileSync(`${draft}-wal`, '');
    await scratch.init();
    await expectWhole();
  });

  it('is finished for the money it was begun for', async () => {
    await dieBehind('config');
    const args = ['init', '--keystore', 'file', '--passphrase-file', scratch.passphraseFile, '--yes'];
    const run = await scratch.purser(args);
    expect(run.exit).toBe(6);
    expect(run.err).toMatch(/ init --keystore file --testnet$/m);
    expect(await scratch.init()).toMatchObject({ exit: 0 });
  });

  it('is not finished with another secret, or another keystore', async () => {
    await dieBehind('keystore');
    const restoring = [
      'init',
      '--passphrase-file',
      scratch.passphraseFile,
      '--yes',
      '--testnet',
      '--restore-stdin',
      '--offline',
    ];
    // The keychain is sought in the environment of the process itself.
    expect(await scratch.purser(restoring, { input: PHRASE, here: false })).toMatchObject({ exit: 6 });
    const inKeychain = ['init', '--keystore', 'keychain', '--yes', '--testnet'];
    expect(await scratch.purser(inKeychain, { here: false })).toMatchObject({ exit: 6 });
    expect(await scratch.init()).toMatchObject({ exit: 0 });
  });
});

describe('a wallet that lost a part', () => {
  it('gets no new ledger in place of the one its keystore remembers (T29)', async () => {
    await scratch.makeWallet();
    rmSync(join(scratch.home, 'purser.db'));
    const run = await scratch.init('--json');
    expect(run.exit).toBe(6);
    expect(JSON.parse(run.out)).toMatchObject({ code: 'ledger_missing' });
    expect(existsSync(join(scratch.home, 'purser.db'))).toBe(false);
  });

  it('gets no new keystore beside the config and ledger of another', async () => {
    await scratch.makeWallet();
    rmSync(join(scratch.home, 'keystore.json'));
    const run = await scratch.init();
    expect(run.exit).toBe(6);
    expect(run.err).toContain('--restore-stdin');
    expect(existsSync(join(scratch.home, 'keystore.json'))).toBe(false);
  });

  it('gets its lost config back with the first limits, by its owner alone', async () => {
    await scratch.makeWallet();
    const set = ['config', 'set', 'limits.per_day_usd', '1.00', '--passphrase-file', scratch.passphraseFile];
    expect(await scratch.purser(set)).toMatchObject({ exit: 0 });
    rmSync(join(scratch.home, 'config.json'));
    // What unlocks a server is no owner: with it an agent could delete the limits away.
    const unlocked = { env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile } };
    expect(await scratch.purser(['init', '--yes', '--testnet'], unlocked)).toMatchObject({ exit: 3 });
    expect(existsSync(join(scratch.home, 'config.json'))).toBe(false);
    expect(await scratch.init()).toMatchObject({ exit: 0 });
    expect(await scratch.json(['config', 'get', 'limits.per_day_usd'])).toMatchObject({ value: '5.00' });
    expect(await scratch.json(['limits', '--passphrase-file', scratch.passphraseFile])).toMatchObject({
      status: 'ok',
    });
  });

  it('is not taken for an absent one where its keystore cannot be read', async () => {
    await scratch.makeWallet();
    const keystore = join(scratch.home, 'keystore.json');
    copyFileSync(keystore, scratch.path('saved'));
    writeFileSync(keystore, '{');
    const run = await scratch.init('--json');
    expect(run.exit).toBe(6);
    expect(JSON.parse(run.out)).toMatchObject({ code: 'keystore_unreadable' });
    expect(readFileSync(keystore, 'utf8')).toBe('{');
  });
});

describe('a folder that will not do', () => {
  it('is refused where others can look into it', async () => {
    mkdirSync(scratch.home);
    writeFileSync(join(scratch.home, 'something'), '');
    chmodSync(scratch.home, 0o755);
    const run = await scratch.init();
    expect(run.exit).toBe(6);
    expect(run.err).toContain(`chmod 700 ${scratch.home}`);
  });

  it('is refused where it is a file', async () => {
    writeFileSync(scratch.home, '');
    expect(await scratch.init('--json')).toMatchObject({ exit: 6 });
    for (const command of [['ledger'], ['address'], ['freeze']]) {
      const run = await scratch.purser([...command, '--json'], {
        env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile },
      });
      expect(run.exit).toBe(6);
      expect(JSON.parse(run.out)).toMatchObject({ code: 'home_unusable' });
    }
  });

  it('is closed to others where it is there and empty', async () => {
    mkdirSync(scratch.home);
    chmodSync(scratch.home, 0o755);
    expect(await scratch.init()).toMatchObject({ exit: 0 });
    expect(statSync(scratch.home).mode & 0o777).toBe(0o700);
  });
});
