import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupLedger } from '../../src/owner/ledgerCare.js';
import { addAgent, resumeAgent, suspendAgent } from '../../src/owner/ownerAgents.js';
import { openLedgerWithoutKeys } from '../../src/owner/ownerFreeze.js';
import { unlockAsAnyone } from '../../src/owner/ownerHand.js';
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

function headOf({ home }: TestWallet): number {
  const ledger = openLedgerWithoutKeys(home);
  try {
    return ledger.head().seq;
  } finally {
    ledger.close();
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
  tell_owner: expect.stringMatching(/older copy.* ledger rebuild/),
};

describe.each(CHAINS)('a copy of the ledger from a moment ago, on %s', (chain) => {
  test('pays nothing once the process that paid has closed', async () => {
    const mine = await world.on(chain).wallet({ settings: { 'limits.per_day_usd': '0.02' } });
    await copyLedger(mine);
    const wallet = mine.open();
    const again = () => wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(await again()).toMatchObject({ code: 'paid' });
    await wallet.close();
    expect(await rememberedBy(mine)).toBe(headOf(mine));
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
  });

  test('pays nothing after a kill either, once the keystore has caught up', async () => {
    const mine = await world.on(chain).wallet();
    await copyLedger(mine);
    const child = await startWalletProcess(mine.home);
    for (let i = 0; i < 2; i += 1) {
      expect(await child.pay(callOf(world.url('/v2/json')))).toMatchObject({ code: 'paid' });
      await expect.poll(() => rememberedBy(mine), { timeout: CATCH_UP_MS_MAX }).toBe(headOf(mine));
    }
    await child.kill();
    putBack(mine);
    expect(await pay(mine)).toMatchObject(REFUSED);
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
  while (headOf(mine) <= (remembered ?? 0) + 2) {
    await suspendAgent(owner(mine), 'ada');
    await resumeAgent(owner(mine), 'ada');
  }
  expect(await rememberedBy(mine)).toBe(remembered);
  expect(await pay(mine)).toMatchObject(REFUSED);
});
