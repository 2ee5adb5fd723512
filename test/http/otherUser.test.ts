import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import type { TestWallet } from '../support/testWallet.js';
import { addAgents, Served, type FundedAgent } from './served.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Users that no machine has: they need no account, and leave none behind. */
const WALLET_UID = 64_402;
const AGENT_UID = 64_403;
/** Somebody else on the machine, who would like to have the agent's token. */
const EVE_UID = 64_404;

/** Only root can become other users; elsewhere there is no second user to try it with. */
const canSwitch = process.getuid?.() === 0 && existsSync('/usr/bin/setpriv');

let world: TestWorld;
let wallet: TestWallet;
let agent: FundedAgent;
let served: Served;
/** The program where both users can read it: the checkout may be in a folder of root's own. */
let installed: string;
let tokenFile: string;

function asUser(uid: number, ...command: string[]): [string, ...string[]] {
  return asMember(uid, [], ...command);
}

function asMember(uid: number, groups: readonly number[], ...command: string[]): [string, ...string[]] {
  const more = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join()}`;
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, more, '--no-new-privs', ...command];
}

function giveTo(uid: number, path: string): void {
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveTo(uid, join(path, name));
}

function install(): string {
  const folder = mkdtempSync(join(tmpdir(), 'purser-installed-'));
  for (const part of ['bin', 'dist', 'package.json', 'node_modules/better-sqlite3']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  cpSync(process.execPath, join(folder, 'node'));
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  chmodSync(folder, 0o755);
  return folder;
}

const purser = (): [string, string] => [join(installed, 'node'), join(installed, 'bin', 'purser.js')];

beforeAll(async () => {
  if (!canSwitch) return;
  world = await startTestWorld();
  wallet = await world.wallet();
  const owner = wallet.open();
  [agent] = (await addAgents(world.sandbox, owner, ['builder'], 1_000_000n)) as [FundedAgent];
  await owner.close();
  installed = install();
  giveTo(WALLET_UID, wallet.home);
  giveTo(WALLET_UID, wallet.passphraseFile);
  tokenFile = join(installed, 'token');
  writeFileSync(tokenFile, agent.token, { mode: 0o600 });
  chownSync(tokenFile, AGENT_UID, AGENT_UID);
  served = await Served.start(wallet, [], asUser(WALLET_UID, ...purser()));
});
afterAll(async () => {
  if (!canSwitch) return;
  await served.stop();
  served.removeLog();
  rmSync(installed, { recursive: true, force: true });
  await world.stop();
});

/** The agent's user at its own client, through the bridge. */
async function connectAsAgent(
  at: readonly string[] = ['--url', served.url],
  groups: readonly number[] = [],
): Promise<Client> {
  const bridge = [...purser(), 'connect', ...at, '--token-file', tokenFile];
  const [command, ...args] = asMember(AGENT_UID, groups, ...bridge);
  const client = new Client({ name: 'other-user', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command, args, env: { PATH: process.env['PATH'] ?? '' } }));
  return client;
}

test.skipIf(!canSwitch)(
  'an agent that is another user pays, and reads a large answer page by page',
  async () => {
    const client = await connectAsAgent();
    const { structuredContent } = await client.callTool({
      name: 'wallet_pay',
      arguments: callOf(world.url('/v2/json')),
    });
    expect(structuredContent as ToldOutcome).toMatchObject({ status: 'ok', code: 'paid', money: 'captured' });
    const call = async (name: string, args: Record<string, unknown>): Promise<ToldOutcome> =>
      (await client.callTool({ name, arguments: args })).structuredContent as ToldOutcome;
    const large = await call('wallet_pay', callOf(world.url('/v2/large', { bytes: '300000' })));
    expect(large).toMatchObject({ code: 'paid', response: { bytes: 300_000 } });
    // A path it cannot read would only mislead it; it is told in words what to do instead.
    expect(large.response).not.toHaveProperty('path');
    expect(large.message).toContain('page through it with wallet_response');
    const { stored_id: id, head = '' } = large.response ?? {};
    expect(large.next).toEqual({ tool: 'wallet_response', arguments: { id, offset: head.length } });
    const page = await call('wallet_response', { ...large.next?.arguments, offset: 299_990 });
    expect(page).toMatchObject({ status: 'ok', total: 300_000 });
    const binary = await call('wallet_pay', callOf(world.url('/v2/png')));
    expect(binary.response).not.toHaveProperty('path');
    expect(binary.message).toContain('base64');
    const part = await call('wallet_response', binary.next?.arguments ?? {});
    expect(Buffer.from(String(part['base64']), 'base64').subarray(1, 4).toString()).toBe('PNG');
    await client.close();
    expect(await world.sandbox.chain.payments(agent.address)).toHaveLength(3);
  },
);

test.skipIf(!canSwitch)(
  'and can read neither key, config, ledger, passphrase, stored answer, log nor the server’s memory',
  async () => {
    const pid = served.child.pid ?? 0;
    const files = [
      ...readdirSync(wallet.home, { recursive: true, encoding: 'utf8' }).map((name) =>
        join(wallet.home, name),
      ),
      wallet.passphraseFile,
      served.logFile,
      `/proc/${pid}/environ`,
      `/proc/${pid}/mem`,
      `/proc/${pid}/maps`,
    ];
    expect(files.map((file) => file.split('/').at(-1))).toEqual(
      expect.arrayContaining(['config.json', 'purser.db', 'keystore.json', 'responses']),
    );
    expect(files.filter((file) => file.includes('/responses/'))).toHaveLength(2);
    for (const file of files) {
      const [command, ...args] = asUser(AGENT_UID, 'head', '-c', '1', file);
      await expect(promisify(execFile)(command, args), file).rejects.toThrow(/denied/i);
    }
    const [command, ...args] = asUser(AGENT_UID, 'ls', wallet.home);
    await expect(promisify(execFile)(command, args)).rejects.toThrow(/denied/i);
  },
);

test.skipIf(!canSwitch)('nor run the owner’s commands, or stop the server', async () => {
  const env = { PATH: process.env['PATH'] ?? '', PURSER_HOME: wallet.home };
  for (const words of [['config', 'set', 'limits.per_day_usd', '40'], ['address'], ['freeze'], ['ledger']]) {
    const [command, ...args] = asUser(AGENT_UID, ...purser(), ...words);
    await expect(promisify(execFile)(command, args, { env }), words.join(' ')).rejects.toThrow();
  }
  const [command, ...args] = asUser(AGENT_UID, 'kill', '-9', String(served.child.pid));
  await expect(promisify(execFile)(command, args)).rejects.toThrow(/permitted/i);
});

/** Listens at a port as another user does, hangs up on whoever comes, and tells what they sent. */
const SQUATTER = `
  const seen = [];
  require('node:net').createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => { seen.push(bytes); process.stdout.write(bytes.toString('base64') + '\\n'); socket.end(); });
  }).listen(Number(process.argv[1]), '127.0.0.1', () => process.stdout.write('\\n'));
