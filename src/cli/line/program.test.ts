import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../commands.js';
import { ownerCommand, tellOwner } from './line.js';
import { PACKAGE } from './program.js';

let folder: string;

/** Installs the package as npm does, with its program linked into `bin`. */
function installed(name: string, version: string, bin = 'bin'): string {
  const at = join(folder, name);
  const program = join(at, 'lib', 'node_modules', 'purser-mcp', 'bin', 'purser.js');
  mkdirSync(dirname(program), { recursive: true });
  mkdirSync(join(at, bin), { recursive: true });
  writeFileSync(program, '#!/usr/bin/env node\n');
  chmodSync(program, 0o755);
  writeFileSync(
    join(dirname(dirname(program)), 'package.json'),
    JSON.stringify({ name: 'purser-mcp', version }),
  );
  symlinkSync(program, join(at, bin, 'purser'));
  return join(at, bin);
}

let global: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-path-'));
  global = installed('global', '1.2.3');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const place = (env: Record<string, string>, platform: NodeJS.Platform = 'linux') => ({
  env,
  platform,
  version: '1.2.3',
});

const BY_NPX = 'npx -y purser-mcp@1.2.3 unfreeze';

test('names the program where it is on PATH, else the very version that runs', () => {
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: `/nowhere:${global}` }))).toBe('purser unfreeze');
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: '/nowhere' }))).toBe(BY_NPX);
  expect(ownerCommand({ kind: 'unfreeze' }, place({}))).toBe(BY_NPX);
});

test('names no program of another version, or of another package', () => {
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: installed('old', '1.2.2') }))).toBe(BY_NPX);
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'purser'), '#!/bin/sh\n');
  chmodSync(join(other, 'purser'), 0o755);
  // The first on PATH is the one a shell starts.
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: `${other}:${global}` }))).toBe(BY_NPX);
});

test('does not take what npx and npm scripts put on PATH for what a person has there', () => {
  const passing = installed('passing', '1.2.3', join('_npx', 'node_modules', '.bin'));
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: passing }))).toBe(BY_NPX);
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: `${passing}/:${global}` }))).toBe(
    'purser unfreeze',
  );
});

test('finds the shim that npm writes on Windows, on a PATH of Windows', () => {
  // Here a path of Windows is one name in the folder that the test stands in.
  const before = process.cwd();
  process.chdir(folder);
  try {
    writeFileSync('C:\\npm\\purser.cmd', '', { mode: 0o755 });
    writeFileSync(
      'C:\\npm\\node_modules\\purser-mcp\\package.json',
      '{"name":"purser-mcp","version":"1.2.3"}',
    );
    for (const name of ['PATH', 'Path'])
      expect(ownerCommand({ kind: 'unfreeze' }, place({ [name]: 'C:\\none;C:\\npm' }, 'win32'))).toMatch(
        /^purser /,
      );
    const passing = { PATH: 'C:\\x\\node_modules\\.bin' };
    expect(ownerCommand({ kind: 'unfreeze' }, place(passing, 'win32'))).toMatch(/^npx /);
  } finally {
    process.chdir(before);
  }
});

test('names the home where it is not the default one, quoted for a shell where it has to be', () => {
  const PATH = global;
  expect(ownerCommand({ kind: 'setUp' }, place({ PATH, PURSER_HOME: '/srv/w' }))).toBe(
    'purser --home /srv/w init',
  );
  expect(ownerCommand({ kind: 'setUp' }, place({ PATH, PURSER_HOME: "/my wallet's; rm -rf ~" }))).toBe(
    `purser --home '/my wallet'\\''s; rm -rf ~' init`,
  );
});

test('names the home on Windows in a way that both of its shells start', () => {
  const home = 'C:\\Users\\Ann Lee\\wallet';
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: '', PURSER_HOME: home }, 'win32'))).toBe(
    `npx -y purser-mcp@1.2.3 --home "${home}" unfreeze`,
  );
  expect(ownerCommand({ kind: 'unfreeze' }, place({ PATH: '' }, 'win32'))).toBe(BY_NPX);
});

test('says what there is to say with its command, or without one, or nothing', () => {
  const here = place({ PATH: global });
  expect(tellOwner({ say: 'It is frozen.', action: { kind: 'unfreeze' } }, here)).toBe(
    'It is frozen. Run: purser unfreeze',
  );
  expect(tellOwner({ say: 'Make room on the disk.' }, here)).toBe('Make room on the disk.');
  expect(tellOwner(undefined, here)).toBeNull();
});

describe('no text names a command by itself', () => {
  const source = fileURLToPath(new URL('../..', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    // What help says of itself is shown by the very program it names.
    (file) => file.endsWith('.ts') && !/(?:\.test\.ts|commands\.ts|agentCommands\.ts)$/i.test(file),
  );
  const linesWith = (named: RegExp, among: readonly string[]): string[] =>
    among.flatMap((file) =>
      readFileSync(join(source, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && named.test(line))
        // What codes are made over is no text for anybody.
        .filter((line) => !line.startsWith('const MAC_CONTEXT'))
        .map((line) => `${file}: ${line.trim()}`),
    );

  test('with the program’s name, anywhere: how it is called differs from one machine to the next', () => {
    expect(files.length).toBeGreaterThan(300);
    const words = new Set(commands.map(({ name }) => name.split(' ')[0]));
    const named = new RegExp(`(?:purser|${PACKAGE}\\S*) (?:${[...words].join('|')})\\b`);
    expect(named.test('Run: purser unfreeze')).toBe(true);
    expect(linesWith(named, files)).toEqual([]);
  });

  test('nor without it, below the faces: these carry owner actions', () => {
    const below = files.filter((file) => !/^(?:cli|mcp|server|web)[\\/]/.test(file));
    const names = commands.map(({ name }) => name).filter((name) => name.includes(' '));
    const named = new RegExp(`['"\`][^'"\`]*\\b(?:${names.join('|')})\\b|--[a-z]+-file`);
    expect(named.test("{ say: 'It changed.', hint: 'config accept' }")).toBe(true);
    expect(linesWith(named, below)).toEqual([]);
  });
});
