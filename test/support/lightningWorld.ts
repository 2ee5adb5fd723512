import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setKey } from '../../src/config/change.js';
import { updateConfig } from '../../src/config/configFile.js';
import { StoreKeystore } from '../../src/keys/keystore.js';
import { connectLightning, type LightningView } from '../../src/owner/ownerLightning.js';
import type { WalletOptions } from '../../src/wallet/engine.js';
import { Wallet } from '../../src/wallet/wallet.js';
import { serveLnd, type LndNode } from '../../sandbox/lightning/lndRest.ts';
import { LightningNode } from '../../sandbox/lightning/node.ts';
import { startNostrRelay, type NostrRelay } from '../../sandbox/lightning/nostrRelay.ts';
import { serveNwc } from '../../sandbox/lightning/nwcWallet.ts';
import { startLightningShop, type LightningShop } from '../../sandbox/lightning/shop.ts';
import { makeQuickWallet, ownerOf } from './quickWallet.js';
import { QuickStore } from './quickStore.js';
import { TEST_PASSPHRASE } from './testPassphrase.js';

export const LIGHTNING_REGTEST = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
/** Dollars for one bitcoin: a satoshi is a thousandth of a dollar. */
export const BTC_USD = '100000.00';
export const WAYS = ['nwc', 'lnd'] as const;

/** A payer's node, reached as an owner reaches it, a shop with a node of its own, and a wallet that is connected. */
export interface LightningWorld {
  readonly node: LightningNode;
  readonly shop: LightningShop;
  readonly relay: NostrRelay;
  /** The payer's node as it is reached by REST; null over Nostr. */
  readonly lnd: LndNode | null;
  readonly home: string;
  readonly connection: string;
  readonly options: WalletOptions;
  readonly view: LightningView;
  /** A further wallet object over the same folder, as a second process would have. */
  open(): Wallet;
  set(key: string, value: string): Promise<void>;
  /** The owner connects the wallet again. */
  connect(): Promise<LightningView>;
  close(): Promise<void>;
}

/** Starts a world of Lightning; `now` is the wallet's clock. */
export async function startLightningWorld(
  way: (typeof WAYS)[number],
  {
    balanceSat = 100_000n,
    now = Date.now,
  }: { readonly balanceSat?: bigint; readonly now?: () => number } = {},
): Promise<LightningWorld> {
  const preimages = new Map<string, string>();
  const node = new LightningNode(balanceSat * 1_000n, preimages);
  const shop = await startLightningShop(new LightningNode(0n, preimages));
  const relay = await startNostrRelay();
  const lnd = way === 'lnd' ? await serveLnd(node) : null;
  const served = lnd ?? (await serveNwc(node, relay.url));
  const home = mkdtempSync(join(tmpdir(), 'purser-lightning-'));
  await makeQuickWallet(home, TEST_PASSPHRASE);
  const keys = await new StoreKeystore(home, new QuickStore(home)).unlock();
  const set = async (key: string, value: string): Promise<void> => {
    await updateConfig(
      home,
      (data) => keys.mac('config', data),
      (config) => setKey(config, key, value).config,
    );
  };
  await set('networks.enabled', JSON.stringify([LIGHTNING_REGTEST]));
  await set('rates.source', BTC_USD);
  for (const [name, usd] of [
    ['call', '2.00'],
    ['session', '100.00'],
    ['day', '100.00'],
    ['month', '100.00'],
  ]) {
    await set(`ceilings.per_${name}_usd`, '200.00');
    await set(`limits.per_${name}_usd`, usd ?? '');
  }
  await set('limits.calls_per_minute', '1000');
  await set('net.allow_private', JSON.stringify([shop.hostPort]));
  const connect = (): Promise<LightningView> =>
    connectLightning(ownerOf(home, TEST_PASSPHRASE), served.connection, {});
  const view = await connect();
  const options: WalletOptions = {
    ...{ home, now, version: '0.0.0-test', env: {}, platform: process.platform },
    passphrase: () => Promise.resolve(TEST_PASSPHRASE),
  };
  const opened: Wallet[] = [];
  return {
    ...{ node, shop, relay, lnd, home, connection: served.connection, options, view, set, connect },
    open() {
      const wallet = new Wallet(options);
      opened.push(wallet);
      return wallet;
    },
    async close() {
      await Promise.all(opened.map((wallet) => wallet.close()));
      await served.close();
      await relay.close();
      await shop.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