`;

test.skipIf(!canSwitch)(
  'who takes the port while the server is down gets no token, by any client of ours (T33)',
  async () => {
    const { port } = new URL(served.url);
    await served.stop();
    served.removeLog();
    const [command, ...args] = asUser(EVE_UID, join(installed, 'node'), '-e', SQUATTER, port);
    const squatter = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stolen = '';
    squatter.stdout.on('data', (text: Buffer) => (stolen += text.toString()));
    await once(squatter.stdout, 'data');
    await expect(connectAsAgent()).rejects.toThrow(/does not know this token, so nothing was sent/);
    squatter.kill();
    await once(squatter, 'close');
    const seen = stolen.split('\n').map((line) => Buffer.from(line, 'base64').toString('latin1'));
    expect(seen.join('')).toContain('purser-agent: builder');
    expect(seen.join('')).not.toContain(agent.token);
    expect(seen.join('')).not.toContain(agent.token.slice(-43));
    served = await Served.start(wallet, [], asUser(WALLET_UID, ...purser()), ['--port', port]);
    const client = await connectAsAgent();
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    await client.close();
  },
);

test.skipIf(!canSwitch)(
  'a socket lets in the users of its group alone, and whoever has no token not even of those',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-run-'));
    giveTo(WALLET_UID, folder);
    chmodSync(folder, 0o750);
    const path = join(folder, 'purser.sock');
    const atSocket = await Served.start(wallet, [], asUser(WALLET_UID, ...purser()), ['--socket', path]);
    expect(atSocket.url).toBe('');
    const at = ['--socket', path];
    const client = await connectAsAgent(at, [WALLET_UID]);
    const { structuredContent } = await client.callTool({
      name: 'wallet_pay',
      arguments: callOf(world.url('/v2/json')),
    });
    expect(structuredContent as ToldOutcome).toMatchObject({ status: 'ok', code: 'paid' });
    await client.close();
    await expect(connectAsAgent(at)).rejects.toThrow(/may not use the socket/);
    // Eve is of the group, and could replace neither the socket nor what is behind it.
    for (const [words, says] of [
      [['rm', path], /denied/i],
      [['ln', '-sf', '/dev/null', path], /denied/i],
    ] as const) {
      const [command, ...args] = asMember(EVE_UID, [WALLET_UID], ...words);
      await expect(promisify(execFile)(command, args)).rejects.toThrow(says);
    }
    await atSocket.stop();
    atSocket.removeLog();
    expect(existsSync(path)).toBe(false);
    rmSync(folder, { recursive: true });
  },
);
