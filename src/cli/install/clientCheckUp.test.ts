import { createHmac } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clients, findClient } from '../../clients/client.js';
import { installInto } from '../../clients/install.js';
import { launchOn, type Launch } from '../../clients/launch/launch.js';
import { findPlaces, managedFileOf } from '../../clients/place.js';
import { createConfig } from '../../config/configFile.js';
import type { Check } from '../../doctor/check.js';
import { machineOf } from './clientChoice.js';
import { checkUpClients, lookAtManaged } from './clientCheckUp.js';
import { Flags, type CommandCall } from '../command.js';
import { fakeIo } from '../terminal/io.fixture.js';

/** Where the program keeps compiled code: not in the tester's own home. */
const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/purser-test', import.meta.url));

let folder: string;
let call: CommandCall;
/** A folder with a Node and an npx in it. */
let bin: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-clients-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  program('npx', '#!/bin/sh\n');
  const io = { ...fakeIo({ env: { HOME: folder, PATH: '/nowhere' } }), version: '1.2.3' };
  const home = join(folder, '.config', 'purser');
  call = { io, home, args: [], flags: new Flags({}), commands: [], has: () => true };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function program(name: string, text: string, at = bin): string {
  writeFileSync(join(at, name), text);
  chmodSync(join(at, name), 0o755);
  return join(at, name);
}

const usual = (over: Partial<Launch> = {}): Launch => ({
  command: '/usr/bin/env',
  args: ['npx', '-y', 'purser-mcp@1.2.3'],
  env: { PATH: bin },
  ...over,
});

/** Installs into a client as the command does. */
async function install(id: string, launch = usual()): Promise<string> {
  const client = findClient(id)!;
  const machine = machineOf(call.io);
  const { file } = findPlaces(client, machine)[0]!;
  const done = await installInto(client, file, launch, { machine, dryRun: false });
  expect(done).toMatchObject({ change: 'added' });
  return file;
}

async function look(): Promise<Map<string, Check>> {
  return new Map((await checkUpClients(call)).map((check) => [check.name, check]));
}

test('a client’s file without bottom ends nothing: the others are looked at', async () => {
  const file = await install('cursor');
  await install('zed');
  writeFileSync(`${file}.purser-backup`, '{}\n');
  writeFileSync(file, '['.repeat(200_000));
  const checks = await look();
  expect(checks.get('client Cursor')).toMatchObject({ state: 'fail' });
  expect(checks.get('client Cursor')?.says).toContain('nests more than 200 levels deep');
  expect(checks.get('client Zed')).toMatchObject({ state: 'ok' });
});

test('reads its entry in every client, whatever that calls its fields', async () => {
  for (const { id } of clients) await install(id);
  const checks = await look();
  expect(checks.size).toBe(clients.length);
  for (const { label } of clients) {
    expect(checks.get(`client ${label}`)).toEqual({
      name: `client ${label}`,
      state: 'ok',
      says: expect.stringMatching(/^~\/.* starts purser-mcp@1\.2\.3\.$/) as string,
    });
  }
  rmSync(join(bin, 'npx'));
  for (const { state } of (await look()).values()) expect(state).toBe('fail');
});

test('what install writes on this machine is in order here', async () => {
  const node = { folders: [bin], passing: false };
  await install('cursor', launchOn(machineOf(call.io), node, { spec: 'purser-mcp@1.2.3', env: {} }));
  expect((await look()).get('client Cursor')).toMatchObject({ state: 'ok' });
});

test('says which clients have it, and which are here without', async () => {
  expect([...(await look()).values()]).toEqual([
    {
      name: 'clients',
      state: 'warn',
      says: expect.stringMatching(/^No MCP client/) as string,
      mend: expect.objectContaining({ action: { kind: 'installClient' } }) as object,
    },
  ]);
  mkdirSync(join(folder, '.gemini'));
  expect((await look()).get('clients')).toMatchObject({
    state: 'warn',
    says: expect.stringContaining('Gemini CLI') as string,
  });
  await install('cursor');
  const checks = await look();
  expect(checks.get('client Cursor')).toMatchObject({ state: 'ok' });
  expect(checks.get('other clients')).toMatchObject({ state: 'ok', says: 'Purser is not in Gemini CLI.' });
});

