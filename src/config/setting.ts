import { WalletError } from '../errors/walletError.js';
import type { Compare, Direction } from './direction.js';
import type { ConfigJson, ValueKind } from './value/kind.js';

/**
 * One row of the owner's config: its key, what it holds, where it starts, which way it loosens, and the sentence
 * that help and README print. A key with a `<name>` in it holds one value for each name; any other has the one
 * name `''`.
 *
 * Everything that reads, writes, changes or lists the config goes through these, so a new key is a new row.
 */
export interface Setting<Value> {
  readonly key: string;
  readonly summary: string;
  /** Why `config set` refuses it, for a setting that only Purser writes. */
  readonly fixed?: string;
  initial(testnet: boolean): Value;
  /** The name inside a full key, undefined where the key is of another setting. Throws `bad_input` for a bad name. */
  nameIn(key: string): string | undefined;
  /** Where a name's value stands in config.json. */
  pathOf(name: string): readonly string[];
  names(value: Value): readonly string[];
  get(value: Value, name: string): ConfigJson | undefined;
  /** Throws `bad_input` for JSON that the key cannot hold. */
  put(value: Value, name: string, json: unknown): Value;
  /** Throws `bad_input` for a setting that always has a value. */
  drop(value: Value, name: string): Value;
  /** What a value must be like, as a JSON Schema. */
  jsonSchema(): object;
  /** What the text of `config set` means in JSON. */
  fromText(text: string): unknown;
  directionOf(name: string, before: Value, after: Value): Direction;
}

/** A setting that always has one value. */
export function single<Value>(row: {
  readonly key: string;
  readonly kind: ValueKind<Value>;
  readonly initial: (testnet: boolean) => Value;
  readonly compare: Compare<Value>;
  readonly summary: string;
  /** The value that the text `none` stands for, where it is one. */
  readonly none?: Value;
}): Setting<Value> {
  const { key, summary, kind, initial, none } = row;
  return {
    key,
    summary,
    initial,
    nameIn: (text) => (text === key ? '' : undefined),
    pathOf: () => key.split('.'),
    names: () => [''],
    get: (value) => kind.print(value),
    put: (_value, _name, json) => kind.read(key, json),
    drop() {
      if (none !== undefined) return none;
      throw new WalletError('bad_input', `${key} always has a value; it cannot be set to none.`);
    },
    jsonSchema: () => kind.jsonSchema(),
    fromText: (text) => kind.fromText(text),
    directionOf: (_name, before, after) => row.compare(before, after),
  };
}

/** A setting with a value for each of the names the owner gave it, and none to begin with. */
export function perName<Name extends string, Value>(row: {
  readonly key: string;
  readonly readName: (key: string, name: string) => Name;
  readonly kind: ValueKind<Value>;
  readonly compare: Compare<ReadonlyMap<string, Value>>;
  readonly summary: string;
  readonly fixed?: string;
}): Setting<ReadonlyMap<Name, Value>> {
  const { key, summary, kind } = row;
  const [prefix = '', suffix = ''] = key.split(/<\w+>/);
  const keyOf = (name: string) => `${prefix}${name}${suffix}`;
  const only = (map: ReadonlyMap<string, Value>, name: string) => {
    const value = map.get(name);
    return new Map(value === undefined ? [] : [[name, value]]);
  };
  return {
    key,
    summary,
    ...(row.fixed === undefined ? {} : { fixed: row.fixed }),
    initial: () => new Map(),
    nameIn(text) {
      const isOurs =
        text.length > prefix.length + suffix.length && text.startsWith(prefix) && text.endsWith(suffix);
      return isOurs ? row.readName(text, text.slice(prefix.length, -suffix.length)) : undefined;
    },
    pathOf: (name) => key.split('.').map((step) => (step.startsWith('<') ? name : step)),
    names: (map) => [...map.keys()].sort(),
    get(map, name) {
      const value = map.get(name as Name);
      return value === undefined ? undefined : kind.print(value);
    },
    put: (map, name, json) => new Map(map).set(name as Name, kind.read(keyOf(name), json)),
    drop(map, name) {
      const rest = new Map(map);
      rest.delete(name as Name);
      return rest;
    },
    jsonSchema: () => kind.jsonSchema(),
    fromText: (text) => kind.fromText(text),
    directionOf: (name, before, after) => row.compare(only(before, name), only(after, name)),
  };
}
