import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPermit2Shop, type Permit2Shop } from '../../sandbox/permit2/shop.ts';
import { addChannels, type TempoChannels } from '../../sandbox/tempo/channels.ts';
import { startSessionShop, type SessionShop } from '../../sandbox/tempo/sessionShop.ts';
import { FEE_MANAGER } from '../../src/chain/tempo/tempoHistory.js';
import { compareWithChain } from '../../src/owner/ledger/chainAudit.js';
import { backupLedger, rebuildLedger, restoreLedger } from '../../src/owner/ledger/ledgerCare.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { attemptsIn } from '../support/books.js';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { settleAll } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

// An older copy of the ledger, in which payments are open that leave no nonce in the token's logs: the real Permit2 on Base,
// and a deposit on Tempo.

/** An authorization's longest life and the margin of the rebuilding, with some to spare. */
const WAIT_SEC = 700;
const DEPOSIT = 500_000n;
let world: TestWorld;
let channels: TempoChannels;
let sessions: SessionShop;
let shop: Permit2Shop;

beforeAll(async () => {
  world = await startTestWorld('tempo');
  channels = await addChannels(world.tempo!.chain);
  sessions = await startSessionShop(channels);
  shop = await startPermit2Shop(world.sandbox);
});

afterAll(async () => {
  await sessions.close();
  await shop.close();
  await world.stop();
});

const owner = ({ home }: TestWallet) => ({ ...ownerOf(home, TEST_PASSPHRASE), now: world.now });
const copyOf = ({ home }: TestWallet): string => join(home, 'copy.db');

async function buy(wallet: Wallet, url: string): Promise<void> {
  expect(await wallet.pay({ url, max_usd: '1' }, anyCall())).toMatchObject({ status: 'ok', code: 'paid' });
}

/** Puts the older copy back, and rebuilds over it. */
async function rebuildOver(mine: TestWallet): Promise<number> {
  expect(await restoreLedger(owner(mine), copyOf(mine))).toMatchObject({ state: 'waiting' });
  await world.advance(WAIT_SEC);
  const { state, imported } = await rebuildLedger(owner(mine));
  expect(state).toBe('done');
  return imported;
}

// First: the published server of sessions signs by the machine's clock, which the chains are ahead of later.
test('a deposit that is open in it is counted once', async () => {
  const mine = await world.wallet({ usdMicros: 0n });
  await mine.set('net.allow_private', JSON.stringify([sessions.hostPort]));
  await mine.set('limits.deposit_usd', '1');
  await channels.fund(mine.address, 5_000_000n);
  const wallet = mine.open();
  await buy(wallet, `${sessions.url}/a?n=1`);
  await backupLedger(owner(mine), copyOf(mine));
  await buy(wallet, `${sessions.url}/a?n=2`);
  await wallet.close();
  await rebuildOver(mine);
  const rows = await attemptsIn(await mine.open().engine());
  // Not by the sandbox's own allowance of its reserve, whose fee the wallet does not know.
  const counted = rows.filter(({ scheme, payTo }) => scheme !== 'session' && payTo !== FEE_MANAGER);
  expect(counted).toMatchObject([{ scheme: 'channel', state: 'unknown', heldAtomic: DEPOSIT }]);
});

test('what Permit2 moved is counted once: what was open in it, and what came later', async () => {
  const on = world.on('base');
  const mine = await on.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const wallet = mine.open();
  await buy(wallet, `${shop.url}/upto/sponsored/a?usd=0.10&charge=0.02`);
  await buy(wallet, `${shop.url}/exact/sponsored/b?usd=0.04`);
  await backupLedger(owner(mine), copyOf(mine));
  await buy(wallet, `${shop.url}/upto/sponsored/c?usd=0.10&charge=0.03`);
  await wallet.close();
  expect(await rebuildOver(mine)).toBe(1);

  const rebuilt = mine.open();
  const engine = await rebuilt.engine();
  const compare = async () =>
    compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(await compare()).toMatchObject({ unknown: 0 });
  const rows = await settleAll(on, rebuilt);
  const captured = rows.map(({ capturedAtomic }) => capturedAtomic ?? 0n);
  expect(captured.sort()).toEqual([20_000n, 30_000n, 40_000n]);
  expect(await on.ground.balanceOf(mine.address)).toBe(mine.fundedAtomic - 90_000n);
  expect(await compare()).toMatchObject({ compared: 3, unknown: 0, findings: [] });
});
