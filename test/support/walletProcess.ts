import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { quickStretched } from './quickStore.js';
import type { Answered, Asked, ChildSetup, Death, Order } from './walletChild.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Inside node_modules, so that a bundle finds the native packages that it leaves out. */
const OUT = fileURLToPath(new URL('../../node_modules/.cache/purser-test/', import.meta.url));
/** What Node has compiled of these programs, kept for the next: without it each compiles megabytes anew. */
const COMPILED = join(OUT, 'compiled');
/**
 * Bundles a program of the tests, by its path from this folder or one beside it, so that a bare Node runs it. Returns
 * the bundle's path: one for each content, so that workers share it and none can find half of it. It is CommonJS, which
 * starts in three quarters of the work: an import of a module of Node's own asks for all that the module has to offer.
 */
export async function bundleProgram(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, entry)],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    mainFields: ['module', 'main'],
    external: ['better-sqlite3', '@napi-rs/keyring'],
    logLevel: 'warning',
  });
  await stop();
  const { contents, hash } = outputFiles[0]!;
  const path = join(OUT, `${basename(entry, '.ts')}-${hash.replaceAll(/\W/g, '_')}.cjs`);
  if (existsSync(path)) return path;
  mkdirSync(OUT, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, path);
  return path;
}

let program: Promise<string> | undefined;

/** A wallet in a process of its own. */
export interface WalletProcess {
  readonly pid: number;
  /** Whether it has ended, however it did. */
  readonly ended: boolean;
  /** Orders that it has not answered yet. */
  readonly busy: number;
  /** Resolves with the signal that ended it, or null. */
  readonly exit: Promise<NodeJS.Signals | null>;
  /** Gives an order and its answer; rejects with {@link ProcessEnded} when the process ends first. */
  ask(order: Order): Promise<unknown>;
  /** As the first agent unless another is named. */
  pay(input: Record<string, unknown>, agent?: string): Promise<Outcome>;
  /** Has it kill itself at its next commit of this kind. */
  dieAt(death: Death): Promise<void>;
  /** Ends it with a signal it cannot catch, and waits until it has. */
  kill(): Promise<void>;
  /** Stops it in its tracks, or lets it go on. */
  pause(): void;
  resume(): void;
}

/** The process ended before it answered. */
export class ProcessEnded extends Error {}

/** The same user without root's right to read and write whatever the file modes say. */
const UNPRIVILEGED = ['--bounding-set=-all', '--inh-caps=-all'];

/** Starts a wallet in a process of its own, over a home that exists; bound by file modes even where root runs it. */
export async function startWalletProcess(
  home: string,
  setup: Partial<Omit<ChildSetup, 'home'>> = {},
  { boundByModes = false } = {},
): Promise<WalletProcess> {
  program ??= bundleProgram('../support/walletChild.ts');
  const whole: ChildSetup = { home, aheadMs: 0, reconcile: false, stretched: quickStretched(), ...setup };
  const child = fork(await program, [JSON.stringify(whole)], {
    ...(boundByModes && process.getuid?.() === 0
      ? { execPath: 'setpriv', execArgv: [...UNPRIVILEGED, process.execPath] }
      : { execPath: process.execPath, execArgv: [] }),
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return driveProcess(child);
}

async function driveProcess(child: ChildProcess): Promise<WalletProcess> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let ids = 0;
  let ended = false;
  const exit = once(child, 'exit').then(([code, signal]) => {
    ended = true;
    const how = (signal as string | null) ?? `exit ${String(code)}`;
    for (const { reject } of waiting.values()) reject(new ProcessEnded(`The wallet's process ended: ${how}`));
    waiting.clear();
    return signal as NodeJS.Signals | null;
  });
  child.on('message', ({ id, value, error }: Answered) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(value);
    else one?.reject(new Error(error));
  });
  const answerTo = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) reject(new ProcessEnded('The wallet’s process has ended.'));
      else waiting.set(id, { resolve, reject });
    });
  await answerTo(0);
  const ask = (order: Order): Promise<unknown> => {
    const id = ++ids;
    const answer = answerTo(id);
    // Where it ends while this is on its way, its exit rejects the answer.
    if (child.connected) child.send({ id, order } satisfies Asked, () => undefined);
    return answer;
  };
  return {
    pid: child.pid ?? 0,
    get ended() {
      return ended;
    },
    get busy() {
      return waiting.size;
    },
    exit,
    ask,
    pay: (input, agent) =>
      ask({ do: 'pay', input, ...(agent === undefined ? {} : { agent }) }) as Promise<Outcome>,
    dieAt: async (at) => void (await ask({ do: 'die', at })),
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}
