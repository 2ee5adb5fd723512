import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Inside node_modules, so that a bundle finds the packages that it leaves out. */
const OUT = fileURLToPath(new URL('../../node_modules/.cache/purser-test/', import.meta.url));

/** Bundles `test/ledger/<name>.child.ts` into a program that Node runs as it is; returns its path. */
export async function bundleChild(name: string): Promise<string> {
  const outfile = join(OUT, `${name}.child.mjs`);
  await build({
    entryPoints: [join(HERE, `${name}.child.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['better-sqlite3', 'pg'],
    logLevel: 'warning',
  });
  return outfile;
}

/** A running child that speaks JSON, one value a line. */
export interface Child {
  readonly process: ChildProcess;
  /** The next value it prints. Rejects if it ends before. */
  next<T>(): Promise<T>;
  say(value: unknown): void;
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts a bundled child with one JSON argument. */
export function startChild(program: string, argument: unknown): Child {
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    ended,
    next: async <T>() => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`The child ended first: ${JSON.stringify(await ended)}`);
      return JSON.parse(value) as T;
    },
    say: (value) => child.stdin.write(`${JSON.stringify(value)}\n`),
  };
}
