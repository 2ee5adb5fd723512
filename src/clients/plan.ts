import { isDeepStrictEqual } from 'node:util';
import { SERVER_NAME, type Client, type Entry, type Value } from './client.js';
import { NESTING_MAX, refuse, refuseNesting, type Format } from './files/format.js';
import type { Launch } from './launch/launch.js';

/** What a change to a client's file comes to: the text to write, or null for no file at all. */
export interface Plan {
  readonly text: string | null;
  readonly change: 'added' | 'updated' | 'none' | 'removed';
}

/** Some editors begin a file with it; the formats themselves know none. */
const BYTE_ORDER_MARK = '\uFEFF';

/** The text of a client's file, parsed as far as it is ours. */
interface Opened {
  readonly mark: string;
  readonly text: string;
  readonly content: unknown;
  readonly path: readonly string[];
  readonly entryOf: Client['entry'];
  readonly entry: unknown;
}

function open(client: Client, format: Format, whole: string): Opened {
  const mark = whole.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const text = whole.slice(mark.length);
  const content = plainOf(format.read(text));
  const { key, entry: entryOf } = client.shape?.(content) ?? client;
  const path = [...key, SERVER_NAME];
  return { mark, text, content, path, entryOf, entry: valueAt(content, path) };
}

/** Our entry in a client's file; undefined where it has none. Throws `client_config` where it cannot be read. */
export function readEntry(client: Client, format: Format, text: string | null): unknown {
  return text === null ? undefined : open(client, format, text).entry;
}

/**
 * Plans our entry into the text of a client's file, null where there is no file. Nothing else in it changes, which
 * is proved by parsing both. `isNew` adds what a new entry has to one that the client's own program just made.
 *
 * Throws `client_config` where the text does not parse, or has something else in our place.
 */
export function planInstall(
  client: Client,
  format: Format,
  whole: string | null,
  launch: Launch,
  isNew = false,
): Plan {
  const file = open(client, format, whole ?? '');
  const wanted = file.entryOf(launch);
  if (file.entry === undefined) {
    const value = { ...wanted.pinned, ...wanted.initial };
    const text = format.set(file.text, file.path, value);
    prove(format, text, file, value);
    return { text: file.mark + text, change: 'added' };
  }
  const changes = changesOf(file.entry, wanted, isNew);
  let { text } = file;
  for (const [keys, value] of changes) text = format.set(text, [...file.path, ...keys], value);
  if (text === file.text) return { text: whole, change: 'none' };
  const merged = changes.reduce<unknown>((entry, [keys, value]) => withValue(entry, keys, value), file.entry);
  prove(format, text, file, merged);
  return { text: file.mark + text, change: 'updated' };
}

/**
 * What a client's own program left out of a file while it added our entry, as the end of a sentence; null for nothing.
 * Values that are no server's may have changed: some clients count their starts in that file.
 */
export function lossIn(client: Client, format: Format, before: string, after: string): string | null {
  const [was, is] = [open(client, format, before), open(client, format, after)];
  const list = was.path.slice(0, -1);
  const servers = valueAt(was.content, list);
  for (const [name, server] of isObject(servers) ? Object.entries(servers) : []) {
    if (name === SERVER_NAME) continue;
    if (!isDeepStrictEqual(valueAt(is.content, [...list, name]), server)) return `the entry of ${name}`;
  }
  const key = missingKey(was.content, is.content, []);
  if (key !== null) return `the key ${key}`;
  const marker = COMMENT_MARKERS[client.format];
  const lines = new Set(after.split('\n').map((line) => line.trim()));
  const isLost = before
    .split('\n')
    .some((line) => marker?.test(line) === true && !lines.has(line.trim()) && !isOurs(line));
  return isLost ? 'comments' : null;
}

/** What begins a comment in each format that has them. One within a text counts too: editing the file ourselves is no harm. */
const COMMENT_MARKERS: Partial<Record<Client['format'], RegExp>> = {
  toml: /#/,
  yaml: /#/,
  jsonc: /\/\/|\/\*/,
  'jsonc+': /\/\/|\/\*/,
};

/** A line of our own entry may be written anew. */
function isOurs(line: string): boolean {
  return line.includes('purser');
}

function missingKey(before: unknown, after: unknown, path: readonly string[]): string | null {
  if (!isObject(before)) return null;
  for (const [key, value] of Object.entries(before)) {
    const here = [...path, key];
    if (!isObject(after) || !Object.hasOwn(after, key)) return here.join('.');
    const within = missingKey(value, after[key], here);
    if (within !== null) return within;
  }
  return null;
}

/** Our entry as a person can write it by hand, where the text parses and still cannot be changed; else null. */
export function pasteFor(
  client: Client,
  format: Format,
  whole: string | null,
  launch: Launch,
): string | null {
  try {
    const { pinned, initial } = open(client, format, whole ?? '').entryOf(launch);
    return format.pair(SERVER_NAME, { ...pinned, ...initial });
  } catch {
    return null;
  }
}

