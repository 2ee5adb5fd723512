/** One challenge of a `WWW-Authenticate` value (RFC 9110, 11.6.1): its scheme, and its parameters in lower case. */
export interface AuthChallenge {
  readonly scheme: string;
  /** Null where the parameters cannot be read by the grammar, or one stands twice. */
  readonly params: ReadonlyMap<string, string> | null;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const BLANKS = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
/** The one value that a scheme may have in place of parameters, such as that of `Basic`. */
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;

/** Reads `text` from a position on; null where the pattern does not stand there. */
class Scanner {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.#text.length;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text);
    if (found !== null) this.position = pattern.lastIndex;
    return found;
  }

  /** Goes on behind the next comma that stands in no quoted string. */
  skipPart(): void {
    while (!this.atEnd) {
      if (this.take(/"/y) !== null) this.take(/(?:[^"\\]|\\[^])*"?/y);
      else if (this.take(/,/y) !== null) return;
      else this.position += 1;
    }
  }
}

/**
 * Reads every challenge of one `WWW-Authenticate` value, in order. One value may carry several, joined by commas, each with
 * parameters that commas join too: a token with no `=` after it begins the next challenge. What is no challenge is skipped.
 * Never throws.
 */
export function readAuthChallenges(value: string): AuthChallenge[] {
  const scanner = new Scanner(value);
  const challenges: AuthChallenge[] = [];
  scanner.take(SEPARATORS);
  while (!scanner.atEnd) {
    const scheme = scanner.take(TOKEN)?.[0];
    if (scheme === undefined) {
      scanner.skipPart();
      scanner.take(SEPARATORS);
      continue;
    }
    challenges.push({ scheme: scheme.toLowerCase(), params: readParams(scanner) });
    scanner.take(SEPARATORS);
  }
  return challenges;
}

/** Reads parameters up to the next challenge; null where one is malformed or stands twice. */
function readParams(scanner: Scanner): Map<string, string> | null {
  const params = new Map<string, string>();
  let isSound = true;
  scanner.take(BLANKS);
  for (let isFirst = true; !scanner.atEnd; isFirst = false) {
    const start = scanner.position;
    const name = scanner.take(TOKEN)?.[0].toLowerCase();
    const isParam = name !== undefined && scanner.take(/[ \t]*=[ \t]*/y) !== null;
    if (!isParam) {
      scanner.position = start;
      if (isFirst && scanner.take(TOKEN68) !== null) return params;
      if (name !== undefined) break;
      isSound = false;
      scanner.skipPart();
    } else {
      const parsed = readValue(scanner);
      if (parsed === null || params.has(name)) isSound = false;
      else params.set(name, parsed);
      if (scanner.take(/[ \t]*(?:,|$)/y) === null) {
        isSound = false;
        scanner.skipPart();
      }
    }
    scanner.take(SEPARATORS);
  }
  return isSound ? params : null;
}

/** A token, or a quoted string with its escapes taken out. */
function readValue(scanner: Scanner): string | null {
  const quoted = scanner.take(QUOTED);
  if (quoted !== null) return unescape(quoted[1] ?? '');
  return scanner.take(TOKEN)?.[0] ?? null;
}

/**
 * Takes the escapes out of a quoted string. The reference server writes a character outside Latin-1 as `\u` and four hex
 * digits. It doubles a backslash of its own, so no other text reads like that.
 */
function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|([^]))/g, (_, hex?: string, char?: string) =>
    hex === undefined ? (char ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
