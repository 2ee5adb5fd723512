// Writes the generated lists of README.md, or with --check says which are not what the code says.
// Run through scripts/typescript.js: it imports the sources themselves.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { fileURLToPath } from 'node:url';
import { commands } from '../src/cli/commands.js';
import { describeKeys } from '../src/config/change.js';
import { CODES } from '../src/errors/codes.js';
import { tools } from '../src/mcp/tools.js';
import { ASSETS } from '../src/money/asset.js';
import { findNetwork } from '../src/money/network.js';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [cells(head), cells(head.map(() => '---')), ...rows.map(cells)].join('\n');
}

function firstSentence(text: string): string {
  return /^.*?[.](?=\s|$)/s.exec(text)?.[0].replace(/\s+/g, ' ') ?? text;
}

const lists: Readonly<Record<string, () => string>> = {
  tools: () =>
    table(
      ['tool', 'does', 'reads only'],
      tools.map(({ name, description, annotations }) => [
        `\`${name}\``,
        firstSentence(description),
        annotations.readOnlyHint ? 'yes' : 'no',
      ]),
    ),
  commands: () =>
    table(
      ['command', 'does'],
      commands.map(({ usage, summary }) => [`\`purser ${usage}\``, summary]),
    ),
  config: () =>
    table(
      ['key', 'starts at', 'what it does'],
      describeKeys().map(({ key, initial, doc }) => [`\`${key}\``, initial, doc]),
    ),
  codes: () =>
    table(
      ['code', 'means', 'retry'],
      Object.entries(CODES).map(([code, { means, retry }]) => [`\`${code}\``, means, retry]),
    ),
  assets: () =>
    table(
      ['network', 'assets'],
      [...new Set(ASSETS.map(({ network }) => network))].map((caip2) => [
        `${findNetwork(caip2)?.label ?? caip2} (\`${caip2}\`)`,
        ASSETS.filter(({ network }) => network === caip2)
          .map(({ symbol }) => symbol)
          .join(', '),
      ]),
    ),
};

function fill(readme: string): string {
  return Object.entries(lists).reduce((text, [name, list]) => {
    const [begin, end] = [`<!-- begin ${name}, generated -->`, `<!-- end ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    // A list that README.md has no place for would never be checked.
    if (from === -1 || to < from) throw new Error(`README.md has no place for the list ${name}.`);
    return `${text.slice(0, from + begin.length)}\n\n${list()}\n\n${text.slice(to)}`;
  }, readme);
}

const path = fileURLToPath(new URL('../README.md', import.meta.url));
const readme = readFileSync(path, 'utf8');
const filled = await format(fill(readme), { ...(await resolveConfig(path)), filepath: path });
if (process.argv.includes('--check')) {
  if (filled !== readme) {
    console.error('The generated lists of README.md are out of date: npm run docs');
    process.exit(1);
  }
} else writeFileSync(path, filled);
