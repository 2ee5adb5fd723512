import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from 'jsonc-parser';
import type { FileFormat, Value } from '../client.js';
import {
  indentAt,
  lineEndOf,
  lineOf,
  lineStart,
  NESTING_MAX,
  refuse,
  refuseNesting,
  splice,
  type Format,
} from './format.js';

/** What a file that says nothing of its own is indented by. */
const INDENT = '  ';

/** JSON, with comments and trailing commas as far as the client reads them. */
export function jsonText(kind: Exclude<FileFormat, 'toml' | 'yaml'>): Format {
  const options = {
    disallowComments: kind === 'json',
    allowTrailingComma: kind === 'jsonc+',
    allowEmptyContent: true,
  };
  const parse = (text: string): Node | null => {
    if (nestsTooDeep(text)) throw refuseNesting();
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, options);
    const [first] = errors;
    if (first !== undefined) {
      throw refuse(
        `line ${lineOf(text, first.offset)} is not valid JSON for this client (${wordsOf(first)})`,
      );
    }
    if (root !== undefined && root.type !== 'object') throw refuse('it holds something else than an object');
    return root ?? null;
  };
  return {
    read(text) {
      const root = parse(text);
      return root === null ? {} : (getNodeValue(root) as unknown);
    },
    set(text, path, value) {
      const root = parse(text);
      if (root !== null) return setIn(text, parse, path, value);
      const eol = lineEndOf(text);
      // A file of comments alone keeps them.
      const head = text.trim() === '' ? '' : text.endsWith('\n') ? text : text + eol;
      return setIn(`${head}{}${eol}`, parse, path, value);
    },
    remove(text, path) {
      const root = parse(text);
      const node = root === null ? undefined : findNodeAtLocation(root, [...path]);
      if (root === null || node?.parent === undefined) return text;
      walk(root, path, text);
      return removeProperty(text, node.parent);
    },
    pair: (key, value) => `${JSON.stringify(key)}: ${stringify(value, '', INDENT, '\n')}`,
  };
}

/** A string, as far as its line goes; a comment; a bracket. */
const TOKEN = /"(?:\\.|[^"\\\r\n])*"?|\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)|[[\]{}]/g;

/** Whether brackets stand in one another deeper than the parser can go; looked at without going down itself. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > NESTING_MAX) return true;
  }
  return false;
}

function wordsOf({ error }: ParseError): string {
  return printParseErrorCode(error).replace(
    /([a-z])([A-Z])/g,
    (_, a: string, b: string) => `${a} ${b.toLowerCase()}`,
  );
}

/** Goes along a path as far as it is there; answers the last object and what of the path is left. */
function walk(root: Node, path: readonly string[], text: string): { at: Node; rest: readonly string[] } {
  let at = root;
  for (const [depth, key] of path.entries()) {
    const twins = (at.children ?? []).filter(({ children }) => children?.[0]?.value === key);
    // Readers disagree about which of two counts.
    if (twins.length > 1) throw refuse(`${JSON.stringify(key)} stands in it twice`);
    const value = twins[0]?.children?.[1];
    if (value === undefined) return { at, rest: path.slice(depth) };
    const isLast = depth === path.length - 1;
    if (!isLast && value.type !== 'object') {
      throw refuse(`${JSON.stringify(key)} on line ${lineOf(text, value.offset)} is no object`);
    }
    at = value;
  }
  return { at, rest: [] };
}

function setIn(
  text: string,
  parse: (text: string) => Node | null,
  path: readonly string[],
  value: Value,
): string {
  const root = parse(text);
  if (root === null) return text;
  const { at, rest } = walk(root, path, text);
  const unit = unitOf(text, root);
  if (rest.length === 0) {
    const isShort = text.slice(at.offset, at.offset + at.length) === JSON.stringify(getNodeValue(at));
    const put = isShort
      ? JSON.stringify(value)
      : stringify(value, indentAt(text, at.offset), unit, lineEndOf(text));
    return splice(text, at.offset, at.offset + at.length, put);
  }
  const [key = '', ...inner] = rest;
  const nested = inner.reduceRight<Value>((made, name) => ({ [name]: made }), value);
  return insertProperty(text, root, at, key, nested);
}

