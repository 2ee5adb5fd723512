import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Agent, createPlace, type Place } from './purser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSPECTOR = join(ROOT, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');
const TOOL_NAMES = (
  JSON.parse(readFileSync(new URL('toolList.json', import.meta.url), 'utf8')) as { name: string }[]
).map(({ name }) => name);
const run = promisify(execFile);

let place: Place;
let unpacked: string;
beforeAll(() => {
  place = createPlace();
  const to = ['--pack-destination', place.folder];
  // The bundle was built before the tests; scripts stay off so that it is that one which is packed.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', ...to], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  }).trim();
  execFileSync('tar', ['-xzf', join(place.folder, packed), '-C', place.folder]);
  unpacked = join(place.folder, 'package');
  // What npm would install beside it: the two packages with compiled binaries, and nothing else.
  for (const name of ['better-sqlite3', '@napi-rs/keyring']) {
    mkdirSync(join(unpacked, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(unpacked, 'node_modules', name));
  }
});
afterAll(() => {
  place.remove();
});

const manifestOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;

test('the tarball starts, lists its tools and can load all of itself', async () => {
  const program = join(unpacked, 'bin', 'purser.js');
  const agent = await Agent.connect(place.env, 'legacy', program);
  try {
    expect((await agent.client.listTools()).tools).toHaveLength(7);
    expect(agent.client.getServerVersion()?.version).toBe(manifestOf(ROOT)['version']);
    expect((await agent.call('wallet_balance', {})).outcome).toMatchObject({ code: 'not_set_up' });
  } finally {
    await agent.close();
  }
  const args = [
    'init',
    '--keystore',
    'file',
    '--passphrase-file',
    place.passphraseFile,
    '--yes',
    '--testnet',
  ];
  execFileSync(process.execPath, [program, ...args], { env: place.env });
  const after = await Agent.connect(place.env, 'legacy', program);
  try {
    expect((await after.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  } finally {
    await after.close();
  }
});

test('it holds what runs, and nothing of the workshop', () => {
  const top = readdirSync(unpacked).filter((name) => name !== 'node_modules');
  expect(top.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'bin',
    'dist',
    'manifest.json',
    'package.json',
    'server.json',
  ]);
  expect(readdirSync(join(unpacked, 'bin'))).toEqual(['purser.js']);
  expect(statSync(join(unpacked, 'bin', 'purser.js')).mode & 0o111).toBe(0o111);
  const dist = readdirSync(join(unpacked, 'dist'));
  expect(dist).toContain('THIRD_PARTY_LICENSES.txt');
  expect(dist.filter((name) => !name.endsWith('.js'))).toEqual(['THIRD_PARTY_LICENSES.txt']);
  for (const name of dist) {
    expect(readFileSync(join(unpacked, 'dist', name), 'utf8')).not.toContain(ROOT);
  }
});

test('licences come with all that is bundled, and two packages are all that is installed', () => {
  expect(Object.keys(manifestOf(unpacked)['dependencies'] as object).sort()).toEqual([
    '@napi-rs/keyring',
    'better-sqlite3',
  ]);
  const licences = readFileSync(join(unpacked, 'dist', 'THIRD_PARTY_LICENSES.txt'), 'utf8');
  for (const name of ['@modelcontextprotocol/server', 'zod', 'viem', 'undici', '@noble/curves']) {
    expect(licences).toContain(`\n${name} (`);
  }
});

test('an outside client, the inspector, lists the tools and calls one', async () => {
  const inspect = async (...args: string[]): Promise<unknown> => {
    const call = ['--cli', process.execPath, join(unpacked, 'bin', 'purser.js'), ...args];
    // The inspector hands a server no more of its environment than it is told to.
    const env = Object.entries(place.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const { stdout } = await run(process.execPath, [INSPECTOR, ...call, ...env], { env: place.env });
    return JSON.parse(stdout);
  };
  const { tools } = (await inspect('--method', 'tools/list')) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual(TOOL_NAMES);
  const called = await inspect('--method', 'tools/call', '--tool-name', 'wallet_ledger');
  expect(called).toMatchObject({ structuredContent: { status: 'ok', money: 'none' } });
});
