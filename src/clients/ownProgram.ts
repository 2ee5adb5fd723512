import { spawn } from 'node:child_process';
import { cleanLine } from '../text/untrusted.js';

/** A client's program only writes one file. If it takes longer, it waits for input that will not come. */
const RUN_MS_MAX = 20_000;
/** Enough for the sentence in which it says why. */
const SAID_BYTES_MAX = 4096;
const SAID_LENGTH_MAX = 200;
/** A pipe that is closed says so at once, on a busy machine too. */
export const LAST_WORDS_MS = 1_000;

/** How a run of a client's own program ended. */
export type ProgramRun =
  { readonly ended: 'well' } | { readonly ended: 'badly' | 'hung' | 'not_started'; readonly said: string };

/** Runs a client's own program: without a shell, with nothing on its stdin, and not for ever. */
export function runProgram(
  program: string,
  args: readonly string[],
  {
    env,
    msMax = RUN_MS_MAX,
  }: { readonly env: Readonly<Record<string, string | undefined>>; readonly msMax?: number },
): Promise<ProgramRun> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const hear = (piece: Buffer): void => {
      if (bytes < SAID_BYTES_MAX) pieces.push(piece.subarray(0, SAID_BYTES_MAX - bytes));
      bytes += piece.length;
    };
    // A group of its own, so that a hanging one goes with all that it started.
    const child = spawn(program, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      windowsHide: true,
    });
    const end = (ended: ProgramRun['ended']): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      const said = cleanLine(Buffer.concat(pieces).toString('utf8'), SAID_LENGTH_MAX);
      resolve(ended === 'well' ? { ended } : { ended, said });
    };
    const timer = setTimeout(() => {
      stop(child.pid);
      end('hung');
    }, msMax);
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', () => end('not_started'));
    child.once('exit', (code) => {
      const ended = code === 0 ? 'well' : 'badly';
      // What it said may still be on its way; what it started may hold the pipe for ever.
      child.once('close', () => end(ended));
      setTimeout(() => end(ended), LAST_WORDS_MS).unref();
    });
  });
}

function stop(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
