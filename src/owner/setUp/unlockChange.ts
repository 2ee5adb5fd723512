import { findPassphraseFactor } from '../../approvals/factor.js';
import { WalletError } from '../../errors/walletError.js';
import { changeUnlockPassphrase } from '../../keys/keystore.js';
import { asOwner, keystoreKindOf, type OwnerOperation, type OwnerOptions } from '../auth/ownerAuth.js';
import { readFactors } from '../auth/ownerFactor.js';

/** Where the unlock passphrase is kept for clients, beside the keystore: what goes with a change of it. */
export interface KeptUnlock {
  /** Keeps the new one beside the old one. A crash behind it leaves both to be tried. */
  prepare(next: string): Promise<void>;
  /** Keeps the new one alone. */
  settle(next: string): Promise<void>;
}

/**
 * Changes the passphrase that unlocks an encrypted keystore. `give` is asked only once the owner has been told from an agent: whoever
 * changes it locks everybody else out.
 *
 * At each step one that is kept for clients opens what there is. Throws `bad_input` for a keychain's wallet and for a passphrase that
 * proves an owner, and as `asOwner` does.
 */
export async function changeUnlock(
  options: OwnerOptions,
  give: () => Promise<string | null>,
  kept: KeptUnlock,
): Promise<void> {
  const { home } = options;
  if ((await keystoreKindOf(home)) !== 'file')
    throw new WalletError(
      'bad_input',
      'The keys are in the keychain of this computer, which has a passphrase of its own: change that one.',
    );
  const operation: OwnerOperation = {
    what: 'Changing the passphrase that unlocks the keystore',
    action: { kind: 'changePassphrase' },
  };
  await asOwner(options, operation, async ({ keys, ledger }) => {
    const next = await give();
    if (next === null || next === '')
      throw new WalletError(
        'bad_input',
        'Give the new unlock passphrase in a file, or type it in a terminal.',
      );
    // Agents can read what unlocks the keystore: it must never be what proves an owner.
    if (ledger !== null && (await findPassphraseFactor(await readFactors(ledger), next)) !== null)
      throw new WalletError('bad_input', 'That is an owner passphrase of this wallet: choose another one.');
    await kept.prepare(next);
    await changeUnlockPassphrase(home, keys, next);
    await kept.settle(next);
  });
}
