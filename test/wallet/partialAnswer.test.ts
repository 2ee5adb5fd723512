import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ANSWERS_FOLDER } from '../../src/config/home.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-partial-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

// A limit on a file's size takes a part of a write and says so by its answer alone, just as a full disk does.
test('an answer of which the disk takes only a part is a fault, and never kept as if it were whole', async () => {
  const program = join(home, 'program.mjs');
  const contents = `
    import { readAnswer } from './answerBody.js';
    process.on('SIGXFSZ', () => undefined);
    async function* body() { yield new Uint8Array(300_000); }
    const answer = { status: 200, headers: [], body: body() };
    const signal = new AbortController().signal;
    const read = await readAnswer({ home: process.argv[2], agent: 'default' }, answer, { signal }).then(
      ({ bytes }) => bytes, () => 'fault');
    process.stdout.write(String(read));`;
  await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '../../src/wallet/answer'), loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    external: ['better-sqlite3', '@napi-rs/keyring'],
    logLevel: 'error',
  });
  const shell = `ulimit -f 128; exec "$0" "$1" "$2"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', shell, process.execPath, program, home]);
  expect(stdout).toBe('fault');
  expect(readdirSync(join(home, ANSWERS_FOLDER))).toEqual([]);
});
