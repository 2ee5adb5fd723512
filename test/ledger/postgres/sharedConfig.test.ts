import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setKey } from '../../../src/config/change.js';
import { readConfigUnauthenticated, updateConfig } from '../../../src/config/configFile.js';
import type { Config } from '../../../src/config/settings.js';
import { openKeystore } from '../../../src/keys/keystore.js';
import { COPY_FILE } from '../../../src/ledger/postgres/copy.js';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { scratchFolder } from '../../../src/ledger/sqlite/fixtures.js';
import { hashToken } from '../../../src/money/agent.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { changeConfig } from '../../../src/owner/ownerConfig.js';
import { configPlaceOf, Engine, openLedger } from '../../../src/wallet/engine.js';
import {
  adoptSharedConfig,
  changeSharedConfig,
  settleSharedConfig,
} from '../../../src/wallet/sharedConfig.js';
import { Buyer } from '../../fleet/buyer.js';
import { Served } from '../../http/served.js';
import { ERAS } from '../../mcp/purser.js';
import { makeQuickWallet, ownerOf } from '../../support/quickWallet.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import type { TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

const CONFIG = 'config.json';
const ADMIN_TOKEN = `adm_${'o'.repeat(43)}`;

/** The folder of a further server, as the owner copies it. */
function copyHome(home: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  cpSync(home, to, { recursive: true });
  for (const end of ['', '-wal', '-shm']) rmSync(join(to, `${COPY_FILE}${end}`), { force: true });
}

const textIn = (home: string): string => readFileSync(join(home, CONFIG), 'utf8');

