import { mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WalletSecret } from '../../src/keys/keystore.js';
import { bundleProgram, type Bundle } from './bundle.js';
import { missingPrograms, startSecretService, type SecretService } from './secretService.js';
import { startWalletProcess, type WalletProcess } from './walletProcess.js';
import type { Setup } from './walletProgram.js';

/** A slow machine must not fail these, a hung one must. */
const TIMEOUT_MS = 5 * 60_000;
const PHRASE: WalletSecret = { kind: 'phrase', phrase: `${'abandon '.repeat(23)}art` };
const KEY: WalletSecret = { kind: 'evm_key', privateKey: `0x${'11'.repeat(32)}` };
const ANCHOR = { ledgerId: 'ledger-1', seq: 5, headHash: 'aa' };

const missing = missingPrograms();

// Needs gnome-keyring and dbus: with Debian, apt-get install --no-install-recommends gnome-keyring dbus.
describe.skipIf(missing !== null)(`a real Secret Service${missing === null ? '' : ` (${missing})`}`, () => {
  let bundle: Bundle;
  let service: SecretService;
  let home: string;
  let running: WalletProcess[];

  beforeAll(async () => {
    bundle = await bundleProgram('walletProgram');
  }, TIMEOUT_MS);

  afterAll(async () => {
    await bundle.remove();
  });

  beforeEach(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), 'purser-keychain-')));
    running = [];
  });

  afterEach(async () => {
    await Promise.all(running.map(async (wallet) => await wallet.kill()));
    await service.end();
    await rm(home, { recursive: true, force: true });
  });

  async function start(more: Partial<Setup> = {}): Promise<WalletProcess> {
    const wallet = await startWalletProcess(bundle, { kind: 'keychain', home, ...more }, service.env);
    running.push(wallet);
    return wallet;
  }

  it(
    'keeps a phrase and a checkpoint for the next process, and nothing secret in a file',
    async () => {
      service = await startSecretService();
      const first = await start();
      expect(await first.take({ do: 'unlock' })).toMatchObject({
        code: 'not_set_up',
        ownerAction: { kind: 'setUp' },
      });
      expect((await first.take({ do: 'presence' })).value).toBe('absent');
      const { value: walletId } = await first.take({ do: 'create', secret: PHRASE });
      expect(walletId).toMatch(/^[0-9a-f]{32}$/);
      expect((await first.take({ do: 'readAnchor' })).value).toBeNull();
      expect(await first.take({ do: 'writeAnchor', anchor: ANCHOR })).toMatchObject({ value: null });
      await first.end();
      const second = await start();
      expect((await second.take({ do: 'presence' })).value).toBe('present');
      expect((await second.take({ do: 'unlock' })).value).toMatchObject({
        walletId,
        address: '0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb',
      });
      expect((await second.take({ do: 'readAnchor' })).value).toEqual(ANCHOR);
      expect(await readdir(home)).toEqual(['keystore.json']);
      expect(await readFile(join(home, 'keystore.json'), 'utf8')).not.toMatch(/abandon/);
    },
    TIMEOUT_MS,
  );

  it(
    'never keeps a second wallet over the first, whoever is first',
    async () => {
      service = await startSecretService();
      const secrets = [KEY, PHRASE, KEY, PHRASE];
      const wallets = await Promise.all(secrets.map(async () => await start()));
      const answers = await Promise.all(
        wallets.map(async (wallet, at) => await wallet.take({ do: 'create', secret: secrets[at] ?? KEY })),
      );
      const winners = answers.filter((answer) => answer.code === undefined);
      expect(winners).toHaveLength(1);
      expect(answers.filter((answer) => answer.code === 'already_set_up')).toHaveLength(3);
      const later = await start();
      expect((await later.take({ do: 'unlock' })).value).toMatchObject({ walletId: winners[0]?.value });
    },
    TIMEOUT_MS,
  );

  it(
    'moves the checkpoint forward only, under many processes',
    async () => {
      service = await startSecretService();
      const first = await start();
      await first.take({ do: 'create', secret: KEY });
      const wallets = await Promise.all([start(), start(), start()]);
      await Promise.all(
        wallets.map(async (wallet, at) => {
          for (let seq = at + 1; seq <= 30; seq += 3) {
            const anchor = { ...ANCHOR, seq, headHash: `h${seq}` };
            expect(await wallet.take({ do: 'writeAnchor', anchor })).toMatchObject({ value: null });
          }
        }),
      );
      expect((await first.take({ do: 'readAnchor' })).value).toMatchObject({ seq: 30, headHash: 'h30' });
      const foreign = { ...ANCHOR, ledgerId: 'ledger-2', seq: 99 };
      expect(await first.take({ do: 'writeAnchor', anchor: foreign })).toMatchObject({
        code: 'ledger_foreign',
      });
      expect(await first.take({ do: 'writeAnchor', anchor: foreign, rebuilt: true })).toMatchObject({
        value: null,
      });
      expect((await first.take({ do: 'readAnchor' })).value).toEqual(foreign);
    },
    TIMEOUT_MS,
  );

  it(
    'that is locked is an error for reading and making, and no absent wallet',
    async () => {
      service = await startSecretService();
      await (await start()).take({ do: 'create', secret: PHRASE });
      service.lock();
      const wallet = await start();
      expect(await wallet.take({ do: 'presence' })).toMatchObject({ code: 'keychain_locked' });
      expect(await wallet.take({ do: 'unlock' })).toMatchObject({ code: 'keychain_locked' });
      expect(await wallet.take({ do: 'create', secret: KEY })).toMatchObject({ code: 'keychain_locked' });
      expect(wallet.output()).not.toMatch(/abandon/);
    },
    TIMEOUT_MS,
  );

  it(
    'that is locked and empty is no place for a new wallet',
    async () => {
      service = await startSecretService();
      service.lock();
      const wallet = await start();
      expect(await wallet.take({ do: 'create', secret: KEY })).toMatchObject({ code: 'keychain_locked' });
    },
    TIMEOUT_MS,
  );

  it(
    'whose dialog nobody answers is given up at each deadline, and the process ends as it wants',
    async () => {
      service = await startSecretService({ prompter: 'silent' });
      await (await start()).take({ do: 'create', secret: PHRASE });
      service.lock();
      const wallet = await start({ deadlineMs: 300 });
      // More tries than Node's pool has threads: one that kept a thread each would stop at the fifth.
      for (let tries = 0; tries < 6; tries += 1) {
        const answer = await wallet.take({ do: 'unlock' });
        expect(answer).toMatchObject({ code: 'keychain_locked' });
        expect(answer.tookMs).toBeGreaterThanOrEqual(300);
      }
      expect(await wallet.end()).toBe(6);
    },
    // The dialog stays for 25 s: an end that waits for it is a failure.
    15_000,
  );

  it(
    'that hangs counts as locked, and works again when it goes on',
    async () => {
      service = await startSecretService();
      const wallet = await start();
      await wallet.take({ do: 'create', secret: PHRASE });
      service.pause();
      expect(await wallet.take({ do: 'presence' })).toMatchObject({ code: 'keychain_locked' });
      service.resume();
      expect((await wallet.take({ do: 'presence' })).value).toBe('present');
    },
    TIMEOUT_MS,
  );

  it(
    'that shows nothing of a wallet this folder has is an error, and no place for a second',
    async () => {
      service = await startSecretService();
      await (await start()).take({ do: 'create', secret: PHRASE });
      await service.end();
      service = await startSecretService();
      const wallet = await start();
      for (const step of [{ do: 'presence' }, { do: 'unlock' }, { do: 'create', secret: KEY }] as const) {
        expect(await wallet.take(step)).toMatchObject({ code: 'keystore_unreadable' });
      }
    },
    TIMEOUT_MS,
  );

  it(
    'gives a deleted folder its wallet back, and still remembers the ledger (T29)',
    async () => {
      service = await startSecretService();
      const first = await start();
      const { value: walletId } = await first.take({ do: 'create', secret: KEY });
      await first.take({ do: 'writeAnchor', anchor: ANCHOR });
      await rm(home, { recursive: true });
      const second = await start();
      expect(await second.take({ do: 'create', secret: PHRASE })).toMatchObject({ code: 'already_set_up' });
      await rm(home, { recursive: true });
      expect((await second.take({ do: 'unlock' })).value).toMatchObject({ walletId });
      expect((await second.take({ do: 'readAnchor' })).value).toEqual(ANCHOR);
      expect(await readdir(home)).toEqual(['keystore.json']);
    },
    TIMEOUT_MS,
  );

  it(
    'that is not on the bus makes the owner choose an encrypted file',
    async () => {
      service = await startSecretService({ keyring: false });
      const wallet = await start();
      const unavailable = { code: 'keystore_unavailable', ownerAction: { kind: 'setUp', keystore: 'file' } };
      expect(await wallet.take({ do: 'presence' })).toMatchObject(unavailable);
      expect(await wallet.take({ do: 'create', secret: KEY })).toMatchObject(unavailable);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['there is no bus', undefined],
    ['the bus is gone', 'unix:path=/nonexistent/bus'],
  ])(
    'is unavailable where %s',
    async (_name, address) => {
      service = await startSecretService({ keyring: false });
      const { DBUS_SESSION_BUS_ADDRESS: _, ...env } = service.env;
      if (address !== undefined) env.DBUS_SESSION_BUS_ADDRESS = address;
      const wallet = await startWalletProcess(bundle, { kind: 'keychain', home }, env);
      running.push(wallet);
      const unavailable = { code: 'keystore_unavailable', ownerAction: { kind: 'setUp', keystore: 'file' } };
      expect(await wallet.take({ do: 'presence' })).toMatchObject(unavailable);
      expect(await wallet.take({ do: 'unlock' })).toMatchObject(unavailable);
      expect(await wallet.take({ do: 'create', secret: KEY })).toMatchObject(unavailable);
    },
    TIMEOUT_MS,
  );

  it(
    'that cannot be reached is never told to be made again where the wallet is in it',
    async () => {
      service = await startSecretService();
      const first = await start();
      await first.take({ do: 'create', secret: KEY });
      const env = { ...service.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' };
      const cutOff = await startWalletProcess(bundle, { kind: 'keychain', home }, env);
      running.push(cutOff);
      const answer = await cutOff.take({ do: 'unlock' });
      expect(answer).toMatchObject({ code: 'keychain_locked' });
      expect(answer).not.toHaveProperty('ownerAction', expect.objectContaining({ kind: 'setUp' }));
    },
    TIMEOUT_MS,
  );

  it(
    'of a folder that was moved names the path that its keys are kept under',
    async () => {
      service = await startSecretService();
      const first = await start();
      await first.take({ do: 'create', secret: KEY });
      const moved = `${home}-moved`;
      await rename(home, moved);
      const other = await startWalletProcess(bundle, { kind: 'keychain', home: moved }, service.env);
      running.push(other);
      const answer = await other.take({ do: 'unlock' });
      await rename(moved, home);
      expect(answer).toMatchObject({
        code: 'keystore_unreadable',
        ownerSays: expect.stringContaining(`Move the folder back to ${home},`) as string,
      });
      const back = await start();
      expect(await back.take({ do: 'unlock' })).toHaveProperty('value');
    },
    TIMEOUT_MS,
  );
});
