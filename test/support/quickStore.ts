import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { FileStore } from '../../src/keys/store/fileStore.js';
import { createRecord, NONCE_BYTES, SALT_BYTES, TAG_BYTES } from '../../src/keys/store/keystoreRecord.js';
import type { SecretWrite } from '../../src/keys/store/secretStore.js';
import type { Stretched } from './scryptMemory.js';
import { TEST_PASSPHRASE } from './testPassphrase.js';

/** The least that a keystore may cost to open, a quarter of what the product makes them cost. */
const COST = { n: 2 ** 15, r: 8, p: 1 };
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const KEY_BYTES = 32;
/** One for all wallets of a worker: what their passphrase comes to is then known from the first on. */
const SALT = randomBytes(SALT_BYTES);

function stretch(passphrase: string): Buffer {
  const { n, r, p } = COST;
  return scryptSync(passphrase, SALT, KEY_BYTES, { N: n, r, p, maxmem: MEMORY_BYTES_MAX });
}

let stretched: Stretched | undefined;

/** What the passphrase of this worker's quick keystores comes to, for a wallet in a process of its own. */
export function quickStretched(): Stretched {
  const { n, r, p } = COST;
  return (stretched ??= {
    password: TEST_PASSPHRASE,
    salt: SALT.toString('hex'),
    cost: { N: n, r, p },
    key: stretch(TEST_PASSPHRASE).toString('hex'),
  });
}

/**
 * Writes keystores that open quickly: these tests open hundreds, and the cost of a guess is not what they are about.
 * The product's own store reads them.
 */
export class QuickStore extends FileStore {
  readonly #home: string;
  readonly #passphrase: string;

  constructor(home: string, passphrase = TEST_PASSPHRASE) {
    super(home, async () => passphrase);
    this.#home = home;
    this.#passphrase = passphrase;
  }

  override async prepareSecretWrite(): Promise<SecretWrite> {
    const { n, r, p } = COST;
    const key = stretch(this.#passphrase);
    return async (text, walletId) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(
        Buffer.from(JSON.stringify(['purser keystore', 1, walletId, n, r, p, SALT.toString('hex')])),
      );
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      await createRecord(this.#home, {
        kind: 'file',
        walletId,
        sealed: {
          scrypt: { ...COST, salt: SALT.toString('hex') },
          aes256gcm: {
            nonce: nonce.toString('hex'),
            tag: cipher.getAuthTag().toString('hex'),
            text: sealed.toString('hex'),
          },
        },
      });
    };
  }
}
