import { expect, test } from 'vitest';
import { fakeIo } from '../io.fixture.js';
import { printLines } from './show.js';
import { wrapLine } from './wrap.js';

test('prose breaks at words and keeps its indent', () => {
  expect(wrapLine('  It can be kept in a file, which only you can read.', 34)).toEqual([
    '  It can be kept in a file, which',
    '  only you can read.',
  ]);
  expect(wrapLine('short', 34)).toEqual(['short']);
});

test('a command stays on one line, and so do a row of a table and a word that is too long', () => {
  const command = 'Run: npx -y purser-mcp@1.2.3 config add net.allow_private 127.0.0.1:43441';
  expect(wrapLine(`  Allow exactly that host and port if it is yours. ${command}`, 40)).toEqual([
    '  Allow exactly that host and port if it',
    '  is yours.',
    `  ${command}`,
  ]);
  const long = 'Run: npx -y purser-mcp@1.2.3 --home /a/long/path/of/somebody init --keystore file';
  expect(wrapLine(`Finish it. ${long}`, 40)).toEqual(['Finish it.', long]);
  const row = `2026-11-29 23:39  0.01  captured  api.example.com/a/very/long/path`;
  expect(wrapLine(row, 40)).toEqual([row]);
  expect(wrapLine('0x'.padEnd(70, 'f'), 40)).toHaveLength(1);
});

test('what is said of a name stands below itself, and a command behind a colon on a line of its own', () => {
  expect(wrapLine('  required = true   Codex waits for the server, and stops without it', 48)).toEqual([
    '  required = true   Codex waits for the server,',
    '                    and stops without it',
  ]);
  for (const program of ['purser', 'npx -y purser-mcp@1.2.3', '/usr/bin/node /opt/bin/purser.js'])
    expect(wrapLine(`It cannot pay. To let it: ${program} install codex --unattended`, 40)).toEqual([
      'It cannot pay. To let it:',
      `${program} install codex --unattended`,
    ]);
});

test('colours take no room', () => {
  const line = '\u001b[32mok  \u001b[39m  ledger: The journal goes on from what the keystore remembers.';
  expect(wrapLine(line, 58)).toHaveLength(2);
  expect(wrapLine(line, 58)[1]).toBe('      remembers.');
  expect(wrapLine(line, 70)).toEqual([line]);
});

test('a terminal gets it wrapped, a pipe whole', () => {
  const line = 'word '.repeat(40).trim();
  const terminal = fakeIo({ terminal: true });
  printLines(terminal.stdout, [line]);
  expect(
    Math.max(
      ...terminal
        .out()
        .split('\n')
        .map(({ length }) => length),
    ),
  ).toBeLessThanOrEqual(80);
  const pipe = fakeIo();
  printLines(pipe.stdout, [line]);
  expect(pipe.out()).toBe(`${line}\n`);
});
