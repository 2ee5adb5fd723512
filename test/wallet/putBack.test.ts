import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupLedger, rebuildLedger } from '../../src/owner/ledger/ledgerCare.js';
import { addAgent, resumeAgent, suspendAgent } from '../../src/owner/ownerAgents.js';
import { freezeWallet, openLedgerWithoutKeys, unfreezeWallet } from '../../src/owner/ownerFreeze.js';
import { markFrozen } from '../../src/wallet/freezeMark.js';
import { signaturesIn } from '../support/books.js';
import { unlockAsAnyone } from '../../src/owner/auth/ownerAuth.js';
import { addOwner, answerAs } from '../approvals/owner.js';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { startWalletProcess } from '../support/walletProcess.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

/** What a write of the keystore may take on a machine whose cores are all busy. */
const CATCH_UP_MS_MAX = 120_000;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

const owner = ({ home }: TestWallet) => ownerOf(home, TEST_PASSPHRASE);
const pay = (mine: TestWallet, input = callOf(world.url('/v2/json'))) => mine.open().pay(input, anyCall());

async function copyLedger(mine: TestWallet): Promise<void> {
  rmSync(join(mine.home, 'copy.db'), { force: true });
  await backupLedger(owner(mine), join(mine.home, 'copy.db'));
}

/** Puts the copy in the ledger's place, as whoever restores a file does. */
function putBack({ home }: TestWallet): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(home, `purser.db${suffix}`), { force: true });
  copyFileSync(join(home, 'copy.db'), join(home, 'purser.db'));
}

async function headOf({ home }: TestWallet): Promise<number> {
  const ledger = await openLedgerWithoutKeys(home);
  try {
    return (await ledger.head()).seq;
  } finally {
    await ledger.close();
  }
}

/** Opens no wallet: a wallet that is opened renews the checkpoint by itself. */
async function rememberedBy(mine: TestWallet): Promise<number | undefined> {
  return (await (await unlockAsAnyone(owner(mine))).readAnchor())?.seq;
}

const REFUSED = {
  code: 'ledger_older',
  money: 'none',
  retry: 'after_owner',
  tell_owner: {
    say: expect.stringContaining('older copy') as string,
    action: { kind: 'rebuildLedger' },
  },
};

describe.each(CHAINS)('a copy of the ledger from a moment ago, on %s', (chain) => {
  test('pays nothing once the process that paid has closed', async () => {
    const mine = await world.on(chain).wallet({ settings: { 'limits.per_day_usd': '0.02' } });
    await copyLedger(mine);
    const wallet = mine.open();
    const again = () => wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(await again()).toMatchObject({ code: 'paid' });
    await wallet.close();
    expect(await rememberedBy(mine)).toBe(await headOf(mine));
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
  });

  test('pays nothing after a kill either, once the keystore has caught up', async () => {
    const mine = await world.on(chain).wallet();
    await copyLedger(mine);
    const child = await startWalletProcess(mine.home);
    for (let i = 0; i < 2; i += 1) {
      expect(await child.pay(callOf(world.url('/v2/json')))).toMatchObject({ code: 'paid' });
      await expect.poll(() => rememberedBy(mine), { timeout: CATCH_UP_MS_MAX }).toBe(await headOf(mine));
    }
    await child.kill();
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
  });
});

