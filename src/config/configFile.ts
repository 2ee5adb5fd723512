import { timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { changesBetween, type KeyChange } from './change.js';
import {
  ACCEPTED_FILE,
  checkHome,
  checkOwned,
  codeOf,
  CONFIG_FILE,
  CONFIG_LOCK,
  notSetUp,
  unusable,
} from './home.js';
import { hasErrno, replaceFile } from '../platform/durableFile.js';
import { withLock } from '../platform/lock.js';
import { describeJsonError } from './jsonPlace.js';
import { CODE_KEY, configInvalid, decodeConfig, encodeConfig } from './schema.js';
import { initialSettings, type Config } from './settings.js';

/** Computes a code over bytes with a key that the keystore keeps for the config. */
export type Mac = (data: string) => Uint8Array;

/** What fixes a wallet's config for good. */
export type ConfigIdentity = Pick<Config, 'walletId' | 'keystore' | 'testnet'>;

/** An owner with a thousand hosts in each list stays far below; a larger file is none of ours. */
const FILE_BYTES_MAX = 256 * 1024;
/** A change takes milliseconds, even on a busy machine. A longer wait means that the other process hangs. */
const LOCK_WAIT_MAX_MS = 30_000;
/** Keeps a code over a config from being one over anything else made with the same key. */
const MAC_CONTEXT = 'purser config 1\n';

/**
 * Reads config.json and checks its authentication code (T22).
 *
 * Cheap enough for each payment: one open, one read of about 1 kB, one code and the check of some twenty values.
 *
 * Throws `not_set_up`, `home_unusable`, `home_unsafe`, `config_invalid`, and `config_edited` where the code is
 * missing or not that of the content.
 */
export function readConfig(home: string, mac: Mac): Config {
  return proveConfig(readStored(path.join(home, CONFIG_FILE), home), mac);
}

function proveConfig(stored: Stored, mac: Mac): Config {
  if (isAuthentic(stored, mac)) return stored.config;
  throw new WalletError('config_edited', 'config.json was edited, and the owner has not accepted the edit.', {
    owner: {
      say: 'config.json was edited. Look at what changed, and accept it if it was you.',
      action: { kind: 'acceptConfig' },
    },
  });
}

/**
 * A reader for a process that asks for the config again and again: it reads the file each time, so that a change
 * counts from the next look on, and proves it where it is not letter for letter what it proved last. Throws what
 * {@link readConfig} throws.
 */
export function configReader(home: string, mac: Mac): () => Config {
  const file = path.join(home, CONFIG_FILE);
  let proved: { readonly text: string; readonly config: Config } | undefined;
  return () => {
    const text = readOwnText(file, home);
    if (proved?.text !== text) proved = { text, config: proveConfig(decodeStored(text), mac) };
    return proved.config;
  };
}

/** Reads config.json without the keystore, for commands that only show. Nothing may be signed on its word. */
export function readConfigUnauthenticated(home: string): Config {
  return readStored(path.join(home, CONFIG_FILE), home).config;
}

/**
 * Writes the first config of a wallet, with its initial settings, into a home that exists. Throws `already_set_up`
 * where there is one.
 */
export async function createConfig(home: string, mac: Mac, identity: ConfigIdentity): Promise<Config> {
  const { walletId, keystore, testnet } = identity;
  const config: Config = { version: 1, walletId, keystore, testnet, ...initialSettings(testnet) };
  return inTurn(home, async () => {
    if (exists(path.join(home, CONFIG_FILE))) {
      throw new WalletError('already_set_up', `There is a wallet in ${home} already.`);
    }
    return write(home, mac, config);
  });
}

/**
 * Changes the config: `change` gets it as it stands and returns what it is to be; it is written with the next
 * version. No other process can change it in between, so two changes never lose one another.
 *
 * `change` must judge what it was given: another process may have changed the config since the caller looked. What
 * it throws leaves the file as it was, and so does a change that changes nothing.
 */
export async function updateConfig(
  home: string,
  mac: Mac,
  change: (current: Config) => Config | Promise<Config>,
  before?: BeforeWrite,
): Promise<Config> {
  return inTurn(home, async () => {
    const current = readConfig(home, mac);
    const next = await change(current);
    if (changesBetween(current, next).length === 0) return current;
    return write(home, mac, { ...next, version: current.version + 1 }, before);
  });
}

/** Runs with the text of config.json before it is written; where it throws, the file stays as it was. */
export type BeforeWrite = (written: { readonly version: number; readonly text: string }) => Promise<void>;

/** The text of config.json and its version, proved. Throws as {@link readConfig} does. */
export function readConfigText(home: string, mac: Mac): { readonly version: number; readonly text: string } {
  const stored = readStored(path.join(home, CONFIG_FILE), home);
  return { version: proveConfig(stored, mac).version, text: stored.text };
}

/**
 * Writes config.json as another server of this wallet has it. False, and nothing is written, where it is not authentic, of
 * another wallet or keystore, the one that is there, or older than that. Throws as {@link readConfig} does: an edit of the
 * owner's is not written over.
 */
export async function adoptConfig(home: string, mac: Mac, text: string): Promise<boolean> {
  return inTurn(home, async () => {
    const current = readConfig(home, mac);
    const given = decodeStored(text);
    const { version, walletId, keystore, testnet } = given.config;
    const isOurs =
      isAuthentic(given, mac) &&
      walletId === current.walletId &&
      keystore === current.keystore &&
      testnet === current.testnet;
    if (!isOurs || version < current.version) return false;
    if (text === readOwnText(path.join(home, CONFIG_FILE), home)) return false;
    await writeText(home, text);
    return true;
  });
}

/** An edit of config.json, for the owner to look at. */
export interface ConfigReview {
  readonly config: Config;
  /** False where the file is not as we wrote it. */
  readonly authentic: boolean;
  /** What `changes` compares with; `initial` where the config accepted last is lost or older than the ledger knows. */
  readonly comparedWith: 'accepted' | 'initial';
  readonly changes: readonly KeyChange[];
  /** The newest version known from anywhere. */
  readonly versionKnown: number;
  /** The very file that was looked at. */
  readonly text: string;
}

/**
 * Shows what an edit of config.json changed. `versionSeen` is the newest version that the ledger knows: an older
 * accepted config, put in place of the newest, must not make an edit look like none.
 *
 * Throws as {@link readConfig} does, but for `config_edited`.
 */
export function reviewConfig(home: string, mac: Mac, versionSeen: number): ConfigReview {
  const stored = readStored(path.join(home, CONFIG_FILE), home);
  const { config, text } = stored;
  const accepted = readAccepted(home, mac, versionSeen);
  return {
    config,
    authentic: isAuthentic(stored, mac),
    comparedWith: accepted === undefined ? 'initial' : 'accepted',
    changes: changesBetween(accepted ?? { ...config, ...initialSettings(config.testnet) }, config),
    versionKnown: Math.max(config.version, accepted?.version ?? 0, versionSeen),
    text,
  };
}

/**
 * Gives an edited config its code, and a version above every one known, so that it also mends a config older than
 * the ledger has seen. Only what the owner was shown is accepted: `config_edited` where the file changed since.
 */
export async function acceptConfig(
  home: string,
  mac: Mac,
  review: ConfigReview,
  before?: BeforeWrite,
): Promise<Config> {
  return inTurn(home, async () => {
    const { config, text } = readStored(path.join(home, CONFIG_FILE), home);
    if (text !== review.text) {
      throw new WalletError(
        'config_edited',
        'config.json changed again after it was shown; nothing was accepted.',
        {
          owner: { say: 'config.json changed again after it was shown.', action: { kind: 'acceptConfig' } },
        },
      );
    }
    return write(home, mac, { ...config, version: review.versionKnown + 1 }, before);
  });
}

interface Stored {
  readonly text: string;
  readonly json: unknown;
  readonly config: Config;
}

function readStored(file: string, home: string): Stored {
  return decodeStored(readOwnText(file, home));
}

function decodeStored(text: string): Stored {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw configInvalid(describeJsonError(text), error);
  }
  return { text, json, config: decodeConfig(json) };
}

