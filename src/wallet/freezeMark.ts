import { existsSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FREEZE_FILE } from '../config/home.js';
import { WalletError } from '../errors/walletError.js';
import { createFile, hasErrno, syncFolder } from '../platform/durableFile.js';

/*
 * A freeze stands in three places. The ledger has it, for all processes that run; a file beside the ledger has it, which
 * an older copy of the ledger does not take along; and the keystore's memory of the ledger has it from the moment on that
 * a process with keys has seen it. The first two need no keys to set.
 *
 * The file is authenticated by whose it is: nobody but its user can write into the wallet's folder, which each start of
 * Purser checks. Whatever has its name stops the wallet, for to stop is the safe side. A program of the same user can
 * delete it, as it can read the keychain: that is out of reach here (threats.md).
 */

/** Whether the wallet of a folder is stopped by the mark. */
export function isMarkedFrozen(home: string): boolean {
  try {
    return lstatSync(join(home, FREEZE_FILE), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A folder that cannot be looked into hides a mark, too.
    return true;
  }
}

/** Leaves the mark, durably. Answers whether there was none. Throws `disk_full`, `home_unusable`. */
export async function markFrozen(home: string, nowMs: number): Promise<boolean> {
  const text = `Frozen at ${new Date(nowMs).toISOString()}. Nothing is signed until the owner unfreezes the wallet.\n`;
  try {
    return await createFile(join(home, FREEZE_FILE), text, { mode: 0o600 });
  } catch (cause) {
    const code = hasErrno(cause, 'ENOSPC', 'EDQUOT') ? 'disk_full' : 'home_unusable';
    throw new WalletError(
      code,
      `${home} is read-only to this user or cannot be written: the freeze left no mark.`,
      {
        cause,
        owner: { say: `Make ${home} writable to the user that runs the wallet, then freeze it again.` },
      },
    );
  }
}

/** Takes the mark away, durably: the owner's alone. Answers whether there was one. */
export function liftMark(home: string): boolean {
  const path = join(home, FREEZE_FILE);
  if (!existsSync(path) && !isMarkedFrozen(home)) return false;
  rmSync(path, { force: true });
  syncFolder(home);
  return true;
}