test.each<[string, () => Launch, RegExp]>([
  [
    'a PATH from which the Node went',
    () => usual({ env: { PATH: `${folder}/gone/bin:/nowhere` } }),
    /npx is in none of the folders of the PATH that the entry brings along/,
  ],
  [
    'npx alone on its PATH',
    () => {
      rmSync(join(bin, 'node'));
      return usual();
    },
    /node is in none of the folders/,
  ],
  [
    'a program that is gone',
    () => usual({ command: '/nowhere/npx', args: ['-y', 'purser-mcp@1.2.3'] }),
    /\/nowhere\/npx is not there/,
  ],
  [
    'no PATH of its own, and none here',
    () => usual({ command: 'npx', args: ['-y', 'purser-mcp@1.2.3'], env: {} }),
    /npx is in none of the folders of PATH/,
  ],
  [
    'a checkout that is gone',
    () => usual({ command: process.execPath, args: ['/nowhere/bin/purser.js'] }),
    /\/nowhere\/bin\/purser\.js is not there/,
  ],
  [
    'a tarball that is gone',
    () => usual({ args: ['npx', '-y', 'file:/nowhere/purser.tgz'] }),
    /\/nowhere\/purser\.tgz is not there/,
  ],
  [
    'a Node that is too old',
    () => {
      rmSync(join(bin, 'node'));
      program('node', '#!/bin/sh\necho 9 v22.13.1\n');
      return usual();
    },
    /node is Node v22\.13\.1, which is too old/,
  ],
  [
    'a Node that does not run',
    () => {
      rmSync(join(bin, 'node'));
      program('node', '#!/bin/sh\nexit 127\n');
      return usual();
    },
    /node does not run/,
  ],
])('fails for %s, and names what writes the entry anew', async (_what, launch, says) => {
  await install('cursor', launch());
  expect((await look()).get('client Cursor')).toMatchObject({
    state: 'fail',
    says: expect.stringMatching(says) as string,
    mend: { action: { kind: 'installClient', clients: ['cursor'] } },
  });
});

test.each<[string, string[], RegExp]>([
  [
    'an older version',
    ['npx', '-y', 'purser-mcp@1.2.2'],
    /purser-mcp@1\.2\.2\. This is 1\.2\.3, which is newer/,
  ],
  ['no version', ['npx', '-y', 'purser-mcp'], /pins no version/],
])('warns of %s', async (_what, args, says) => {
  await install('goose', usual({ args }));
  expect((await look()).get('client Goose')).toMatchObject({
    state: 'warn',
    says: expect.stringMatching(says) as string,
    mend: { action: { kind: 'pinClients' } },
  });
});

test('a newer version than this one is in order', async () => {
  await install('codex', usual({ args: ['npx', '-y', 'purser-mcp@2.0.0'] }));
  expect((await look()).get('client Codex')).toMatchObject({ state: 'ok' });
});

test('an entry for another wallet is told, with both folders', async () => {
  await install('cursor', usual({ env: { PATH: bin, PURSER_HOME: `${folder}/other` } }));
  expect((await look()).get('client Cursor')).toMatchObject({
    state: 'warn',
    says: expect.stringMatching(
      /uses another wallet, ~\/other, which was never made; this looks at ~\/\.config\/purser/,
    ) as string,
    mend: { action: { kind: 'uninstallClient', client: 'cursor' } },
  });
});

test('limits that are no amounts, which clients were seen to pass, fail', async () => {
  await install('cursor', usual({ env: { PATH: bin, PURSER_LIMIT_PER_DAY_USD: '${user_config.day}' } }));
  const check = (await look()).get('client Cursor');
  expect(check).toMatchObject({
    state: 'fail',
    says: expect.stringContaining('PURSER_LIMIT_PER_DAY_USD') as string,
  });
  expect(check?.says).not.toContain('user_config');
});

describe('with the keys in an encrypted file', () => {
  beforeEach(async () => {
    mkdirSync(call.home, { recursive: true, mode: 0o700 });
    const mac = (data: string) => createHmac('sha256', 'key of this test').update(data).digest();
    await createConfig(call.home, mac, { walletId: 'w', keystore: 'file', testnet: true });
  });

  test.each<[string, Record<string, string>, Check['state'], RegExp]>([
    ['no passphrase', {}, 'warn', /names no file with the unlock passphrase and none is kept/],
    [
      'a passphrase that is gone',
      { PURSER_PASSPHRASE_FILE: '/nowhere/pass' },
      'fail',
      /\/nowhere\/pass, which cannot be used: ENOENT/,
    ],
  ])('%s is told', async (_what, more, state, says) => {
    await install('zed', usual({ env: { PATH: bin, ...more } }));
    expect((await look()).get('client Zed')).toMatchObject({
      state,
      says: expect.stringMatching(says) as string,
      mend: {
        say: expect.stringContaining(join(call.home, 'passphrase')) as string,
        action: { kind: 'installClient', clients: ['zed'] },
      },
    });
  });

  test('one that is kept beside the wallet unlocks it in every client', async () => {
    await install('zed', usual({ env: { PATH: bin } }));
    writeFileSync(join(call.home, 'passphrase'), 'kept\n', { mode: 0o600 });
    expect((await look()).get('client Zed')).toMatchObject({ state: 'ok' });
  });

  test('a passphrase that is there is in order, and never shown', async () => {
    const pass = join(folder, 'pass');
    writeFileSync(pass, 'canary of the passphrase\n', { mode: 0o600 });
    await install('zed', usual({ env: { PATH: bin, PURSER_PASSPHRASE_FILE: pass } }));
    const check = (await look()).get('client Zed');
    expect(check).toMatchObject({ state: 'ok' });
    expect(JSON.stringify(check)).not.toContain('canary');
    chmodSync(pass, 0o644);
    expect((await look()).get('client Zed')).toMatchObject({
      state: 'warn',
      says: expect.stringContaining(`chmod 600 ${pass}`) as string,
    });
  });
});

