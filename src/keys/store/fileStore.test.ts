import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WalletError } from '../../errors/walletError.js';
import { findKeystoreKind, openKeystore, type Keystore } from '../keystore.js';
import { FileStore } from './fileStore.js';
import { sealMemory } from '../secret/anchor.js';
import { WalletKeys, type WalletSecret } from '../secret/secret.js';
import { openWallet, type UnlockedWallet } from '../unlockedWallet.js';

const PHRASE: WalletSecret = { kind: 'phrase', phrase: `${'abandon '.repeat(23)}art` };
const KEY: WalletSecret = { kind: 'evm_key', privateKey: `0x${'11'.repeat(32)}` };
const PASSPHRASE = 'correct horse';

/** One wallet made once: stretching a passphrase is slow by intent. */
let template: string;
let home: string;
let outer: string;

beforeAll(async () => {
  template = await realpath(await mkdtemp(join(tmpdir(), 'purser-keys-template-')));
  await openKeystore({ kind: 'file', home: template }, { passphrase: async () => PASSPHRASE }).create(PHRASE);
});

afterAll(async () => {
  await rm(template, { recursive: true, force: true });
});

beforeEach(async () => {
  outer = await realpath(await mkdtemp(join(tmpdir(), 'purser-keys-')));
  home = join(outer, 'home');
});

afterEach(async () => {
  await rm(outer, { recursive: true, force: true });
});

function keystore(passphrase: string | null = PASSPHRASE): Keystore {
  return openKeystore({ kind: 'file', home }, { passphrase: async () => passphrase });
}

/** Puts the wallet of the template, which has the phrase, into `home`. */
async function copyWallet(): Promise<void> {
  await mkdir(home, { mode: 0o700 });
  for (const name of await readdir(template)) await copyFile(join(template, name), join(home, name));
}

