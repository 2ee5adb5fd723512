import { isDeepStrictEqual } from 'node:util';
import { entryName, SERVER_NAME, type Client, type Entry, type Value } from './client.js';
import { NESTING_MAX, refuse, refuseNesting, type Format } from './files/format.js';
import type { Launch } from './launch/launch.js';
import { launchIn, standsFor } from './launch/writtenLaunch.js';

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

function open(client: Client, format: Format, whole: string, name = SERVER_NAME): Opened {
  const mark = whole.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const text = whole.slice(mark.length);
  const content = plainOf(format.read(text));
  const { key, entry: entryOf } = client.shape?.(content) ?? client;
  const path = [...key, name];
  return { mark, text, content, path, entryOf, entry: valueAt(content, path) };
}

/** Our entry in a client's file; undefined where it has none. Throws `client_config` where it cannot be read. */
export function readEntry(client: Client, format: Format, text: string | null, name?: string): unknown {
  return text === null ? undefined : open(client, format, text, name).entry;
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
  const name = entryName(launch);
  const file = open(client, format, whole ?? '', name);
  const wanted = file.entryOf(launch);
  if (file.entry === undefined) {
    const value = { ...wanted.pinned, ...wanted.initial };
    const text = format.set(file.text, file.path, value);
    prove(format, text, file, value);
    return { text: file.mark + text, change: 'added' };
  }
  if (launch.name !== undefined) checkSameServer(file.entry, launch);
  const changes = changesOf(name, file.entry, wanted, isNew);
  let { text } = file;
  for (const [keys, value] of changes) text = format.set(text, [...file.path, ...keys], value);
  if (text === file.text) return { text: whole, change: 'none' };
  const merged = changes.reduce<unknown>((entry, [keys, value]) => withValue(entry, keys, value), file.entry);
  prove(format, text, file, merged);
  return { text: file.mark + text, change: 'updated' };
}

/** An entry that stands for another server, or starts somebody else's program, is not ours to change. */
function checkSameServer(entry: unknown, launch: Launch): void {
  const there = launchIn(entry);
  if (there !== null && standsFor(there) === standsFor(launch)) return;
  throw refuse(`its entry ${entryName(launch)} is another server's; choose another name`);
}

/**
 * What a client's own program left out of a file while it added our entry, as the end of a sentence; null for nothing.
 * Values that are no server's may have changed: some clients count their starts in that file.
 */
export function lossIn(
  client: Client,
  format: Format,
  before: string,
  after: string,
  ours = SERVER_NAME,
): string | null {
  const [was, is] = [open(client, format, before), open(client, format, after)];
  const list = was.path.slice(0, -1);
  const servers = valueAt(was.content, list);
  for (const [name, server] of isObject(servers) ? Object.entries(servers) : []) {
    if (name === ours) continue;
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
    return format.pair(entryName(launch), { ...pinned, ...initial });
  } catch {
    return null;
  }
}

/** A value of the entry to set. */
type Change = readonly [keys: readonly string[], value: Value];

/** What of an entry that is there has to change: what is pinned; a variable of the user's own stays. */
function changesOf(name: string, entry: unknown, { pinned, initial }: Entry, isNew: boolean): Change[] {
  if (!isObject(entry) || !Object.keys(pinned).some((key) => key !== 'type' && key in entry)) {
    throw refuse(`its entry ${name} starts no program; remove it first if you do not need it`);
  }
  const absent = Object.entries(isNew ? initial : {}).filter(([key]) => !(key in entry));
  return [...Object.entries(pinned), ...absent].flatMap(([key, value]): Change[] => {
    const old = entry[key];
    if (isObject(value) && isObject(old)) {
      return Object.entries(value)
        .filter(([inner, item]) => old[inner] !== item)
        .map(([inner, item]): Change => [[key, inner], item as Value]);
    }
    return isDeepStrictEqual(old, value) ? [] : [[[key], value]];
  });
}

/** What is known of a file beside its text, when one of our entries is taken out. */
export interface TakenOut {
  /** The entry's name; the wallet's own without it. */
  readonly name?: string;
  /** The texts from before others of our entries came: one may lead back to the file as it was before all of them. */
  readonly backups?: readonly string[];
}

/**
 * Plans one of our entries out of the text of a client's file. Where `backup`, the text from before it came, shows that
 * our entry is all that came since, the file is that text again; a `backup` of null stands for no file. Where others came
 * since, the file is that text with those alone.
 */
export function planUninstall(
  client: Client,
  format: Format,
  whole: string,
  backup: string | null,
  { name, backups = [] }: TakenOut = {},
): Plan {
  const file = open(client, format, whole, name);
  if (file.entry === undefined) return { text: whole, change: 'none' };
  for (const before of [...new Set([backup, ...backups, null])]) {
    const text = withoutEntry(client, format, whole, before, file);
    if (text !== undefined) return { text, change: 'removed' };
  }
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

/** More entries than these that came since a copy was kept are not retraced. */
const CAME_MAX = 50;

/**
 * The text without our entry, where it is the older one with entries put in by today's rules and nothing else; undefined
 * where it is not.
 */
function withoutEntry(
  client: Client,
  format: Format,
  whole: string,
  backup: string | null,
  { path, content }: Opened,
): string | null | undefined {
  try {
    const [list, ours] = [path.slice(0, -1), path.at(-1) ?? ''];
    const before = open(client, format, backup ?? '', ours);
    if (before.entry !== undefined || !isDeepStrictEqual(before.path, path)) return undefined;
    const [was, is] = [valueAt(before.content, list), valueAt(content, list)];
    const came = Object.entries(isObject(is) ? is : {}).filter(
      ([key]) => !isObject(was) || !Object.hasOwn(was, key),
    );
    const withEntries = (entries: typeof came): string =>
      before.mark +
      entries.reduce((text, [key, value]) => format.set(text, [...list, key], value as Value), before.text);
    if (came.length > CAME_MAX) return undefined;
    // Some formats put a new entry first, some last.
    const order = [came, came.toReversed()].find((entries) => withEntries(entries) === whole);
    const rest = order?.filter(([key]) => key !== ours);
    if (rest === undefined) return undefined;
    return rest.length === 0 ? backup : withEntries(rest);
  } catch {
    return undefined;
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
