import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { readHomeFile, writeHomeFile } from './homeFolder.js';

const RECORD_FILE = 'keystore.json';
const RECORD_VERSION = 1;

/** How a passphrase becomes a key. All numbers are stored, so that new wallets can cost more one day. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** A secret under a passphrase; byte strings in lower-case hex. */
export interface SealedSecret {
  readonly scrypt: ScryptCost & { readonly salt: string };
  readonly aes256gcm: { readonly nonce: string; readonly tag: string; readonly text: string };
}

/**
 * What `keystore.json` says of the wallet in this folder: that it exists, which it is, and where its secret is.
 * Written when the wallet is made, and again where its owner changes the passphrase.
 */
type KeystoreRecord =
  | {
      readonly kind: 'keychain';
      readonly walletId: string;
      /** The folder that the keychain's entry is named after: another than this one where the folder was moved. */
      readonly home?: string;
    }
  | { readonly kind: 'file'; readonly walletId: string; readonly sealed: SealedSecret };

const HEX = /^(?:[0-9a-f]{2})+$/;

/** A passphrase's salt, GCM's nonce and tag (NIST SP 800-38D), our wallet id. */
export const SALT_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const WALLET_ID_BYTES = 16;
/** A phrase of 24 words is some 200 bytes. */
const SEALED_BYTES_MAX = 2048;

/** Reads `keystore.json`; null if it does not exist. Throws `keystore_unreadable` if it is not as it was written. */
export async function readRecord(home: string): Promise<KeystoreRecord | null> {
  const text = await readHomeFile(home, RECORD_FILE);
  if (text === null) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damagedRecord(home, 'does not parse');
  }
  if (!isObject(json) || json.purser !== 'keystore') throw damagedRecord(home, 'is not a Purser keystore');
  if (json.version !== RECORD_VERSION) throw damagedRecord(home, 'was written by another version of Purser');
  const record = toRecord(json);
  if (record === null) throw damagedRecord(home, 'has fields that are missing or malformed');
  if (json.checksum !== checksum(record)) throw damagedRecord(home, 'fails its checksum');
  return record;
}

/** Writes `keystore.json`; throws `already_set_up` where there is one. The caller holds the lock. */
export async function createRecord(home: string, record: KeystoreRecord): Promise<void> {
  const outcome = await writeHomeFile(home, RECORD_FILE, textOf(record), 'create');
  if (outcome === 'exists') throw alreadySetUp(home);
}

/** Writes another record in the place of the one there is, whole or not at all. The caller holds the lock. */
export async function replaceRecord(home: string, record: KeystoreRecord): Promise<void> {
  await writeHomeFile(home, RECORD_FILE, textOf(record), 'replace');
}

function textOf(record: KeystoreRecord): string {
  const json = { purser: 'keystore', version: RECORD_VERSION, ...record, checksum: checksum(record) };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The error of making a wallet where one exists. */
export function alreadySetUp(home: string): WalletError {
  return new WalletError('already_set_up', `A wallet exists in ${home} already; it stays as it is.`, {
    owner: { say: 'To make another wallet, let PURSER_HOME name another folder.' },
  });
}

/** The error of opening a wallet where its secret is not kept. */
export function otherKeystore(home: string, record: KeystoreRecord): WalletError {
  const place = record.kind === 'file' ? 'an encrypted file' : 'the OS keychain';
  return new WalletError('keystore_unreadable', `The secret of the wallet in ${home} is in ${place}.`, {
    owner: { say: `Open this wallet with ${place}.` },
  });
}

/** Builds a record of known fields in a fixed order, so that its text, and so its checksum, is one. */
function toRecord(json: Record<string, unknown>): KeystoreRecord | null {
  const { kind, walletId, sealed } = json;
  if (!isHex(walletId, WALLET_ID_BYTES)) return null;
  if (kind === 'keychain') {
    const { home } = json;
    return typeof home === 'string' ? { kind, walletId, home } : { kind, walletId };
  }
  if (kind !== 'file' || !isObject(sealed)) return null;
  const { scrypt, aes256gcm } = sealed;
  if (!isObject(scrypt) || !isObject(aes256gcm)) return null;
  const { n, r, p, salt } = scrypt;
  const { nonce, tag, text } = aes256gcm;
  if (typeof n !== 'number' || typeof r !== 'number' || typeof p !== 'number') return null;
  if (!isHex(salt, SALT_BYTES) || !isHex(nonce, NONCE_BYTES) || !isHex(tag, TAG_BYTES)) return null;
  if (typeof text !== 'string' || !HEX.test(text) || text.length > 2 * SEALED_BYTES_MAX) return null;
  return { kind, walletId, sealed: { scrypt: { n, r, p, salt }, aes256gcm: { nonce, tag, text } } };
}

/** Tells a damaged file from a mistyped passphrase. It is no authentication code: GCM's tag is. */
function checksum(record: KeystoreRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && value.length === 2 * bytes && HEX.test(value);
}

function damagedRecord(home: string, why: string): WalletError {
  const path = join(home, RECORD_FILE);
  return new WalletError('keystore_unreadable', `${path} ${why}.`, {
    owner: {
      say: `Put ${path} back from a backup; or move it away and restore the wallet from its recovery phrase.`,
      action: { kind: 'restoreWallet' },
    },
  });
}
