import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { inspect } from 'node:util';
import { WalletError } from '../../errors/walletError.js';

/** A private key as `0x` and 64 hex digits. */
export type Hex = `0x${string}`;

/** What a wallet is made of: one BIP-39 phrase, or one imported EVM key. */
export type WalletSecret =
  | { readonly kind: 'phrase'; readonly phrase: string }
  | { readonly kind: 'evm_key'; readonly privateKey: Hex };

/** What an authentication code is for; each purpose has its own key. */
export type MacPurpose = 'config' | 'ledger' | 'elicitation';

/** What a secret holder shows when it is printed, logged or serialised (T21). */
const REDACTED = '[redacted]';

/** Order of secp256k1 (SEC 2, 2.4.1): a private key lies in 1 … n−1. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const PHRASE_SHAPE = /^[a-z]+(?: [a-z]+){11,23}$/;
const KEY_SHAPE = /^(?:0x)?([0-9a-fA-F]{64})$/;

/** Version of {@link encodeSecret}'s text. */
const SECRET_TEXT_VERSION = 1;

/** Separates our derived keys from whatever else the same phrase is used for. */
const HKDF_SALT = 'purser/keys/1';

/** Wallet ids are public: 128 bits keep two wallets apart, and lead back to nothing. */
const WALLET_ID_BYTES = 16;
const MAC_KEY_BYTES = 32;

const SEAL_CIPHER = 'aes-256-gcm';
const SEAL_KEY_BYTES = 32;
/** Random for each seal: 2^32 of them under one key stay far from a repeated one (NIST SP 800-38D, 8.3). */
const SEAL_NONCE_BYTES = 12;
const SEAL_TAG_BYTES = 16;
/** Version of what {@link WalletKeys.seal} gives; its first byte. */
const SEAL_VERSION = 1;

/** Properties that make an object print as {@link REDACTED} however it is printed. */
export const redactingMembers: PropertyDescriptorMap = {
  toString: { value: () => REDACTED },
  toJSON: { value: () => REDACTED },
  [inspect.custom]: { value: () => REDACTED },
};

/**
 * Holds a secret so that inspecting, logging, serialising or spreading it shows nothing: the words and the key
 * are readable by name alone (T21).
 */
export function holdSecret(secret: WalletSecret): WalletSecret {
  const held =
    secret.kind === 'phrase'
      ? { kind: { value: secret.kind }, phrase: { value: secret.phrase } }
      : { kind: { value: secret.kind }, privateKey: { value: secret.privateKey } };
  return Object.freeze(Object.defineProperties({}, { ...held, ...redactingMembers })) as WalletSecret;
}

/**
 * Reads a raw EVM private key: 64 hex digits with or without `0x`, blanks around it ignored.
 *
 * Throws `bad_input`, never quoting what was given.
 */
export function parseEvmKey(text: string): WalletSecret {
  const digits = KEY_SHAPE.exec(text.trim())?.[1]?.toLowerCase();
  const value = digits === undefined ? 0n : BigInt(`0x${digits}`);
  if (digits === undefined || value === 0n || value >= CURVE_ORDER) {
    throw new WalletError(
      'bad_input',
      'An EVM private key is 64 hex digits, with or without 0x before them.',
    );
  }
  return holdSecret({ kind: 'evm_key', privateKey: `0x${digits}` });
}

/** The text a keystore keeps for a secret. */
export function encodeSecret(secret: WalletSecret): string {
  return secret.kind === 'phrase'
    ? JSON.stringify({ version: SECRET_TEXT_VERSION, kind: 'phrase', phrase: secret.phrase })
    : JSON.stringify({ version: SECRET_TEXT_VERSION, kind: 'evm_key', privateKey: secret.privateKey });
}

/** Reads {@link encodeSecret}'s text; anything else is `keystore_unreadable`, never an absent wallet. */
export function decodeSecret(text: string): WalletSecret {
  const stored = parseStored(text);
  if (stored.version === SECRET_TEXT_VERSION) {
    if (stored.kind === 'phrase' && typeof stored.phrase === 'string' && PHRASE_SHAPE.test(stored.phrase)) {
      return holdSecret({ kind: 'phrase', phrase: stored.phrase });
    }
    if (
      stored.kind === 'evm_key' &&
      typeof stored.privateKey === 'string' &&
      KEY_SHAPE.test(stored.privateKey)
    ) {
      return parseEvmKey(stored.privateKey);
    }
  }
  throw unreadableSecret();
}

