import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrno } from './durableFile.js';
import { isProcessAlive } from './process.js';

/** A section takes milliseconds; the spread keeps waiters from marching in step. */
const POLL_MS_MIN = 5;
const POLL_MS_SPREAD = 20;
const ID_BYTES = 8;
const HOST_DIGITS = 8;

/** How long a lock is waited for, and what is thrown where it is not had. */
export interface LockRules {
  readonly waitMaxMs: number;
  /** A lock this old is broken whoever holds it; null where only a dead holder's is. */
  readonly abandonedAfterMs: number | null;
  /** The error for a lock that its holder keeps; `pids` are those of processes on this machine. */
  readonly busy: (pids: readonly number[]) => Error;
  /** The error for a file system that takes no lock. */
  readonly unusable: (cause: unknown) => Error;
}

/** A lock that this call holds. */
export interface HeldLock {
  /** False once the lock was broken, as after a long suspend: ask right before a write. */
  isHeld(): Promise<boolean>;
}

/** Holders of this process, so that a lock left by a dead process of the same pid is not taken for ours. */
const heldHere = new Set<string>();

/**
 * Runs `section` while no other process, and no other call of this one, runs one under the same lock.
 *
 * The lock is a folder that holds one file named after its holder, and appears whole by a rename, which fails while
 * another stands there. Breaking an abandoned lock deletes the file of *its* name: however late a breaker comes, it
 * never breaks a lock that somebody took in the meantime, which a plain lock file cannot promise. A crash leaves at
 * most such a folder behind. Throws what `rules` say.
 */
export async function withLock<T>(
  path: string,
  rules: LockRules,
  section: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const holder = `${process.pid}-${hostCode()}-${randomBytes(ID_BYTES).toString('hex')}`;
  const ours = `${path}-${holder}`;
  heldHere.add(holder);
  try {
    try {
      await mkdir(ours, { mode: 0o700 });
      await writeFile(join(ours, holder), '', { mode: 0o600 });
    } catch (error) {
      throw rules.unusable(error);
    }
    await acquire(path, ours, rules);
    await removeLeftOver(path);
    try {
      return await section({ isHeld: async () => (await holdersOf(path)).includes(holder) });
    } finally {
      await unlink(join(path, holder)).catch(() => undefined);
      await removeEmpty(path);
    }
  } finally {
    await rm(ours, { recursive: true, force: true });
    heldHere.delete(holder);
  }
}

async function acquire(path: string, ours: string, rules: LockRules): Promise<void> {
  const giveUpAt = performance.now() + rules.waitMaxMs;
  while (!(await takesPlace(ours, path, rules))) {
    const holders = await holdersOf(path);
    if (performance.now() >= giveUpAt) throw rules.busy(holders.filter(isOfThisHost).map(pidOf));
    const abandoned = await abandonedOf(path, holders, rules);
    for (const holder of abandoned) await unlink(join(path, holder)).catch(() => undefined);
    // Windows renames onto no folder at all, not even an empty one.
    if (abandoned.length === holders.length) await removeEmpty(path);
    else await delay(POLL_MS_MIN + Math.random() * POLL_MS_SPREAD);
  }
}

/** False while another's lock stands there, or just stood there. */
async function takesPlace(from: string, to: string, rules: LockRules): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    // The last two are what Windows says; a folder we may not write in failed before, at `mkdir`.
    if (hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES')) return false;
    throw rules.unusable(error);
  }
}

function holdersOf(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

async function abandonedOf(
  path: string,
  holders: readonly string[],
  { abandonedAfterMs }: LockRules,
): Promise<string[]> {
  const abandoned: string[] = [];
  for (const holder of holders) {
    const isOld = abandonedAfterMs !== null && (await ageMs(join(path, holder))) > abandonedAfterMs;
    if (isOld || isDead(holder)) abandoned.push(holder);
  }
  return abandoned;
}

async function ageMs(file: string): Promise<number> {
  return Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
}

/** Another host's processes cannot be seen from here; only their lock's age speaks. */
function isDead(holder: string): boolean {
  if (!isOfThisHost(holder)) return false;
  return pidOf(holder) === process.pid ? !heldHere.has(holder) : !isProcessAlive(pidOf(holder));
}

function isOfThisHost(holder: string): boolean {
  return holder.split('-')[1] === hostCode();
}

function pidOf(holder: string): number {
  return Number.parseInt(holder, 10);
}

/** The host's name as part of a file's name. */
function hostCode(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, HOST_DIGITS);
}

/** Removes what processes left that were killed before they had the lock. */
async function removeLeftOver(path: string): Promise<void> {
  const prefix = `${basename(path)}-`;
  const names = await readdir(dirname(path));
  const left = names.filter((name) => name.startsWith(prefix) && isDead(name.slice(prefix.length)));
  for (const name of left) await rm(join(dirname(path), name), { recursive: true, force: true });
}

/** Removes the folder unless somebody has taken the lock meanwhile: then it is not empty. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}
