import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Anvil listens within 60 ms on two idle cores; one that has not by then hangs. */
const START_MS_MAX = 3 * 60_000;

/**
 * How anvil learns that its parent was killed: by the kernel's parent-death signal, or by a shell that reads a pipe
 * whose other end dies with the parent.
 */
export type DeathWatch = 'setpriv' | 'pipe';

/** A running anvil. */
export interface Anvil {
  url: string;
  pid: number;
  /** Kills it and resolves once it is gone. */
  stop(): Promise<void>;
}

/** The shell stands between us and anvil: it prints anvil's pid, and kills anvil once our end of its stdin is closed. */
const PIPE_WATCH = '"$@" & anvil=$!; echo "pid $anvil"; read -r _; kill -9 $anvil; wait $anvil 2>/dev/null';

/** The anvil to run: `PURSER_ANVIL`, the npm package for this platform, or the one on PATH. */
function findAnvil(): string {
  const named = process.env['PURSER_ANVIL'];
  if (named) return named;
  const packageName = `@foundry-rs/anvil-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    return join(dirname(manifest), 'bin', 'anvil');
  } catch {
    return 'anvil';
  }
}

let chosen: DeathWatch | undefined;

/** Tried once: what this machine has does not change. */
function chooseDeathWatch(): DeathWatch {
  // A setpriv that lacks the option (BusyBox has one) fails here.
  chosen ??=
    spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0
      ? 'setpriv'
      : 'pipe';
  return chosen;
}

function spawnAnvil(watch: DeathWatch, args: string[]): ChildProcess {
  const command = [findAnvil(), '--host', '127.0.0.1', '--port', '0', ...args];
  // A group of its own: Ctrl-C ends us, and we end anvil, after those who still talk to it.
  return watch === 'setpriv'
    ? spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    : spawn('/bin/sh', ['-c', PIPE_WATCH, 'anvil', ...command], { detached: true, stdio: 'pipe' });
}

/**
 * Starts anvil on a free port of 127.0.0.1; it dies with this process, however this process dies.
 *
 * @param watch - how it notices our death; by default the best that this machine has.
 */
export async function startAnvil(args: string[], watch: DeathWatch = chooseDeathWatch()): Promise<Anvil> {
  const child = spawnAnvil(watch, args);
  const kill = (): void => {
    if (watch === 'setpriv') child.kill('SIGKILL');
    else child.stdin?.end();
  };
  process.on('exit', kill);
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  }).then(() => void process.off('exit', kill));
  const stop = (): Promise<void> => {
    kill();
    return gone;
  };
  try {
    const { port, pid } = await readAddress(child, watch);
    return { url: `http://127.0.0.1:${port}`, pid, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

/** Reads anvil's banner up to its port; afterwards the output is drained, so that a full pipe never stops the chain. */
function readAddress(child: ChildProcess, watch: DeathWatch): Promise<{ port: string; pid: number }> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const fail = (why: string): void =>
      reject(
        new Error(
          `anvil did not start (${why}). Install it, or name one by PURSER_ANVIL. ${seen.slice(-500)}`.trim(),
        ),
      );
    // A shell that is gone already must not end us when we close its stdin.
    child.stdin?.on('error', () => undefined);
    const timer = setTimeout(() => fail(`silent for ${START_MS_MAX} ms`), START_MS_MAX);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => fail(`exit ${code}`));
    child.stderr!.on('data', (chunk: Buffer) => (seen = (seen + String(chunk)).slice(-4096)));
    child.stdout!.on('data', function read(chunk: Buffer) {
      seen += String(chunk);
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(seen)?.[1];
      const pid = watch === 'setpriv' ? child.pid : /^pid (\d+)$/m.exec(seen)?.[1];
      if (port === undefined || pid === undefined) return;
      clearTimeout(timer);
      child.stdout!.off('data', read);
      child.stdout!.resume();
      resolve({ port, pid: Number(pid) });
    });
  });
}
