import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { COMPILED } from '../cli/program.js';
import { PROGRAM } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { addAgents, type FundedAgent } from './served.js';

let world: TestWorld;
let wallet: TestWallet;
let agent: FundedAgent;
let folder: string;
let tokenFile: string;
const managers: Manager[] = [];
beforeAll(async () => {
  world = await startTestWorld();
  wallet = await world.wallet();
  const owner = wallet.open();
  [agent] = (await addAgents(world.sandbox, owner, ['builder'], 5_000_000n)) as [FundedAgent];
  await owner.close();
  folder = mkdtempSync(join(tmpdir(), 'purser-gap-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${agent.token}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.end();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world.stop();
});

/**
 * What systemd does with a socket unit, as far as a service sees it: opens the sockets, keeps them open, accepts nothing
 * itself, and starts the service with them from descriptor 3 on. (A server of Node's own would accept.)
 */
const MANAGER = `
  use Socket; $^F = 64; $| = 1; my ($host, $path, @service) = @ARGV;
  socket(my $address, PF_INET, SOCK_STREAM, 0); bind($address, pack_sockaddr_in(0, inet_aton($host))) or die;
  listen($address, 16); my @kept = ($address);
  if ($path ne '') { socket(my $unix, PF_UNIX, SOCK_STREAM, 0); bind($unix, pack_sockaddr_un($path)) or die; listen($unix, 16); push @kept, $unix; }
  my ($port) = unpack_sockaddr_in(getsockname($address)); print "$port\\n"; my $pid;
  while (my $order = <STDIN>) {
    if ($order =~ /start/) {
      $pid = fork; next if $pid;
      $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = scalar @kept; exec @service;
    }
    kill 'TERM', $pid; waitpid $pid, 0; print "stopped\\n";
  }
  if ($pid) { kill 'KILL', $pid; waitpid $pid, 0; }
`;

class Manager {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async open(host: string, path = ''): Promise<{ manager: Manager; port: number }> {
    const service = [process.execPath, PROGRAM, 'serve', '--json', '--log-file', join(folder, 'log')];
    const env = {
      PATH: process.env['PATH'] ?? '',
      XDG_CACHE_HOME: COMPILED,
      PURSER_HOME: wallet.home,
      PURSER_PASSPHRASE_FILE: wallet.passphraseFile,
    };
    const child = spawn('perl', ['-e', MANAGER, host, path, ...service], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const manager = new Manager(child);
    managers.push(manager);
    return { manager, port: Number(await manager.#line()) };
  }

  /** Starts the service; answers what it says of where it serves, or why not. */
  async start(): Promise<Record<string, unknown>> {
    this.#child.stdin?.write('start\n');
    let text = '';
    for (let line = ''; line !== '}'; text += line) line = await this.#line();
    return JSON.parse(text) as Record<string, unknown>;
  }

  async stopService(): Promise<void> {
    this.#child.stdin?.write('stop\n');
    expect(await this.#line()).toBe('stopped');
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    await closed;
  }

  async #line(): Promise<string> {
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error('The manager ended.');
    return value;
  }
}

async function connect(...at: string[]): Promise<Client> {
  const client = new Client({ name: 'stdio-only', version: '1.0.0' });
  const args = [PROGRAM, 'connect', ...at, '--token-file', tokenFile];
  const env = { PATH: process.env['PATH'] ?? '' };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
  return client;
}

const pay = async (client: Client): Promise<ToldOutcome> =>
  (await client.callTool({ name: 'wallet_pay', arguments: callOf(world.url('/v2/json')) }))
    .structuredContent as ToldOutcome;

test('sockets that are handed over stay the service’s through a restart: nobody takes the port, and a call waits (T33)', async () => {
  const path = join(folder, 'handed.sock');
  const { manager, port } = await Manager.open('127.0.0.1', path);
  const url = `http://127.0.0.1:${port}/mcp`;
  expect(await manager.start()).toMatchObject({ status: 'ok', url, socket: null });
  const clients = [await connect('--url', url), await connect('--socket', path)];
  for (const client of clients) expect(await pay(client)).toMatchObject({ code: 'paid' });
  await manager.stopService();
  const squatter = createServer().listen({ host: '127.0.0.1', port });
  expect(await once(squatter, 'error')).toMatchObject([{ code: 'EADDRINUSE' }]);
  const waiting = clients.map((client) => pay(client));
  await manager.start();
  for (const outcome of await Promise.all(waiting)) expect(outcome).toMatchObject({ code: 'paid' });
  await Promise.all(clients.map((client) => client.close()));
});

test('a handed socket that others can reach is refused without the owner’s word that TLS is before it', async () => {
  const { manager } = await Manager.open('0.0.0.0');
  expect(await manager.start()).toMatchObject({
    code: 'bad_input',
    message: expect.stringContaining('Others can reach 0.0.0.0') as string,
  });
});
