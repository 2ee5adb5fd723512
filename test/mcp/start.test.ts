import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlace, PROGRAM, type Place } from './purser.js';

let place: Place;
beforeAll(() => {
  place = createPlace();
});
afterAll(() => {
  place.remove();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(node: string, args: readonly string[], env = place.env): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(node, args, { env }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      });
    });
    child.stdin?.end();
  });
}

/** Node as it says it is, whatever it is. */
function pretend(versions: Record<string, string>): string[] {
  const program = `const versions = { ...process.versions, ...${JSON.stringify(versions)} };
    Object.defineProperty(process, 'versions', { value: versions });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
}

const TOO_OLD = /^Purser needs Node 22\.14 or later and was started by Node \d+\.\d+\.\d+: .+\.\n$/;

test('a Node whose N-API is too old is told so in one sentence, before anything is loaded', async () => {
  const ended = await run(process.execPath, [...pretend({ napi: '9', node: '22.13.1' }), PROGRAM]);
  expect(ended).toEqual({ code: 6, stdout: '', stderr: expect.stringMatching(TOO_OLD) });
  expect(ended.stderr).toContain('Node 22.13.1');
});

test('the same Node with N-API 10 starts', async () => {
  const ended = await run(process.execPath, [...pretend({ napi: '10' }), PROGRAM]);
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
});

const OTHER_NODE = '/usr/bin/node';
const otherIsOld =
  existsSync(OTHER_NODE) && Number((await askOtherNode('process.versions.napi')).trim()) < 10;

/** What the machine's own Node says of itself. */
function askOtherNode(expression: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(OTHER_NODE, ['-p', expression], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}

test.skipIf(!otherIsOld)('the machine’s own old Node is told so', async () => {
  for (const args of [[], ['--version'], ['init']]) {
    const ended = await run(OTHER_NODE, [PROGRAM, ...args]);
    expect(ended).toEqual({ code: 6, stdout: '', stderr: expect.stringMatching(TOO_OLD) });
  }
});

test('a checkout that is not built says which command builds it', async () => {
  const checkout = join(place.folder, 'checkout');
  mkdirSync(join(checkout, 'bin'), { recursive: true });
  writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
  copyFileSync(PROGRAM, join(checkout, 'bin', 'purser.js'));
  const ended = await run(process.execPath, [join(checkout, 'bin', 'purser.js')]);
  expect(ended).toEqual({ code: 6, stdout: '', stderr: expect.stringMatching(/npm run build\n$/) });
});

test('--version and --help answer as the command line', async () => {
  const version = await run(process.execPath, [PROGRAM, '--version']);
  expect(version).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  const help = await run(process.execPath, [PROGRAM, '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Usage: npx -y purser-mcp@\S+ <command>/);
});

test('compiled code is kept where only the user can put it', async () => {
  const cache = join(place.folder, 'fresh-cache');
  expect(await run(process.execPath, [PROGRAM], { ...place.env, XDG_CACHE_HOME: cache })).toMatchObject({
    code: 0,
  });
  expect(statSync(join(cache, 'purser')).mode & 0o777).toBe(0o700);

  const shared = join(place.folder, 'shared-cache');
  mkdirSync(join(shared, 'purser'), { recursive: true, mode: 0o777 });
  await run('/bin/chmod', ['777', join(shared, 'purser')]);
  expect(await run(process.execPath, [PROGRAM], { ...place.env, XDG_CACHE_HOME: shared })).toMatchObject({
    code: 0,
  });
  expect(statSync(join(shared, 'purser')).nlink).toBe(2);
});

test('a home that cannot hold a cache is no reason not to start', async () => {
  const file = join(place.folder, 'no-folder');
  writeFileSync(file, '');
  const ended = await run(process.execPath, [PROGRAM], { ...place.env, XDG_CACHE_HOME: file });
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.skipIf(process.platform !== 'linux')(
  'a home in which no folder can be made does not hang it (Linux has one)',
  async () => {
    const { XDG_CACHE_HOME: _, PURSER_HOME: __, ...env } = place.env;
    const ended = await run(process.execPath, [PROGRAM], { ...env, HOME: '/proc' });
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  },
);

test('it is started through a link, as npm makes one', async () => {
  const link = join(place.folder, 'purser');
  symlinkSync(PROGRAM, link);
  expect(await run(process.execPath, [link, '--version'])).toMatchObject({ code: 0, stderr: '' });
});
