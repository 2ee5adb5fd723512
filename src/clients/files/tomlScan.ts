import { refuse } from './format.js';

/** A table's header line. */
export interface TomlHeader {
  readonly path: readonly string[];
  readonly isArray: boolean;
  readonly start: number;
  /** Behind the end of its line. */
  readonly end: number;
}

/** A key with its value. */
export interface TomlPair {
  /** From the top of the document. */
  readonly path: readonly string[];
  readonly header: TomlHeader | null;
  /** The path of its header; null above the first one. */
  readonly table: readonly string[] | null;
  /** Where its line begins. */
  readonly start: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Behind the end of its last line. */
  readonly end: number;
}

/** Finds where headers and pairs stand in a text that is known to be TOML. */
export function scanToml(text: string): { headers: TomlHeader[]; pairs: TomlPair[] } {
  const headers: TomlHeader[] = [];
  const pairs: TomlPair[] = [];
  let at = 0;
  while (at < text.length) {
    const start = skip(text, at, /[ \t]*/y);
    const indent = start - at;
    const char = text[start];
    if (char === undefined) break;
    if (char === '\n' || char === '\r' || char === '#') {
      at = lineEnd(text, start);
    } else if (char === '[') {
      const isArray = text.startsWith('[[', start);
      const key = readKey(text, start + (isArray ? 2 : 1));
      at = lineEnd(text, key.end);
      headers.push({ path: key.path, isArray, start, end: at });
    } else {
      const key = readKey(text, start);
      const valueStart = skip(text, skip(text, key.end, /[ \t]*=/y), /[ \t]*/y);
      const valueEnd = endOfValue(text, valueStart);
      at = lineEnd(text, valueEnd);
      const header = headers.at(-1) ?? null;
      const path = [...(header?.path ?? []), ...key.path];
      pairs.push({
        ...{ path, header, table: header?.path ?? null },
        ...{ start: start - indent, valueStart, valueEnd, end: at },
      });
    }
  }
  return { headers, pairs };
}

function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  return found === -1 ? text.length : found + 1;
}

const KEY_PART = /[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*/y;

function readKey(text: string, start: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = start;
  for (;;) {
    KEY_PART.lastIndex = at;
    const part = KEY_PART.exec(text);
    if (part === null) throw refuse('a key in it is written in a way that is not read here');
    const [whole, quoted, literal, bare] = part;
    path.push(quoted === undefined ? (literal ?? bare ?? '') : unquote(quoted));
    at += whole.length;
    if (text[at] !== '.') return { path, end: at };
    at += 1;
  }
}

function unquote(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    // TOML's \U and \e: no key of ours has them.
    return text;
  }
}

/** Strings, comments and brackets, whichever comes next. */
const TOKEN =
  /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[\]{}\n]/g;

function endOfValue(text: string, start: number): number {
  let depth = 0;
  TOKEN.lastIndex = start;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const [word] = token;
    if (word === '[' || word === '{') depth += 1;
    else if (word === ']' || word === '}') depth -= 1;
    else if (depth === 0 && (word === '\n' || word.startsWith('#'))) {
      return start + text.slice(start, token.index).trimEnd().length;
    }
  }
  return start + text.slice(start).trimEnd().length;
}