/** The same wallet opened without its passphrase, for what does not concern it. */
async function copyOpenWallet(): Promise<UnlockedWallet> {
  await copyWallet();
  const store = new FileStore(home, async () => null);
  return openWallet(home, store, PHRASE, new WalletKeys(PHRASE));
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

/** Changes the record as someone would who knows how it is made, checksum and all. */
async function forgeRecord(change: (sealed: Sealed) => void): Promise<void> {
  const path = join(home, 'keystore.json');
  const { purser, version, checksum: _, ...record } = JSON.parse(await readFile(path, 'utf8')) as Forged;
  change(record);
  const checksum = createHash('sha256').update(JSON.stringify(record)).digest('hex');
  await writeFile(path, JSON.stringify({ purser, version, ...record, checksum }));
}

interface Sealed {
  walletId: string;
  sealed: { scrypt: { n: number; r: number; p: number; salt: string }; aes256gcm: Record<string, string> };
}
type Forged = Sealed & { purser: string; version: number; checksum: string };

function flipHex(text: string): string {
  return (text.startsWith('0') ? '1' : '0') + text.slice(1);
}

describe('an encrypted file', () => {
  it('keeps a phrase, for its passphrase alone, in files of the owner alone', async () => {
    expect(await keystore().presence()).toBe('absent');
    expect(await findKeystoreKind(home)).toBeUndefined();
    const made = await keystore().create(PHRASE);
    expect(await keystore(null).presence()).toBe('present');
    expect(await findKeystoreKind(home)).toBe('file');
    const opened = await keystore().unlock();
    expect(opened.walletId).toBe(made.walletId);
    expect(opened.secretKind).toBe('phrase');
    expect(opened.revealSecret()).toMatchObject(PHRASE);
    expect(await opened.evmAddress(0)).toBe('0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb');
    expect(opened.mac('config', 'x')).toEqual(made.mac('config', 'x'));
    expect(await modeOf(home)).toBe(0o700);
    expect((await readdir(home)).sort()).toEqual(['keystore-anchor.json', 'keystore.json']);
    for (const name of await readdir(home)) {
      expect(await modeOf(join(home, name))).toBe(0o600);
      expect(await readFile(join(home, name), 'utf8')).not.toContain('abandon');
    }
  });

  it('keeps an imported key, which has one agent', async () => {
    await keystore().create(KEY);
    const wallet = await keystore().unlock();
    expect(wallet.secretKind).toBe('evm_key');
    expect(await wallet.evmAddress(0)).toBe('0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A');
    await expect(wallet.evmAddress(1)).rejects.toMatchObject({ code: 'bad_input' });
  });

  it('is never made over another', async () => {
    await copyWallet();
    const before = await readFile(join(home, 'keystore.json'), 'utf8');
    await expect(keystore().create(KEY)).rejects.toMatchObject({ code: 'already_set_up' });
    const otherKind = openKeystore({ kind: 'keychain', home });
    await expect(otherKind.create(KEY)).rejects.toMatchObject({ code: 'already_set_up' });
    await expect(otherKind.unlock()).rejects.toMatchObject({ code: 'keystore_unreadable' });
    expect(await readFile(join(home, 'keystore.json'), 'utf8')).toBe(before);
  });

  it('takes no secret that is not one, and no empty passphrase', async () => {
    const wrong: WalletSecret = { kind: 'phrase', phrase: 'abandon '.repeat(12).trim() };
    await expect(keystore().create(wrong)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(keystore('').create(PHRASE)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(keystore('x'.repeat(1025)).create(PHRASE)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(keystore(null).create(PHRASE)).rejects.toMatchObject({ code: 'keystore_locked' });
    expect(await keystore().presence()).toBe('absent');
  });

  it('says what is missing before there is one', async () => {
    await expect(keystore().unlock()).rejects.toMatchObject({
      code: 'not_set_up',
      owner: { action: { kind: 'setUp' } },
    });
  });
});

describe('unlocking', () => {
  it('without a passphrase, or with another, names the fault; the right one still opens it', async () => {
    await copyWallet();
    await expect(keystore(null).unlock()).rejects.toMatchObject({ code: 'keystore_locked' });
    await expect(openKeystore({ kind: 'file', home }).unlock()).rejects.toMatchObject({
      code: 'keystore_locked',
    });
    let given = 'wrong';
    const store = openKeystore({ kind: 'file', home }, { passphrase: async () => given });
    await expect(store.unlock()).rejects.toMatchObject({ code: 'wrong_passphrase' });
    given = PASSPHRASE;
    await expect(store.unlock()).resolves.toMatchObject({ secretKind: 'phrase' });
  });

  it('asks again for what did not open it, twice, and no more where the same comes again', async () => {
    await copyWallet();
    const asked: number[] = [];
    const answers = (given: readonly (string | null)[]) =>
      openKeystore(
        { kind: 'file', home },
        { passphrase: async (attempt = 0) => (asked.push(attempt), given[attempt] ?? null) },
      );
    await expect(answers(['wrong', 'wrong too', PASSPHRASE]).unlock()).resolves.toMatchObject({
      secretKind: 'phrase',
    });
    expect(asked.splice(0)).toEqual([0, 1, 2]);
    for (const [given, times] of [
      [['wrong', 'wrong', PASSPHRASE], 2],
      [['wrong', null, PASSPHRASE], 2],
      [['a', 'b', 'c', PASSPHRASE], 3],
    ] as const) {
      await expect(answers(given).unlock()).rejects.toMatchObject({ code: 'wrong_passphrase' });
      expect(asked.splice(0)).toHaveLength(times);
    }
  });

  it('takes an accented passphrase in whichever form it is typed', async () => {
    await keystore('caf\u00e9').create(PHRASE);
    await expect(keystore('cafe\u0301').unlock()).resolves.toMatchObject({ secretKind: 'phrase' });
  });

  it('asks once, though many wait for it', async () => {
    await copyWallet();
    let asked = 0;
    const store = openKeystore(
      { kind: 'file', home },
      {
        passphrase: async () => {
          asked += 1;
          return PASSPHRASE;
        },
      },
    );
    const wallets = await Promise.all([store.unlock(), store.unlock(), store.unlock()]);
    expect(wallets[0]).toBe(wallets[1]);
    expect(await store.unlock()).toBe(wallets[2]);
    expect(asked).toBe(1);
  });

  it('shows nothing of the secret in what it gives', async () => {
    await keystore().create(KEY);
    const wallet = await keystore().unlock();
    await wallet.evmAddress(0);
    const prints = [
      inspect(wallet, { depth: null, showHidden: true }),
      inspect({ wallet, store: keystore() }, { depth: null, showHidden: true }),
      JSON.stringify({ wallet }),
      String(wallet),
      inspect({ ...wallet }, { depth: null, showHidden: true }),
      inspect(wallet.revealSecret(), { showHidden: true }),
    ].join('\n');
    expect(prints).not.toContain('1111');
    expect(inspect(wallet)).toBe('[redacted]');
    expect(JSON.stringify(wallet)).toBe('"[redacted]"');
    expect(String(wallet)).toBe('[redacted]');
  });
});

describe('a changed file', () => {
  it('is an error and never an absent wallet, whichever bit was flipped', async () => {
    await copyWallet();
    const path = join(home, 'keystore.json');
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, flipped);
      const error: unknown = await keystore()
        .unlock()
        .catch((caught: unknown) => caught);
      expect(error, `byte ${at}`).toMatchObject({ code: 'keystore_unreadable' });
      await expect(keystore().create(KEY), `byte ${at}`).rejects.toMatchObject({
        code: 'keystore_unreadable',
      });
    }
    await writeFile(path, whole);
    await expect(keystore().unlock()).resolves.toMatchObject({ secretKind: 'phrase' });
  });

  it('is an error wherever it was cut', async () => {
    await copyWallet();
    const path = join(home, 'keystore.json');
    const whole = await readFile(path);
    for (const length of [0, 1, whole.length >> 1, whole.length - 3]) {
      await writeFile(path, whole.subarray(0, length));
      await expect(keystore().presence(), `${length} bytes`).rejects.toMatchObject({
        code: 'keystore_unreadable',
      });
    }
  });

  it.each<[string, (record: Sealed) => void]>([
    ["wallet's id", (record) => (record.walletId = flipHex(record.walletId))],
    ['salt', ({ sealed }) => (sealed.scrypt.salt = flipHex(sealed.scrypt.salt))],
    ['cost', ({ sealed }) => (sealed.scrypt.n /= 2)],
    ['nonce', ({ sealed }) => (sealed.aes256gcm.nonce = flipHex(sealed.aes256gcm.nonce ?? ''))],
    ['tag', ({ sealed }) => (sealed.aes256gcm.tag = flipHex(sealed.aes256gcm.tag ?? ''))],
    ['text', ({ sealed }) => (sealed.aes256gcm.text = flipHex(sealed.aes256gcm.text ?? ''))],
  ])('does not open when its %s and its checksum were forged', async (_name, change) => {
    await copyWallet();
    await forgeRecord(change);
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'wrong_passphrase' });
  });

  it.each<[string, (cost: Sealed['sealed']['scrypt']) => void]>([
    ['huge memory', (cost) => (cost.n = 2 ** 40)],
    ['no cost', (cost) => (cost.n = 2)],
    ['a cost that is no power of two', (cost) => (cost.n = 2 ** 17 + 1)],
    ['large blocks', (cost) => (cost.r = 1024)],
    ['many rounds', (cost) => (cost.p = 2 ** 20)],
    ['a part of a round', (cost) => (cost.p = 1.5)],
  ])('is refused before any work when it asks for %s', async (_name, change) => {
    await copyWallet();
    await forgeRecord(({ sealed }) => change(sealed.scrypt));
    let asked = false;
    const store = openKeystore(
      { kind: 'file', home },
      {
        passphrase: async () => {
          asked = true;
          return PASSPHRASE;
        },
      },
    );
    await expect(store.unlock()).rejects.toMatchObject({ code: 'keystore_unreadable' });
    expect(asked).toBe(false);
  });
});

