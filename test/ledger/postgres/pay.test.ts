import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../sandbox/world.ts';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { ownerOf } from '../../support/quickWallet.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import { anyCall, createTestWallet, type TestWallet } from '../../support/testWallet.js';

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
    const servers = [wallet.open(), wallet.open({ home: second })];
    const pay = async (i: number, path: string) =>
      servers[i]?.pay({ url: `${sandbox.shop.url}${path}`, max_usd: '0.05' }, anyCall());
    try {
      const spentAtFirst = wallet.fundedAtomic - (await sandbox.chain.balanceOf(wallet.address));
      expect(spentAtFirst).toBe(0n);
      // One request on both servers at once: one payment, and both have the answer.
      const twins = await Promise.all([pay(0, '/v2/price/0.01'), pay(1, '/v2/price/0.01')]);
      expect(twins.map((outcome) => outcome?.status)).toEqual(['ok', 'ok']);
      expect(new Set(twins.map((outcome) => outcome?.payment?.id)).size).toBe(1);

      await server.crash();
      await server.begin();
      // Ten at once, of which the cap of five cents lets four through beside the first one.
      const rush = await Promise.all(
        Array.from({ length: 10 }, (_, i) => pay(i % 2, `/v2/price/0.01?n=${i}`)),
      );
      const paid = rush.filter((outcome) => outcome?.status === 'ok');
      expect(paid.length).toBe(4);
      const left = await sandbox.chain.balanceOf(wallet.address);
      expect(wallet.fundedAtomic - left).toBe(50_000n);
      const engine = await servers[1]?.engine();
      expect(await engine?.ledger.audit()).toMatchObject({ findings: [], payments: 5 });
    } finally {
      await servers[1]?.close();
      rmSync(root, { recursive: true, force: true });
    }
  });
});
