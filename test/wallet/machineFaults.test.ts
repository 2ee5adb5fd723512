import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ANSWERS_FOLDER, CONFIG_FILE } from '../../src/config/home.js';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, PAST_CAP, settleAll } from '../support/truth.js';
import { startWalletProcess } from '../support/walletProcess.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

const LEDGER_FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];
const HOUR_MS = 3_600_000;

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
/** Where a test puts aside what it takes away. */
let aside: string;

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  aside = mkdtempSync(join(tmpdir(), 'purser-aside-'));
});

beforeEach(() => {
  wallet = mine.open();
});

afterEach(async () => {
  // Whatever was wrong with the machine, once it is mended the ledger tells the truth.
  await wallet.close();
  const mended = mine.open();
  await settleAll(world, mended);
  await expectLedgerIsChain(world, mine, mended);
  await mended.close();
});

afterAll(async () => {
  rmSync(aside, { recursive: true, force: true });
  await world.stop();
});

const pay = (by: Wallet = wallet): Promise<Outcome> => by.pay(callOf(world.url('/v2/json')), anyCall());
const inHome = (name: string): string => join(mine.home, name);

/** Moves files of the home away; what it returns puts them back. */
function takeAway(names: readonly string[]): () => void {
  const taken = names.filter((name) => existsSync(inHome(name)));
  for (const name of taken) renameSync(inHome(name), join(aside, name));
  return () => {
    for (const name of names) rmSync(inHome(name), { force: true });
    for (const name of taken) renameSync(join(aside, name), inHome(name));
  };
}

/** Asserts that a call met a fault of the machine, named it, and signed nothing. */
async function expectFault(code: string, words: RegExp, by: Wallet = wallet): Promise<void> {
  const seen = world.sandbox.shop.payments().length;
  const outcome = await pay(by);
  expect(outcome).toMatchObject({ status: 'failed', code, money: 'none', payment: null });
  expect(`${outcome.message} ${told(outcome)}`).toMatch(words);
  expect(world.sandbox.shop.payments()).toHaveLength(seen);
}

describe('the ledger', () => {
  test('deleted while it is open: nothing is signed, until it is back', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const putBack = takeAway(LEDGER_FILES);
    await expectFault('ledger_missing', /removed or replaced/);
    await expectFault('ledger_missing', /missing|removed/);
    putBack();
    expect(await pay()).toMatchObject({ status: 'ok' });
  });

  test('deleted before a start: no new one is begun, and the caps are not forgotten (T29)', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    await wallet.close();
    const putBack = takeAway(LEDGER_FILES);
    const restarted = mine.open();
    await expectFault('ledger_missing', /missing/, restarted);
    expect(existsSync(inHome(DATABASE_FILE))).toBe(false);
    putBack();
    expect(await pay(restarted)).toMatchObject({ status: 'ok' });
  });

  test('put back to an older copy before a start: it is noticed (T29)', async () => {
    await wallet.engine();
    await wallet.close();
    for (const name of LEDGER_FILES)
      if (existsSync(inHome(name))) copyFileSync(inHome(name), join(aside, `old-${name}`));
    const between = mine.open();
    for (let i = 0; i < 3; i++) expect(await pay(between)).toMatchObject({ status: 'ok' });
    await between.close();
    const last = mine.open();
    await last.balance({});
    await last.close();
    const putBack = takeAway(LEDGER_FILES);
    for (const name of LEDGER_FILES) {
      if (existsSync(join(aside, `old-${name}`))) copyFileSync(join(aside, `old-${name}`), inHome(name));
    }
    await expectFault('ledger_older', /older.*ledger rebuild/s, mine.open());
    putBack();
  });

  test('exchanged for an older copy while it is open: it is noticed', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const putBack = takeAway(LEDGER_FILES);
    for (const name of LEDGER_FILES) {
      if (existsSync(join(aside, name))) copyFileSync(join(aside, name), inHome(name));
    }
    await expectFault('ledger_missing', /removed or replaced/);
    putBack();
  });

  test('of another wallet is not used', async () => {
    const other = await world.wallet({ usdMicros: 0n });
    const its = other.open();
    await its.engine();
    await its.close();
    await wallet.close();
    const putBack = takeAway(LEDGER_FILES);
    copyFileSync(join(other.home, DATABASE_FILE), inHome(DATABASE_FILE));
    const outcome = await pay(mine.open());
    expect(outcome).toMatchObject({ status: 'failed', money: 'none', retry: 'after_owner' });
    expect(['ledger_foreign', 'ledger_damaged']).toContain(outcome.code);
    expect(told(outcome)).toMatch(/Run: /);
    putBack();
  });

  test('that is no database is not used', async () => {
    await wallet.close();
    const putBack = takeAway(LEDGER_FILES);
    writeFileSync(inHome(DATABASE_FILE), 'not a database, but as long as a page of one'.repeat(100), {
      mode: 0o600,
    });
    await expectFault('ledger_damaged', /damaged/, mine.open());
    putBack();
  });

  test('of which a total was changed stops signing (T22)', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    await wallet.close();
    for (const name of LEDGER_FILES) {
      if (existsSync(inHome(name))) copyFileSync(inHome(name), join(aside, `true-${name}`));
    }
    const db = new Database(inHome(DATABASE_FILE));
    expect(db.prepare('UPDATE totals SET usd_micros = 0').run().changes).toBeGreaterThan(0);
    db.close();
    const spoiled = mine.open();
    await expectFault('ledger_damaged', /changed.*audit/s, spoiled);
    await spoiled.close();
    for (const name of LEDGER_FILES) {
      rmSync(inHome(name), { force: true });
      if (existsSync(join(aside, `true-${name}`))) renameSync(join(aside, `true-${name}`), inHome(name));
    }
  });
});

