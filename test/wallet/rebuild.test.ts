import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { findNetwork } from '../../src/money/network.js';
import { compareWithChain } from '../../src/wallet/chainAudit.js';
import { backupLedger, rebuildLedger, restoreLedger } from '../../src/wallet/ledgerCare.js';
import { capLine } from '../../src/ledger/fixtures.js';
import { addAgent } from '../../src/wallet/ownerAgents.js';
import type { OwnerOptions } from '../../src/wallet/ownerHand.js';
import { unfreezeWallet } from '../../src/wallet/ownerFreeze.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { paymentsIn } from '../support/books.js';
import { anyCall, createTestWallet, type TestWallet } from '../support/testWallet.js';

/** An authorization's longest life and the margin of the rebuilding, with some to spare. */
const WAIT_SEC = 700;

let sandbox: Sandbox;
let test1: TestWallet;
let aheadMs = 0;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  aheadMs = 0;
  test1 = await createTestWallet(sandbox);
});
afterEach(() => test1.remove());

function now(): number {
  return Date.now() + aheadMs;
}

function owner(): OwnerOptions {
  const passphrase = async (): Promise<string> => TEST_PASSPHRASE;
  return { home: test1.home, now, passphrase, hand: { passphrase, atTerminal: false } };
}

function file(name: string): string {
  return join(test1.home, name);
}

function removeLedger(): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file(`purser.db${suffix}`), { force: true });
}

async function pay(path: string, timeout_ms = 5_000, agent = 'default') {
  const wallet = test1.open({ now, agent });
  const outcome = await wallet.pay(
    { url: `${sandbox.shop.url}${path}`, max_usd: '0.05', timeout_ms },
    anyCall(),
  );
  await wallet.close();
  return outcome;
}

async function later(): Promise<void> {
  await sandbox.chain.increaseTime(WAIT_SEC);
  await sandbox.chain.mine(3);
  sandbox.solana.increaseTime(WAIT_SEC);
  aheadMs += WAIT_SEC * 1000;
}

async function sessionUsed(): Promise<{ day: bigint; findings: unknown[] }> {
  const wallet = test1.open({ now });
  const engine = await wallet.engine();
  const [day = 0n] = engine.ledger.usage([capLine()], now());
  const { findings } = engine.ledger.audit();
  const compared = await compareWithChain(engine.config(), engine.keys, engine.ledger, now());
  await wallet.close();
  return { day, findings: [...findings, ...compared.findings] };
}

describe('a ledger that was deleted', () => {
  test('stops signing until it is rebuilt, and the caps then count what the chain shows', async () => {
    const checkpoint = await sandbox.chain.checkpoint();
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    expect(await pay('/v1/json?n=2')).toMatchObject({ code: 'paid' });
    // Sent, not settled yet: it settles after the ledger is gone.
    expect(await pay('/v2/text?fault=hang_settles_later&n=3', 1_500)).toMatchObject({ money: 'unknown' });
    removeLedger();
    const signed = sandbox.shop.payments().length;
    expect(await pay('/v2/json?n=4')).toMatchObject({ code: 'ledger_missing', money: 'none' });

    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting', imported: 0 });
    expect(await pay('/v2/json?n=5')).toMatchObject({ code: 'frozen', money: 'none' });
    await expect(unfreezeWallet(owner())).rejects.toMatchObject({ code: 'ledger_rebuilding' });
    await sandbox.shop.releasePending();
    expect(sandbox.shop.payments().length).toBe(signed);

    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 3 });
    expect(await sessionUsed()).toEqual({ day: 30_000n, findings: [] });
    await expect(rebuildLedger(owner())).resolves.toMatchObject({ state: 'sound' });
    await checkpoint.revert();
  });
});

describe('a ledger of two chains and two agents that was deleted', () => {
  test('comes back from both: each payment at its agent, on its network', async () => {
    const checkpoint = await sandbox.chain.checkpoint();
    await test1.set('networks.enabled', JSON.stringify(['eip155:84532', SOLANA_DEVNET]));
    await addAgent(owner(), 'researcher', async () => Promise.resolve());
    const wallet = test1.open({ now });
    const there = await (await wallet.engine()).forAgent('researcher').addressOn(findNetwork(SOLANA_DEVNET)!);
    await wallet.close();
    await sandbox.solana.fund(there, 1_000_000n);
    expect(await pay('/v2/json?n=21')).toMatchObject({ payment: { network: 'eip155:84532' } });
    expect(await pay('/v2/json?n=22', 5_000, 'researcher')).toMatchObject({
      payment: { network: SOLANA_DEVNET },
    });
    removeLedger();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting' });
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 2 });
    const rows = paymentsIn(await test1.open({ now }).engine());
    expect(rows.map(({ agent, network, payFrom }) => [agent, network, payFrom]).sort()).toEqual([
      ['default', 'eip155:84532', test1.address],
      ['researcher', SOLANA_DEVNET, there],
    ]);
    expect(await sessionUsed()).toEqual({ day: 20_000n, findings: [] });
    await checkpoint.revert();
  });
});

describe('an older copy', () => {
  test('stops signing, and a rebuilding adds what it lacks', async () => {
    const checkpoint = await sandbox.chain.checkpoint();
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    await backupLedger(owner(), file('copy.db'));
    await expect(backupLedger(owner(), file('copy.db'))).rejects.toMatchObject({ code: 'bad_input' });
    expect(await pay('/v2/json?n=2')).toMatchObject({ code: 'paid' });
    // A further wallet renews the keystore's checkpoint as it opens.
    await (await test1.open({ now }).engine()).close();
    removeLedger();
    copyFileSync(file('copy.db'), file('purser.db'));
    expect(await pay('/v2/json?n=3')).toMatchObject({ code: 'ledger_older', money: 'none' });

    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting', keptAs: null });
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 1 });
    expect(await sessionUsed()).toEqual({ day: 20_000n, findings: [] });
    await checkpoint.revert();
  });
});

describe('restore', () => {
  test('puts a backup in place of a damaged ledger and counts what came after it', async () => {
    const checkpoint = await sandbox.chain.checkpoint();
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    await backupLedger(owner(), file('copy.db'));
    expect(await pay('/v2/json?n=2')).toMatchObject({ code: 'paid' });
    await expect(restoreLedger(owner(), file('nothing.db'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await restoreLedger(owner(), file('copy.db'))).toMatchObject({ state: 'waiting' });
    expect(existsSync(file('purser.db.replaced'))).toBe(true);
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 1 });
    expect(await sessionUsed()).toEqual({ day: 20_000n, findings: [] });
    await checkpoint.revert();
  });
});

describe('the comparison with the chain', () => {
  test('holds for what was paid, and leaves a claim that nothing proved yet to the reconciler', async () => {
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    expect((await sessionUsed()).findings).toEqual([]);
    // A false receipt, taken at its word until the proof is in.
    expect(await pay('/v2/json?fault=false_receipt&n=2')).toMatchObject({ code: 'paid' });
    const wallet = test1.open({ now });
    const engine = await wallet.engine();
    const [claimed] = engine.ledger.listPayments({ state: 'captured' }, 1, null).payments;
    expect(claimed).toMatchObject({ confirmed: false });
    expect((await sessionUsed()).findings).toEqual([]);
  });
});
