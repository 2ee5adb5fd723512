import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { withLock } from '../../platform/lock.js';

const LOCK_NAME = 'keystore.lock';

/** The longest honest section makes five keychain calls of 20 s each; an older lock has been left behind. */
const LOCK_AGE_MAX_MS = 120_000;

/** Past this a person is better served by an error than by waiting on. */
const LOCK_WAIT_MAX_MS = 30_000;

/** A held lock. */
interface KeystoreLock {
  /** Throws `keystore_unreadable` when the lock was taken away, as after a long suspend: asked right before a write. */
  assertHeld(): Promise<void>;
}

/**
 * Runs `section` while no other process, and no other call of this one, changes the keystore of `home`.
 *
 * The folder must exist. Throws `keystore_unreadable`, to be tried again, when another process keeps the lock, and
 * `home_unusable`.
 */
export async function withKeystoreLock<T>(
  home: string,
  section: (lock: KeystoreLock) => Promise<T>,
): Promise<T> {
  const path = join(home, LOCK_NAME);
  const rules = {
    waitMaxMs: LOCK_WAIT_MAX_MS,
    abandonedAfterMs: LOCK_AGE_MAX_MS,
    busy: () => keptLock(path),
    unusable: (cause: unknown) => unusableLock(path, cause),
  };
  return await withLock(path, rules, async ({ isHeld }) =>
    section({
      assertHeld: async () => {
        if (!(await isHeld())) throw lostLock(path);
      },
    }),
  );
}

function unusableLock(path: string, cause: unknown): WalletError {
  return new WalletError('home_unusable', `${path} cannot be written.`, {
    cause,
    owner: { say: `Make the folder of ${path} one that you can write.` },
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
    { retry: 'same_call' },
  );
}
