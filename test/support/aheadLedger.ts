import { ledgerStoreIn } from '../../src/ledger/stores.js';
import { unlockAsAnyone } from '../../src/owner/auth/ownerAuth.js';
import { ownerOf } from './quickWallet.js';

/** Leaves a wallet's ledger as a clock that was fast once did, before clocks were checked: its time is this. */
export async function leaveLedgerAt(home: string, unlocking: string, timeMs: number): Promise<void> {
  const keys = await unlockAsAnyone(ownerOf(home, unlocking));
  const ledger = await ledgerStoreIn(home).open({ mac: (data) => keys.mac('ledger', data) });
  try {
    await ledger.touchSession('default', timeMs);
  } finally {
    await ledger.close();
  }
}
