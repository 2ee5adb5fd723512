import { spawn } from 'node:child_process';

/** How a program that was started ended, as far as it was waited for. */
export type Launch = 'ended_well' | 'ended_badly' | 'still_running' | 'not_there';

/** What a program is started with. */
export interface LaunchOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly waitMs: number;
  /** What it reads from stdin: where it stands for what no other user may see, since arguments are seen by all. */
  readonly input?: string;
}

/**
 * Starts a program beside ours, without a shell and without our terminal, and waits at most `waitMs` for its end. It
 * outlives us, and keeps us from nothing.
 */
export async function launch(
  program: string,
  args: readonly string[],
  { env, waitMs, input }: LaunchOptions,
): Promise<Launch> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'ignore'],
      detached: true,
      windowsHide: true,
    });
    const timer = setTimeout(() => resolve('still_running'), waitMs);
    const end = (how: Launch): void => {
      clearTimeout(timer);
      resolve(how);
    };
    child.once('error', () => end('not_there'));
    child.once('exit', (code) => end(code === 0 ? 'ended_well' : 'ended_badly'));
    // A program that ends without reading closes its stdin under us.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.unref();
  });
}
