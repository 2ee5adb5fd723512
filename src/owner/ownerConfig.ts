import {
  acceptConfig,
  readConfig,
  readConfigUnauthenticated,
  reviewConfig,
  updateConfig,
  type ConfigReview,
} from '../config/configFile.js';
import { setKey, type KeyChange } from '../config/change.js';
import { configInvalid } from '../config/schema.js';
import { findKey, type Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../wallet/engine.js';
import { rememberLedger } from '../wallet/checkpoint.js';
import {
  keystoreKindOf,
  unlockAsAnyone,
  unlockAsOwner,
  type OwnerOptions,
  type OwnerWish,
} from './ownerHand.js';

/** What a change of the config came to. */
export interface ConfigChange extends KeyChange {
  /** The config's version now. */
  readonly version: number;
}

/**
 * Sets one key of the config. Tightening needs keys that unlock; loosening is the owner's (threats.md T22, and
 * docs/design.md, "Two secrets").
 *
 * Throws `bad_input` for a key or value that cannot be, `needs_owner`, `config_*`, `ledger_*` and the codes of the
 * keystore; the config is then as it was.
 */
export async function changeConfig(
  options: OwnerOptions,
  keyText: string,
  valueText: string,
): Promise<ConfigChange> {
  const { key } = findKey(keyText);
  const wish: OwnerWish = {
    what: `Setting ${key} to ${valueText}, which loosens the wallet,`,
    command: `config set ${key} ${shellWord(valueText)}`,
  };
  const loosens = setKey(readConfigUnauthenticated(options.home), key, valueText).direction === 'loosens';
  const keys = loosens ? await unlockAsOwner(options, wish) : await unlockAsAnyone(options);
  return withLedger(options, keys, async (ledger) => {
    const mac = configMac(keys);
    let change: KeyChange | undefined;
    const config = await updateConfig(options.home, mac, (current) => {
      if (current.version < ledger.head().configVersion) throw staleConfig();
      const set = setKey(current, key, valueText);
      // Another process changed the config since it was looked at.
      if (set.direction === 'loosens' && !loosens) throw changedMeanwhile(wish);
      change = { key, before: set.before, after: set.after, direction: set.direction };
      return set.config;
    });
    await ledger.noteConfigVersion(config.version, options.now());
    await rememberLedger(keys, ledger);
    return { ...(change as KeyChange), version: config.version };
  });
}

/** An edit of config.json as the owner decides on it. */
export interface ConfigEdit extends ConfigReview {
  /** False where config.json is as Purser wrote it, and no older than the ledger knows. */
  readonly needsAccepting: boolean;
}

/**
 * Shows the owner what an edit of config.json changed, and accepts it if `decide` says so. Answers the accepted
 * config, or null where nothing needed accepting or the owner declined.
 *
 * Throws as {@link changeConfig} does, and `config_invalid` for a config of another wallet.
 */
export async function acceptConfigEdit(
  options: OwnerOptions,
  decide: (edit: ConfigEdit) => Promise<boolean>,
): Promise<Config | null> {
  const wish: OwnerWish = { what: 'Accepting an edit of config.json', command: 'config accept' };
  const keys = await unlockAsOwner(options, wish);
  return withLedger(options, keys, async (ledger) => {
    const mac = configMac(keys);
    const versionSeen = ledger.head().configVersion;
    const review = reviewConfig(options.home, mac, versionSeen);
    await checkIdentity(options.home, keys, review.config);
    const needsAccepting = !review.authentic || review.config.version < versionSeen;
    if (!(await decide({ ...review, needsAccepting })) || !needsAccepting) return null;
    const config = await acceptConfig(options.home, mac, review);
    await ledger.noteConfigVersion(config.version, options.now());
    await rememberLedger(keys, ledger);
    return config;
  });
}

/** Whose wallet it is and where its keys are is fixed when it is made; no edit moves it. */
async function checkIdentity(home: string, keys: UnlockedWallet, config: Config): Promise<void> {
  if (config.walletId !== keys.walletId) throw configInvalid('wallet_id is that of another wallet');
  const kind = await keystoreKindOf(home);
  if (config.keystore !== kind)
    throw configInvalid(`keystore must be "${kind}", where the keys of this wallet are`);
}

/** The config as it stands, proved, for commands that say more than it alone. */
export function provedConfig(home: string, keys: UnlockedWallet): Config {
  return readConfig(home, configMac(keys));
}

/** Opens the ledger for one piece of an owner's work, and closes it however that ends. */
export async function withLedger<T>(
  { home }: Pick<OwnerOptions, 'home'>,
  keys: UnlockedWallet,
  work: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  const ledger = openLedger({ home }, keys);
  try {
    return await work(ledger);
  } finally {
    ledger.close();
  }
}

function configMac(keys: UnlockedWallet): (data: string) => Uint8Array {
  return (data) => keys.mac('config', data);
}

function staleConfig(): WalletError {
  return new WalletError('config_stale', 'config.json is an older copy than the one the ledger has seen.', {
    owner: {
      say: 'config.json was put back to an older version; check it and accept it.',
      command: 'config accept',
    },
  });
}

function changedMeanwhile({ what, command }: OwnerWish): WalletError {
  return new WalletError('needs_owner', `${what} is the owner's alone, and the config changed meanwhile.`, {
    owner: { say: 'The config changed while you were changing it.', command },
  });
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
