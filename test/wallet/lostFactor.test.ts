import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { changeConfig } from '../../src/owner/ownerConfig.js';
import { addPassphrase, listFactors, removeFactor } from '../../src/owner/auth/ownerFactors.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { backupLedger, rebuildLedger, restoreLedger } from '../../src/owner/ledger/ledgerCare.js';
import { setUpWallet } from '../../src/owner/setUp/setUp.js';
import { OWNER_PASSPHRASE } from '../approvals/owner.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { createTestWallet, type TestWallet } from '../support/testWallet.js';

const ELEVEN_MINUTES_MS = 11 * 60_000 + 1000;

let sandbox: Sandbox;
let wallet: TestWallet;
let aheadMs = 0;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  aheadMs = 0;
  wallet = await createTestWallet(sandbox, 0n);
  await addPassphrase(by(null), () => Promise.resolve(OWNER_PASSPHRASE), { label: 'first' });
});
afterEach(() => wallet.remove());

function now(): number {
  return Date.now() + aheadMs;
}

/** Whoever has all that unlocks the wallet, and this factor. */
function by(factor: string | null): OwnerOptions {
  const passphrase = (): Promise<string> => Promise.resolve(TEST_PASSPHRASE);
  const auth = { passphrase, atTerminal: true, factor: () => Promise.resolve(factor) };
  return { home: wallet.home, now, passphrase, auth };
}

const place = (name: string): string => join(wallet.home, name);

function lose(...names: string[]): void {
  for (const name of names) rmSync(place(name), { force: true });
}

const loseLedger = (): void => lose('purser.db', 'purser.db-wal', 'purser.db-shm');
const loosen = (factor: string | null) => changeConfig(by(factor), 'limits.per_day_usd', '6.00');

test('a ledger that was deleted takes no factor away, and the one that is made for it has them', async () => {
  loseLedger();
  await expect(loosen(null)).rejects.toMatchObject({ code: 'ledger_missing' });
  await expect(rebuildLedger(by(null))).rejects.toMatchObject({ code: 'factor_needed' });
  await expect(rebuildLedger(by(TEST_PASSPHRASE))).rejects.toMatchObject({ code: 'factor_wrong' });
  expect(existsSync(place('purser.db'))).toBe(false);

  expect(await rebuildLedger(by(OWNER_PASSPHRASE))).toMatchObject({ state: 'waiting' });
  expect(await listFactors(by(null))).toMatchObject([{ kind: 'passphrase', label: 'first' }]);
  await expect(loosen(null)).rejects.toMatchObject({ code: 'factor_needed' });
  aheadMs = ELEVEN_MINUTES_MS;
  // Blocks are dated in whole seconds, from whenever the chain last looked at its clock.
  await sandbox.chain.increaseTime(ELEVEN_MINUTES_MS / 1000 + 60);
  await sandbox.chain.mine(3);
  expect(await rebuildLedger(by(OWNER_PASSPHRASE))).toMatchObject({ state: 'done' });
  expect(await loosen(OWNER_PASSPHRASE)).toMatchObject({ after: '6.00' });
});

test('neither does an old copy, as it lies there or as a backup, bring back a time before or a factor that went', async () => {
  await backupLedger(by(null), place('with-first'));
  await addPassphrase(by(OWNER_PASSPHRASE), () => Promise.resolve('another long passphrase'), {
    label: 'second',
  });
  const [first] = await listFactors(by(null));
  await removeFactor(by(OWNER_PASSPHRASE), first?.id ?? '');
  loseLedger();
  copyFileSync(place('with-first'), place('purser.db'));
  await expect(loosen(OWNER_PASSPHRASE)).rejects.toMatchObject({ code: 'ledger_older' });
  await expect(rebuildLedger(by(OWNER_PASSPHRASE))).rejects.toMatchObject({ code: 'factor_wrong' });
  await expect(restoreLedger(by(OWNER_PASSPHRASE), place('with-first'))).rejects.toMatchObject({
    code: 'factor_wrong',
  });
  expect(await restoreLedger(by('another long passphrase'), place('with-first'))).toMatchObject({
    state: 'waiting',
  });
  expect(await listFactors(by(null))).toMatchObject([{ label: 'second' }]);
});

test('a lost config is made anew by the factor alone', async () => {
  lose('config.json', 'config.accepted.json');
  const { home } = wallet;
  const init = (factor: string | null) =>
    setUpWallet({ ...by(factor), home, keystore: 'file', testnet: true, secret: { kind: 'new' } });
  await expect(init(null)).rejects.toMatchObject({ code: 'factor_needed' });
  expect(readdirSync(home)).not.toContain('config.json');
  expect(await init(OWNER_PASSPHRASE)).toMatchObject({ made: 'finished' });
});

test('where the ledger and what the keystore remembers are both gone, nobody is taken for the owner', async () => {
  loseLedger();
  lose('keystore-anchor.json');
  for (const factor of [null, OWNER_PASSPHRASE])
    await expect(rebuildLedger(by(factor))).rejects.toMatchObject({ code: 'keystore_unreadable' });
});

test('with the keystore’s memory alone gone the ledger’s factor stands, and is remembered again', async () => {
  lose('keystore-anchor.json');
  await expect(rebuildLedger(by(null))).rejects.toMatchObject({ code: 'factor_needed' });
  expect(await rebuildLedger(by(OWNER_PASSPHRASE))).toMatchObject({ state: 'waiting' });
  loseLedger();
  await expect(rebuildLedger(by(null))).rejects.toMatchObject({ code: 'factor_needed' });
});

test('an owner passphrase that opens the keystore is refused, whoever knows of it', async () => {
  const given = (): Promise<string> => Promise.resolve(TEST_PASSPHRASE);
  await expect(addPassphrase(by(OWNER_PASSPHRASE), given, {})).rejects.toMatchObject({ code: 'bad_input' });
});
