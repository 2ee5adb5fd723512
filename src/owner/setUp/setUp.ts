import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  acceptConfig,
  createConfig,
  readConfig,
  readConfigUnauthenticated,
  reviewConfig,
  updateConfig,
} from '../../config/configFile.js';
import { setKey } from '../../config/change.js';
import { CONFIG_FILE, ensureHome } from '../../config/home.js';
import type { Config } from '../../config/settings.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import {
  findKeystoreKind,
  openKeystore,
  type AskPassphrase,
  type Keystore,
  type KeystoreKind,
  type UnlockedWallet,
  type WalletSecret,
} from '../../keys/keystore.js';
import { generatePhrase, parsePhrase } from '../../keys/secret/phrase.js';
import { parseEvmKey, WalletKeys } from '../../keys/secret/secret.js';
import { ledgerStoreIn } from '../../ledger/stores.js';
import { placesOf, type AgentPlace } from '../../wallet/agentAddress.js';
import { writeCheckpoint } from '../../wallet/checkpoint.js';
import { DEFAULT_AGENT, openLedger } from '../../wallet/engine.js';
import { adoptSharedConfig } from '../../wallet/sharedConfig.js';
import { markBackedUp } from './backedUp.js';
import { noteAddresses } from '../knownAddresses.js';
import { openLedgerWithoutKeys } from '../ownerFreeze.js';
import { asOwnerOf, type OwnerAuth } from '../auth/ownerAuth.js';

/** What a wallet is made of: a new phrase, one that is restored, or a key of elsewhere. */
export type SecretSource =
  | { readonly kind: 'new' }
  | { readonly kind: 'restore'; readonly phrase: string }
  | { readonly kind: 'import'; readonly evmKey: string };

/** A point of set-up behind which something is durable. */
export type SetUpStep = 'home' | 'keystore' | 'config' | 'ledger' | 'anchor';

/** How a wallet is made. */
export interface SetUpRequest {
  /** Absolute path of the wallet's folder; it is made where there is none. */
  readonly home: string;
  /** Undefined leaves it to what is there already, and else to the keychain. */
  readonly keystore: KeystoreKind | undefined;
  readonly testnet: boolean;
  /** The owner's own RPCs by CAIP-2, where a config is made; there is none yet to set them in. */
  readonly rpcUrls?: Readonly<Record<string, string>>;
  readonly secret: SecretSource;
  /** The passphrase of an encrypted file, or null where nobody gives one. */
  readonly passphrase: AskPassphrase;
  /** Tells the owner, where a lost config is made anew: with it, limits go back to where they start. */
  readonly auth: OwnerAuth;
  readonly now: () => number;
  /** Tests crash behind a step; the product passes none. */
  readonly observer?: (step: SetUpStep) => void;
}

/** A wallet that is ready. */
export interface SetUp {
  /** `finished`: an earlier set-up had been cut off, and what it had made is in use. */
  readonly made: 'new' | 'restored' | 'imported' | 'finished';
  readonly keystore: KeystoreKind;
  readonly config: Config;
  readonly agent: string;
  readonly keys: UnlockedWallet;
  readonly address: `0x${string}`;
  /** Where money for the first agent goes, on each network that it can pay on. */
  readonly places: readonly AgentPlace[];
}

/**
 * Makes a wallet: keystore, config, ledger, and last the keystore's memory of the ledger, without which nothing is
 * ever signed.
 *
 * A crash anywhere leaves what a second call finishes: each step makes what is missing and takes what is there, so
 * calls beside each other end in one wallet too. No call ever makes a second wallet over a first, nor a new ledger
 * in place of one that the keystore remembers (T29).
 *
 * Throws `already_set_up`, `ledger_missing`, `bad_input` for a phrase or key that is none, `config_*`, `home_*` and
 * the codes of the keystore.
 */
