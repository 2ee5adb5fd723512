import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Machine } from '../machine.js';
import { quoteForBatch, startOf } from './windowsStart.js';

// Windows joins by backslashes; here such a name is one file in the folder that the test stands in.
let folder: string;
let before: string;
beforeAll(() => {
  before = process.cwd();
  folder = mkdtempSync(`${tmpdir()}/purser-windows-`);
  process.chdir(folder);
  for (const name of ['C:\\node\\npx.cmd', 'C:\\node\\node.exe', 'C:\\a b\\tool.bat'])
    writeFileSync(name, '');
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const on = (platform: NodeJS.Platform, Path = 'C:\\none;C:\\node;C:\\a b'): Machine => ({
  platform,
  env: { Path, ComSpec: 'C:\\Windows\\cmd.exe' },
  execPath: 'C:\\node\\node.exe',
  version: '1.2.3',
});
const launch = { command: 'npx', args: ['-y', 'purser-mcp@1.2.3'], env: {} };

test('an entry that names npx is started on Windows through cmd, as its client does it', () => {
  expect(startOf(launch, on('win32'))).toEqual({
    file: 'C:\\Windows\\cmd.exe',
    args: ['/d', '/s', '/c', '"C:\\node\\npx.cmd ^^^"-y^^^" ^^^"purser-mcp@1.2.3^^^""'],
    isQuoted: true,
  });
  // A folder with a blank in its name, which cmd would take for the end of the word.
  expect(startOf({ ...launch, command: 'tool' }, on('win32')).args[3]).toMatch(/^"C:\\a\^ b\\tool\.bat /);
});

test.each([
  ['a program', 'win32', 'node', 'C:\\node\\node.exe'],
  ['a program by its path', 'win32', 'C:\\node\\node.exe', 'C:\\node\\node.exe'],
  ['what is not there', 'win32', 'nothing', 'nothing'],
  ['npx elsewhere', 'linux', 'npx', 'npx'],
] as const)('%s is started without cmd', (_what, platform, command, file) => {
  expect(startOf({ ...launch, command }, on(platform))).toEqual({ file, args: launch.args, isQuoted: false });
});

test('the PATH that an entry brings along is where its program is looked for', () => {
  const own = { ...launch, env: { PATH: 'C:\\node' } };
  expect(startOf(own, on('win32', 'C:\\none')).isQuoted).toBe(true);
});

test.each([
  ['plain', '^^^"plain^^^"'],
  ['a b', '^^^"a^^^ b^^^"'],
  ['a&b', '^^^"a^^^&b^^^"'],
  ['%PATH%', '^^^"^^^%PATH^^^%^^^"'],
  // Backslashes count only in front of a quote.
  ['C:\\w\\', '^^^"C:\\w\\\\^^^"'],
  ['say "hi"', '^^^"say^^^ \\^^^"hi\\^^^"^^^"'],
])('%s as a word of a batch file', (word, quoted) => {
  expect(quoteForBatch(word)).toBe(quoted);
});
