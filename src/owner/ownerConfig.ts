import { hash } from 'node:crypto';
import { asShown, type OwnerAct } from '../approvals/confirmation.js';
import {
  readConfig,
  readConfigUnauthenticated,
  reviewConfig,
  type ConfigReview,
} from '../config/configFile.js';
import { setKey, withEntry, type EntryChange, type KeyChange } from '../config/change.js';
import { configInvalid } from '../config/schema.js';
import { findKey, type Config } from '../config/settings.js';
import { assertInvariant, isWalletError, WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { configPlaceOf, openLedger } from '../wallet/engine.js';
import { rememberLedger } from '../wallet/checkpoint.js';
import { acceptSharedConfig, changeSharedConfig, type ConfigPlace } from '../wallet/sharedConfig.js';
import { describeChange } from './configWords.js';
import {
  asOwner,
  keystoreKindOf,
  unlockAsAnyone,
  unlockAsOwner,
  type OwnerOptions,
  type OwnerOperation,
} from './auth/ownerAuth.js';

/** What a change of the config came to. */
export interface ConfigChange extends KeyChange {
  /** The config's version now. */
  readonly version: number;
}

/**
 * Sets one key of the config. Tightening needs keys that unlock; loosening is the owner's (threats.md T22, and
 * docs/design.md, "Two secrets").
 *
 * Throws `bad_input` for a key or value that cannot be, `owner_proof_needed`, `config_*`, `ledger_*` and the codes of the
 * keystore; the config is then as it was.
 */
export async function changeConfig(
  options: OwnerOptions,
  keyText: string,
  valueText: string,
): Promise<ConfigChange> {
  const { key } = findKey(keyText);
  const words = {
    what: `Setting ${key} to ${valueText}`,
    action: { kind: 'setSetting', key, value: valueText } as const,
  };
  return one(await change(options, words, () => [{ key, text: valueText }]));
}

/** One key with the text that it is set to. */
export interface KeyText {
  readonly key: string;
  readonly text: string;
}

/**
 * Sets several keys of the config in one step, all or none; in their order, so that each stands beside what was set before
 * it. `before` runs once the owner has proved themselves, with the open keys, before the config is written. Throws as
 * {@link changeConfig} does.
 */
export function changeConfigKeys(
  options: OwnerOptions,
  words: Pick<OwnerOperation, 'what' | 'action' | 'agreed'>,
  keys: readonly KeyText[],
  before?: (keys: UnlockedWallet) => Promise<void>,
): Promise<readonly ConfigChange[]> {
  return change(options, words, () => keys, before);
}

/** Adds one entry to a list of the config, or removes one, and leaves the others. Throws as {@link changeConfig} does. */
export async function changeConfigList(
  options: OwnerOptions,
  keyText: string,
  entryChange: EntryChange,
  entry: string,
): Promise<ConfigChange> {
  const { key } = findKey(keyText);
  const words = {
    what: entryChange === 'add' ? `Adding ${entry} to ${key}` : `Removing ${entry} from ${key}`,
    action: { kind: entryChange === 'add' ? 'addToSetting' : 'removeFromSetting', key, entry } as const,
  };
  const textIn = (config: Config): string => withEntry(config, key, entryChange, entry);
  return one(await change(options, words, (config) => [{ key, text: textIn(config) }]));
}

function one(changes: readonly ConfigChange[]): ConfigChange {
  const [change] = changes;
  assertInvariant(change !== undefined, 'one key was set');
  return change;
}

async function change(
  options: OwnerOptions,
  { what, action, agreed }: Pick<OwnerOperation, 'what' | 'action' | 'agreed'>,
  keysFor: (config: Config) => readonly KeyText[],
  before?: (keys: UnlockedWallet) => Promise<void>,
): Promise<readonly ConfigChange[]> {
  const known = readConfigUnauthenticated(options.home);
  const shown = setKeys(known, keysFor(known)).changes;
  const operation: OwnerOperation = {
    what: `${what}, which loosens the wallet,`,
    action,
    ...(agreed === undefined ? {} : { agreed }),
    act: async () => Promise.resolve(actOfChange(shown)),
  };
  const loosens = shown.some(({ direction }) => direction === 'loosens');
  const keys = loosens ? await unlockAsOwner(options, operation) : await unlockAsAnyone(options);
  await before?.(keys);
  return withLedger(options, keys, async (ledger) => {
    let made: readonly KeyChange[] = [];
    const setShown = (current: Config): Config => {
      const set = setKeys(current, keysFor(current));
      made = set.changes;
      // Another process changed the config since it was looked at: what loosens is not what was shown.
      const isShown = made.every(
        ({ before, after }, i) => before === shown[i]?.before && after === shown[i].after,
      );
      const loosensNow = made.some(({ direction }) => direction === 'loosens');
      if (loosensNow && !(loosens && isShown)) throw changedMeanwhile(operation);
      return set.config;
    };
    const config = await changeSharedConfig(placeOf(options, keys, ledger), setShown, staleConfig);
    await rememberLedger(keys, ledger);
    return made.map((each) => ({ ...each, version: config.version }));
  });
}

/** A change as its owner is shown it, on every face: two owners may say yes on two of them. */
export function actOfChange(changes: readonly KeyChange[]): OwnerAct {
  const loosens = changes.some(({ direction }) => direction === 'loosens');
  return {
    what: `Set ${changes.map(({ key }) => key).join(', ')}${loosens ? ', which loosens the wallet' : ''}`,
    details: changes.map(describeChange),
  };
}

/** Sets keys in their order; what stands in each one's way is looked at as it is set. Throws `bad_input`. */
export function setKeys(
  config: Config,
  keys: readonly KeyText[],
): { readonly config: Config; readonly changes: readonly KeyChange[] } {
  const changes: KeyChange[] = [];
  let next = config;
  for (const { key, text } of keys) {
    const { config: set, before, after, direction } = setKey(next, key, text);
    next = set;
    changes.push({ key, before, after, direction });
  }
  return { config: next, changes };
}

/** An edit of config.json as the owner decides on it. */
export interface ConfigEdit extends ConfigReview {
  /** False where config.json is as Purser wrote it, and no older than the ledger knows. */
  readonly needsAccepting: boolean;
  /** All of it as it is shown and proved, a paragraph each. */
  readonly paragraphs: readonly string[];
}

/** Thrown on the way to the factor, which nobody is asked for where there is nothing to accept. */
class NothingToAccept extends Error {}

/**
 * Shows the owner what an edit of config.json changed, whole, and accepts it if `decide` says so and the factor proves it:
 * the factor is for what was shown and for the very bytes of the file (T35). Answers the accepted config, or null where
 * nothing needed accepting or the owner declined.
 *
 * Throws as {@link changeConfig} does, `config_invalid` for a config of another wallet, and `bad_input` for an edit that
 * nobody would read to its end.
 */
export async function acceptConfigEdit(
  options: OwnerOptions,
  decide: (edit: ConfigEdit) => Promise<boolean>,
): Promise<Config | null> {
  let review: ConfigReview | undefined;
  const operation: OwnerOperation = {
    what: 'Accepting an edit of config.json',
    action: { kind: 'acceptConfig' },
    act: async ({ keys, ledger }) => {
      const versionSeen = (await ledger?.head())?.configVersion ?? 0;
      review = reviewConfig(options.home, configMac(keys), versionSeen);
      await checkIdentity(options.home, keys, review.config);
      const needsAccepting = !review.authentic || review.config.version < versionSeen;
      const act = actOfEdit(review);
      if (!(await decide({ ...review, needsAccepting, paragraphs: act.details })) || !needsAccepting)
        throw new NothingToAccept();
      return act;
    },
  };
  return asOwner(options, operation, async ({ keys, ledger }) => {
    if (ledger === null || review === undefined)
      throw new WalletError('ledger_missing', 'There is no ledger to note the config in.');
    const config = await acceptSharedConfig(placeOf(options, keys, ledger), review);
    await rememberLedger(keys, ledger);
    return config;
  }).catch((error: unknown) => {
    if (error instanceof NothingToAccept) return null;
    throw error;
  });
}

/** An edit as it is shown and signed. Throws `bad_input`, with a way on, where it does not fit. */
function actOfEdit({ changes, comparedWith, text }: ConfigReview): OwnerAct {
  const against = comparedWith === 'accepted' ? 'since it was last accepted' : 'against the initial settings';
  try {
    return asShown({
      what: 'Accept an edit of config.json',
      details: [
        changes.length === 0
          ? `It was written by another hand; no value differs ${against}.`
          : `${changes.length} ${changes.length === 1 ? 'setting differs' : 'settings differ'} ${against}:`,
        ...changes.map(describeChange),
        `SHA-256 of config.json: ${hash('sha256', text)}`,
      ],
    });
  } catch (error) {
    if (!isWalletError(error)) throw error;
    throw new WalletError(error.code, `The edit of config.json cannot be accepted. ${error.shortMessage}`, {
      owner: {
        say: 'Put config.json back as it was (config.accepted.json is the last one you accepted), and make the change in smaller edits, or a setting at a time.',
      },
    });
  }
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
  const ledger = await openLedger({ home }, keys);
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

function placeOf({ home, now }: OwnerOptions, keys: UnlockedWallet, ledger: Ledger): ConfigPlace {
  return configPlaceOf({ home, keys, ledger, now });
}

function configMac(keys: UnlockedWallet): (data: string) => Uint8Array {
  return (data) => keys.mac('config', data);
}

function staleConfig(): WalletError {
  return new WalletError('config_stale', 'config.json is an older copy than the one the ledger has seen.', {
    owner: {
      say: 'config.json was put back to an older version; check it and accept it.',
      action: { kind: 'acceptConfig' },
    },
  });
}

function changedMeanwhile({ what, action }: OwnerOperation): WalletError {
  return new WalletError(
    'owner_proof_needed',
    `${what} is the owner's alone, and the config changed meanwhile.`,
    {
      owner: { say: 'The config changed while you were changing it.', action },
    },
  );
}
