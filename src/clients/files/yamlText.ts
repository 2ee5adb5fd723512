import { isMap, isScalar, parseDocument, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Value } from '../client.js';
import { indentAt, lineEndOf, lineStart, refuse, splice, type Format } from './format.js';

/** What lines below a key are indented by where the file does not say. */
const INDENT = '  ';

/** YAML: the parsed document says where things stand, and the text is changed only there. */
export const yamlText: Format = {
  read(text) {
    const value = valueOf(text);
    if (value !== null && (typeof value !== 'object' || Array.isArray(value))) throw noMap();
    return value ?? {};
  },
  set(text, path, value) {
    const root = rootOf(text);
    if (root === null) return append(text, '', path, value);
    let map = root;
    let parent: Pair | undefined;
    for (const [depth, key] of path.entries()) {
      const pair = findPair(map, key);
      const rest = path.slice(depth);
      if (pair === undefined) return insert(text, { root, map, parent }, rest, value);
      if (rest.length === 1) return replace(text, pair, value);
      const node = pair.value;
      if (isMap(node)) map = node;
      else if (isImplicitNull(node)) return insertBelow(text, pair, rest.slice(1), value);
      else throw refuse(`${key} in it holds something else than keys and values`);
      parent = pair;
    }
    return text;
  },
  remove(text, path) {
    let map = rootOf(text);
    let parent: Pair | undefined;
    for (const key of path.slice(0, -1)) {
      parent = map === null ? undefined : findPair(map, key);
      map = isMap(parent?.value) ? parent.value : null;
    }
    const pair = map === null ? undefined : findPair(map, path.at(-1) ?? '');
    return map === null || pair === undefined ? text : removePair(text, map, pair, parent);
  },
  pair: (key, value) => block(key, value, INDENT, '\n').trimEnd(),
};

function valueOf(text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw refuse(
      `${line === undefined ? 'it' : `line ${line} of it`} is not YAML of a single document`,
      error,
    );
  }
  try {
    return document.toJS();
  } catch (error) {
    throw refuse('its YAML nests in itself', error);
  }
}

function rootOf(text: string): YAMLMap | null {
  valueOf(text);
  const root = parseDocument(text).contents;
  if (root === null || isImplicitNull(root)) return null;
  if (!isMap(root)) throw noMap();
  return root;
}

function noMap() {
  return refuse('it holds something else than keys and values');
}

function isImplicitNull(node: unknown): boolean {
  return isScalar(node) && node.value === null && (node.source ?? '') === '';
}

function findPair(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = (node as Node | null | undefined)?.range;
  if (range === null || range === undefined) throw refuse('it is written in a way that is not read here');
  return [range[0], range[1]];
}

/** Behind the colon of a key. */
function colonEnd(text: string, pair: Pair): number {
  const [, end] = rangeOf(pair.key);
  const colon = /^\s*:/.exec(text.slice(end));
  if (colon === null) throw refuse('a key in it is written in a way that is not read here');
  return end + colon[0].length;
}

/** Behind what a value says, without the blanks and line ends that belong to it. */
function valueEnd(text: string, pair: Pair): number {
  const from = colonEnd(text, pair);
  const [, end] = pair.value === null ? [0, from] : rangeOf(pair.value);
  return from + text.slice(from, Math.max(from, end)).trimEnd().length;
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  return found === -1 ? text.length : found + 1;
}

interface Place {
  readonly root: YAMLMap;
  readonly map: YAMLMap;
  /** What the map is the value of; none for the root. */
  readonly parent: Pair | undefined;
}

function nest(path: readonly string[], value: Value): { key: string; nested: Value } {
  const [key = '', ...inner] = path;
  return { key, nested: inner.reduceRight<Value>((made, name) => ({ [name]: made }), value) };
}

function insert(text: string, { root, map, parent }: Place, path: readonly string[], value: Value): string {
  const { key, nested } = nest(path, value);
  if (map.flow === true && map.items.length === 0 && parent !== undefined && root.flow !== true) {
    const opened = splice(text, colonEnd(text, parent), valueEnd(text, parent), '');
    return insertBelow(opened, parent, path, value);
  }
  if (map.flow === true) {
    const at = rangeOf(map)[0] + 1;
    const comma = map.items.length === 0 ? '' : ', ';
    return splice(text, at, at, `${plain(key)}: ${flow(nested)}${comma}`);
  }
  const first = rangeOf(map.items[0]?.key)[0];
  const indent = indentAt(text, first);
  // Lines of the root go last, those of a map first: below its key, and above what a comment there speaks of.
  if (parent === undefined) return append(text, indent, path, value);
  const eol = lineEndOf(text);
  const at = lineEnd(text, colonEnd(text, parent));
  return splice(text, at, at, block(key, nested, indent, eol));
}

function insertBelow(text: string, pair: Pair, path: readonly string[], value: Value): string {
  const { key, nested } = nest(path, value);
  const eol = lineEndOf(text);
  const indent = indentAt(text, rangeOf(pair.key)[0]) + INDENT;
  const at = lineEnd(text, colonEnd(text, pair));
  const gap = text.slice(0, at).endsWith('\n') ? '' : eol;
  return splice(text, at, at, gap + block(key, nested, indent, eol));
}

function append(text: string, indent: string, path: readonly string[], value: Value): string {
  const { key, nested } = nest(path, value);
  const eol = lineEndOf(text);
  const gap = text === '' || text.endsWith('\n') ? '' : eol;
  return text + gap + block(key, nested, indent, eol);
}

function replace(text: string, pair: Pair, value: Value): string {
  const from = colonEnd(text, pair);
  return splice(text, from, valueEnd(text, pair), ` ${flow(value)}`);
}

function removePair(text: string, map: YAMLMap, pair: Pair, parent: Pair | undefined): string {
  const [start] = rangeOf(pair.key);
  const end = valueEnd(text, pair);
  if (map.flow === true) {
    const behind = /^\s*,[ \t]*/.exec(text.slice(end));
    if (behind !== null) return splice(text, start, end + behind[0].length, '');
    const before = /,\s*$/.exec(text.slice(0, start));
    return splice(text, start - (before?.[0].length ?? 0), end, '');
  }
  const result = splice(text, lineStart(text, start), lineEnd(text, end), '');
  // A key without any value would no longer be a map.
  if (map.items.length > 1 || parent === undefined) return result;
  const at = colonEnd(text, parent);
  return splice(result, at, at, ' {}');
}

/** A key and its value as lines, each with its line end. */
function block(key: string, value: Value, indent: string, eol: string): string {
  const isMapping = typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isMapping) return `${indent}${plain(key)}: ${flow(value)}${eol}`;
  const lines = Object.entries(value).map(([name, item]) => block(name, item as Value, indent + INDENT, eol));
  return `${indent}${plain(key)}:${eol}${lines.join('')}`;
}

/** A value on one line. */
function flow(value: Value): string {
  if (typeof value === 'string') return plain(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => flow(item as Value)).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, item]) => `${plain(key)}: ${flow(item as Value)}`);
  return `{${pairs.join(', ')}}`;
}

/** A text without quotes where nobody could read it as anything else. */
function plain(text: string): string {
  const isWord = /^[A-Za-z_][\w/.-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isWord ? text : JSON.stringify(text);
}
