import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { makeScratch, noTerminal, openTerminal, PASSPHRASE, type Run, type Scratch } from './program.js';

interface Line {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly says: string;
  readonly mend: string | null;
}

const RPC = 'networks.eip155:84532.rpc_url';
const RPC_SECRET = 'rpc-s3cret-of-the-owner';

let sandbox: Sandbox;
let scratch: Scratch;
beforeAll(async () => {
  sandbox = await startSandbox();
  scratch = makeScratch({ here: true });
  await scratch.makeWallet();
  await set('networks.enabled', JSON.stringify(['eip155:84532', SOLANA_DEVNET]));
  await set(`networks.${SOLANA_DEVNET}.rpc_url`, sandbox.solanaRpcUrl);
  await set(RPC, `${sandbox.rpcUrl}/?key=${RPC_SECRET}`);
  await set('net.allow_private', JSON.stringify([sandbox.shop.hostPort]));
  await set('discovery.sources', '["http://127.0.0.1:9/discovery/resources"]');
});
afterAll(async () => {
  scratch.remove();
  await sandbox.stop();
});

async function set(key: string, value: string): Promise<void> {
  const done = await scratch.purser([
    'config',
    'set',
    key,
    value,
    '--passphrase-file',
    scratch.passphraseFile,
  ]);
  // `config set` shows what was set; a doctor does not.
  expect(done.exit).toBe(0);
}

/** Runs the doctor; its exit code has to be what its lines say. */
async function doctor(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Map<string, Line>> {
  const unlocked = { PURSER_PASSPHRASE_FILE: scratch.passphraseFile, ...env };
  const done: Run = await scratch.purser(['doctor', '--json', ...args], { env: unlocked });
  expect(done.err).toBe('');
  // Whatever a test did to be found, nothing of it shows a secret.
  for (const secret of [PASSPHRASE, RPC_SECRET]) expect(done.out).not.toContain(secret);
  const { checks, status } = JSON.parse(done.out) as { checks: Line[]; status: string };
  const fails = checks.some(({ state }) => state === 'fail');
  expect(done.exit).toBe(fails ? 1 : 0);
  expect(status).toBe(fails ? 'failed' : 'ok');
  return new Map(checks.map((line) => [line.name, line]));
}

const rpcName = (): string => `rpc ${new URL(sandbox.rpcUrl).host}`;

test('a wallet in order, with a quote: nothing fails, and what is only missing warns', async () => {
  const quoted = await doctor(['--quote', `${sandbox.shop.url}/v2/json`]);
  const states = Object.fromEntries([...quoted].map(([name, { state }]) => [name, state]));
  expect(states).toEqual({
    node: 'ok',
    files: 'ok',
    keystore: 'ok',
    backup: 'warn',
    config: 'ok',
    ledger: 'ok',
    factor: 'warn',
    owners: 'ok',
    frozen: 'ok',
    'dry run': 'ok',
    clock: 'ok',
    [rpcName()]: 'ok',
    [`rpc ${new URL(sandbox.solanaRpcUrl).host}`]: 'ok',
    'balance Base Sepolia': 'warn',
    'balance Solana devnet': 'warn',
    'catalogue 127.0.0.1:9': 'warn',
    clients: 'warn',
    quote: 'ok',
  });
  expect(quoted.get('factor')?.mend).toMatch(/Run: .*factor add passphrase$/);
  const unlocked = { env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile } };
  const { networks } = await scratch.json<{ networks: { address: string }[] }>(['address'], unlocked);
  // Money on one network is enough: the empty one beside it warns no more.
  await sandbox.solana.fund(networks[1]!.address, 1n);
  const plain = await scratch.purser(['doctor'], unlocked);
  expect(plain.exit).toBe(0);
  expect(plain.out).toMatch(/^ok {4}node: Node .*\n/);
  expect(plain.out).toMatch(/\nNothing fails; 4 of 17 checks warn\.\n$/);
});