function unitOf(text: string, root: Node): string {
  const first = root.children?.[0];
  if (first === undefined || !isAlone(text, first.offset)) return INDENT;
  return indentAt(text, first.offset).slice(indentAt(text, root.offset).length) || INDENT;
}

/** Whether nothing but blanks stands before a place on its line. */
function isAlone(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === '';
}

/** The rest of the line behind an opening brace: blanks and comments. */
const REST_OF_LINE = /[ \t]*(?:\/\*[^\r\n]*?\*\/[ \t]*)*(?:\/\/[^\r\n]*)?\r?\n/y;

/**
 * Puts a property first in its object, as lines of their own where the object has such: then nothing that was there
 * changes, no comma and no comment's place.
 */
function insertProperty(text: string, root: Node, object: Node, key: string, value: Value): string {
  const eol = lineEndOf(text);
  const unit = unitOf(text, root);
  const open = object.offset + 1;
  const first = object.children?.[0];
  const base = indentAt(text, object.offset);
  const indent =
    first !== undefined && isAlone(text, first.offset) ? indentAt(text, first.offset) : base + unit;
  const line = `${JSON.stringify(key)}: ${stringify(value, indent, unit, eol)}`;
  const comma = first === undefined ? '' : ',';
  const inner = text.slice(open, object.offset + object.length - 1);
  const isOneLine = !text.slice(root.offset, root.offset + root.length).includes('\n') && root.length > 2;
  if (inner.trim() === '' && !isOneLine) {
    const close = inner.includes('\n') ? inner : eol + base;
    return splice(text, open, open + inner.length, `${eol}${indent}${line}${close}`);
  }
  REST_OF_LINE.lastIndex = open;
  const rest = isOneLine ? null : REST_OF_LINE.exec(text);
  if (rest !== null) {
    const at = open + rest[0].length;
    return splice(text, at, at, `${indent}${line}${comma}${eol}`);
  }
  const gap = /^[ \t]*/.exec(inner)?.[0] ?? '';
  const at = open + (first === undefined ? 0 : gap.length);
  const short = `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  return splice(text, at, at, first === undefined ? short : `${short},${gap}`);
}

/** Takes a property out, with its comma and the lines that it leaves empty. */
function removeProperty(text: string, property: Node): string {
  const object = property.parent;
  const siblings = object?.children ?? [];
  const start = property.offset;
  let end = start + property.length;
  const comma = /^\s*,/.exec(text.slice(end));
  let result = text;
  if (comma !== null) end += comma[0].length;
  else if (siblings.length > 1 && siblings.at(-1) === property) {
    // The comma behind the one before would be left over; comments between the two may hold commas of their own.
    const before = siblings.at(-2);
    const from = (before?.offset ?? 0) + (before?.length ?? 0);
    const at = from + commaIn(text.slice(from, start));
    result = splice(result, at, at + 1, '');
    return cutOut(result, start - 1, end - 1);
  }
  result = cutOut(result, start, end);
  if (siblings.length > 1 || object === undefined) return result;
  const close = object.offset + object.length - 1 - (text.length - result.length);
  const inner = result.slice(object.offset + 1, close);
  return inner.trim() === '' ? splice(result, object.offset + 1, close, '') : result;
}

/** The first comma outside of comments. */
function commaIn(text: string): number {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\r\n]*/g, (comment) => ' '.repeat(comment.length)).indexOf(',');
}

/** Takes a stretch out: with its whole lines where nothing else is on them, else with the blanks behind it. */
function cutOut(text: string, start: number, end: number): string {
  const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(end))?.[0] ?? '';
  if (rest.endsWith('\n') && isAlone(text, start)) {
    return splice(text, lineStart(text, start), end + rest.length, '');
  }
  return splice(text, start, rest.endsWith('\n') ? end : end + rest.length, '');
}

/** A value as lines; those behind the first begin with the indent. Lists of words stay on one line. */
function stringify(value: Value, indent: string, unit: string, eol: string): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item) => stringify(item as Value, indent, unit, eol)).join(', ')}]`;
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const inner = indent + unit;
  const lines = entries.map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${stringify(item as Value, inner, unit, eol)}`,
  );
  return `{${eol}${lines.join(`,${eol}`)}${eol}${indent}}`;
}
