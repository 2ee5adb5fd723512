import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, type VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { COMPILED, runHere } from '../cli/program.js';
import { makeQuickWallet, ownerOf, quicken } from '../support/quickWallet.js';

export const PROGRAM = fileURLToPath(new URL('../../bin/purser.js', import.meta.url));

/** What opens the keystore of each place. */
const UNLOCK_PASSPHRASE = 'correct horse battery staple';

/** The oldest and the newest way a client opens a connection. */
export const ERAS = [
  { era: '2025-11-25', mode: 'legacy' },
  { era: '2026-07-28', mode: { pin: '2026-07-28' } },
] as const satisfies readonly { era: string; mode: VersionNegotiationMode }[];

/** A folder for one test file: a user's home, and in it the place of a wallet. */
export interface Place {
  readonly folder: string;
  readonly passphraseFile: string;
  readonly env: Record<string, string>;
  /**
   * Runs a command of the command line, within this process: a start costs more than most commands. Answers its stdout;
   * rejects with the exit code as `code`, `stdout` and `stderr` where it fails.
   */
  run(...args: string[]): Promise<string>;
  /** Makes the wallet, with a keystore that opens quickly: it opens with each run of the program. */
  init(): Promise<void>;
  /** Has the keystore of a wallet that the program made open quickly from here on. */
  quicken(): Promise<void>;
  /** Whoever has the unlock passphrase, in this process. */
  readonly owner: OwnerOptions;
  remove(): void;
}

export function createPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'purser-mcp-'));
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, `${UNLOCK_PASSPHRASE}\n`, { mode: 0o600 });
  const home = join(folder, 'wallet');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CACHE_HOME: COMPILED,
    PURSER_HOME: home,
    PURSER_PASSPHRASE_FILE: passphraseFile,
  };
  const run = async (...args: string[]): Promise<string> => {
    const { exit, out, err } = await runHere(args, env);
    if (exit === 0) return out;
    throw Object.assign(new Error(`purser ${args.join(' ')}: ${err}`), {
      code: exit,
      stdout: out,
      stderr: err,
    });
  };
  return {
    folder,
    passphraseFile,
    env,
    run,
    owner: ownerOf(home, UNLOCK_PASSPHRASE),
    init: () => makeQuickWallet(home, UNLOCK_PASSPHRASE),
    quicken: () => quicken(home, UNLOCK_PASSPHRASE),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A tool's result as a client gets it. */
export interface ToolResult {
  readonly outcome: ToldOutcome;
  readonly text: string;
  readonly isError: boolean;
}

/** A real client on a real server process. */
export class Agent {
  readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  static async connect(
    env: Record<string, string>,
    mode: VersionNegotiationMode = 'legacy',
    program = PROGRAM,
  ): Promise<Agent> {
    const client = new Client({ name: 'test-agent', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [program], env, stderr: 'inherit' }),
    );
    // From then on the client holds every result against the schema its tool is listed with.
    await client.listTools();
    return new Agent(client);
  }

  async call(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    const result = await this.client.callTool({ name, arguments: args });
    const [first] = result.content;
    if (first?.type !== 'text') throw new Error('A result has no text.');
    return {
      outcome: result.structuredContent as ToldOutcome,
      text: first.text,
      isError: result.isError === true,
    };
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** A server process spoken to by hand, line by line. */
export class RawServer {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  stderr = '';
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #arrived: (() => void)[] = [];

  /** `env` is all that the process has. */
  constructor(env: Record<string, string>, nodeArgs: readonly string[] = [], program = PROGRAM) {
    this.child = spawn(process.execPath, [...nodeArgs, program], { env, stdio: 'pipe' });
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const resolve of this.#arrived.splice(0)) resolve();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
  }

  send(message: Record<string, unknown>): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends the handshake of the older era, in whichever of its revisions. */
  open(protocolVersion = '2025-11-25'): void {
    const clientInfo = { name: 'raw', version: '1.0.0' };
    this.send({
      id: 'open',
      method: 'initialize',
      params: { protocolVersion, capabilities: {}, clientInfo },
    });
    this.send({ method: 'notifications/initialized' });
  }

  callTool(id: number, name: string, args: Record<string, unknown>, meta?: Record<string, unknown>): void {
    const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
    this.send({ id, method: 'tools/call', params });
  }

  /** The first message that fits, waited for while the server runs. */
  async message(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    let running = true;
    void this.ended.then(() => (running = false));
    for (let read = 0; ;) {
      for (; read < this.lines.length; read++) {
        const message = JSON.parse(this.lines[read] ?? '') as Record<string, unknown>;
        if (fits(message)) return message;
      }
      if (!running) throw new Error(`The server ended before it said that. ${this.stderr}`);
      await Promise.race([new Promise<void>((resolve) => this.#arrived.push(resolve)), this.ended]);
    }
  }

  answer(id: number | string): Promise<Record<string, unknown>> {
    return this.message((message) => message['id'] === id);
  }
}
