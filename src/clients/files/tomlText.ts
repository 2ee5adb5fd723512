import { parse as parseToml } from 'smol-toml';
import type { Value } from '../client.js';
import { lineEndOf, refuse, splice, type Format } from './format.js';
import { placesIn, type TomlPair } from './tomlPlaces.js';

/**
 * TOML: read by one parser and placed by another, whose tree says where things stand; the text is changed there alone,
 * since no writer keeps comments.
 */
export const tomlText: Format = {
  read(text) {
    try {
      return parseToml(text, { integersAsBigInt: 'asNeeded' });
    } catch (error) {
      const { line } = error as { line?: unknown };
      throw refuse(`${typeof line === 'number' ? `line ${line} of it` : 'it'} is not TOML`, error);
    }
  },
  set(text, path, value) {
    const { headers, pairs } = placesIn(text);
    const eol = lineEndOf(text);
    const here = pairs.find((pair) => same(pair.path, path));
    if (here !== undefined) return splice(text, here.valueStart, here.valueEnd, stringify(value));
    const parent = path.slice(0, -1);
    const table = headers.find((header) => !header.isArray && same(header.path, parent));
    const key = keyText(path.at(-1) ?? '');
    if (table !== undefined && !isTable(value) && !headers.some(({ path: other }) => same(other, path))) {
      const line = `${key} = ${stringify(value)}${eol}`;
      // A header at the very end of the file may have no line end yet.
      const gap = text.slice(0, table.end).endsWith('\n') ? '' : eol;
      return splice(text, table.end, table.end, gap + line);
    }
    const inline = pairs.find((pair) => same(pair.path, parent));
    // An inline table is written anew as a whole: one of ours may be, one that holds others' servers not.
    if (inline !== undefined && typeof value !== 'object')
      return setInline(text, inline, path.at(-1) ?? '', value);
    const isTaken = [...headers, ...pairs].some(({ path: other }) => startsWith(other, path));
    const above = pairs.find((pair) => pair.path.length < path.length && startsWith(path, pair.path));
    if (above !== undefined) throw inlineTable(above.path);
    if (isTaken || typeof value !== 'object' || Array.isArray(value)) throw otherwise(path);
    const gap = text === '' ? '' : text.endsWith('\n') ? eol : eol + eol;
    const lines = Object.entries(value).map(
      ([name, item]) => `${keyText(name)} = ${stringify(item as Value)}`,
    );
    return `${text}${gap}[${path.map(keyText).join('.')}]${eol}${lines.map((line) => line + eol).join('')}`;
  },
  remove(text, path) {
    const { headers, pairs } = placesIn(text);
    const ours = headers.filter((header) => startsWith(header.path, path));
    const within = pairs.filter((pair) => startsWith(pair.path, path));
    if (ours.length === 0 && within.length === 0) return text;
    const pair = within.find((one) => same(one.path, path));
    if (pair !== undefined && ours.length === 0) return splice(text, pair.start, pair.end, '');
    // Dotted keys and inline tables of somebody's own hand.
    if (ours.length === 0 || within.some(({ table }) => table === null || !startsWith(table, path))) {
      throw otherwise(path);
    }
    let result = text;
    for (const header of ours.toReversed()) {
      const last = pairs.filter((pair) => pair.header === header).at(-1);
      result = cutBlock(result, header.start, last?.end ?? header.end);
    }
    return result;
  },
  // On one line: within an inline table nothing else may stand.
  pair: (key, value) => `${keyText(key)} = ${stringify(value)}`,
};

/** Takes a table's lines out, and one empty line that set it off. */
function cutBlock(text: string, start: number, end: number): string {
  const before = text.slice(0, start);
  const blank = /(?:^|\n)(\r?\n)$/.exec(before)?.[1] ?? '';
  return splice(text, start - blank.length, end, '');
}

function setInline(text: string, pair: TomlPair, key: string, value: Value): string {
  const written = text.slice(pair.valueStart, pair.valueEnd);
  if (!written.startsWith('{')) throw otherwise(pair.path);
  const table = (tomlText.read(`table = ${written}\n`) as { table: Record<string, Value> }).table;
  return splice(text, pair.valueStart, pair.valueEnd, stringify({ ...table, [key]: value }));
}

/** Whether a value gets a table of its own, with a header: what holds more than words does. */
function isTable(value: Value): boolean {
  return typeof value === 'object' && Object.values(value).some((item) => typeof item === 'object');
}

/** TOML closes an inline table where it is written: nothing below the line may add to it. */
function inlineTable(path: readonly string[]) {
  return refuse(
    `${path.join('.')} is an inline table ({ … } on one line), to which no other line can add: write it as [${path.join('.')}.NAME] tables, or put purser between its braces`,
  );
}

function otherwise(path: readonly string[]) {
  return refuse(`${path.join('.')} is written in a way that is not changed here`);
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && startsWith(one, other);
}

function startsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((key, i) => path[i] === key);
}

function keyText(key: string): string {
  return /^[\w-]+$/.test(key) ? key : stringText(key);
}

/** A basic string: JSON's escapes are TOML's too, but for DEL, which JSON leaves as it is. */
function stringText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

function stringify(value: Value): string {
  if (typeof value === 'string') return stringText(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => stringify(item as Value)).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, item]) => `${keyText(key)} = ${stringify(item as Value)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}
