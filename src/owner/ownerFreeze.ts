import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkHome, CONFIG_FILE, notSetUp } from '../config/home.js';
import { isWalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { ledgerStoreIn } from '../ledger/stores.js';
import { writeCheckpoint } from '../wallet/checkpoint.js';
import { ClockWatch } from '../wallet/clock/clockWatch.js';
import { openLedger } from '../wallet/engine.js';
import { isMarkedFrozen, liftMark, markFrozen } from '../wallet/freezeMark.js';
import { unlockAsOwner, type OwnerOperation, type OwnerOptions } from './auth/ownerAuth.js';

/**
 * Opens the ledger without keys: it can be read and frozen, nothing else. The caller closes it.
 *
 * Throws `not_set_up`, `home_*` and the codes of the ledger.
 */
export async function openLedgerWithoutKeys(home: string): Promise<Ledger> {
  await assertSetUp(home);
  const clock = new ClockWatch(Date.now);
  return ledgerStoreIn(home).open({ mac: null, isStopped: () => isMarkedFrozen(home), clock });
}

async function assertSetUp(home: string): Promise<void> {
  checkHome(home);
  if (!existsSync(join(home, CONFIG_FILE)) && !(await ledgerStoreIn(home).exists())) throw notSetUp(home);
}

/** What a freeze came to. */
export interface Frozen {
  /** False where it was frozen already. */
  readonly changed: boolean;
  /** Why the ledger does not say so too; the mark beside it stops the wallet all the same. Null where it does. */
  readonly ledgerFault: string | null;
}

/**
 * Stops all signing and sending, in every process. Anybody may, without keys, and whatever state the ledger is in: the
 * mark comes first, so that putting back an older ledger does not lift it. Throws `not_set_up`, `home_*`, `disk_full`.
 */
export async function freezeWallet({ home, now }: Pick<OwnerOptions, 'home' | 'now'>): Promise<Frozen> {
  await assertSetUp(home);
  const wasMarked = !(await markFrozen(home, now()));
  try {
    const ledger = await openLedgerWithoutKeys(home);
    try {
      return { changed: (await ledger.freeze(now())) || !wasMarked, ledgerFault: null };
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return { changed: !wasMarked, ledgerFault: error.shortMessage };
  }
}

/** What two owners agree on who lift a freeze, on whichever face. A freeze behind it ends it. */
export const UNFREEZE_PAIR = {
  action: { kind: 'unfreeze' },
  agreed: ['unfreeze'],
} as const satisfies Pick<OwnerOperation, 'action' | 'agreed'>;

/**
 * Lets the wallet sign again: the owner's alone. False where it was not frozen. Throws `ledger_older` and `ledger_foreign`
 * for a ledger that has to be rebuilt first, and as {@link unlockAsOwner} does.
 */
export async function unfreezeWallet(options: OwnerOptions): Promise<boolean> {
  const keys = await unlockAsOwner(options, { what: 'Unfreezing the wallet', ...UNFREEZE_PAIR });
  const ledger = await openLedger(options, keys);
  try {
    return await liftFreeze({ home: options.home, keys, ledger }, options.now());
  } finally {
    await ledger.close();
  }
}

/** The same over an open wallet, for who has proved the owner. */
export async function liftFreeze(
  { home, keys, ledger }: { readonly home: string; readonly keys: UnlockedWallet; readonly ledger: Ledger },
  nowMs: number,
): Promise<boolean> {
  const anchor = await keys.readAnchor();
  if (anchor !== null) await ledger.verifyCheckpoint(anchor);
  await ledger.assertNotRebuilding();
  // A crash after this line leaves the journal frozen. The other way round, whoever opens the wallet between the two
  // would freeze it anew.
  const wasMarked = liftMark(home);
  const wasFrozen = await ledger.unfreeze(nowMs);
  await writeCheckpoint(keys, ledger);
  return wasMarked || wasFrozen;
}