test('a file that no longer parses fails where Purser was in it, and warns where it may never have been', async () => {
  const file = join(folder, '.cursor', 'mcp.json');
  mkdirSync(dirname(file));
  writeFileSync(file, '{}\n');
  await install('cursor');
  expect(existsSync(`${file}.purser-backup`)).toBe(true);
  writeFileSync(file, '{ half');
  expect((await look()).get('client Cursor')).toMatchObject({
    state: 'fail',
    says: expect.stringMatching(/cannot be read: line 1/) as string,
  });
  rmSync(`${file}.purser-backup`);
  expect((await look()).get('client Cursor')).toMatchObject({ state: 'warn' });
});

test('an entry that is switched off, one over HTTP, and one that is nothing', async () => {
  const file = await install('opencode');
  const entryOf = (entry: object): void => writeFileSync(file, JSON.stringify({ mcp: { purser: entry } }));
  entryOf({
    type: 'local',
    command: ['/usr/bin/env', 'npx', '-y', 'purser-mcp@1.2.3'],
    environment: { PATH: bin },
    enabled: false,
  });
  expect((await look()).get('client opencode')).toMatchObject({
    state: 'warn',
    says: expect.stringContaining('switched off') as string,
  });
  entryOf({ type: 'remote', url: 'http://127.0.0.1:4402/mcp' });
  expect((await look()).get('client opencode')).toMatchObject({
    state: 'ok',
    says: expect.stringContaining('HTTP') as string,
  });
  entryOf({ type: 'local', command: [] });
  expect((await look()).get('client opencode')).toMatchObject({
    state: 'fail',
    mend: { action: { kind: 'installClient', clients: ['opencode'] } },
  });
});

test('entries by other names and for one project alone are told', async () => {
  const file = join(folder, '.claude.json');
  const entry = { command: 'npx', args: ['-y', 'purser-mcp'] };
  const projects = { '/work/shop': { mcpServers: { purser: entry, other: { command: 'x' } } } };
  writeFileSync(file, JSON.stringify({ mcpServers: { wallet: entry }, projects }));
  const check = (await look()).get('client Claude Code, other entries');
  expect(check).toMatchObject({ state: 'warn' });
  expect(check?.says).toMatch(
    /in ~\/\.claude\.json as "wallet", in ~\/\.claude\.json as "purser" of the project \/work\/shop\.$/,
  );
});

describe('starting each entry for real', () => {
  const start = async (): Promise<Map<string, Check>> =>
    new Map((await checkUpClients(call, true)).map((check) => [check.name, check]));

  test('a server that answers is told, one way of starting once', async () => {
    const count = join(folder, 'count');
    const real = fileURLToPath(new URL('../../../bin/purser.js', import.meta.url));
    const text = `#!/bin/sh\necho x >> '${count}'\nexec "${process.execPath}" "${real}"\n`;
    program('npx', text);
    const env = { PATH: `${bin}:/bin:/usr/bin`, XDG_CACHE_HOME: COMPILED, PURSER_HOME: call.home };
    await install('cursor', usual({ env }));
    await install('zed', usual({ env }));
    const checks = await start();
    for (const name of ['client Cursor', 'client Zed'])
      expect(checks.get(name)?.says).toMatch(/It starts, in \d+ ms\..*It answers: .*no wallet/i);
    expect(readFileSync(count, 'utf8')).toBe('x\n');
  });

  test('one that does not fails with what it said, and a broken npx cache with the folder to remove', async () => {
    program(
      'npx',
      '#!/bin/sh\necho "Error: Cannot find module \'/x/.npm/_npx/0a1b2c3d4e5f6a7b/node_modules/y.js\'" >&2\nexit 1\n',
    );
    await install('cursor', usual({ env: { PATH: `${bin}:/bin` } }));
    expect((await start()).get('client Cursor')).toMatchObject({
      state: 'fail',
      says: expect.stringMatching(/does not start: it ended with exit code 1: Error: Cannot find/) as string,
      mend: { say: expect.stringContaining('remove the folder /x/.npm/_npx/0a1b2c3d4e5f6a7b') as string },
    });
  });
});

test('a client whose servers an administrator chooses is told: the user’s own file is not read', () => {
  const client = findClient('claude-code')!;
  const machine = { env: {}, execPath: '/usr/bin/node', version: '1.2.3' };
  for (const [platform, path] of [
    ['linux', '/etc/claude-code/managed-mcp.json'],
    ['darwin', '/Library/Application Support/ClaudeCode/managed-mcp.json'],
    ['win32', 'C:\\Program Files\\ClaudeCode\\managed-mcp.json'],
  ] as const) {
    const managedBy = managedFileOf(client, { ...machine, platform }, (file) => file === path);
    expect(managedBy).toBe(path);
    expect(lookAtManaged({ client, managedBy })).toMatchObject([
      { state: 'warn', says: expect.stringContaining(path) as string },
    ]);
  }
  expect(managedFileOf(findClient('cursor')!, { ...machine, platform: 'linux' }, () => true)).toBeNull();
  expect(lookAtManaged({ client, managedBy: null })).toEqual([]);
});
