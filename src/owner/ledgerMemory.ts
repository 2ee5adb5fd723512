import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';

/**
 * Has the keystore remember where the ledger stands, after the owner tightened something: a copy from before, put back,
 * is then an older one and opens nothing (T29). Never throws: a keychain locked meanwhile costs only a later checkpoint.
 */
export async function rememberLedger(
  keys: Pick<UnlockedWallet, 'writeAnchor'>,
  ledger: Pick<Ledger, 'checkpoint'>,
): Promise<void> {
  await keys.writeAnchor(ledger.checkpoint()).catch(() => undefined);
}