describe('the folder', () => {
  test('gone while it is in use: nothing is signed, until it is back', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    renameSync(mine.home, `${mine.home}.gone`);
    const outcome = await pay();
    expect(outcome).toMatchObject({ status: 'failed', money: 'none', retry: 'after_owner' });
    renameSync(`${mine.home}.gone`, mine.home);
    expect(await pay()).toMatchObject({ status: 'ok' });
  });

  test('that is read-only: nothing is signed, and the fault is named', async () => {
    await wallet.close();
    const all = [
      mine.home,
      ...readdirSync(mine.home, { recursive: true }).map((name) => inHome(String(name))),
    ];
    const write = (allowed: boolean): void => {
      for (const path of all)
        chmodSync(path, (statSync(path).isDirectory() ? 0o500 : 0o400) + (allowed ? 0o200 : 0));
    };
    const aheadMs = world.now() - Date.now();
    write(false);
    let outcome: Outcome;
    try {
      const stopped = await startWalletProcess(mine.home, { aheadMs }, { boundByModes: true });
      outcome = await stopped.pay(callOf(world.url('/v2/json')));
      await stopped.kill();
    } finally {
      write(true);
    }
    expect(outcome).toMatchObject({ status: 'failed', code: 'home_unusable', money: 'none', payment: null });
    expect(`${outcome.message} ${told(outcome)}`).toMatch(/read-only|cannot be (read or )?written|rights/);
    expect(await pay(mine.open())).toMatchObject({ status: 'ok' });
  });

  test('that cannot take a large answer: the money is accounted for, and the fault named', async () => {
    const putBack = takeAway([ANSWERS_FOLDER]);
    writeFileSync(inHome(ANSWERS_FOLDER), 'a file in its place');
    const outcome = await wallet.pay(callOf(world.url('/v2/large', { bytes: '100000' })), anyCall());
    expect(outcome).toMatchObject({
      status: 'failed',
      code: 'home_unusable',
      money: 'captured',
      spent_usd: '0.01',
      payment: { state: 'captured' },
    });
    expect(outcome.message).toMatch(/cannot be stored/);
    putBack();
  });
});

