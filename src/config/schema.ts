import { z } from 'zod';
import type { OwnerStep } from '../errors/ownerAction.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { findConflict } from './conflict.js';
import { findKey, initialSettings, SETTING_ROWS, type Config, type FoundKey } from './settings.js';
import type { ConfigJson } from './value/kind.js';

/** A JSON object as config.json nests it. */
export interface ConfigFileJson {
  [key: string]: ConfigJson | ConfigFileJson;
}

/** Where the authentication code stands; it is no part of the config. */
export const CODE_KEY = 'code';

const BY_HAND: OwnerStep = { say: 'Mend it by hand, then accept it.', action: { kind: 'acceptConfig' } };
const FROM_NEWER: OwnerStep = {
  say: 'If a newer Purser wrote it, use that one. Otherwise mend the file by hand, then accept it.',
  action: { kind: 'takeNewest' },
};

/** The deepest key, such as `limits.hosts.<host>.per_day_usd`, has this many steps. */
const KEY_STEPS_MAX = 4;

const VERSION_WORDS = 'version must be a whole number above 0';
const identitySchema = z.object(
  {
    version: z.int(VERSION_WORDS).min(1, VERSION_WORDS),
    wallet_id: z
      .string('wallet_id must be text')
      .regex(/^[!-~]{1,128}$/, 'wallet_id must be text without blanks'),
    keystore: z.enum(['keychain', 'file'], 'keystore must be "keychain" or "file"'),
    testnet: z.boolean('testnet must be true or false'),
    [CODE_KEY]: z.string(`${CODE_KEY} must be text`).optional(),
  },
  'it must hold one JSON object',
);

/**
 * Reads what config.json holds; absent settings have their initial value. The authentication code is not looked at.
 *
 * Throws `config_invalid` naming the key that is unknown, set twice, of a wrong kind or in conflict with another.
 */
export function decodeConfig(json: unknown): Config {
  const identity = identitySchema.safeParse(json);
  if (!identity.success) throw configInvalid(identity.error.issues[0]?.message ?? 'it is no config');
  const { version, wallet_id: walletId, keystore, testnet } = identity.data;
  let config: Config = { version, walletId, keystore, testnet, ...initialSettings(testnet) };
  const seen = new Set<string>();
  for (const [text, value] of leavesOf(json as object)) {
    if (Object.hasOwn(identitySchema.shape, text)) continue;
    try {
      const { row, name, key } = keyInFile(text);
      if (seen.has(key)) throw new WalletError('bad_input', `${key} is set twice.`);
      seen.add(key);
      config = row.set(config, row.setting.put(row.get(config), name, value));
    } catch (error) {
      throw isWalletError(error) && error.code === 'bad_input' ? configInvalid(error.shortMessage) : error;
    }
  }
  const conflict = findConflict(config);
  if (conflict !== undefined) throw configInvalid(conflict.message);
  return config;
}

/** The setting that a key of the file means. An older Purser meets keys that a newer one wrote: it says so. */
function keyInFile(text: string): FoundKey {
  try {
    return findKey(text);
  } catch (error) {
    throw isWalletError(error) ? configInvalid(error.shortMessage, undefined, FROM_NEWER) : error;
  }
}

/** The values of nested objects under their dotted keys. What is nested deeper than any key is a value itself. */
function* leavesOf(node: object, path: readonly string[] = []): Generator<[key: string, value: unknown]> {
  for (const [step, value] of Object.entries(node) as [string, unknown][]) {
    const here = [...path, step];
    const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isSection && here.length < KEY_STEPS_MAX) yield* leavesOf(value, here);
    else yield [here.join('.'), value];
  }
}

/** What config.json holds for a config, without the authentication code: every setting stands in it. */
export function encodeConfig(config: Config): ConfigFileJson {
  const json = emptyObject();
  json['version'] = config.version;
  json['wallet_id'] = config.walletId;
  json['keystore'] = config.keystore;
  json['testnet'] = config.testnet;
  // Written out even where initial, so that another release's defaults never change an owner's limits.
  for (const { setting, get } of SETTING_ROWS) {
    for (const name of setting.names(get(config))) {
      const value = setting.get(get(config), name);
      if (value !== undefined) setAt(json, setting.pathOf(name), value);
    }
  }
  return json;
}

function setAt(json: ConfigFileJson, path: readonly string[], value: ConfigJson): void {
  let node = json;
  for (const step of path.slice(0, -1)) node = (node[step] ??= emptyObject()) as ConfigFileJson;
  node[path.at(-1) ?? ''] = value;
}

/** Without a prototype: a host may be called `__proto__`. */
function emptyObject(): ConfigFileJson {
  return Object.create(null) as ConfigFileJson;
}

/** The error of a config.json that cannot be read; `why` is the rest of a sentence. */
export function configInvalid(why: string, cause?: unknown, mend = BY_HAND): WalletError {
  const sentence = `config.json cannot be read: ${why.replace(/\.$/, '')}.`;
  const owner: OwnerStep = { ...mend, say: `${sentence} ${mend.say}` };
  return new WalletError('config_invalid', sentence, { cause, owner });
}