test('a frozen wallet, a limit of this client and an endpoint that does not answer are told', async () => {
  await scratch.purser(['freeze']);
  const lowered = { PURSER_LIMIT_PER_CALL_USD: '0.005' };
  const lines = await doctor(['--quote', 'https://127.0.0.1:9/'], lowered);
  const { state, mend } = lines.get('frozen') ?? {};
  expect({ state, mend }).toEqual({ state: 'warn', mend: expect.stringMatching(/Run: .* unfreeze$/) });
  expect(lines.get('dry run')).toMatchObject({
    state: 'warn',
    says: expect.stringMatching(/would ask you first: .*PURSER_LIMIT_PER_CALL_USD/),
    // The owner's own command would change nothing: none is named.
    mend: expect.not.stringContaining('config set'),
  });
  expect(lines.get('quote')).toMatchObject({ state: 'fail' });
  const unfrozen = await scratch.purser(['unfreeze', '--passphrase-file', scratch.passphraseFile]);
  expect(unfrozen.exit).toBe(0);
});

describe('with the keys locked', () => {
  const LOCKED = { PURSER_PASSPHRASE_FILE: '' };
  const note = (): string => join(scratch.home, 'addresses.json');
  const address = async (): Promise<string> =>
    (await scratch.json<{ address: string }>(['address'], unlockedEnv())).address;
  const unlockedEnv = () => ({ env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile } });
  /** Another's address where the wallet's own was noted, as by who can write the folder. */
  const THEIRS = `0x${'a'.repeat(40)}`;
  const forge = async (): Promise<void> => {
    const { getAddress } = await import('viem/utils');
    const text = readFileSync(note(), 'utf8').replace(await address(), getAddress(THEIRS));
    writeFileSync(note(), text, { mode: 0o600 });
  };

  test('doctor fails nothing for it, and looks at all that needs no keys', async () => {
    const lines = await doctor([], LOCKED);
    const states = Object.fromEntries([...lines].map(([name, { state }]) => [name, state]));
    expect(states).toMatchObject({
      keystore: 'warn',
      config: 'warn',
      backup: 'warn',
      ledger: 'warn',
      factor: 'warn',
      frozen: 'ok',
      clock: 'ok',
      [rpcName()]: 'ok',
    });
    expect(lines.get('keystore')?.mend).toMatch(/Run: .* doctor --unlock$/);
    const balance = lines.get('balance Base Sepolia');
    expect(balance?.says).toContain(
      `${await address()}, as noted beside the wallet and not proved by the keys`,
    );
  });

  test('address and fund show what is noted, and nothing that passes for a place to send money', async () => {
    const own = await address();
    for (const command of ['address', 'fund']) {
      const plain = await scratch.purser([command], { env: LOCKED });
      expect(plain).toMatchObject({ exit: 0 });
      expect(plain.out).toContain(`Base Sepolia  ${own}  (noted, not proved)\n`);
      expect(plain.err.replace(/\s+/g, ' ')).toMatch(/no key proved them\. .* address --unlock/);
      // A script that takes the whole line, or the field of a proved one, has no address.
      const told = await scratch.json<Record<string, unknown>>([command], { env: LOCKED });
      expect(told).toMatchObject({ address: null, networks: [], noted: [{ address: own }, {}] });
    }
  });

  test('who writes the folder sends nobody’s money elsewhere: with the keys, a forged note is told and mended', async () => {
    const own = await address();
    await forge();
    expect((await scratch.purser(['address'], { env: LOCKED })).out).toContain('(noted, not proved)');
    expect((await doctor()).get('addresses')).toMatchObject({
      state: 'fail',
      says: expect.stringContaining('somebody changed them') as string,
    });
    const shown = await scratch.purser(['address', '--network', 'base-sepolia'], unlockedEnv());
    expect(shown).toMatchObject({ exit: 0, out: `${own}\n` });
    expect(shown.err).toContain('somebody changed them');
    expect((await doctor()).has('addresses')).toBe(false);
    expect(readFileSync(note(), 'utf8')).toContain(own);
  });

  test('a note that is no list of addresses is none, and one that is gone is told as locked', async () => {
    const text = readFileSync(note(), 'utf8');
    for (const bad of [
      '{',
      '{"agents":[{"agent":"default","evm":"0x1","solana":null}]}',
      '{"agents":7}',
      null,
    ]) {
      if (bad === null) rmSync(note());
      else writeFileSync(note(), bad, { mode: 0o600 });
      const run = await scratch.purser(['address', '--json'], { env: LOCKED });
      expect({ exit: run.exit, code: (JSON.parse(run.out) as { code: string }).code }).toEqual({
        exit: 6,
        code: 'keystore_locked',
      });
    }
    writeFileSync(note(), text, { mode: 0o600 });
  });

  test.skipIf(noTerminal() !== null)(
    'no terminal is asked for a passphrase, but where one wants that',
    async () => {
      const env = scratch.env(LOCKED);
      for (const command of ['address', 'fund', 'doctor --no-start', 'uninstall --yes']) {
        const { screen } = await openTerminal(command.split(' '), env).end();
        expect(screen, command).not.toMatch(/passphrase \(it opens/);
      }
      const asked = openTerminal(['address', '--unlock', '--network', 'base-sepolia'], env);
      await asked.sees('Unlock passphrase');
      asked.type(`${PASSPHRASE}\r`);
      const { exit, screen } = await asked.end();
      expect(exit, screen).toBe(0);
      expect(screen).toContain(await address());
      expect(screen).not.toContain('not proved');
    },
  );

  test('uninstall tells the money that is left', async () => {
    await sandbox.chain.fund((await address()) as `0x${string}`, 1_500_000n);
    const run = await scratch.purser(['uninstall', '--yes'], { env: LOCKED });
    expect(run.out).toMatch(/There is money in it: 1\.5 USDC on Base Sepolia/);
  });
});

