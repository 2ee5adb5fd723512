import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WalletError } from '../errors/walletError.js';
import { codeOf, unusable } from './home.js';

/** A change takes milliseconds; whoever waits longer waits for a process that hangs. */
const WAIT_MAX_MS = 5000;
/** Short beside a change of a few milliseconds, long beside the look at the lock. */
const RETRY_MS = 5;

/**
 * Runs `work` while no other process runs its own under the same lock. A lock of a dead process is taken over.
 *
 * The lock is a folder that holds one file named after its holder, and appears whole by a rename, which fails while
 * another stands there. Breaking a dead holder's lock deletes the file of *its* name, so however late a breaker
 * comes, it can never break a lock that somebody alive took in the meantime; a plain lock file cannot promise that.
 * A crash leaves at most such a folder behind.
 *
 * Throws `home_unusable` where the lock cannot be had within five seconds, naming the process that holds it.
 */
export async function withLock<Result>(
  lock: string,
  work: () => Promise<Result>,
  waitMaxMs = WAIT_MAX_MS,
): Promise<Result> {
  const holder = `${process.pid}-${randomBytes(8).toString('hex')}`;
  const ours = `${lock}-${holder}`;
  try {
    await mkdir(ours, { mode: 0o700 });
    await writeFile(path.join(ours, holder), '', { mode: 0o600 });
    await acquire(lock, ours, waitMaxMs);
  } catch (error) {
    await rm(ours, { recursive: true, force: true });
    throw error instanceof WalletError ? error : unusable(lock, error);
  }
  try {
    return await work();
  } finally {
    await unlink(path.join(lock, holder)).catch(() => {});
    await removeEmpty(lock);
  }
}

async function acquire(lock: string, ours: string, waitMaxMs: number): Promise<void> {
  for (let waitedMs = 0; !(await renamed(ours, lock)); waitedMs += RETRY_MS) {
    const holders = await readdir(lock).catch(() => []);
    if (waitedMs >= waitMaxMs) throw busy(lock, holders);
    const dead = holders.filter((holder) => !isAlive(pidOf(holder)));
    for (const holder of dead) await unlink(path.join(lock, holder)).catch(() => {});
    // Windows renames onto no folder at all, not even an empty one.
    if (dead.length === holders.length) await removeEmpty(lock);
    else await delay(RETRY_MS);
  }
}

/** False while another's lock stands there, or just stood there. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    // The last two are what Windows says; a home we may not write in failed before, at `mkdir`.
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

function busy(lock: string, holders: readonly string[]): WalletError {
  const pids = holders.map(pidOf).join(', ');
  return new WalletError(
    'home_unusable',
    `config.json is being changed by process ${pids}, which does not finish.`,
    {
      owner: { say: `If process ${pids} is no purser, delete ${lock} and try again.` },
    },
  );
}

/** Removes the folder unless somebody has taken the lock meanwhile: then it is not empty. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {});
}

function pidOf(holder: string): number {
  return Number.parseInt(holder, 10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return codeOf(error) !== 'ESRCH';
  }
}
