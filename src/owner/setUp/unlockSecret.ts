import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isWalletError } from '../../errors/walletError.js';
import { openKeystore } from '../../keys/keystore.js';

/** Of what unlocks a keystore and nobody types: no less than the keys themselves. */
const UNLOCK_BYTES = 32;
/** Begins what was made here, so that nobody is asked for what nobody knows. */
const MADE_PREFIX = 'made-by-purser-';
const MADE = new RegExp(`^${MADE_PREFIX}[\\w-]{43}$`);
/** A keychain that asks somebody, or is silent, is there: nobody waits for it longer. */
const KEYCHAIN_LOOK_MS = 3_000;

/** An unlock passphrase for a keystore whose owner chose none; it is of use only where it is kept. */
export function makeUnlockPassphrase(): string {
  return MADE_PREFIX + randomBytes(UNLOCK_BYTES).toString('base64url');
}

/** Whether an unlock passphrase was made here, so that no person knows it. */
export function isMadeUnlockPassphrase(passphrase: string): boolean {
  return MADE.test(passphrase);
}

/** Whether this computer has a keychain, also one that is locked or slow. */
export async function hasKeychain(home: string): Promise<boolean> {
  const look = openKeystore({ kind: 'keychain', home })
    .presence()
    .then(
      () => true,
      (error: unknown) => !isWalletError(error) || error.code !== 'keystore_unavailable',
    );
  return Promise.race([look, delay(KEYCHAIN_LOOK_MS, true, { ref: false })]);
}
