import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';

const FILES = globSync('deploy/**/*').filter((file) => /\.(conf|service|yaml)$|Containerfile$/.test(file));
const textOf = (file: string): string => readFileSync(file, 'utf8').replaceAll(/^ *#.*$/gm, '');

it('every flag that deploy/ gives to serve is one of its', () => {
  const serve = commands.find(({ name }) => name === 'serve');
  const known = (serve?.flags ?? []).flatMap(({ flags }) => flags.match(/--[a-z-]+/g) ?? []);
  const given = FILES.filter((file) => /\bserve\b/.test(textOf(file))).flatMap((file) => {
    const [, ...after] = textOf(file).split(/\bserve\b/);
    // As far as the command goes: a line of a unit with its continuations, or the entries of a list.
    return after.flatMap((text) => {
      const command = /^(?:[^\n]*\\\n)*[^\n]*(?:\n *- --[^\n]*)*/.exec(text)?.[0] ?? '';
      return (command.match(/--[a-z-]+/g) ?? []).map((flag) => ({ file, flag }));
    });
  });
  expect(given.length).toBeGreaterThan(12);
  expect(given.filter(({ flag }) => !known.includes(flag))).toEqual([]);
});

it('no secret stands in a variable of deploy/: files hold them', () => {
  const named = FILES.flatMap((file) =>
    (textOf(file).match(/\b[A-Z][A-Z_]*(?:PASS|SECRET|TOKEN|KEY)[A-Z_]*\b/g) ?? []).map((name) => ({
      file,
      name,
    })),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter(({ name }) => !name.endsWith('_FILE'))).toEqual([]);
});