describe('a freeze', () => {
  const freeze = (mine: TestWallet) => freezeWallet(owner(mine));
  const FROZEN = { code: 'frozen', money: 'none', retry: 'after_owner' };

  test('that nobody with keys has seen stops the copy from before it, until its owner lifts it', async () => {
    const mine = await world.wallet();
    await copyLedger(mine);
    expect(await freeze(mine)).toEqual({ changed: true, ledgerFault: null });
    putBack(mine);
    expect((await (await openLedgerWithoutKeys(mine.home)).head()).frozen).toBe(true);
    expect(await pay(mine)).toMatchObject(FROZEN);
    expect(signaturesIn(mine.home)).toBe(0);
    expect(await unfreezeWallet(owner(mine))).toBe(true);
    expect(await pay(mine)).toMatchObject({ code: 'paid' });
    expect(await unfreezeWallet(owner(mine))).toBe(false);
  });

  test('that a process with keys has seen is remembered where the mark is taken away with the ledger', async () => {
    const mine = await world.wallet();
    await copyLedger(mine);
    await freeze(mine);
    await (await mine.open().engine()).close();
    rmSync(join(mine.home, 'frozen'));
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
    await expect(unfreezeWallet(owner(mine))).rejects.toMatchObject({ code: 'ledger_older' });
    // And a rebuilding gives it back.
    expect(await rebuildLedger({ ...owner(mine), now: world.now })).toMatchObject({ state: 'waiting' });
    await world.advance(700);
    expect(await rebuildLedger({ ...owner(mine), now: world.now })).toMatchObject({
      state: 'done',
      frozen: true,
    });
    expect(await pay(mine)).toMatchObject(FROZEN);
    expect(await unfreezeWallet({ ...owner(mine), now: world.now })).toBe(true);
    expect(await pay(mine)).toMatchObject({ code: 'paid' });
  });

  test('is remembered by a server that runs, though no call comes', async () => {
    const mine = await world.wallet();
    await copyLedger(mine);
    const server = await startWalletProcess(mine.home, { reconcile: true });
    await server.ask({ do: 'balance', input: {} });
    await freeze(mine);
    await expect.poll(() => rememberedBy(mine), { timeout: CATCH_UP_MS_MAX }).toBe(await headOf(mine));
    await server.kill();
    rmSync(join(mine.home, 'frozen'));
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
  });

  test('is not lifted on an older copy: that has to be rebuilt first', async () => {
    const mine = await world.wallet();
    await copyLedger(mine);
    const wallet = mine.open();
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
    await wallet.close();
    await freeze(mine);
    putBack(mine);
    await expect(unfreezeWallet(owner(mine))).rejects.toMatchObject({ code: 'ledger_older' });
    expect(existsSync(join(mine.home, 'frozen'))).toBe(true);
  });

  test('needs no ledger: the mark stops a wallet that is open, and one whose ledger is gone', async () => {
    const mine = await world.wallet();
    const wallet = mine.open();
    await wallet.engine();
    await markFrozen(mine.home, world.now());
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject(FROZEN);
    expect(await wallet.balance({})).toMatchObject({ frozen: true });
    await wallet.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(mine.home, `purser.db${suffix}`), { force: true });
    rmSync(join(mine.home, 'frozen'));
    expect(await freeze(mine)).toEqual({
      changed: true,
      ledgerFault: expect.stringContaining('missing'),
    });
    expect(await freeze(mine)).toMatchObject({ changed: false });
  });

  test('while a rebuilding is under way stays when that ends', async () => {
    const mine = await world.wallet();
    const options = { ...owner(mine), now: world.now };
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(mine.home, `purser.db${suffix}`), { force: true });
    expect(await rebuildLedger(options)).toMatchObject({ state: 'waiting' });
    expect(await freezeWallet(options)).toEqual({ changed: true, ledgerFault: null });
    await expect(unfreezeWallet(options)).rejects.toMatchObject({ code: 'ledger_rebuilding' });
    await world.advance(700);
    expect(await rebuildLedger(options)).toMatchObject({ state: 'done', frozen: true });
    rmSync(join(mine.home, 'frozen'));
    expect(await pay(mine)).toMatchObject(FROZEN);
  });
});

test('an approval that was consumed is not paid again by a copy from before', async () => {
  const mine = await world.wallet({
    settings: { 'limits.per_call_usd': '0.02', 'approvals.wait_s': '0' },
  });
  const wallet = mine.open();
  const engine = await wallet.engine();
  await addOwner(engine);
  const asked = await wallet.pay(callOf(world.url('/v2/price/0.05')), anyCall());
  const approval_id = String(asked['approval_id']);
  await answerAs(engine, approval_id, { kind: 'once' });
  await copyLedger(mine);
  expect(await wallet.pay({ approval_id }, anyCall())).toMatchObject({ code: 'paid', spent_usd: '0.05' });
  await wallet.close();
  for (let i = 0; i < 2; i += 1) {
    putBack(mine);
    expect(await mine.open().pay({ approval_id }, anyCall())).toMatchObject(REFUSED);
  }
  expect(await world.ground.payments(mine.payAddress)).toHaveLength(1);
});

test('a copy is no newer for what is written to it: the keystore goes on to remember the real one', async () => {
  const mine = await world.wallet();
  await addAgent(owner(mine), 'ada', async () => undefined);
  await copyLedger(mine);
  const wallet = mine.open();
  expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
  await wallet.close();
  const remembered = await rememberedBy(mine);
  putBack(mine);
  // Each of these has the keystore remember the ledger, and to suspend needs no owner.
  while ((await headOf(mine)) <= (remembered ?? 0) + 2) {
    await suspendAgent(owner(mine), 'ada');
    await resumeAgent(owner(mine), 'ada');
  }
  expect(await rememberedBy(mine)).toBe(remembered);
  expect(await pay(mine)).toMatchObject(REFUSED);
});
