import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingPrograms, startSecretService, type SecretService } from '../keychain/secretService.js';
import { answerIn, laterVersion, manifestOf, programIn, ROOT, runPackage, unpackPackage } from './packed.js';
import { Agent, createPlace, type Place } from './purser.js';

const INSPECTOR = join(ROOT, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');
const TOOL_NAMES = (
  JSON.parse(readFileSync(new URL('toolList.json', import.meta.url), 'utf8')) as { name: string }[]
).map(({ name }) => name);
const run = promisify(execFile);

let place: Place;
let unpacked: string;
beforeAll(() => {
  place = createPlace();
  unpacked = unpackPackage(place.folder);
});
afterAll(() => {
  place.remove();
});

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
  await place.quicken();
  const after = await Agent.connect(place.env, 'legacy', program);
  try {
    expect((await after.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  } finally {
    await after.close();
  }
});

// npm makes such a link on Linux and macOS; on Windows it is a script that names the program itself.
test.skipIf(process.platform === 'win32')(
  'installed for all and started by the link on the PATH, it is put into clients by its own path (Windows: no link)',
  () => {
    const installed = join(place.folder, 'lib', 'node_modules', 'purser-mcp');
    cpSync(unpacked, installed, { recursive: true, verbatimSymlinks: true });
    const link = join(place.folder, 'purser');
    symlinkSync(programIn(installed), link);
    const args = [link, 'install', 'codex', '--unattended', '--yes', '--no-init', '--dry-run', '--json'];
    const out = execFileSync(process.execPath, args, { env: place.env, encoding: 'utf8' });
    const { launch } = JSON.parse(out) as { launch: { args: string[] } };
    expect(launch.args).toContain(realpathSync(programIn(installed)));
  },
);

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

const TEST_NETWORKS = ['eip155:84532', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', 'eip155:42431'];
const NEW_WALLET = ['init', '--keystore', 'file', '--yes', '--testnet', '--passphrase-file'];

describe('on a machine that is not as usual', () => {
  test('an empty PATH is no matter to it', async () => {
    const { outcome } = await answerIn(programIn(unpacked), { ...place.env, PATH: '' }, 'wallet_ledger');
    expect(outcome).toMatchObject({ status: 'ok' });
    expect(await runPackage(unpacked, { ...place.env, PATH: '' }, ['limits'])).toMatchObject({
      code: 0,
      err: '',
    });
  });

  /** Where nothing was ever made, and mostly nothing can be. */
  const homes: readonly [string, Record<string, string>][] = [
    ['no home, and no variable that names one', {}],
    ['a home that is not there', { HOME: '/sys/nonexistent' }],
    ['a home that is a file', { HOME: '/etc/hostname' }],
    ['a home in /proc, where folders are never made', { HOME: '/proc' }],
  ];
  test.each(homes)('%s: said in a sentence, and nothing hangs', async (_what, home) => {
    const { PURSER_HOME: _, HOME: __, ...rest } = place.env;
    // Without either, the user's own folder would be looked into: the tester's.
    const folders = 'HOME' in home ? {} : { XDG_CONFIG_HOME: '/proc/nowhere' };
    const { XDG_CACHE_HOME: ___, ...bare } = rest;
    const env = { ...('HOME' in home ? bare : rest), ...home, ...folders, BROWSER: 'none' };
    const { outcome, stderr } = await answerIn(programIn(unpacked), env, 'wallet_balance');
    expect(outcome).toMatchObject({
      status: 'failed',
      money: 'none',
      tell_owner: expect.any(String) as string,
    });
    expect(['not_set_up', 'home_unusable']).toContain(outcome.code);
    expect(stderr).toBe('');
    const made = await runPackage(unpacked, env, [...NEW_WALLET, place.passphraseFile]);
    expect(made).toMatchObject({
      code: 6,
      err: expect.stringMatching(/^purser: .*cannot be used.*\n/) as string,
    });
    expect(made.err.split('\n').length).toBeLessThan(5);
  });

  // Root writes anywhere, unless it gives that up.
  const asPlainUser =
    process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'] : [];
  test.skipIf(asPlainUser.length > 0 && !existsSync('/usr/bin/setpriv'))(
    'a home that is read-only is named, whatever is asked of it (as root this takes setpriv)',
    async () => {
      const home = join(place.folder, 'read-only');
      mkdirSync(home);
      cpSync(join(place.folder, 'wallet'), home, { recursive: true });
      const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
      chmodSync(home, 0o500);
      for (const name of files) chmodSync(join(home, name), statSync(join(home, name)).mode & ~0o222);
      const env = { ...place.env, PURSER_HOME: home };
      for (const args of [['freeze'], ['limits'], ['ledger']]) {
        const { code, err } = await runPackage(unpacked, env, args, asPlainUser);
        expect(code).toBe(6);
        expect(err).toMatch(/^purser: .* is read-only to this user .*\n {2}.*\n$/);
      }
      const empty = join(place.folder, 'read-only-empty');
      mkdirSync(empty, { mode: 0o500 });
      const made = await runPackage(
        unpacked,
        { ...env, PURSER_HOME: join(empty, 'wallet') },
        [...NEW_WALLET, place.passphraseFile],
        asPlainUser,
      );
      expect(made).toMatchObject({ code: 6, err: expect.stringContaining('cannot be used') as string });
      chmodSync(home, 0o700);
    },
  );
});

/** One step more of the ledger's schema. */
const ADDED_STEP = '(db)=>db.exec("CREATE TABLE notes (id TEXT PRIMARY KEY) STRICT")';

describe('two versions on one home', () => {
  test('of one schema work side by side; of two, the older says so and changes nothing', async () => {
    const [same, newer] = [
      laterVersion(unpacked, join(place.folder, 'same')),
      laterVersion(unpacked, join(place.folder, 'newer'), ADDED_STEP),
    ];
    const [one, other] = await Promise.all([
      Agent.connect(place.env, 'legacy', programIn(unpacked)),
      Agent.connect(place.env, 'legacy', programIn(same)),
    ]);
    try {
      expect(other.client.getServerVersion()?.version).toBe('9.0.0');
      const both = await Promise.all([one, other].map((agent) => agent.call('wallet_ledger', {})));
      for (const { outcome } of both) expect(outcome).toMatchObject({ status: 'ok' });

      const moved = await answerIn(programIn(newer), place.env, 'wallet_ledger');
      expect(moved.outcome).toMatchObject({ status: 'ok' });
      const ledger = join(place.folder, 'wallet', 'purser.db');
      const before = readFileSync(ledger);
      const says = { status: 'failed', code: 'ledger_newer', money: 'none' };
      const tell = expect.stringContaining('npx -y purser-mcp@latest upgrade') as string;
      expect((await answerIn(programIn(unpacked), place.env, 'wallet_ledger')).outcome).toMatchObject({
        ...says,
        tell_owner: tell,
      });
      // A freeze works whatever the ledger is: its mark stands beside it, and the ledger stays as it was.
      expect(await runPackage(unpacked, place.env, ['freeze'])).toMatchObject({
        code: 0,
        out: expect.stringContaining('newer Purser') as string,
      });
      expect(readFileSync(ledger).equals(before)).toBe(true);
      expect((await answerIn(programIn(newer), place.env, 'wallet_ledger')).outcome).toMatchObject({
        status: 'ok',
      });
    } finally {
      await Promise.all([one, other].map((agent) => agent.close()));
    }
  });

  test('a config that a newer one wrote is refused in words', async () => {
    const home = join(place.folder, 'newer-config');
    cpSync(join(place.folder, 'wallet'), home, { recursive: true });
    const file = join(home, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as { limits: object };
    writeFileSync(file, JSON.stringify({ ...config, limits: { ...config.limits, per_hour_usd: '1' } }));
    const { outcome } = await answerIn(
      programIn(unpacked),
      { ...place.env, PURSER_HOME: home },
      'wallet_balance',
    );
    expect(outcome).toMatchObject({
      code: 'config_invalid',
      tell_owner: expect.stringContaining('newer Purser') as string,
    });
    expect(readFileSync(file, 'utf8')).toContain('per_hour_usd');
  });
});

const why = missingPrograms();
describe.skipIf(why !== null)(`with a real keychain${why === null ? '' : ` (skipped: ${why})`}`, () => {
  let service: SecretService;
  beforeAll(async () => {
    service = await startSecretService();
  });
  afterAll(() => service.end());

  test('keeps its keys there; where it is locked or gone, that is said with what to do', async () => {
    const home = join(place.folder, 'in-keychain');
    const env = { ...(service.env as Record<string, string>), PURSER_HOME: home };
    // No RPC that is not here is asked: what doctor says of them is not looked at.
    const rpcs = TEST_NETWORKS.flatMap((network) => ['--rpc', `${network}=http://127.0.0.1:9`]);
    expect(await runPackage(unpacked, env, ['init', '--yes', '--testnet', ...rpcs])).toMatchObject({
      code: 0,
    });
    expect((await answerIn(programIn(unpacked), env, 'wallet_ledger')).outcome).toMatchObject({
      status: 'ok',
    });
    service.lock();
    expect((await answerIn(programIn(unpacked), env, 'wallet_ledger')).outcome).toMatchObject({
      code: 'keychain_locked',
      money: 'none',
      tell_owner: expect.any(String) as string,
    });
    const doctor = await runPackage(unpacked, env, ['doctor']);
    expect(doctor.code).toBe(1);
    expect(doctor.out).toMatch(/\nfail {2}keystore: The OS keychain is locked.*\n {6}\S/);
    const gone = { ...env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    expect((await answerIn(programIn(unpacked), gone, 'wallet_ledger')).outcome).toMatchObject({
      status: 'failed',
      money: 'none',
      tell_owner: expect.any(String) as string,
    });
    expect(
      await runPackage(unpacked, { ...gone, PURSER_HOME: `${home}-2` }, [
        ...['init', '--yes', '--testnet', '--offline'],
      ]),
    ).toMatchObject({
      code: 0,
      err: expect.stringContaining('No keychain answers here: the keys go into an encrypted file.') as string,
    });
  });
});
