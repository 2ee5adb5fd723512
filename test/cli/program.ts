import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import { fakeIo } from '../../src/cli/terminal/io.fixture.js';
import { makeQuickWallet } from '../support/quickWallet.js';

/** The program as people run it; another build of it where the variable names one. */
export const PROGRAM =
  process.env['PURSER_TEST_PROGRAM'] ?? fileURLToPath(new URL('../../bin/purser.js', import.meta.url));

/** Where the program keeps compiled code: not in the tester's own home. */
export const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/purser-test', import.meta.url));

/** What a run of the program came to. */
export interface Run {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder for one test's wallets, and the program run in it. */
export interface Scratch {
  readonly folder: string;
  /** The wallet's folder; nothing has made it yet. */
  readonly home: string;
  readonly passphraseFile: string;
  /** A path inside the folder. */
  path(name: string): string;
  /** Environment of a run: nothing of the tester's own but what a program needs to start. */
  env(more?: Readonly<Record<string, string>>): Record<string, string>;
  /** Runs the program to its end, with nothing on stdin unless given. */
  purser(args: readonly string[], more?: RunParts): Promise<Run>;
  /** Runs the program, expects success, and reads its JSON. */
  json<T = Record<string, unknown>>(args: readonly string[], more?: RunParts): Promise<T>;
  /** Makes a wallet for tests of anything but its making: one that opens quickly. */
  makeWallet(): Promise<void>;
  /** Has the program make a wallet for test networks in an encrypted file. */
  init(...args: string[]): Promise<Run>;
  /** Everything any run wrote to stdout and stderr. */
  written(): string;
  remove(): void;
}

export interface RunParts {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Within this process, or in one of its own: as the scratch runs all, unless given. */
  readonly here?: boolean;
}

export const PASSPHRASE = 'canary tortoise passphrase';

/**
 * Makes a scratch folder with a passphrase in it. `here` runs the command line within this process, for tests that ask what
 * a command does and not how a program starts: a start costs more than most commands.
 */
export function makeScratch({ here = false } = {}): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'purser-cli-'));
  const home = join(folder, 'home');
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  const written: string[] = [];
  const env: Scratch['env'] = (more = {}) => ({
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CACHE_HOME: COMPILED,
    PURSER_HOME: home,
    ...more,
  });
  const purser: Scratch['purser'] = async (args, more = {}) => {
    const run =
      (more.here ?? here) && process.env['PURSER_TEST_PROGRAM'] === undefined
        ? await runHere(args, env(more.env), more.input)
        : await runToEnd(spawnPurser(args, env(more.env)), more.input);
    written.push(run.out, run.err);
    return run;
  };
  return {
    folder,
    home,
    passphraseFile,
    path: (name) => join(folder, name),
    env,
    purser,
    async json<T>(args: readonly string[], more: RunParts = {}) {
      const run = await purser([...args, '--json'], more);
      expect(run, `purser ${args.join(' ')}`).toMatchObject({ exit: 0, err: '' });
      return JSON.parse(run.out) as T;
    },
    makeWallet: () => makeQuickWallet(home, PASSPHRASE),
    init: (...args) =>
      purser([
        'init',
        '--keystore',
        'file',
        '--passphrase-file',
        passphraseFile,
        '--yes',
        '--testnet',
        // Nobody's, until a test names one: no test asks a public RPC.
        '--rpc',
        `${SOLANA_DEVNET}=http://127.0.0.1:9`,
        '--rpc',
        `${TEMPO_TESTNET}=http://127.0.0.1:9`,
        ...args,
      ]),
    written: () => written.join('\n'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a command line within this process, whose surroundings `env` is all of. */
export async function runHere(
  args: readonly string[],
  env: Record<string, string>,
  input: string | Buffer = '',
): Promise<Run> {
  const { runCli } = await import('../../src/cli/cli.js');
  const io = { ...fakeIo({ env }), now: Date.now };
  io.typed.end(input);
  const exit = await runCli(args, io);
  return { exit, out: io.out(), err: io.err() };
}

/** Starts the program without waiting for its end. */
export function spawnPurser(args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { env, stdio: 'pipe' });
}

/** Waits for a program's end and collects what it wrote. */
export async function runToEnd(child: ChildProcess, input?: string): Promise<Run> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (piece: Buffer) => out.push(piece));
  child.stderr?.on('data', (piece: Buffer) => err.push(piece));
  // A program that ends without reading closes its stdin under us.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input ?? '');
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

/** Why no terminal can be made here; null where one can. */
export function noTerminal(): string | null {
  if (process.platform !== 'linux') return 'the script command of util-linux makes the terminal';
  return spawnSync('script', ['--version']).error === undefined
    ? null
    : 'script (util-linux) is not installed';
}

/** The program on a pseudo-terminal, with a person's hands. */
export interface Terminal {
  /** Waits until the screen shows a text behind what was waited for before. */
  sees(text: string): Promise<void>;
  type(text: string): void;
  /** All that it shows so far. */
  screen(): string;
  /** Waits for the end; answers exit code and all that the screen showed. */
  end(): Promise<{ exit: number | null; screen: string }>;
}

/** Runs the program on a pseudo-terminal; `through` sends its stdout through a pipe instead. */
export function openTerminal(
  args: readonly string[],
  env: Record<string, string>,
  { through }: { readonly through?: string } = {},
): Terminal {
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const line = through === undefined ? words.join(' ') : `${words.join(' ')} | ${through}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: 'pipe',
  });
  let screen = '';
  let seen = 0;
  const closed = once(child, 'close') as Promise<[number | null]>;
  child.stderr.on('data', (piece: Buffer) => (screen += piece.toString()));
  child.stdout.on('data', (piece: Buffer) => (screen += piece.toString()));
  return {
    async sees(text) {
      while (!screen.includes(text, seen)) {
        const more = once(child.stdout, 'data').then(() => true);
        if (!(await Promise.race([more, closed.then(() => false)])) && !screen.includes(text, seen)) {
          throw new Error(`The terminal never showed ${JSON.stringify(text)}; it shows:\n${screen}`);
        }
      }
      seen = screen.indexOf(text, seen) + text.length;
    },
    type: (text) => void child.stdin.write(text),
    screen: () => screen,
    async end() {
      const [exit] = await closed;
      return { exit, screen };
    },
  };
}