function parseStored(text: string): {
  version?: unknown;
  kind?: unknown;
  phrase?: unknown;
  privateKey?: unknown;
} {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text it failed on, so it must not travel as a cause (T21).
    throw unreadableSecret();
  }
  if (typeof stored !== 'object' || stored === null) throw unreadableSecret();
  return stored;
}

function unreadableSecret(): WalletError {
  return new WalletError('keystore_unreadable', 'The keystore holds something that is not a Purser wallet.', {
    owner: {
      say: 'Look at what is stored for this wallet; it was put there by another program or a newer Purser.',
    },
  });
}

/**
 * Symmetric keys of one wallet, derived one-way from its secret by HKDF-SHA256.
 *
 * The secret's text is high-entropy by itself, so no stretching is needed, and no curve code has to be loaded to
 * authenticate the config or the ledger.
 */
export class WalletKeys {
  /** Public and stable: 32 hex digits. */
  readonly walletId: string;
  readonly #root: KeyObject;
  readonly #macKeys = new Map<string, KeyObject>();
  #sealKey: KeyObject | null = null;

  constructor(secret: WalletSecret) {
    const material = secret.kind === 'phrase' ? secret.phrase : secret.privateKey;
    this.#root = createSecretKey(Buffer.from(`${secret.kind}:${material}`));
    this.walletId = Buffer.from(
      hkdfSync('sha256', this.#root, HKDF_SALT, 'wallet-id', WALLET_ID_BYTES),
    ).toString('hex');
    Object.defineProperties(this, redactingMembers);
  }

  /** HMAC-SHA256 of `data` under the key of one purpose: 32 bytes, in microseconds once the key is cached. */
  mac(purpose: MacPurpose | 'anchor', data: string | Uint8Array): Uint8Array {
    let key = this.#macKeys.get(purpose);
    if (key === undefined) {
      key = createSecretKey(
        Buffer.from(hkdfSync('sha256', this.#root, HKDF_SALT, `mac/${purpose}`, MAC_KEY_BYTES)),
      );
      this.#macKeys.set(purpose, key);
    }
    return createHmac('sha256', key).update(data).digest();
  }

  /** Encrypts a text so that these keys alone open it, and only for `place`, which stays readable beside it (T38). */
  seal(place: string, text: string): Uint8Array {
    const nonce = randomBytes(SEAL_NONCE_BYTES);
    const cipher = createCipheriv(SEAL_CIPHER, this.#sealing(), nonce).setAAD(Buffer.from(place));
    const sealed = [cipher.update(text, 'utf8'), cipher.final()];
    return Buffer.concat([Uint8Array.of(SEAL_VERSION), nonce, cipher.getAuthTag(), ...sealed]);
  }

  /** Opens what {@link WalletKeys.seal} gave for this place; null where it is another's, was changed, or is of other keys. */
  open(place: string, sealed: Uint8Array): string | null {
    const [nonceAt, tagAt] = [1, 1 + SEAL_NONCE_BYTES];
    const textAt = tagAt + SEAL_TAG_BYTES;
    if (sealed[0] !== SEAL_VERSION || sealed.length < textAt) return null;
    const decipher = createDecipheriv(SEAL_CIPHER, this.#sealing(), sealed.subarray(nonceAt, tagAt), {
      authTagLength: SEAL_TAG_BYTES,
    })
      .setAAD(Buffer.from(place))
      .setAuthTag(sealed.subarray(tagAt, textAt));
    try {
      return decipher.update(sealed.subarray(textAt), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return null;
    }
  }

  #sealing(): KeyObject {
    this.#sealKey ??= createSecretKey(
      Buffer.from(hkdfSync('sha256', this.#root, HKDF_SALT, 'seal/entitlement', SEAL_KEY_BYTES)),
    );
    return this.#sealKey;
  }
}