describe('a place that is not safe', () => {
  it.each([0o640, 0o604, 0o620])('is refused: a file of mode %o', async (mode) => {
    await copyWallet();
    const path = join(home, 'keystore.json');
    await chmod(path, mode);
    await expect(keystore().unlock()).rejects.toMatchObject({
      code: 'keystore_unreadable',
      owner: { say: `Run: chmod 600 ${path}` },
    });
  });

  it.each([0o750, 0o705, 0o777])('is refused: a folder of mode %o', async (mode) => {
    await copyWallet();
    await chmod(home, mode);
    await expect(keystore().unlock()).rejects.toMatchObject({
      code: 'home_unsafe',
      owner: { say: `Run: chmod 700 ${home}` },
    });
  });

  it('is refused: a link where the file should be', async () => {
    await copyWallet();
    const path = join(home, 'keystore.json');
    await rename(path, join(outer, 'elsewhere.json'));
    await symlink(join(outer, 'elsewhere.json'), path);
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'keystore_unreadable' });
    await expect(keystore().create(KEY)).rejects.toMatchObject({ code: 'keystore_unreadable' });
  });

  it('is refused: a dangling link, which a write would follow', async () => {
    await mkdir(home, { mode: 0o700 });
    await symlink(join(outer, 'nowhere.json'), join(home, 'keystore.json'));
    await expect(keystore().create(PHRASE)).rejects.toMatchObject({ code: 'keystore_unreadable' });
    expect(await readdir(outer)).toEqual(['home']);
  });

  it('is refused: a link where the folder should be', async () => {
    await copyWallet();
    await rename(home, join(outer, 'elsewhere'));
    await symlink(join(outer, 'elsewhere'), home);
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'home_unsafe' });
  });

  it('is refused: a folder where the file should be, or a file where the folder should be', async () => {
    await mkdir(join(home, 'keystore.json'), { recursive: true, mode: 0o700 });
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'keystore_unreadable' });
    await rm(home, { recursive: true });
    await writeFile(home, '');
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'home_unusable' });
    await expect(keystore().create(PHRASE)).rejects.toMatchObject({ code: 'home_unusable' });
  });

  it.runIf(process.geteuid?.() === 0)('is refused: what belongs to another user', async () => {
    await copyWallet();
    await chown(join(home, 'keystore.json'), 65534, 65534);
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'keystore_unreadable' });
    await chown(join(home, 'keystore.json'), 0, 0);
    await chown(home, 65534, 65534);
    await expect(keystore().unlock()).rejects.toMatchObject({ code: 'home_unsafe' });
  });

  it('is closed to others when it is empty and ours, and refused when it holds anything', async () => {
    await mkdir(home);
    await chmod(home, 0o755);
    expect(await keystore().presence()).toBe('absent');
    await writeFile(join(home, 'photo.jpg'), '');
    await expect(keystore().create(PHRASE)).rejects.toMatchObject({ code: 'home_unsafe' });
    expect(await modeOf(home)).toBe(0o755);
    await rm(join(home, 'photo.jpg'));
    await keystore().create(PHRASE);
    expect(await modeOf(home)).toBe(0o700);
  });
});

