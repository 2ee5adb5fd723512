import { WalletError } from '../errors/walletError.js';
import { findConflict } from './conflict.js';
import { together, type Direction } from './direction.js';
import { findKey, SETTING_ROWS, type Config } from './settings.js';
import type { ConfigJson } from './value/kind.js';

/** What stands for "no value" where a key may have none. */
const NONE = 'none';

/** One key that differs between two configs, its values as `config get` prints them. */
export interface KeyChange {
  readonly key: string;
  readonly before: string;
  readonly after: string;
  readonly direction: Direction;
}

/** What {@link setKey} made of a config. `version` is left as it was: writing counts it up. */
export interface KeySet {
  readonly config: Config;
  readonly direction: Direction;
  readonly before: string;
  readonly after: string;
}

/** The text of a key's value, which {@link setKey} takes back: JSON for lists and numbers, `none` for no value. */
export function getKey(config: Config, key: string): string {
  const { row, name } = findKey(key);
  return textOf(row.setting.get(row.get(config), name));
}

/** Every key that has a value, in the table's order, with the sentence that says what it does. */
export function listKeys(config: Config): { key: string; value: string; doc: string }[] {
  return SETTING_ROWS.flatMap(({ setting, get }) =>
    setting.names(get(config)).map((name) => ({
      key: setting.pathOf(name).join('.'),
      value: textOf(setting.get(get(config), name)),
      doc: setting.summary,
    })),
  );
}

/** Every key there is, with what it starts at and what it does: for help and README. */
export function describeKeys(): { key: string; initial: string; doc: string }[] {
  return SETTING_ROWS.map(({ setting }) => ({
    key: setting.key,
    initial: textOf(setting.get(setting.initial(false), '')),
    doc: setting.summary,
  }));
}

/**
 * Sets one key from the text of a command line and says which way that goes. Nothing is written.
 *
 * Throws `bad_input` for an unknown key, a value it cannot hold, or one in conflict with another key; the sentence
 * names both, and `owner.command` is what makes room.
 */
export function setKey(config: Config, key: string, valueText: string): KeySet {
  const found = findKey(key);
  const { setting } = found.row;
  if (setting.fixed !== undefined)
    throw new WalletError('bad_input', `${found.key} is not to be set: ${setting.fixed}`);
  const value = found.row.get(config);
  const changed =
    valueText === NONE
      ? setting.drop(value, found.name)
      : setting.put(value, found.name, setting.fromText(valueText));
  const next = found.row.set(config, changed);
  const conflict = findConflict(next, found.key);
  if (conflict !== undefined) {
    const { message, action } = conflict;
    throw new WalletError('bad_input', message, {
      owner: { say: message, ...(action !== undefined && { action }) },
    });
  }
  return {
    config: next,
    direction: together(changesBetween(config, next).map((change) => change.direction)),
    before: getKey(config, key),
    after: getKey(next, key),
  };
}

/** Whether an entry comes into a list or goes. */
export type EntryChange = 'add' | 'remove';

/**
 * The text that {@link setKey} takes for a list with one entry more or less; the same list where that changes nothing.
 *
 * Throws `bad_input` for a key that holds no list.
 */
export function withEntry(config: Config, keyText: string, change: EntryChange, entry: string): string {
  const { row, name, key } = findKey(keyText);
  const list = row.setting.get(row.get(config), name) ?? [];
  if (!Array.isArray(list))
    throw new WalletError('bad_input', `${key} holds one value and no list.`, {
      owner: { say: 'Set its value instead.', action: { kind: 'chooseSetting', key, example: 'VALUE' } },
    });
  const others = list.filter((one) => one !== entry);
  if (change === 'remove') return JSON.stringify(others);
  return JSON.stringify(others.length === list.length ? [...list, entry] : list);
}

/** Every key whose value differs. A wallet's identity is looked at too, and counts as loosening. */
export function changesBetween(before: Config, after: Config): KeyChange[] {
  const identity = (['walletId', 'keystore', 'testnet'] as const)
    .filter((field) => before[field] !== after[field])
    .map((field): KeyChange => {
      const key = field === 'walletId' ? 'wallet_id' : field;
      return { key, before: String(before[field]), after: String(after[field]), direction: 'loosens' };
    });
  const settings = SETTING_ROWS.flatMap(({ setting, get }) => {
    const [was, is] = [get(before), get(after)];
    const names = [...new Set([...setting.names(was), ...setting.names(is)])];
    return names.flatMap((name): KeyChange[] => {
      const change = { before: textOf(setting.get(was, name)), after: textOf(setting.get(is, name)) };
      if (change.before === change.after) return [];
      return [
        { key: setting.pathOf(name).join('.'), ...change, direction: setting.directionOf(name, was, is) },
      ];
    });
  });
  return [...identity, ...settings];
}

function textOf(json: ConfigJson | undefined): string {
  if (json === undefined) return NONE;
  return typeof json === 'string' ? json : JSON.stringify(json);
}
