import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hashToken, tokenOf } from '../../src/money/agent.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import type { Sandbox } from '../../sandbox/world.ts';
import { COMPILED } from '../cli/program.js';
import { PROGRAM } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';

/** An agent of a wallet, with money of its own on the sandbox's chain. */
export interface FundedAgent {
  readonly name: string;
  readonly token: string;
  readonly address: `0x${string}`;
}

/** Adds agents to a wallet and gives each the same money. */
export async function addAgents(
  sandbox: Sandbox,
  wallet: Wallet,
  names: readonly string[],
  usdMicros: bigint,
): Promise<FundedAgent[]> {
  const { ledger, keys } = await wallet.engine();
  const first = (await ledger.agents.list()).length;
  const agents: FundedAgent[] = [];
  for (const [i, name] of names.entries()) {
    const index = first + i;
    const token = tokenOf(name, `${name}-`.padEnd(43, 'x'));
    await ledger.agents.change(name, { act: 'add', index, tokenHash: hashToken(token) }, Date.now());
    const address = await keys.evmAddress(index);
    if (usdMicros > 0n) await sandbox.chain.fund(address, usdMicros);
    agents.push({ name, token, address });
  }
  return agents;
}

/** `purser serve` in a process of its own. */
export class Served {
  readonly child: ChildProcess;
  /** Empty where it serves at a Unix socket alone. */
  readonly url: string;
  readonly healthUrl: string | null;
  readonly logFile: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    child: ChildProcess,
    urls: { url: string | null; health_url: string | null },
    logFile: string,
  ) {
    this.child = child;
    this.url = urls.url ?? '';
    this.healthUrl = urls.health_url;
    this.logFile = logFile;
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
  }

  static async start(
    test: Pick<TestWallet, 'home' | 'passphraseFile'>,
    flags: readonly string[] = [],
    program: readonly [string, ...string[]] = [process.execPath, PROGRAM],
    at: readonly string[] = ['--port', '0'],
    more: Readonly<Record<string, string>> = {},
  ): Promise<Served> {
    const logFile = join(tmpdir(), `purser-log-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const [command, ...before] = program;
    const args = [...before, 'serve', ...at, '--json', '--log-file', logFile, ...flags];
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: test.home,
      XDG_CACHE_HOME: COMPILED,
      PURSER_HOME: test.home,
      PURSER_PASSPHRASE_FILE: test.passphraseFile,
      ...more,
    };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(child, 'close');
    let text = '';
    for await (const line of createInterface({ input: child.stdout })) {
      text += line;
      if (line !== '}') continue;
      const said = JSON.parse(text) as { status: string; url: string | null; health_url: string | null };
      if (said.status === 'ok') return new Served(child, said, logFile);
      break;
    }
    await closed;
    rmSync(logFile, { force: true });
    throw new Error(`purser serve ended before it served: ${text}`);
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  async stop(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.child.kill(signal);
    return this.ended;
  }

  removeLog(): void {
    rmSync(this.logFile, { force: true });
  }
}
