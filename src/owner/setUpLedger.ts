import { linkSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_FILE } from '../config/home.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { syncFolder } from '../platform/durableFile.js';
import { isProcessAlive } from '../platform/process.js';

const DRAFT_NAME = /^purser\.db\.(\d+)\.new/;

/**
 * Makes a wallet's ledger under another name, and gives it its own once it is whole: a crash leaves no half of one.
 * One that is there meanwhile stays.
 *
 * Throws `home_unusable`, and what `create` throws.
 */
export async function makeLedgerFile(home: string, create: (draft: string) => Promise<unknown>): Promise<void> {
  sweepDrafts(home);
  const draft = join(home, `${LEDGER_FILE}.${process.pid}.new`);
  removeLedger(draft);
  try {
    await create(draft);
    linkSync(draft, join(home, LEDGER_FILE));
    syncFolder(home);
  } catch (error) {
    // Another process was first: its ledger is the wallet's.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw isWalletError(error)
        ? error
        : new WalletError('home_unusable', `The ledger cannot be made in ${home}.`, { cause: error });
    }
  } finally {
    removeLedger(draft);
  }
}

/** Removes what a set-up that was killed left behind; a living process's draft is its own. */
function sweepDrafts(home: string): void {
  for (const name of readdirSync(home)) {
    const pid = DRAFT_NAME.exec(name)?.[1];
    if (pid !== undefined && !isProcessAlive(Number(pid))) rmSync(join(home, name), { force: true });
  }
}

function removeLedger(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}
