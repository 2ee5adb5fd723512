import { watch } from 'node:fs';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StoreKeystore, type WalletSecret } from '../../src/keys/keystore.js';
import { QuickStore } from '../support/quickStore.js';
import { bundleProgram, type Bundle } from './bundle.js';
import { startWalletProcess, type WalletProcess } from './walletProcess.js';

/** A slow machine must not fail these, a hung one must. */
const TIMEOUT_MS = 5 * 60_000;
const PASSPHRASE = 'correct horse';
const ONE: WalletSecret = { kind: 'evm_key', privateKey: `0x${'11'.repeat(32)}` };
const TWO: WalletSecret = { kind: 'evm_key', privateKey: `0x${'22'.repeat(32)}` };

let bundle: Bundle;
let home: string;
let running: WalletProcess[];

beforeAll(async () => {
  bundle = await bundleProgram('walletProgram');
}, TIMEOUT_MS);

afterAll(async () => {
  await bundle.remove();
});

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'purser-file-')));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map(async (wallet) => await wallet.kill()));
  await rm(home, { recursive: true, force: true });
});

/** Makes it for tests of anything but its making: one that opens quickly. */
async function make(secret: WalletSecret): Promise<void> {
  await new StoreKeystore(home, new QuickStore(home, PASSPHRASE)).create(secret);
}

async function start(): Promise<WalletProcess> {
  const wallet = await startWalletProcess(bundle, { kind: 'file', home, passphrase: PASSPHRASE });
  running.push(wallet);
  return wallet;
}

describe('an encrypted file under many processes', () => {
  it(
    'is made by exactly one of those that make it at once',
    async () => {
      const secrets = [ONE, TWO, ONE, TWO];
      const wallets = await Promise.all(secrets.map(start));
      const answers = await Promise.all(
        wallets.map(async (wallet, at) => await wallet.take({ do: 'create', secret: secrets[at] ?? ONE })),
      );
      const winners = answers.filter((answer) => answer.code === undefined);
      expect(winners).toHaveLength(1);
      expect(answers.filter((answer) => answer.code === 'already_set_up')).toHaveLength(3);
      const later = await start();
      expect((await later.take({ do: 'unlock' })).value).toMatchObject({ walletId: winners[0]?.value });
      expect((await later.take({ do: 'readAnchor' })).value).toBeNull();
    },
    TIMEOUT_MS,
  );

  it(
    'keeps the latest checkpoint of all',
    async () => {
      await make(ONE);
      const wallets = await Promise.all([start(), start(), start()]);
      await Promise.all(
        wallets.map(async (wallet, at) => {
          for (let seq = at + 1; seq <= 60; seq += 3) {
            const anchor = { ledgerId: 'ledger', seq, headHash: `h${seq}` };
            expect(await wallet.take({ do: 'writeAnchor', anchor })).toMatchObject({ value: null });
          }
        }),
      );
      expect((await (await start()).take({ do: 'readAnchor' })).value).toMatchObject({ seq: 60 });
    },
    TIMEOUT_MS,
  );
});

describe('an encrypted file whose process is killed', () => {
  it(
    'while it renews the checkpoint keeps the old or the new one',
    async () => {
      await make(ONE);
      let seq = 0;
      for (let round = 0; round < 5; round += 1) {
        const wallet = await start();
        wallet.send({ do: 'writeAnchors', ledgerId: 'ledger', fromSeq: seq + 1 });
        let said = seq;
        while (said < seq + 1 + round) said = Number((await wallet.nextAnswer())?.value);
        await wallet.kill();
        for (let answer = await wallet.nextAnswer(); answer !== null; answer = await wallet.nextAnswer()) {
          said = Number(answer.value);
        }
        const reader = await start();
        const kept = (await reader.take({ do: 'readAnchor' })).value as { seq: number; headHash: string };
        expect([said, said + 1]).toContain(kept.seq);
        expect(kept.headHash).toBe(`h${kept.seq}`);
        // Whatever the dead one left, a lock or a temporary file, is no obstacle.
        const next = { ledgerId: 'ledger', seq: kept.seq + 1, headHash: `h${kept.seq + 1}` };
        expect(await reader.take({ do: 'writeAnchor', anchor: next })).toMatchObject({ value: null });
        await reader.end();
        seq = kept.seq + 1;
      }
      expect((await readdir(home)).sort()).toEqual(['keystore-anchor.json', 'keystore.json']);
    },
    TIMEOUT_MS,
  );

  it.each(['keystore.lock', '.keystore-anchor.json.', '.keystore.json.', 'keystore.json'])(
    'when %s appears, while it is made, is whole or absent, and can be made then',
    async (name) => {
      const wallet = await start();
      const appeared = waitForFile(name);
      wallet.send({ do: 'create', secret: ONE });
      await appeared;
      await wallet.kill();
      const next = await start();
      const { value: presence } = await next.take({ do: 'presence' });
      const { code } = await next.take({ do: 'create', secret: ONE });
      expect([presence, code]).toEqual(
        presence === 'present' ? ['present', 'already_set_up'] : ['absent', undefined],
      );
      if (name === 'keystore.json') expect(presence).toBe('present');
      const reader = await start();
      expect((await reader.take({ do: 'readAnchor' })).value).toBeNull();
      const anchor = { ledgerId: 'ledger', seq: 1, headHash: 'h1' };
      expect(await reader.take({ do: 'writeAnchor', anchor })).toMatchObject({ value: null });
      expect((await readdir(home)).sort()).toEqual(['keystore-anchor.json', 'keystore.json']);
    },
    TIMEOUT_MS,
  );
});

/** Settles as soon as a name is made in `home`. */
async function waitForFile(name: string): Promise<void> {
  const watcher = watch(home);
  await new Promise<void>((resolve) => {
    watcher.on('change', (_event, changed) => {
      const isUnfinished = name.startsWith('.') && changed?.toString().startsWith(name) === true;
      if (changed === name || isUnfinished) resolve();
    });
  });
  watcher.close();
}
