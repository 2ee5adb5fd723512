import { createCipheriv, createDecipheriv, randomBytes, scrypt, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { WalletError } from '../../errors/walletError.js';
import { readHomeFile, writeHomeFile } from './homeFolder.js';
import { withKeystoreLock } from './keystoreLock.js';
import {
  createRecord,
  NONCE_BYTES,
  otherKeystore,
  readRecord,
  replaceRecord,
  SALT_BYTES,
  TAG_BYTES,
  type ScryptCost,
  type SealedSecret,
} from './keystoreRecord.js';
import type { SecretStore, SecretWrite, StoredSecret } from './secretStore.js';

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

const ANCHOR_FILE = 'keystore-anchor.json';

/**
 * What a guess costs: 128 MiB and 100–250 ms, the first of the costs OWASP's password storage sheet gives for
 * scrypt. Paid once per process.
 */
const SCRYPT_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };

/** Bounds on a cost read from a file: a written-in weakness is refused, and so is one that eats the machine. */
const SCRYPT_N_MIN = 2 ** 15;
const SCRYPT_N_MAX = 2 ** 19;
const SCRYPT_P_MAX = 4;
/** Node's own bound is 32 MiB; scrypt needs 128·n·r bytes and a little more. */
const SCRYPT_MEMORY_BYTES_MAX = 1024 * SCRYPT_N_MAX + 2 ** 20;

const KEY_BYTES = 32;

/** A passphrase file that is larger is some other file. */
const PASSPHRASE_CHARS_MAX = 1024;

/** A person mistypes once or twice; after that the passphrase is another. */
const ATTEMPTS_MAX = 3;

/**
 * Asks for the unlock passphrase; null where nobody can give one. `attempt` counts from 0: a later one is asked for because
 * the one before did not open the keystore, and whoever has no other gives null or the same again.
 */
export type AskPassphrase = (attempt?: number) => Promise<string | null>;

/**
 * The wallet's secret in `keystore.json`, under a passphrase: scrypt, then AES-256-GCM that also covers the
 * parameters and the wallet's id.
 *
 * The checkpoint lies beside it in `keystore-anchor.json`, so that renewing it never touches the secret. Whoever can
 * write the folder can put an older checkpoint back; only a keychain keeps that memory out of the folder's reach.
 */
export class FileStore implements SecretStore {
  readonly kind = 'file';
  readonly #home: string;
  readonly #askPassphrase: AskPassphrase;

  constructor(home: string, askPassphrase: AskPassphrase) {
    this.#home = home;
    this.#askPassphrase = askPassphrase;
  }

