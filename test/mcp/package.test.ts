import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Agent, createPlace, type Place } from './purser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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
  expect(top.sort()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'manifest.json', 'package.json']);
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

test('the bundle manifest says the same as the package and the server', () => {
  const bundle = JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8')) as {
    version: string;
    tools: { name: string }[];
    server: { mcp_config: { args: string[] } };
  };
  const { version } = manifestOf(ROOT);
  expect(bundle.version).toBe(version);
  expect(bundle.server.mcp_config.args).toEqual(['-y', `purser-mcp@${String(version)}`]);
  const listed = JSON.parse(readFileSync(new URL('toolList.json', import.meta.url), 'utf8')) as {
    name: string;
  }[];
  expect(bundle.tools.map(({ name }) => name)).toEqual(listed.map(({ name }) => name));
});