describe('the checkpoint of the ledger', () => {
  const ANCHOR = { ledgerId: 'ledger-1', seq: 5, headHash: 'aa' };
  const GOES_ON = { continues: () => Promise.resolve() };

  it('is null until written, and then what was written, without the secret being written again', async () => {
    const wallet = await copyOpenWallet();
    const secretFile = join(home, 'keystore.json');
    const before = await stat(secretFile);
    expect(await wallet.readAnchor()).toBeNull();
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    expect(await wallet.readAnchor()).toEqual(ANCHOR);
    expect(await (await keystore().unlock()).readAnchor()).toEqual(ANCHOR);
    const after = await stat(secretFile);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it('goes forward only, and remembers one ledger and one history', async () => {
    const wallet = await copyOpenWallet();
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    await wallet.writeAnchor({ ...ANCHOR, seq: 4, headHash: 'bb' }, GOES_ON);
    expect(await wallet.readAnchor()).toEqual(ANCHOR);
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    await expect(wallet.writeAnchor({ ...ANCHOR, headHash: 'bb' }, GOES_ON)).rejects.toMatchObject({
      code: 'ledger_damaged',
    });
    await expect(
      wallet.writeAnchor({ ...ANCHOR, ledgerId: 'ledger-2', seq: 9 }, GOES_ON),
    ).rejects.toMatchObject({
      code: 'ledger_foreign',
    });
    expect(await wallet.readAnchor()).toEqual(ANCHOR);
    await wallet.writeAnchor({ ...ANCHOR, seq: 6, headHash: 'cc' }, GOES_ON);
    expect(await wallet.readAnchor()).toEqual({ ...ANCHOR, seq: 6, headHash: 'cc' });
  });

  it('stays where the ledger does not go on from it, however many entries that has (T29)', async () => {
    const wallet = await copyOpenWallet();
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    const asked: unknown[] = [];
    const continues = async (kept: unknown): Promise<void> => {
      asked.push(kept);
      throw new WalletError('ledger_older', 'an older copy that was written to since');
    };
    await expect(
      wallet.writeAnchor({ ...ANCHOR, seq: 99, headHash: 'zz' }, { continues }),
    ).rejects.toMatchObject({ code: 'ledger_older' });
    expect(asked).toEqual([ANCHOR]);
    expect(await wallet.readAnchor()).toEqual(ANCHOR);
  });

  it('goes anywhere when the owner has rebuilt the ledger, also over a lost one', async () => {
    const wallet = await copyOpenWallet();
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    const fresh = { ledgerId: 'ledger-2', seq: 0, headHash: 'dd' };
    await wallet.writeAnchor(fresh, 'rebuilt');
    expect(await wallet.readAnchor()).toEqual(fresh);
    await rm(join(home, 'keystore-anchor.json'));
    await wallet.writeAnchor(ANCHOR, 'rebuilt');
    expect(await wallet.readAnchor()).toEqual(ANCHOR);
  });

  it('keeps the latest of many that come at once', async () => {
    const wallet = await copyOpenWallet();
    const seqs = [3, 9, 1, 7, 8, 2, 6, 4, 5];
    await Promise.all(
      seqs.map((seq) => wallet.writeAnchor({ ...ANCHOR, seq, headHash: `h${seq}` }, GOES_ON)),
    );
    expect(await wallet.readAnchor()).toEqual({ ...ANCHOR, seq: 9, headHash: 'h9' });
  });

  it('is an error when it is gone, changed in any bit, or of another wallet (T29)', async () => {
    const wallet = await copyOpenWallet();
    await wallet.writeAnchor(ANCHOR, GOES_ON);
    const path = join(home, 'keystore-anchor.json');
    const whole = await readFile(path);
    const unreadable = { code: 'keystore_unreadable', owner: { action: { kind: 'rebuildLedger' } } };
    // The line end after the record is the one byte that says nothing.
    for (let at = 0; at < whole.length - 1; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, flipped);
      await expect(wallet.readAnchor(), `byte ${at}`).rejects.toMatchObject(unreadable);
      await expect(wallet.writeAnchor({ ...ANCHOR, seq: 6 }, GOES_ON), `byte ${at}`).rejects.toMatchObject(
        unreadable,
      );
    }
    await rm(path);
    await expect(wallet.readAnchor()).rejects.toMatchObject(unreadable);
    await writeFile(path, sealMemory({ anchor: ANCHOR, factors: [] }, new WalletKeys(KEY)), { mode: 0o600 });
    await expect(wallet.readAnchor()).rejects.toMatchObject(unreadable);
  });

  it.each([
    ['no id', { ...ANCHOR, ledgerId: '' }],
    ['a huge id', { ...ANCHOR, ledgerId: 'x'.repeat(129) }],
    ['a negative number', { ...ANCHOR, seq: -1 }],
    ['a broken number', { ...ANCHOR, seq: 0.5 }],
  ])('is refused with %s', async (_name, anchor) => {
    const wallet = await copyOpenWallet();
    const refused: unknown = await wallet.writeAnchor(anchor, GOES_ON).catch((caught: unknown) => caught);
    expect((refused as WalletError).code).toBe('internal');
    expect(await wallet.readAnchor()).toBeNull();
  });
});