describe.skipIf(NO_POSTGRES !== null)('the config of a wallet that several servers serve', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  describe('in two folders', () => {
    const folder = scratchFolder();
    const homes = ['one', 'two'].map((name) => join(folder.path, name)) as [string, string];
    const closes: (() => Promise<void>)[] = [];
    beforeAll(async () => {
      await makeQuickWallet(homes[0], TEST_PASSPHRASE);
      const to = { url: placeUrl(server.place('pair')), passwordFile: server.passwordFile };
      await moveLedger(ownerOf(homes[0], TEST_PASSPHRASE), to);
      copyHome(...homes);
    });
    afterAll(async () => {
      await Promise.all(closes.map((close) => close()));
      folder[Symbol.dispose]();
    });

    async function open(home: string) {
      const keys = await openKeystore(
        { kind: 'file', home },
        { passphrase: () => Promise.resolve(TEST_PASSPHRASE) },
      ).unlock();
      const ledger = await openLedger({ home }, keys);
      closes.push(() => ledger.close());
      const place = { home, keys, ledger, now: Date.now };
      const config = configPlaceOf(place);
      await settleSharedConfig(config);
      return { ...place, config };
    }

    test('two changes at once both stand, as two versions, and both servers come to have them', async () => {
      const [one, two] = [await open(homes[0]), await open(homes[1])];
      const before = readConfigUnauthenticated(homes[0]).version;
      const keys = ['hosts.deny', 'hosts.allow'] as const;
      const made = await Promise.all(
        [one, two].map(({ config }, i) =>
          changeSharedConfig(config, (now) => setKey(now, keys[i] ?? keys[0], `["h${i}.example"]`).config),
        ),
      );
      expect(made.map(({ version }) => version).sort()).toEqual([before + 1, before + 2]);
      for (const { config } of [one, two]) await adoptSharedConfig(config);
      expect(textIn(homes[0])).toBe(textIn(homes[1]));
      expect(readConfigUnauthenticated(homes[1]).hosts).toMatchObject({
        deny: ['h0.example'],
        allow: ['h1.example'],
      });
      expect((await one.ledger.audit()).findings).toEqual([]);
    });

    test('one that was not agreed on opens nothing where the agreed one of its version was removed', async () => {
      const [one, two] = [await open(homes[0]), await open(homes[1])];
      const deny = (host: string) => (now: Config) => setKey(now, 'hosts.deny', `["${host}"]`).config;
      // As a crash leaves one from before a ledger is shared.
      await updateConfig(homes[1], two.config.mac, deny('unshared.example'));
      await changeSharedConfig(one.config, deny('agreed.example'));
      await server.query('DELETE FROM pair.purser_configs');
      await expect(settleSharedConfig(two.config)).rejects.toMatchObject({ code: 'config_stale' });
      // The server that has the right one shares it anew.
      await settleSharedConfig(one.config);
      await settleSharedConfig(two.config);
      expect(textIn(homes[1])).toBe(textIn(homes[0]));
    });

    test('calls at once behind a change of another server all go by it', async () => {
      const one = await open(homes[0]);
      const engine = await Engine.open({
        home: homes[1],
        passphrase: () => Promise.resolve(TEST_PASSPHRASE),
        now: Date.now,
        version: '0.0.0',
        platform: process.platform,
        env: {},
      });
      const { version } = await changeSharedConfig(
        one.config,
        (now) => setKey(now, 'hosts.deny', '["late.example"]').config,
      );
      try {
        const found = await Promise.all([engine.config(), engine.config(), engine.config()]);
        expect(found.map((config) => config.version)).toEqual([version, version, version]);
      } finally {
        await engine.close();
      }
    });

    test('one that another server agreed on is never made another of the same version', async () => {
      const { ledger, config } = await open(homes[0]);
      const { version } = readConfigUnauthenticated(homes[0]);
      const shared = ledger.sharedConfig!;
      expect(await shared.put({ version, text: textIn(homes[0]) }, Date.now())).toBe(true);
      expect(await shared.put({ version, text: `${textIn(homes[0])} ` }, Date.now())).toBe(false);
      expect(await shared.put({ version: version - 1, text: 'older' }, Date.now())).toBe(false);
      expect(await shared.newest()).toEqual({ version, text: textIn(homes[0]) });
      // What is no config of this wallet's is not taken, even from whoever has its keys.
      expect(await shared.put({ version: version + 1, text: '{}' }, Date.now())).toBe(true);
      await expect(adoptSharedConfig(config)).rejects.toMatchObject({ code: 'config_invalid' });
    });
  });

  describe('by two processes', () => {
    let world: TestWorld;
    let wallet: TestWallet;
    let second: string;
    let servers: readonly Served[] = [];
    const root = mkdtempSync(join(tmpdir(), 'purser-fleet-config-'));
    const schema = 'serve_config';
    beforeAll(async () => {
      world = await startTestWorld();
      wallet = await world.wallet({
        settings: {
          'admin.on': 'true',
          'admin.clients.ops.access': JSON.stringify(['operator', '2099-12-31', hashToken(ADMIN_TOKEN)]),
          'budgets.crawling.per_day_usd': '5',
          'templates.crawler.terms': '["for=7d","agents=5","budget=crawling","limits.per_day_usd=0.05"]',
        },
      });
      // Its ledger comes to know of the config.
      await (await wallet.open().engine()).config();
      const to = { url: placeUrl(server.place(schema)), passwordFile: server.passwordFile };
      await moveLedger(ownerOf(wallet.home, TEST_PASSPHRASE), to);
      second = join(root, 'home');
      copyHome(wallet.home, second);
      const { passphraseFile } = wallet;
      servers = [
        await Served.start({ home: wallet.home, passphraseFile }),
        await Served.start({ home: second, passphraseFile }),
      ];
    });
    afterAll(async () => {
      for (const one of servers) {
        await one.stop('SIGKILL');
        one.removeLog();
      }
      rmSync(root, { recursive: true, force: true });
      await world.stop();
    });

    const urlAt = (i: number): string => servers[i]?.url ?? '';
    async function makeAgent(at: number, name: string): Promise<Buyer> {
      const response = await fetch(new URL('/admin/v1/templates/crawler/agents', urlAt(at)), {
        method: 'POST',
        headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ name }),
      });
      expect(response.status).toBe(200);
      const { token } = (await response.json()) as { token: string };
      const keys = await openKeystore(
        { kind: 'file', home: wallet.home },
        { passphrase: () => Promise.resolve(TEST_PASSPHRASE) },
      ).unlock();
      const address = await keys.evmAddress(
        readConfigUnauthenticated(at === 0 ? wallet.home : second).agents.index.get(name) ?? -1,
      );
      await world.sandbox.chain.fund(address, 1_000_000n);
      return new Buyer(
        { name, token, address },
        servers.map(({ url }) => url),
        ERAS[1].mode,
      );
    }
    const shopUrl = (price: string, who: string): string => world.url(`/v2/price/${price}`, { who });
    const rows = () =>
      server.query<{ digest: string; version: string; sealed: Buffer }>(
        `SELECT * FROM ${schema}.purser_configs ORDER BY version`,
      );

    test('an agent that is made on one pays on the other at once, within the limits of its template', async () => {
      const buyer = await makeAgent(0, 'crawler-1');
      expect(await buyer.call(shopUrl('0.04', 'one'), 1)).toMatchObject({ status: 'ok' });
      expect(textIn(second)).toBe(textIn(wallet.home));
      expect((await buyer.call(shopUrl('0.02', 'one'), 1)).status).not.toBe('ok');
      await buyer.close();
      const back = await makeAgent(1, 'crawler-2');
      expect(await back.call(shopUrl('0.01', 'two'), 0)).toMatchObject({ status: 'ok' });
      expect(textIn(second)).toBe(textIn(wallet.home));
      await back.close();
    });

    test('whoever writes the database alone loosens nothing: an older config and a forged one are refused', async () => {
      const buyer = await makeAgent(0, 'crawler-3');
      expect(await buyer.call(shopUrl('0.01', 'three'), 1)).toMatchObject({ status: 'ok' });
      const [older] = await rows();
      const owner = ownerOf(wallet.home, TEST_PASSPHRASE);
      const before = textIn(second);
      // Else it would have the config before anybody could put another one in its place.
      servers[1]?.child.kill('SIGSTOP');
      await changeConfig(owner, 'agents.crawler-3.limits.per_day_usd', '0.02');
      const [newest, ...others] = await rows();
      expect(others).toEqual([]);
      expect(Number(newest?.version)).toBe(Number(older?.version) + 1);
      // The limit that was tightened is in none of these: the second server knows that it lacks one, and pays nothing.
      const forged = textIn(second).replace('"0.05"', '"5.00"');
      const placed: readonly (readonly [string, Buffer])[] = [
        ['older', older!.sealed],
        ['forged', Buffer.from(forged)],
        ['changed', Buffer.concat([newest!.sealed.subarray(0, -1), Buffer.of(0)])],
      ];
      for (const [what, sealed] of placed) {
        await server.query(`UPDATE ${schema}.purser_configs SET sealed = $1`, [sealed]);
        servers[1]?.child.kill('SIGCONT');
        expect(await buyer.call(shopUrl('0.01', what), 1), what).toMatchObject({ code: 'config_stale' });
        expect(textIn(second)).toBe(before);
      }
      await server.query(
        `INSERT INTO ${schema}.purser_configs (digest, version, sealed) VALUES ('${'f'.repeat(64)}', 99, $1)`,
        [older!.sealed],
      );
      await server.query(`DELETE FROM ${schema}.purser_configs WHERE version < 99`);
      expect(await buyer.call(shopUrl('0.01', 'gone'), 1)).toMatchObject({ code: 'config_stale' });
      await server.query(
        `INSERT INTO ${schema}.purser_configs (digest, version, sealed) VALUES ($1, $2, $3)`,
        [...[newest!.digest, newest!.version, newest!.sealed]],
      );
      expect(await buyer.call(shopUrl('0.01', 'again'), 1)).toMatchObject({ status: 'ok' });
      expect(textIn(second)).toBe(textIn(wallet.home));
      expect((await buyer.call(shopUrl('0.01', 'past'), 1)).status).not.toBe('ok');
      await buyer.close();
    });
  });
});
