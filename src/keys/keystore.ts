import { WalletError } from '../errors/walletError.js';
import { looksFactored, sealMemory } from './secret/anchor.js';
import { FileStore, type AskPassphrase } from './store/fileStore.js';
import { prepareHome } from './store/homeFolder.js';
import { KeychainStore } from './store/keychainStore.js';
import { withKeystoreLock } from './store/keystoreLock.js';
import { alreadySetUp, createRecord, readRecord } from './store/keystoreRecord.js';
import { parsePhrase } from './secret/phrase.js';
import { decodeSecret, encodeSecret, parseEvmKey, WalletKeys, type WalletSecret } from './secret/secret.js';
import type { KeystoreKind, SecretStore } from './store/secretStore.js';
import { openWallet, type UnlockedWallet } from './unlockedWallet.js';

export { fitsMemory, type LedgerAnchor } from './secret/anchor.js';
export type { WalletSecret } from './secret/secret.js';
export type { AskPassphrase } from './store/fileStore.js';
export type { KeystoreKind } from './store/secretStore.js';
export type { UnlockedWallet } from './unlockedWallet.js';

/** Which keystore, and the absolute real path of the wallet's folder. */
interface KeystoreLocation {
  readonly kind: KeystoreKind;
  readonly home: string;
}

/** How the unlock passphrase of an encrypted file is had; without it such a keystore stays locked. */
interface KeystoreOptions {
  readonly passphrase?: AskPassphrase;
}

/** The one place a wallet's secret is kept. */
export interface Keystore {
  readonly kind: KeystoreKind;
  /** Whether a wallet is here. A store that is locked or cannot be read is an error, never `absent`. */
  presence(): Promise<'present' | 'absent'>;
  /**
   * Whether it speaks of factors that prove the owner, before it is opened: unproved, and enough to know which secret
   * to ask for. Throws where the store cannot tell.
   */
  looksFactored(): Promise<boolean>;
  /** Keeps a new wallet's secret, read back before it returns; `already_set_up` where there is one. */
  create(secret: WalletSecret): Promise<UnlockedWallet>;
  /**
   * Opens the wallet, once: later and parallel calls share the first that succeeds.
   *
   * Throws `not_set_up`, `keychain_locked`, `keystore_locked`, `wrong_passphrase`, `keystore_unreadable`,
   * `keystore_unavailable`, `home_unsafe` or `home_unusable`.
   */
  unlock(): Promise<UnlockedWallet>;
}

/** The keystore at a location; nothing is read before its first call. */
export function openKeystore(location: KeystoreLocation, options: KeystoreOptions = {}): Keystore {
  const { kind, home } = location;
  const store =
    kind === 'file' ? new FileStore(home, options.passphrase ?? (async () => null)) : new KeychainStore(home);
  return new StoreKeystore(home, store);
}

/** Which keystore the wallet of a folder was made with; undefined where the folder has none. */
export async function findKeystoreKind(home: string): Promise<KeystoreKind | undefined> {
  return (await readRecord(home))?.kind;
}

/** A keystore over any store. */
export class StoreKeystore implements Keystore {
  readonly #home: string;
  readonly #store: SecretStore;
  #unlocked: Promise<UnlockedWallet> | undefined;

  constructor(home: string, store: SecretStore) {
    this.#home = home;
    this.#store = store;
  }

  get kind(): KeystoreKind {
    return this.#store.kind;
  }

  async presence(): Promise<'present' | 'absent'> {
    return await this.#store.presence();
  }

  async looksFactored(): Promise<boolean> {
    return looksFactored(await this.#store.readAnchor());
  }

  async create(given: WalletSecret): Promise<UnlockedWallet> {
    const secret = given.kind === 'phrase' ? await parsePhrase(given.phrase) : parseEvmKey(given.privateKey);
    const keys = new WalletKeys(secret);
    await prepareHome(this.#home);
    if ((await this.#store.presence()) === 'present') throw alreadySetUp(this.#home);
    const writeSecret = await this.#store.prepareSecretWrite();
    await withKeystoreLock(this.#home, async (lock) => {
      // Asked again: another process may have been first.
      if ((await this.#store.presence()) === 'present') throw alreadySetUp(this.#home);
      // The secret is what makes a wallet exist, so it comes last: a crash before leaves none.
      await this.#store.writeAnchor(sealMemory({ anchor: null, factors: [] }, keys));
      await lock.assertHeld();
      await writeSecret(encodeSecret(secret), keys.walletId);
    });
    const wallet = openWallet(this.#home, this.#store, secret, keys);
    this.#unlocked = Promise.resolve(wallet);
    return wallet;
  }

  async unlock(): Promise<UnlockedWallet> {
    this.#unlocked ??= this.#open().catch((error: unknown) => {
      // A wrong passphrase today must not be the answer for good.
      this.#unlocked = undefined;
      throw error;
    });
    return await this.#unlocked;
  }

  async #open(): Promise<UnlockedWallet> {
    const stored = await this.#store.readSecret();
    if (stored === null) {
      throw new WalletError('not_set_up', 'No wallet exists here yet.', {
        owner: { say: 'Make a wallet first.', action: { kind: 'setUp' } },
      });
    }
    const secret = decodeSecret(stored.text);
    const keys = new WalletKeys(secret);
    if (stored.walletId === undefined) {
      await this.#rewriteRecord(keys.walletId);
    } else if (stored.walletId !== keys.walletId) {
      throw new WalletError('keystore_unreadable', 'The keystore holds the secret of another wallet.', {
        owner: { say: `Restore the entry that belongs to ${this.#home}.` },
      });
    }
    return openWallet(this.#home, this.#store, secret, keys);
  }

  /** The folder was deleted, or a crash came before its record was written: the keychain's wallet gets it back. */
  async #rewriteRecord(walletId: string): Promise<void> {
    await prepareHome(this.#home);
    await withKeystoreLock(this.#home, async () => {
      if ((await readRecord(this.#home)) === null)
        await createRecord(this.#home, { kind: 'keychain', walletId, home: this.#home });
    });
  }
}

/**
 * Seals an open wallet's secret under another passphrase; it unlocks with that one alone from then on. A crash leaves the file that
 * the old one opens, or the one that the new one opens. Throws `bad_input` for an empty passphrase, `keystore_unreadable` where the
 * keystore is no encrypted file of this wallet any more.
 */
export async function changeUnlockPassphrase(
  home: string,
  keys: UnlockedWallet,
  passphrase: string,
): Promise<void> {
  const store = new FileStore(home, () => Promise.resolve(null));
  const text = encodeSecret(keys.revealSecret());
  await store.changePassphrase({ text, walletId: keys.walletId }, passphrase);
}