/** A value of the entry to set. */
type Change = readonly [keys: readonly string[], value: Value];

/** What of an entry that is there has to change: what is pinned; a variable of the user's own stays. */
function changesOf(entry: unknown, { pinned, initial }: Entry, isNew: boolean): Change[] {
  if (!isObject(entry) || !Object.keys(pinned).some((key) => key !== 'type' && key in entry)) {
    throw refuse(`its entry ${SERVER_NAME} starts no program; remove it first if you do not need it`);
  }
  const absent = Object.entries(isNew ? initial : {}).filter(([key]) => !(key in entry));
  return [...Object.entries(pinned), ...absent].flatMap(([key, value]): Change[] => {
    const old = entry[key];
    if (isObject(value) && isObject(old)) {
      return Object.entries(value)
        .filter(([name, item]) => old[name] !== item)
        .map(([name, item]): Change => [[key, name], item as Value]);
    }
    return isDeepStrictEqual(old, value) ? [] : [[[key], value]];
  });
}

/**
 * Plans our entry out of the text of a client's file. Where `backup`, the text from before we came, shows that our
 * entry is all that came since, the file is that text again; a `backup` of null stands for no file.
 */
export function planUninstall(client: Client, format: Format, whole: string, backup: string | null): Plan {
  const file = open(client, format, whole);
  if (file.entry === undefined) return { text: whole, change: 'none' };
  if (isBackup(client, format, whole, backup, file)) return { text: backup, change: 'removed' };
  let text = format.remove(file.text, file.path);
  const list = file.path.slice(0, -1);
  // No copy: no file was there before us. What is left of ours goes with the entry, where it says nothing.
  if (backup === null && saysNothing(format, text, list)) return { text: null, change: 'removed' };
  if (isEmptied(format, text, list) && backup !== null && !hadList(client, format, backup, list)) {
    text = format.remove(text, list);
  }
  prove(format, text, file, undefined);
  return { text: file.mark + text, change: 'removed' };
}

/** Whether a text holds nothing but our empty list of servers: no key of anybody's, and no comment. */
function saysNothing(format: Format, text: string, list: readonly string[]): boolean {
  let rest = text;
  for (let depth = list.length; depth > 0; depth -= 1) {
    const path = list.slice(0, depth);
    if (isEmptied(format, rest, path)) rest = format.remove(rest, path);
  }
  return rest.replace(/[\s{}]/g, '') === '';
}

function isEmptied(format: Format, text: string, list: readonly string[]): boolean {
  const value = valueAt(plainOf(format.read(text)), list);
  return isObject(value) && Object.keys(value).length === 0;
}

function hadList(client: Client, format: Format, backup: string, list: readonly string[]): boolean {
  try {
    return valueAt(open(client, format, backup).content, list) !== undefined;
  } catch {
    return true;
  }
}

/** Whether the text is the older one with our entry put in, by today's rules, and nothing else. */
function isBackup(
  client: Client,
  format: Format,
  whole: string,
  backup: string | null,
  { path, entry }: Opened,
): boolean {
  try {
    const before = open(client, format, backup ?? '');
    if (before.entry !== undefined || !isDeepStrictEqual(before.path, path)) return false;
    return before.mark + format.set(before.text, path, entry as Value) === whole;
  } catch {
    return false;
  }
}

/** Parses what would be written: it must say what the file said, but for our entry. */
function prove(format: Format, text: string, before: Opened, entry: unknown): void {
  const { path, content } = before;
  const after = plainOf(format.read(text));
  const rest = (value: unknown): unknown => without(value, path);
  if (isDeepStrictEqual(valueAt(after, path), entry) && isDeepStrictEqual(rest(after), rest(content))) return;
  throw refuse('it is written in a way that cannot be changed without changing something else');
}

/**
 * The value in objects of one kind, whichever parser made it, so that two can be compared. Throws `client_config` for
 * one that nests too deep, such as YAML whose alias names what it stands in.
 */
function plainOf(value: unknown, depth = 0): unknown {
  if (depth > NESTING_MAX) throw refuseNesting();
  if (Array.isArray(value)) return value.map((item) => plainOf(item, depth + 1));
  if (value instanceof Date) return String(value.toJSON());
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item, depth + 1)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
    value,
  );
}

function withValue(value: unknown, [key, ...rest]: readonly string[], put: Value): unknown {
  if (key === undefined) return put;
  const object = isObject(value) ? value : {};
  return { ...object, [key]: withValue(object[key], rest, put) };
}

/** The value without what is at the path, and without the objects on the way that nothing else is in. */
function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return undefined;
  if (value === undefined || value === null) return {};
  if (!isObject(value)) return value;
  const inner = without(value[key], rest);
  const { [key]: _, ...others } = value;
  const isEmpty = inner === undefined || (isObject(inner) && Object.keys(inner).length === 0);
  return isEmpty ? { ...others } : { ...others, [key]: inner };
}