describe('files', () => {
  test('that others can read', async () => {
    const config = join(scratch.home, 'config.json');
    chmodSync(config, 0o644);
    const lines = await doctor();
    chmodSync(config, 0o600);
    expect(lines.get('files')).toMatchObject({ state: 'fail', says: expect.stringContaining('chmod 600') });
  });

  test.each([
    ['no JSON', (text: string) => text.slice(0, 20), /cannot be read/],
    ['an edit', (text: string) => text.replace('"per_day_usd": "5', '"per_day_usd": "4'), /was edited/],
    ['another shape', () => '[]', /cannot be read/],
  ])('a config with %s', async (_what, edit, says) => {
    const config = join(scratch.home, 'config.json');
    const text = readFileSync(config, 'utf8');
    expect(edit(text)).not.toBe(text);
    writeFileSync(config, edit(text));
    const lines = await doctor();
    writeFileSync(config, text);
    expect(lines.get('config')).toMatchObject({ state: 'fail', says: expect.stringMatching(says) });
    expect(lines.get('config')?.mend).toMatch(/config accept/);
  });

  test('a ledger that is no database', async () => {
    const other = makeScratch();
    try {
      await other.makeWallet();
      for (const network of ['eip155:84532', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1']) {
        const rpc = ['config', 'set', `networks.${network}.rpc_url`, 'http://127.0.0.1:9'];
        const done = await other.purser([...rpc, '--passphrase-file', other.passphraseFile]);
        expect(done.exit).toBe(0);
      }
      writeFileSync(join(other.home, 'purser.db'), 'nothing of ours');
      for (const suffix of ['-wal', '-shm']) rmSync(join(other.home, `purser.db${suffix}`), { force: true });
      const args = ['doctor', '--json'];
      const env = { PURSER_PASSPHRASE_FILE: other.passphraseFile };
      mkdirSync(other.path('.cursor'));
      writeFileSync(other.path('.cursor/mcp.json'), '{"mcpServers":{"purser":{"command":"/nowhere/npx"}}}');
      const { out, exit } = await other.purser(args, { env });
      const { checks } = JSON.parse(out) as { checks: Line[] };
      expect(checks.find(({ name }) => name === 'ledger')).toMatchObject({ state: 'fail' });
      expect(checks.find(({ name }) => name === 'client Cursor')).toMatchObject({
        state: 'fail',
        mend: expect.stringMatching(/Run: .* install cursor$/),
      });
      expect(exit).toBe(1);
    } finally {
      other.remove();
    }
  });

  test('no home, a file in its place, and a user without a folder', async () => {
    const file = scratch.path('a-file');
    writeFileSync(file, '');
    mkdirSync(scratch.path('empty'), { mode: 0o700 });
    for (const env of [
      { PURSER_HOME: scratch.path('nowhere') },
      { PURSER_HOME: scratch.path('empty') },
      { PURSER_HOME: file },
      { PURSER_HOME: '', HOME: '/nonexistent', XDG_CONFIG_HOME: '' },
    ]) {
      const lines = await doctor([], env);
      expect([...lines.values()].filter(({ state }) => state === 'fail').length).toBeGreaterThan(0);
    }
  });
});
