import { WalletError } from '../../errors/walletError.js';
import { moveLedgerTo, type DatabaseAddress } from '../../ledger/stores.js';
import { rememberLedger } from '../../wallet/checkpoint.js';
import { openLedger } from '../../wallet/engine.js';
import { unlockAsOwner, type OwnerOptions } from '../auth/ownerAuth.js';

/** What came of a move. */
export interface LedgerMoved {
  /** Rows that were held against each other, one by one; 0 where an earlier move had held them. */
  readonly rows: number;
  readonly payments: number;
  /** Where the file is that the ledger was moved out of, or null. */
  readonly keptAs: string | null;
}

/**
 * Moves the ledger to a database that many servers share, or with null back into a file: the owner's alone. A ledger that
 * is not the one that the keystore remembers is not moved, and one that arrives is that one.
 *
 * Throws `bad_input`, `already_set_up`, `ledger_*`, and as `unlockAsOwner` does.
 */
export async function moveLedger(options: OwnerOptions, to: DatabaseAddress | null): Promise<LedgerMoved> {
  const keys = await unlockAsOwner(options, {
    what: to === null ? 'Moving the ledger into a file' : `Moving the ledger to ${to.url}`,
    action: {
      kind: 'moveLedger',
      ...(to === null ? {} : { url: to.url }),
      ...(typeof to?.passwordFile === 'string' ? { passwordFile: to.passwordFile } : {}),
    },
    // One that was broken off in the middle is open nowhere, and is to be finished.
    mendsLedger: true,
    alone: 'if_lost',
  });
  const anchor = await keys.readAnchor();
  if (anchor === null) throw new WalletError('ledger_foreign', 'The keystore remembers no ledger to move.');
  // Where it is open nowhere, an earlier move had come so far that it held it against the keystore.
  const source = await openLedger(options, keys).catch(() => null);
  try {
    await source?.verifyCheckpoint(anchor);
  } finally {
    await source?.close();
  }
  const moved = await moveLedgerTo(options.home, to, (data) => keys.mac('ledger', data));
  const ledger = await openLedger(options, keys);
  try {
    await ledger.verifyCheckpoint(anchor);
    await rememberLedger(keys, ledger);
  } finally {
    await ledger.close();
  }
  return moved;
}