export async function setUpWallet(request: SetUpRequest): Promise<SetUp> {
  const { home } = request;
  const given = await givenSecret(request.secret);
  ensureHome(home);
  request.observer?.('home');
  const found = await findKeystoreKind(home);
  const kind = found ?? request.keystore ?? 'keychain';
  if (request.keystore !== undefined && request.keystore !== kind) throw alreadySetUp(home);
  const keystore = openKeystore({ kind, home }, { passphrase: request.passphrase });
  const isThere = (await keystore.presence()) === 'present';
  const keys = isThere
    ? await openUnfinished(request, keystore, given)
    : await createKeystore(request, kind, keystore, given ?? (await generatePhrase()));
  request.observer?.('keystore');
  const config = await ensureConfig(request, kind, keys);
  request.observer?.('config');
  await ensureLedger(request, keys, config);
  // Whoever typed the phrase has it.
  if (request.secret.kind === 'restore') await markBackedUp(home, request.now());
  await noteAddresses(home, keys, config);
  const address = await keys.evmAddress(0);
  const made = isThere ? 'finished' : MADE[request.secret.kind];
  const places = await placesOf(config, keys, 0);
  return { made, keystore: kind, config, agent: DEFAULT_AGENT, keys, address, places };
}

const MADE = { new: 'new', restore: 'restored', import: 'imported' } as const;

async function givenSecret(source: SecretSource): Promise<WalletSecret | undefined> {
  if (source.kind === 'restore') return parsePhrase(source.phrase);
  if (source.kind === 'import') return parseEvmKey(source.evmKey);
  return undefined;
}

/** Opens the keys of a wallet that has a keystore but was never finished; a finished one stays as it is. */
async function openUnfinished(
  { home, auth, now, passphrase }: SetUpRequest,
  keystore: Keystore,
  given: WalletSecret | undefined,
): Promise<UnlockedWallet> {
  const looksWhole = existsSync(join(home, CONFIG_FILE)) && (await ledgerStoreIn(home).exists());
  if (looksWhole && (await wasUsed(home))) throw alreadySetUp(home);
  const keys = await keystore.unlock().catch((error: unknown) => {
    throw looksWhole && isWalletError(error) ? alreadySetUp(home, error) : error;
  });
  if (given !== undefined && new WalletKeys(given).walletId !== keys.walletId) throw alreadySetUp(home);
  const remembersLedger = (await keys.readAnchor()) !== null;
  if (!remembersLedger) return keys;
  const hasLedger = await ledgerStoreIn(home).exists();
  if (!hasLedger && existsSync(join(home, CONFIG_FILE))) throw ledgerGone();
  if (looksWhole) throw alreadySetUp(home);
  const what = 'Making the lost config.json anew, with the limits of a new wallet,';
  const options = { home, now, passphrase, auth };
  return asOwnerOf(
    keystore.kind,
    options,
    // Without a ledger the keystore itself tells of factors; the config is what rebuilding the ledger needs.
    { what, action: { kind: 'setUp', unattended: true }, mendsLedger: !hasLedger },
    async (owned) => Promise.resolve(owned.keys),
  );
}

/** Whether the ledger went on since it was made: then the wallet is whole, and nobody need be asked for a passphrase. */
async function wasUsed(home: string): Promise<boolean> {
  try {
    const ledger = await openLedgerWithoutKeys(home);
    try {
      return (await ledger.head()).seq > 1;
    } finally {
      await ledger.close();
    }
  } catch {
    // What is wrong with it is told by whoever needs it.
    return false;
  }
}

async function createKeystore(
  request: SetUpRequest,
  kind: KeystoreKind,
  keystore: Keystore,
  secret: WalletSecret,
): Promise<UnlockedWallet> {
  const { home } = request;
  // A config or ledger of a wallet whose keystore is gone: only that wallet's own secret may join them.
  const { walletId } = new WalletKeys(secret);
  const hasConfig = existsSync(join(home, CONFIG_FILE));
  const isOwn = hasConfig && readConfigUnauthenticated(home).walletId === walletId;
  if ((hasConfig || (await ledgerStoreIn(home).exists())) && !isOwn) {
    throw new WalletError(
      'already_set_up',
      `${home} holds the config or ledger of another wallet, whose keystore is gone.`,
      {
        owner: {
          say: 'Restore that wallet from its recovery phrase, or let PURSER_HOME name another folder.',
          action: { kind: 'restoreWallet' },
        },
      },
    );
  }
  if (isOwn) assertSameMoney(readConfigUnauthenticated(home), kind, request);
  return keystore.create(secret);
}

/** What a wallet is made from, as the owner names it. */
const FROM = { new: undefined, restore: 'phrase', import: 'key' } as const;

