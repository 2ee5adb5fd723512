import { parseTOML, type AST } from 'toml-eslint-parser';
import { lineStart, refuse } from './format.js';

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

/** Finds where the headers and pairs of a TOML document stand. Throws `client_config` where it does not parse. */
export function placesIn(text: string): { headers: TomlHeader[]; pairs: TomlPair[] } {
  const headers: TomlHeader[] = [];
  const pairs: TomlPair[] = [];
  const addPair = ({ key, value, range }: AST.TOMLKeyValue, header: TomlHeader | null): void => {
    const [valueStart, valueEnd] = value.range;
    pairs.push({
      path: [...(header?.path ?? []), ...namesOf(key)],
      header,
      table: header?.path ?? null,
      start: lineStart(text, range[0]),
      valueStart,
      valueEnd,
      end: lineEnd(text, valueEnd),
    });
  };
  for (const node of documentOf(text).body[0].body) {
    if (node.type === 'TOMLKeyValue') {
      addPair(node, null);
      continue;
    }
    // A header ends with its line; its node goes on to the last pair below it.
    const header = {
      path: namesOf(node.key),
      isArray: node.kind === 'array',
      start: node.range[0],
      end: lineEnd(text, node.key.range[1]),
    };
    headers.push(header);
    for (const pair of node.body) addPair(pair, header);
  }
  return { headers, pairs };
}

function documentOf(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: '1.0.0' });
  } catch (error) {
    throw refuse('it is written in a way that is not read here', error);
  }
}

function namesOf({ keys }: AST.TOMLKey): string[] {
  return keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  return found === -1 ? text.length : found + 1;
}
