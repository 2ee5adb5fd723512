import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../sandbox/world.ts';
import { capLine, CENT } from '../../../src/ledger/sqlite/fixtures.js';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { rebuildLedger } from '../../../src/owner/ledger/ledgerCare.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { ownerOf } from '../../support/quickWallet.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { paymentsIn } from '../../support/books.js';
import { startWalletProcess } from '../../support/walletProcess.js';
import type { Outcome } from '../../../src/wallet/answer/outcome.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import { anyCall, createTestWallet, type TestWallet } from '../../support/testWallet.js';

/** An authorization's longest life and the margin of the rebuilding, with some to spare. */
const WAIT_SEC = 700;

describe.skipIf(NO_POSTGRES !== null)('two servers that pay out of one ledger in PostgreSQL', () => {
  let server: TestPostgres;
  let sandbox: Sandbox;
  let wallet: TestWallet;
  beforeAll(async () => {
    [server, sandbox] = await Promise.all([TestPostgres.start(), startSandbox()]);
    wallet = await createTestWallet(sandbox, undefined, { settings: { 'limits.per_day_usd': '0.05' } });
  });
  afterAll(async () => {
    await wallet.remove();
    await Promise.all([server.stop(), sandbox.stop()]);
  });

  test('pay once for one request, stay within the cap by chain, and go on behind a crash of the database', async () => {
    const to = { url: placeUrl(server.place('fleet')), passwordFile: server.passwordFile };
    await moveLedger(ownerOf(wallet.home, TEST_PASSPHRASE), to);
    const root = mkdtempSync(join(tmpdir(), 'purser-second-'));
    const second = join(root, 'home');
    mkdirSync(second, { mode: 0o700 });
    cpSync(wallet.home, second, { recursive: true });
    const here = wallet.open();
    // A server is a process: who shares one shares its leases, too.
    const there = await startWalletProcess(second);
    const pay = (i: number, path: string): Promise<Outcome> => {
      const asked = { url: `${sandbox.shop.url}${path}`, max_usd: '0.05' };
      return i === 0 ? here.pay(asked, anyCall()) : there.pay(asked);
    };
    try {
      const spentAtFirst = wallet.fundedAtomic - (await sandbox.chain.balanceOf(wallet.address));
      expect(spentAtFirst).toBe(0n);
      // One request on both servers at once: one payment, and both have the answer.
      const twins = await Promise.all([pay(0, '/v2/price/0.01'), pay(1, '/v2/price/0.01')]);
      expect(
        twins.map(({ status }) => status),
        JSON.stringify(twins),
      ).toEqual(['ok', 'ok']);
      expect(new Set(twins.map(({ payment }) => payment?.id)).size).toBe(1);

      await server.crash();
      await server.begin();
      // Ten at once, of which the cap of five cents lets four through beside the first one.
      const rush = await Promise.all(
        Array.from({ length: 10 }, (_, i) => pay(i % 2, `/v2/price/0.01?n=${i}`)),
      );
      const paid = rush.filter(({ status }) => status === 'ok');
      expect(paid.length).toBe(4);
      const left = await sandbox.chain.balanceOf(wallet.address);
      expect(wallet.fundedAtomic - left).toBe(50_000n);
      const engine = await here.engine();
      expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
      // Five are paid, and whatever else was held was let go before anything was signed for it.
      const rows = await paymentsIn(engine);
      expect(rows.filter(({ state }) => state === 'captured')).toHaveLength(5);
      for (const { state, payload } of rows.filter((row) => row.state !== 'captured'))
        expect({ state, payload }).toEqual({ state: 'released', payload: null });
    } finally {
      await there.kill();
      rmSync(root, { recursive: true, force: true });
    }
  });

  test('pay nothing once the database is lost, and go on within the cap once both were rebuilt from the chain', async () => {
    const root = mkdtempSync(join(tmpdir(), 'purser-second-'));
    const second = join(root, 'home');
    mkdirSync(second, { mode: 0o700 });
    cpSync(wallet.home, second, { recursive: true });
    await server.query('DROP SCHEMA fleet CASCADE');
    let aheadMs = 0;
    const now = (): number => Date.now() + aheadMs;
    const rebuild = (home: string) => rebuildLedger({ ...ownerOf(home, TEST_PASSPHRASE), now });
    const pay = async (home: string, path: string) => {
      const opened = wallet.open({ home, now });
      const outcome = await opened.pay({ url: `${sandbox.shop.url}${path}`, max_usd: '0.05' }, anyCall());
      await opened.close();
      return outcome;
    };
    try {
      expect((await pay(wallet.home, '/v2/price/0.01?lost')).code).toBe('ledger_missing');
      const begun = await rebuild(wallet.home);
      expect(begun).toMatchObject({ state: 'waiting', frozen: true });
      // Its keystore remembers the ledger that was lost, until its own owner says so there.
      expect((await pay(second, '/v2/price/0.01?foreign')).code).toBe('ledger_foreign');
      expect(await rebuild(second)).toMatchObject({ state: 'waiting', readyAtMs: begun.readyAtMs });
      expect((await pay(second, '/v2/price/0.01?frozen')).code).toBe('frozen');
      await sandbox.chain.increaseTime(WAIT_SEC);
      await sandbox.chain.mine(3);
      sandbox.solana.increaseTime(WAIT_SEC);
      aheadMs = WAIT_SEC * 1000;
      expect(await rebuild(wallet.home)).toMatchObject({ state: 'done', imported: 5, frozen: false });
      expect(await rebuild(second)).toMatchObject({ state: 'sound' });
      // The five cents of the day are spent, on each server.
      for (const home of [wallet.home, second]) {
        const opened = wallet.open({ home, now });
        const { ledger } = await opened.engine();
        expect(await ledger.usage([capLine()], now())).toEqual([5n * CENT]);
        expect(await ledger.audit()).toMatchObject({ findings: [], payments: 5 });
        await opened.close();
        expect((await pay(home, '/v2/price/0.01?more')).status).not.toBe('ok');
      }
      const left = await sandbox.chain.balanceOf(wallet.address);
      expect(wallet.fundedAtomic - left).toBe(50_000n);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
