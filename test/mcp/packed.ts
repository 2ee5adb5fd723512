import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { RawServer } from './purser.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Packs what is built, and unpacks it into a folder as npm would install it; answers where. */
export function unpackPackage(folder: string): string {
  const to = ['--pack-destination', folder];
  // The bundle was built before the tests; scripts stay off so that it is that one which is packed.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', ...to], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  }).trim();
  execFileSync('tar', ['-xzf', join(folder, packed), '-C', folder]);
  const unpacked = join(folder, 'package');
  // What npm would install beside it: the two packages with compiled binaries, and nothing else.
  for (const name of ['better-sqlite3', '@napi-rs/keyring']) {
    mkdirSync(join(unpacked, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(unpacked, 'node_modules', name));
  }
  return unpacked;
}

export function manifestOf(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
}

/** The program of an unpacked package. */
export function programIn(unpacked: string): string {
  return join(unpacked, 'bin', 'purser.js');
}

/** What a server answers to one call, started with nothing but this environment. */
export async function answerIn(program: string, env: Record<string, string>, tool: string) {
  const server = new RawServer(env, [], program);
  server.open();
  server.callTool(1, tool, {});
  const { result } = (await server.answer(1)) as { result: { structuredContent: ToldOutcome } };
  server.child.stdin.end();
  expect(await server.ended).toMatchObject({ code: 0 });
  return { outcome: result.structuredContent, stderr: server.stderr };
}

/** Runs the command line of a package, behind another program where one is given. */
export function runPackage(
  unpacked: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  before: readonly string[] = [],
) {
  const [file = '', ...words] = [...before, process.execPath, programIn(unpacked), ...args];
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(file, words, { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    );
  });
}

/** A package as a later version of it would be, in a folder of its own, with a step more of the ledger's schema if given. */
export function laterVersion(unpacked: string, folder: string, step?: string): string {
  cpSync(unpacked, folder, { recursive: true, verbatimSymlinks: true });
  const replace = (file: string, from: string, to: string): boolean => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(from, to));
    return text.includes(from);
  };
  const { version } = manifestOf(unpacked) as { version: string };
  expect(replace(join(folder, 'package.json'), `"${version}"`, '"9.0.0"')).toBe(true);
  expect(replace(join(folder, 'dist', 'main.js'), `"${version}"`, '"9.0.0"')).toBe(true);
  if (step === undefined) return folder;
  const dist = readdirSync(join(folder, 'dist')).map((file) => join(folder, 'dist', file));
  const added = dist.some((file) => {
    const list = /MIGRATIONS=\[\w+(?:,\w+)*(?=\])/.exec(readFileSync(file, 'utf8'))?.[0];
    return list !== undefined && replace(file, list, `${list},${step}`);
  });
  expect(added).toBe(true);
  return folder;
}
