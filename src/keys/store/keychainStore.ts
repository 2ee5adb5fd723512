import { randomUUID } from 'node:crypto';
import type { AsyncEntry } from '@napi-rs/keyring';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { createRecord, otherKeystore, readRecord } from './keystoreRecord.js';
import { callWithin } from '../../platform/nativeCall.js';
import { findSessionBus } from './sessionBus.js';
import type { SecretStore, SecretWrite, StoredSecret } from './secretStore.js';

/** How the wallet's entries are found in a keychain's own window. */
const KEYCHAIN_SERVICE = 'purser';
const ANCHOR_SUFFIX = '#anchor';
const PROBE_SUFFIX = '#probe';

/**
 * A keychain may ask the person at the screen; a longer wait is nobody there. What a call does after it is given
 * up cannot be stopped, only not waited for.
 */
const KEYCHAIN_DEADLINE_MS = 20_000;

/** Without the pin the library falls back to the kernel's keyring, which forgets at reboot and reads null unasked. */
const ENTRY_OPTIONS = { linux: { store: 'secret-service' } } as const;

/** What D-Bus says of a service that is there and silent. */
const SILENT_SIGNS = /receive a reply|timed? ?out/i;

/** What the platforms say of a keychain that is there and does not open now: locked, dismissed, nobody to ask. */
const LOCKED_SIGNS =
  /locked|dismiss|cancel|interaction is not allowed|-25308|authoriz|authentic|access platform storage/i;

/**
 * The wallet's secret in the OS keychain: macOS Keychain, Windows Credential Manager, or a Secret Service on Linux.
 *
 * Some Secret Services answer "nothing here" while their database is closed, so `keystore.json` in the wallet's
 * folder says that a wallet exists; with it, such an answer is an error and never an absent wallet.
 */
export class KeychainStore implements SecretStore {
  readonly kind = 'keychain';
  readonly #home: string;
  readonly #deadlineMs: number;

  constructor(home: string, deadlineMs: number = KEYCHAIN_DEADLINE_MS) {
    this.#home = home;
    this.#deadlineMs = deadlineMs;
  }