  async presence(): Promise<'present' | 'absent'> {
    return (await readRecord(this.#home)) === null ? 'absent' : 'present';
  }

  async prepareSecretWrite(): Promise<SecretWrite> {
    const passphrase = await this.#readPassphrase();
    if (passphrase === '') throw new WalletError('bad_input', 'The passphrase of the keystore is empty.');
    const cost = { ...SCRYPT_COST, salt: randomBytes(SALT_BYTES).toString('hex') };
    const key = await stretch(passphrase, cost);
    return async (text, walletId) => {
      const sealed = seal(text, walletId, cost, key);
      await createRecord(this.#home, { kind: 'file', walletId, sealed });
      const written = await readRecord(this.#home);
      if (written?.kind !== 'file' || open(written.sealed, written.walletId, key) !== text) {
        throw new WalletError(
          'keystore_unreadable',
          'The keystore file does not read back as it was written.',
        );
      }
    };
  }

  async readSecret(): Promise<StoredSecret | null> {
    const record = await readRecord(this.#home);
    if (record === null) return null;
    if (record.kind !== 'file') throw otherKeystore(this.#home, record);
    checkCost(record.sealed.scrypt);
    let passphrase = await this.#readPassphrase();
    for (let attempt = 1; ; attempt += 1) {
      const key = await stretch(passphrase, record.sealed.scrypt);
      const text = open(record.sealed, record.walletId, key);
      if (text !== null) return { text, walletId: record.walletId };
      const next = attempt < ATTEMPTS_MAX ? await this.#askPassphrase(attempt) : null;
      if (next === null || next === '' || normalized(next) === passphrase) break;
      passphrase = normalized(next);
    }
    throw new WalletError('wrong_passphrase', 'The passphrase does not open the keystore.', {
      owner: {
        say: 'It is the unlock passphrase that opens the keystore, not the owner passphrase. Check it, or the file that holds it.',
      },
    });
  }

  /**
   * Seals the secret under another passphrase, with a salt of its own: the file is the old one or the new one at any moment.
   * The secret is what the store holds, as it was read. Throws `bad_input` for an empty passphrase, `keystore_unreadable` where
   * the keystore is no longer that one.
   */
  async changePassphrase(
    { text, walletId }: StoredSecret & { readonly walletId: string },
    passphrase: string,
  ): Promise<void> {
    const next = normalized(passphrase);
    if (next === '') throw new WalletError('bad_input', 'The passphrase of the keystore is empty.');
    const cost = { ...SCRYPT_COST, salt: randomBytes(SALT_BYTES).toString('hex') };
    const key = await stretch(next, cost);
    await withKeystoreLock(this.#home, async (lock) => {
      const kept = await readRecord(this.#home);
      if (kept?.kind !== 'file' || kept.walletId !== walletId)
        throw new WalletError(
          'keystore_unreadable',
          'The keystore is another one by now; it stays as it is.',
        );
      const sealed = seal(text, walletId, cost, key);
      // What does not open again must never take the place of what does.
      if (open(sealed, walletId, key) !== text)
        throw new WalletError('keystore_unreadable', 'The keystore does not open as it would be written.');
      await lock.assertHeld();
      await replaceRecord(this.#home, { kind: 'file', walletId, sealed });
    });
  }

  async readAnchor(): Promise<string | null> {
    return await readHomeFile(this.#home, ANCHOR_FILE);
  }

  async writeAnchor(text: string): Promise<void> {
    await writeHomeFile(this.#home, ANCHOR_FILE, text, 'replace');
  }

  async #readPassphrase(): Promise<string> {
    const passphrase = await this.#askPassphrase();
    if (passphrase === null) {
      throw new WalletError('keystore_locked', 'The encrypted keystore needs its passphrase.', {
        owner: {
          say: 'Clients read the unlock passphrase from a file that only you can read: the one that PURSER_PASSPHRASE_FILE names, or the one that install asks for and keeps.',
          action: { kind: 'installClient' },
        },
      });
    }
    return normalized(passphrase);
  }
}

/** Keyboards and systems write the same accented letter in different ways. Throws `bad_input` for what is too long. */
function normalized(passphrase: string): string {
  if (passphrase.length > PASSPHRASE_CHARS_MAX) {
    throw new WalletError('bad_input', `A passphrase has at most ${PASSPHRASE_CHARS_MAX} characters.`);
  }
  return passphrase.normalize('NFKC');
}

function seal(text: string, walletId: string, cost: SealedSecret['scrypt'], key: Buffer): SealedSecret {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(walletId, cost));
  const sealedText = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return {
    scrypt: cost,
    aes256gcm: {
      nonce: nonce.toString('hex'),
      tag: cipher.getAuthTag().toString('hex'),
      text: sealedText.toString('hex'),
    },
  };
}

/** The secret's text, or null where the key is another or a byte was changed: GCM does not say which. */
function open(sealed: SealedSecret, walletId: string, key: Buffer): string | null {
  const { nonce, tag, text } = sealed.aes256gcm;
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'hex'), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associatedData(walletId, sealed.scrypt));
  decipher.setAuthTag(Buffer.from(tag, 'hex'));
  const head = decipher.update(Buffer.from(text, 'hex'));
  try {
    return Buffer.concat([head, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function associatedData(walletId: string, cost: SealedSecret['scrypt']): Buffer {
  return Buffer.from(JSON.stringify(['purser keystore', 1, walletId, cost.n, cost.r, cost.p, cost.salt]));
}

function checkCost(cost: ScryptCost): void {
  const isPowerOfTwo = Number.isInteger(cost.n) && Number.isInteger(Math.log2(cost.n));
  const isBounded = isPowerOfTwo && cost.n >= SCRYPT_N_MIN && cost.n <= SCRYPT_N_MAX;
  if (
    isBounded &&
    cost.r === SCRYPT_COST.r &&
    Number.isInteger(cost.p) &&
    cost.p >= 1 &&
    cost.p <= SCRYPT_P_MAX
  )
    return;
  throw new WalletError(
    'keystore_unreadable',
    'The keystore asks for scrypt parameters outside the accepted bounds.',
    {
      owner: { say: 'keystore.json was changed: put it back from a backup.' },
    },
  );
}

async function stretch(passphrase: string, cost: SealedSecret['scrypt']): Promise<Buffer> {
  return await scryptAsync(passphrase, Buffer.from(cost.salt, 'hex'), KEY_BYTES, {
    N: cost.n,
    r: cost.r,
    p: cost.p,
    maxmem: SCRYPT_MEMORY_BYTES_MAX,
  });
}
