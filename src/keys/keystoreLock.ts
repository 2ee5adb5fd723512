import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WalletError } from '../errors/walletError.js';
import { hasErrno } from './homeFolder.js';

const LOCK_FILE = 'keystore.lock';

/** The longest honest section makes five keychain calls of 20 s each; an older lock has been left behind. */
const LOCK_AGE_MAX_MS = 120_000;

/** A lock's text is written right after its file is made; one still empty after this lost its maker in between. */
const LOCK_EMPTY_MS_MAX = 2_000;

/** Past this a person is better served by an error than by waiting on. */
const LOCK_WAIT_MAX_MS = 30_000;

/** A section takes milliseconds; the spread keeps waiters from marching in step. */
const POLL_MS_MIN = 5;
const POLL_MS_SPREAD = 20;

/** A held lock. */
interface KeystoreLock {
  /** Throws `keystore_unreadable` when the lock was taken away, as after a long suspend: asked right before a write. */
  assertHeld(): Promise<void>;
}

/** Locks of this process, so that one left by a dead process of the same pid is not taken for ours. */
const heldHere = new Set<string>();

/**
 * Runs `section` while no other process, and no other call of this one, changes the keystore of `home`.
 *
 * A lock whose process has died, or that is older than any honest section, is broken. The folder must exist.
 * Throws `keystore_unreadable`, to be tried again, when another process keeps the lock.
 */
export async function withKeystoreLock<T>(
  home: string,
  section: (lock: KeystoreLock) => Promise<T>,
): Promise<T> {
  return await withLockFile(join(home, LOCK_FILE), Date.now() + LOCK_WAIT_MAX_MS, section);
}

async function withLockFile<T>(
  path: string,
  giveUpAtMs: number,
  section: (lock: KeystoreLock) => Promise<T>,
): Promise<T> {
  const token = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  heldHere.add(token);
  try {
    await acquire(path, token, giveUpAtMs);
    try {
      return await section({
        assertHeld: async () => {
          if ((await seeLock(path))?.token !== token) throw lostLock(path);
        },
      });
    } finally {
      if ((await seeLock(path))?.token === token) await rm(path, { force: true });
    }
  } finally {
    heldHere.delete(token);
  }
}

async function acquire(path: string, token: string, giveUpAtMs: number): Promise<void> {
  for (;;) {
    if (await createLock(path, token)) return;
    const seen = await seeLock(path);
    if (seen !== null && isAbandoned(seen)) {
      await breakLock(path, seen, giveUpAtMs);
      continue;
    }
    if (Date.now() > giveUpAtMs) throw keptLock(path);
    await pause(POLL_MS_MIN + Math.random() * POLL_MS_SPREAD);
  }
}

async function createLock(path: string, token: string): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (hasErrno(error, 'EEXIST')) return null;
    throw new WalletError('home_unusable', `${path} cannot be written.`, {
      cause: error,
      owner: { say: `Make the folder of ${path} one that you can write.` },
    });
  });
  if (file === null) return false;
  try {
    await file.writeFile(token);
  } finally {
    await file.close();
  }
  // Whoever was stopped before the write may have been taken for dead.
  return (await seeLock(path))?.token === token;
}

interface SeenLock {
  readonly token: string;
  readonly ageMs: number;
  /** Differs between any two locks, also between two whose text was not written yet. */
  readonly identity: string;
}

async function seeLock(path: string): Promise<SeenLock | null> {
  try {
    const [info, token] = await Promise.all([stat(path, { bigint: true }), readFile(path, 'utf8')]);
    return {
      token,
      ageMs: Date.now() - Number(info.mtimeMs),
      identity: createHash('sha256')
        .update(`${info.ino}:${info.mtimeNs}:${token}`)
        .digest('hex')
        .slice(0, 16),
    };
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function isAbandoned(seen: SeenLock): boolean {
  if (seen.ageMs > (seen.token === '' ? LOCK_EMPTY_MS_MAX : LOCK_AGE_MAX_MS)) return true;
  const owner = parseToken(seen.token);
  // Another host's processes cannot be seen from here; only their lock's age speaks.
  if (owner === null || owner.host !== hostname()) return false;
  if (owner.pid === process.pid) return !heldHere.has(seen.token);
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return hasErrno(error, 'ESRCH');
  }
}

function parseToken(token: string): { pid: number; host: string } | null {
  try {
    const owner = JSON.parse(token) as { pid?: unknown; host?: unknown } | null;
    if (typeof owner?.pid !== 'number' || !(owner.pid > 0) || typeof owner.host !== 'string') return null;
    return { pid: owner.pid, host: owner.host };
  } catch {
    return null;
  }
}

/**
 * Removes one abandoned lock. Two waiters may have judged the same one: only the holder of the lock *named after it*
 * removes it, after looking again, so that the second never removes the lock of whoever came next.
 */
async function breakLock(path: string, abandoned: SeenLock, giveUpAtMs: number): Promise<void> {
  await withLockFile(`${path}.${abandoned.identity}`, giveUpAtMs, async () => {
    if ((await seeLock(path))?.identity === abandoned.identity) await rm(path, { force: true });
  });
}

function keptLock(path: string): WalletError {
  return new WalletError('keystore_unreadable', 'Another Purser process is changing the keystore.', {
    retry: 'after_delay',
    retryAfterSec: 5,
    owner: { say: `If no other Purser runs, delete ${path}.` },
  });
}

function lostLock(path: string): WalletError {
  return new WalletError(
    'keystore_unreadable',
    `Another Purser process took over ${path}; nothing was written.`,
    {
      retry: 'same_call',
    },
  );
}