  async presence(): Promise<'present' | 'absent'> {
    const record = await readRecord(this.#home);
    if (record !== null && record.kind !== 'keychain') return 'present';
    const text = await this.#read(this.#home);
    if (text === null && record !== null) throw hiddenEntry(this.#home, record.home);
    return text === null ? 'absent' : 'present';
  }

  async prepareSecretWrite(): Promise<SecretWrite> {
    // A closed database may show nothing and open on the first write; a wallet in it must be seen before that write
    // is the secret's, which would replace it.
    const probe = `${this.#home}${PROBE_SUFFIX}-${randomUUID()}`;
    await this.#write(probe, 'probe');
    await this.#call(probe, async (entry, signal) => await entry.deleteCredential(signal));
    return async (text, walletId) => {
      await this.#write(this.#home, text);
      if ((await this.#read(this.#home)) !== text) {
        throw new WalletError('keystore_unreadable', 'The keychain does not return what was stored in it.', {
          owner: {
            say: 'Keep the wallet in an encrypted file instead.',
            action: { kind: 'setUp', keystore: 'file' },
          },
        });
      }
      // A crash before this line leaves a whole wallet: the next unlock writes the record.
      await createRecord(this.#home, { kind: 'keychain', walletId, home: this.#home });
    };
  }

  async readSecret(): Promise<StoredSecret | null> {
    const record = await readRecord(this.#home);
    if (record !== null && record.kind !== 'keychain') throw otherKeystore(this.#home, record);
    const text = await this.#read(this.#home);
    if (text === null && record !== null) throw hiddenEntry(this.#home, record.home);
    return text === null ? null : { text, walletId: record?.walletId };
  }

  async readAnchor(): Promise<string | null> {
    return await this.#read(this.#home + ANCHOR_SUFFIX);
  }

  async writeAnchor(text: string): Promise<void> {
    await this.#write(this.#home + ANCHOR_SUFFIX, text);
  }

  async #read(account: string): Promise<string | null> {
    // `getSecret` rejects where the store cannot be read; null is an answer.
    const bytes = await this.#call(account, async (entry, signal) => await entry.getSecret(signal));
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  }

  async #write(account: string, text: string): Promise<void> {
    await this.#call(account, async (entry, signal) => await entry.setSecret(Buffer.from(text), signal));
  }

  async #call<T>(account: string, call: (entry: AsyncEntry, signal: AbortSignal) => Promise<T>): Promise<T> {
    const run = async (signal: AbortSignal): Promise<T> => {
      const entry = await openEntry(account);
      return await call(entry, signal).catch(rejectTranslated);
    };
    try {
      return await callWithin(this.#deadlineMs, run, silentKeychain);
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'keystore_unavailable') throw error;
      // A wallet that is there is not to be made again elsewhere.
      throw (await readRecord(this.#home))?.kind === 'keychain' ? unreachableKeychain(error) : error;
    }
  }
}

/** Opens an entry. On Linux this connects to the Secret Service for at most two seconds, and throws if there is none. */
async function openEntry(account: string): Promise<AsyncEntry> {
  const keyring = await import('@napi-rs/keyring').catch((cause: unknown) => {
    throw noNativePart(cause);
  });
  if (process.platform === 'linux') {
    const bus = findSessionBus(process.env, process.getuid?.());
    if (bus !== undefined) process.env['DBUS_SESSION_BUS_ADDRESS'] = bus;
  }
  try {
    return new keyring.AsyncEntry(KEYCHAIN_SERVICE, account, ENTRY_OPTIONS);
  } catch (cause) {
    // A service that is there and silent is not a missing one: telling the owner to move away would be wrong.
    throw SILENT_SIGNS.test(describe(cause)) ? silentKeychain(cause) : noKeychain(cause);
  }
}

function rejectTranslated(cause: unknown): never {
  if (SILENT_SIGNS.test(describe(cause))) throw silentKeychain(cause);
  if (LOCKED_SIGNS.test(describe(cause))) throw lockedKeychain('The OS keychain is locked.', cause);
  throw new WalletError('keystore_unreadable', 'The OS keychain answered with an error.', {
    cause,
    owner: { say: 'Look at the entry "purser" in the keychain; only its owner can repair it.' },
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function silentKeychain(cause?: unknown): WalletError {
  return lockedKeychain('The OS keychain did not answer in time.', cause);
}

function lockedKeychain(sentence: string, cause: unknown): WalletError {
  return new WalletError('keychain_locked', sentence, {
    cause,
    owner: {
      say: 'Unlock the keychain on that machine (over SSH on a Mac: security unlock-keychain), then try again.',
    },
  });
}

function noKeychain(cause: unknown): WalletError {
  return new WalletError('keystore_unavailable', 'This machine has no OS keychain.', {
    cause,
    owner: {
      say: 'Keep the wallet in an encrypted file instead.',
      action: { kind: 'setUp', keystore: 'file' },
    },
  });
}

/** Without it nothing is known of the keychain, so nothing says to do without one. */
function noNativePart(cause: unknown): WalletError {
  return new WalletError(
    'internal',
    `The native part that reaches the OS keychain (@napi-rs/keyring) is missing or made for another machine than this one (${process.platform}-${process.arch}).`,
    {
      cause,
      owner: {
        say: 'Install Purser again on this very machine, with optional packages: a folder copied from another one, or --omit=optional, leaves that part out.',
      },
    },
  );
}

function unreachableKeychain(cause: unknown): WalletError {
  return new WalletError(
    'keychain_locked',
    'The keys of this wallet are in the OS keychain, and this process cannot reach it.',
    {
      cause,
      owner: {
        say: 'Start the MCP client inside your desktop session. If it is, let the client pass DBUS_SESSION_BUS_ADDRESS to the server.',
      },
    },
  );
}

function hiddenEntry(home: string, madeAt = home): WalletError {
  if (madeAt !== home) {
    return new WalletError(
      'keystore_unreadable',
      `The wallet in ${home} was made in ${madeAt}, and the keychain has its keys under that path.`,
      {
        owner: {
          say: `Move the folder back to ${madeAt}, and let PURSER_HOME name that path where it is not the usual one.`,
        },
      },
    );
  }
  return new WalletError(
    'keystore_unreadable',
    `${home} says that its wallet is in the OS keychain, but the keychain has no such entry.`,
    {
      owner: {
        say: `Open the keychain that the wallet was made in. If the entry is gone for good, move ${home} away and restore the wallet from its recovery phrase.`,
        action: { kind: 'restoreWallet' },
      },
    },
  );
}