function readOwnText(file: string, home: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? notSetUp(home) : unusable(file, error);
  }
  try {
    const stats = fstatSync(descriptor);
    checkOwned(file, stats, '600');
    if (stats.size > FILE_BYTES_MAX) throw configInvalid(`it is larger than ${FILE_BYTES_MAX / 1024} KiB`);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    throw isWalletError(error) ? error : unusable(file, error);
  } finally {
    closeSync(descriptor);
  }
}

/** The last config that we wrote, if it is still as we wrote it and no older than the ledger knows. */
function readAccepted(home: string, mac: Mac, versionSeen: number): Config | undefined {
  try {
    const stored = readStored(path.join(home, ACCEPTED_FILE), home);
    return isAuthentic(stored, mac) && stored.config.version >= versionSeen ? stored.config : undefined;
  } catch {
    // It only serves to show an edit; without it the edit is shown against the initial settings.
    return undefined;
  }
}

function isAuthentic({ json }: Stored, mac: Mac): boolean {
  const { [CODE_KEY]: code, ...content } = json as Record<string, unknown>;
  const expected = Buffer.from(codeFor(content, mac));
  const given = Buffer.from(typeof code === 'string' ? code : '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function codeFor(content: unknown, mac: Mac): string {
  return Buffer.from(mac(MAC_CONTEXT + canonical(content))).toString('base64url');
}

/** One text for one JSON value: keys sorted, no blanks. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

async function inTurn<Result>(home: string, work: () => Promise<Result>): Promise<Result> {
  checkHome(home);
  return withConfigLock(home, work);
}

/**
 * Runs `work` while no other process changes the config. Throws `home_unusable` where the lock cannot be had within
 * `waitMaxMs`, naming the process that holds it.
 */
export async function withConfigLock<Result>(
  home: string,
  work: () => Promise<Result>,
  waitMaxMs = LOCK_WAIT_MAX_MS,
): Promise<Result> {
  const lock = path.join(home, CONFIG_LOCK);
  return await withLock(
    lock,
    {
      waitMaxMs,
      // A person may have stopped the process that holds it, in the middle of a change.
      abandonedAfterMs: null,
      busy: (pids) =>
        new WalletError(
          'home_unusable',
          `config.json is being changed by process ${pids.join(', ')}, which does not finish.`,
          { owner: { say: `If process ${pids.join(', ')} is no purser, delete ${lock} and try again.` } },
        ),
      unusable: (cause) => unusable(lock, cause),
    },
    work,
  );
}

function exists(file: string): boolean {
  try {
    closeSync(openSync(file, 'r'));
    return true;
  } catch (error) {
    // Unreadable is not absent: a second wallet is never made over it.
    if (codeOf(error) === 'ENOENT') return false;
    throw unusable(file, error);
  }
}

async function write(home: string, mac: Mac, config: Config, before?: BeforeWrite): Promise<Config> {
  const content = encodeConfig(config);
  const text = `${JSON.stringify({ ...content, [CODE_KEY]: codeFor(content, mac) }, undefined, 2)}\n`;
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    throw new WalletError('bad_input', `The config would be larger than ${FILE_BYTES_MAX / 1024} KiB.`);
  }
  // What is written must read back, whichever code built it.
  const written = decodeConfig(JSON.parse(text));
  await before?.({ version: written.version, text });
  await writeText(home, text);
  return written;
}

async function writeText(home: string, text: string): Promise<void> {
  await replace(path.join(home, CONFIG_FILE), text);
  // The change stands already; without this copy a later edit is shown against the initial settings.
  await replace(path.join(home, ACCEPTED_FILE), text).catch(() => undefined);
}

/** Replaces a file of the wallet's folder. The caller holds the lock. Throws `disk_full` and `home_unusable`. */
async function replace(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, text, { mode: 0o600, isSoleWriter: true });
  } catch (error) {
    if (hasErrno(error, 'ENOSPC', 'EDQUOT'))
      throw new WalletError('disk_full', `The disk has no room for ${file}.`, { cause: error });
    throw unusable(file, error);
  }
}