/** Throws `already_set_up` where a wallet was begun for the other kind of money: that never changes. */
function assertSameMoney(config: Config, kind: KeystoreKind, { home, testnet, secret }: SetUpRequest): void {
  if (config.testnet === testnet) return;
  const kindOfMoney = config.testnet ? 'test networks' : 'real money';
  const from = FROM[secret.kind];
  const action: OwnerAction = {
    kind: 'setUp',
    testnet: config.testnet,
    ...(from === undefined ? {} : { from }),
    ...(kind === 'file' ? { keystore: kind } : {}),
  };
  throw new WalletError('already_set_up', `The wallet that was begun in ${home} is for ${kindOfMoney}.`, {
    owner: { say: `Finish it for ${kindOfMoney}.`, action },
  });
}

async function ensureConfig(
  request: SetUpRequest,
  kind: KeystoreKind,
  keys: UnlockedWallet,
): Promise<Config> {
  const { home, testnet } = request;
  const mac = (data: string): Uint8Array => keys.mac('config', data);
  if (!existsSync(join(home, CONFIG_FILE))) {
    const identity = { walletId: keys.walletId, keystore: kind, testnet };
    await createConfig(home, mac, identity).catch((error: unknown) => {
      // Another process was first; what it wrote is judged below.
      if (!isWalletError(error) || error.code !== 'already_set_up') throw error;
    });
    for (const [caip2, url] of Object.entries(request.rpcUrls ?? {}))
      await updateConfig(home, mac, (config) => setKey(config, `networks.${caip2}.rpc_url`, url).config);
    await liftVersion(home, keys, mac);
  }
  const config = readConfig(home, mac);
  assertSameMoney(config, kind, request);
  return config;
}

/** Where config.json alone was lost, the ledger knows a later version than a first one's. */
async function liftVersion(
  home: string,
  keys: UnlockedWallet,
  mac: (data: string) => Uint8Array,
): Promise<void> {
  if (!(await ledgerStoreIn(home).exists())) return;
  const ledger = await openLedger({ home }, keys);
  try {
    const versionSeen = (await ledger.head()).configVersion;
    // In a fleet the other servers have the settings still.
    if (await adoptSharedConfig({ home, mac, ledger })) return;
    const review = reviewConfig(home, mac, versionSeen);
    if (review.config.version < versionSeen) await acceptConfig(home, mac, review);
  } finally {
    await ledger.close();
  }
}

/** Makes the ledger, if there is none, and has the keystore remember it. */
async function ensureLedger(request: SetUpRequest, keys: UnlockedWallet, config: Config): Promise<void> {
  const { home, now, observer } = request;
  const store = ledgerStoreIn(home);
  if (!(await store.exists())) {
    if ((await keys.readAnchor()) !== null) throw ledgerGone();
    await store.create({
      mac: (data) => keys.mac('ledger', data),
      nowMs: now(),
      configVersion: config.version,
    });
  }
  observer?.('ledger');
  const ledger = await openLedger({ home }, keys);
  try {
    const kept = await keys.readAnchor();
    if (kept === null && (await ledger.head()).seq > 1) {
      // Nothing is signed before the keystore remembers the ledger, so a used one was put here.
      throw new WalletError(
        'ledger_foreign',
        'The keystore remembers no ledger, and there is one that was used.',
        {
          owner: { say: 'Have the ledger checked against the chain.', action: { kind: 'rebuildLedger' } },
        },
      );
    }
    if (kept !== null) await ledger.verifyCheckpoint(kept);
    await ledger.noteConfigVersion(config.version, now());
    await writeCheckpoint(keys, ledger);
  } finally {
    await ledger.close();
  }
  observer?.('anchor');
}

/** T29: a ledger that was deleted is no fresh start. */
function ledgerGone(): WalletError {
  return new WalletError(
    'ledger_missing',
    'This wallet had a ledger, and it is gone; no new one is made in its place.',
    {
      owner: {
        say: 'Put the ledger back from a backup, or have it rebuilt.',
        action: { kind: 'rebuildLedger' },
      },
    },
  );
}

function alreadySetUp(home: string, cause?: unknown): WalletError {
  return new WalletError('already_set_up', `A wallet exists in ${home} already; it stays as it is.`, {
    cause,
    owner: { say: 'To make another wallet, let PURSER_HOME name another folder.' },
  });
}