test('a disk that is full as the paid answer comes: the fault is told, and the process goes on', async () => {
  const unhandled = vi.fn<(error: unknown) => void>();
  process.on('unhandledRejection', unhandled);
  const full = mine.open({
    observer: {
      beforeCommit(point) {
        if (point === 'captured') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
    },
  });
  const outcome = await pay(full);
  await setImmediate();
  process.off('unhandledRejection', unhandled);
  expect(outcome).toMatchObject({ status: 'failed', code: 'disk_full', money: 'unknown' });
  expect(unhandled).not.toHaveBeenCalled();
  await full.close();
});

describe('the config', () => {
  test('edited behind the owner’s back stops signing until it is as it was', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const text = readFileSync(inHome(CONFIG_FILE), 'utf8');
    expect(text).toMatch(/"0\.50?"/);
    writeFileSync(inHome(CONFIG_FILE), text.replace(/"0\.50?"/, '"5.00"'));
    await expectFault('config_edited', /config accept/);
    await expectFault('config_edited', /config accept/, mine.open());
    writeFileSync(inHome(CONFIG_FILE), text);
    expect(await pay()).toMatchObject({ status: 'ok' });
  });

  test('put back to an older version stops signing', async () => {
    const old = readFileSync(inHome(CONFIG_FILE));
    await mine.set('limits.per_call_usd', '0.30');
    expect(await pay()).toMatchObject({ status: 'ok' });
    const newest = readFileSync(inHome(CONFIG_FILE));
    writeFileSync(inHome(CONFIG_FILE), old);
    await expectFault('config_stale', /older.*config accept/s);
    writeFileSync(inHome(CONFIG_FILE), newest);
    await mine.set('limits.per_call_usd', '0.50');
    expect(await pay()).toMatchObject({ status: 'ok' });
  });

  test('gone is no new wallet', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const putBack = takeAway([CONFIG_FILE]);
    const outcome = await pay();
    expect(outcome).toMatchObject({ status: 'failed', money: 'none', retry: 'after_owner' });
    putBack();
    expect(await pay()).toMatchObject({ status: 'ok' });
  });
});

describe('the keystore', () => {
  const KEYSTORE = ['keystore.json', 'keystore-anchor.json'];

  test('locked midway: what is unlocked goes on, what starts says so', async () => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const putBack = takeAway(KEYSTORE);
    expect(await pay()).toMatchObject({ status: 'ok' });
    const outcome = await pay(mine.open());
    expect(outcome).toMatchObject({ status: 'failed', money: 'none', retry: 'after_owner' });
    putBack();
    expect(await pay(mine.open())).toMatchObject({ status: 'ok' });
  });

  test('without its checkpoint is no fresh start (T29)', async () => {
    await wallet.engine();
    await wallet.close();
    const putBack = takeAway(['keystore-anchor.json']);
    await expectFault('keystore_unreadable', /checkpoint/, mine.open());
    putBack();
  });
});

describe('the clock', () => {
  test.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])('%s and back: caps and session forget nothing, and payments go on', async (_name, jumpMs) => {
    expect(await pay()).toMatchObject({ status: 'ok' });
    const jumped = mine.open({ now: () => world.now() + jumpMs });
    expect(await pay(jumped)).toMatchObject({ status: 'refused', code: 'clock_wrong', money: 'none' });
    const used = async (by: Wallet): Promise<unknown> =>
      ((await by.balance({}))['limits'] as { name: string; used_usd: string }[]).find(
        ({ name }) => name === 'limits.per_day_usd',
      )?.used_usd;
    expect(await used(wallet)).toBe(await used(jumped));
    expect(await pay()).toMatchObject({ status: 'ok' });
    await jumped.close();
  });

  test('set back by any time frees nothing under a cap that is reached', async () => {
    await mine.set('limits.per_day_usd', '0.001');
    for (const jumpMs of [0, -HOUR_MS, -25 * HOUR_MS, -31 * 24 * HOUR_MS]) {
      const jumped = mine.open({ now: () => world.now() + jumpMs });
      expect(await pay(jumped)).toMatchObject(
        jumpMs === 0 ? PAST_CAP : { code: 'clock_wrong', money: 'none' },
      );
      await jumped.close();
    }
    await mine.set('limits.per_day_usd', '50');
  });
});
