import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfig, updateConfig } from '../../src/config/configFile.js';
import { setKey } from '../../src/config/change.js';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import { StoreKeystore, type WalletSecret } from '../../src/keys/keystore.js';
import { generatePhrase } from '../../src/keys/secret/phrase.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import type { WalletOptions } from '../../src/wallet/engine.js';
import { Wallet } from '../../src/wallet/wallet.js';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import type { Sandbox, TempoWorld } from '../../sandbox/world.ts';
import { QuickStore } from './quickStore.js';
import { TEST_PASSPHRASE } from './testPassphrase.js';

export { TEST_PASSPHRASE };

/** What a test wallet can be given beside its money. */
export interface TestWalletParts {
  /** The wallet's clock; the machine's unless given. */
  readonly now?: () => number;
  /** Config keys set before it is handed over. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The chain it pays on and has its money on; Base unless given. */
  readonly chain?: 'base' | 'solana' | 'tempo';
  /** The chain of Tempo, where the world has one. */
  readonly tempo?: TempoWorld | undefined;
  /** Where its folder is made; among the machine's temporary ones unless given. */
  readonly folder?: string;
  /** A network of real money that a chain here stands for: the one that it pays on, with nothing on it yet. */
  readonly mainnet?: { readonly caip2: string; readonly rpcUrl: string };
  /** What it is made of; a phrase unless given. An imported key has no address on Solana. */
  readonly secret?: WalletSecret;
}

/** A wallet in a folder of its own, funded on the sandbox's chain. */
export interface TestWallet {
  readonly home: string;
  readonly passphraseFile: string;
  /** On Base. */
  readonly address: `0x${string}`;
  readonly solanaAddress: string;
  /** Where its money is: one of the two. */
  readonly payAddress: string;
  /** What it was given on chain at the start, atomic. */
  readonly fundedAtomic: bigint;
  readonly options: WalletOptions;
  /** A further wallet object over the same folder, as a second process would have. */
  open(more?: Partial<WalletOptions>): Wallet;
  /** Sets a key of the config, as its owner; gives the config's new version. */
  set(key: string, value: string): Promise<number>;
  /** Closes every wallet opened here and removes the folder. */
  remove(): Promise<void>;
}

/** Makes a test-network wallet with real parts: encrypted file, config, ledger. */
export async function createTestWallet(
  sandbox: Sandbox,
  usdMicros = 10_000_000n,
  {
    now = Date.now,
    settings = {},
    chain = 'base',
    tempo,
    mainnet,
    secret,
    folder = tmpdir(),
  }: TestWalletParts = {},
): Promise<TestWallet> {
  const home = mkdtempSync(join(folder, 'purser-test-'));
  const passphraseFile = join(home, '..', `${home.split('/').at(-1) ?? ''}.pass`);
  writeFileSync(passphraseFile, TEST_PASSPHRASE, { mode: 0o600 });
  const passphrase = async (): Promise<string> => TEST_PASSPHRASE;
  const keys = await new StoreKeystore(home, new QuickStore(home)).create(secret ?? (await generatePhrase()));
  const mac = (data: string): Uint8Array => keys.mac('config', data);
  await createConfig(home, mac, {
    walletId: keys.walletId,
    keystore: 'file',
    testnet: mainnet === undefined,
  });
  const ledgerMac = (data: string): Uint8Array => keys.mac('ledger', data);
  await keys.writeAnchor(
    SqliteLedger.create(join(home, DATABASE_FILE), { mac: ledgerMac, nowMs: now(), configVersion: 1 }),
    'rebuilt',
  );
  const set = async (...changes: readonly (readonly [key: string, value: string])[]): Promise<number> => {
    const { version } = await updateConfig(home, mac, (before) =>
      changes.reduce((config, [key, value]) => setKey(config, key, value).config, before),
    );
    return version;
  };
  const caip2 =
    mainnet?.caip2 ?? { base: 'eip155:84532', solana: SOLANA_DEVNET, tempo: TEMPO_TESTNET }[chain];
  const none: readonly (readonly [string, string])[] = [];
  // In one step: each is a file that waits for the disk.
  await set(
    ['networks.eip155:84532.rpc_url', sandbox.rpcUrl],
    [`networks.${SOLANA_DEVNET}.rpc_url`, sandbox.solanaRpcUrl],
    ...(tempo === undefined ? none : [[`networks.${TEMPO_TESTNET}.rpc_url`, tempo.rpc.url] as const]),
    ...(mainnet === undefined ? none : [[`networks.${mainnet.caip2}.rpc_url`, mainnet.rpcUrl] as const]),
    ['networks.enabled', JSON.stringify([caip2])],
    ['net.allow_private', JSON.stringify([sandbox.shop.hostPort, sandbox.facilitator.hostPort])],
    ['withdrawals.facilitator_url', sandbox.facilitator.url],
    // In the order of their names: a ceiling is raised before the cap that needs it.
    ...Object.entries(settings).sort(),
  );
  const address = await keys.evmAddress(0);
  const solanaAddress = keys.secretKind === 'phrase' ? await keys.solanaAddress(0) : '';
  if (usdMicros > 0n && chain === 'base') await sandbox.chain.fund(address, usdMicros);
  if (usdMicros > 0n && chain === 'solana') await sandbox.solana.fund(solanaAddress, usdMicros);
  if (usdMicros > 0n && chain === 'tempo') await tempo?.chain.fund(address, usdMicros);
  const options: WalletOptions = {
    home,
    version: '0.0.0-test',
    env: {},
    platform: process.platform,
    now,
    passphrase,
  };
  const opened: Wallet[] = [];
  return {
    home,
    passphraseFile,
    address,
    solanaAddress,
    payAddress: chain === 'solana' ? solanaAddress : address,
    fundedAtomic: usdMicros,
    options,
    set: (key, value) => set([key, value]),
    open(more = {}) {
      const wallet = new Wallet({ ...options, ...more });
      opened.push(wallet);
      return wallet;
    },
    async remove() {
      await Promise.all(opened.map((wallet) => wallet.close()));
      rmSync(home, { recursive: true, force: true });
      rmSync(passphraseFile, { force: true });
    },
  };
}

/** A call context that nobody cancels. */
export function anyCall(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}
