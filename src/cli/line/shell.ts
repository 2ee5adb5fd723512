/** A word of a command line; a blank is one that the owner fills in, such as FILE. */
export type Word = string | { readonly blank: string };

declare const byTheTable: unique symbol;

/** A command and what stands behind it, without the program's name; `commandLine` alone makes one. */
export type CommandLine = readonly Word[] & { readonly [byTheTable]: true };

/** A word as a shell of this platform reads it whole. */
export function quoteFor(platform: NodeJS.Platform): (word: string) => string {
  return platform === 'win32' ? quoteForWindows : quoteForSh;
}

/** Letters that no shell reads. */
const PLAIN = /^[\w@+=:,./-]+$/;
const PLAIN_ON_WINDOWS = /^[\w@+=:./\\-]+$/;

function quoteForSh(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Double quotes hold a word together in cmd and in PowerShell, as long as it has no `$`, backtick or `"`, which PowerShell
 * reads, and no `%`, which cmd does. A word with one of these is quoted for cmd: no form holds in both.
 */
function quoteForWindows(word: string): string {
  if (PLAIN_ON_WINDOWS.test(word)) return word;
  // A program splits its command line itself: backslashes count only in front of a quote.
  const escaped = word.replace(/(\\*)("|$)/g, (_all, slashes: string, end: string) =>
    end === '"' ? `${slashes}${slashes}\\"` : `${slashes}${slashes}`,
  );
  // In cmd a caret outside of quotes keeps a percent sign as it is.
  return `"${escaped.replaceAll('%', '"^%"')}"`;
}
