import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkHome, CONFIG_FILE, LEDGER_FILE, notSetUp } from '../config/home.js';
import { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../wallet/engine.js';
import { unlockAsOwner, type OwnerOptions } from './ownerHand.js';

/**
 * Opens the ledger without keys: it can be read and frozen, nothing else. The caller closes it.
 *
 * Throws `not_set_up`, `home_*` and the codes of the ledger.
 */
export function openLedgerWithoutKeys(home: string): Ledger {
  checkHome(home);
  if (!existsSync(join(home, LEDGER_FILE)) && !existsSync(join(home, CONFIG_FILE))) throw notSetUp(home);
  return Ledger.open(join(home, LEDGER_FILE), { mac: null });
}

/** Stops all signing and sending, in every process. Anybody may, without keys. False where it was frozen already. */
export async function freezeWallet(options: Pick<OwnerOptions, 'home' | 'now'>): Promise<boolean> {
  const ledger = openLedgerWithoutKeys(options.home);
  try {
    return await ledger.freeze(options.now());
  } finally {
    ledger.close();
  }
}

/** Lets the wallet sign again: the owner's alone. False where it was not frozen. */
export async function unfreezeWallet(options: OwnerOptions): Promise<boolean> {
  const keys = await unlockAsOwner(options, { what: 'Unfreezing the wallet', command: 'unfreeze' });
  const ledger = openLedger(options, keys);
  try {
    return await ledger.unfreeze(options.now());
  } finally {
    ledger.close();
  }
}
