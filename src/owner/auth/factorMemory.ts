import { readFactor, type FactorRecord } from '../../approvals/factor.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { fitsMemory, type UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { readFactors, storedFactor } from './ownerFactor.js';

/**
 * The ledger decides which factors there are, and the keystore remembers them: one is added to the ledger first and
 * forgotten by the keystore first, so the ledger lacks a remembered one only where it was lost or put back (T29).
 */
async function remembered(keys: UnlockedWallet): Promise<FactorRecord[]> {
  return (await keys.readFactors()).map((record) => readFactor(JSON.parse(record)));
}

async function lacks(ledger: Ledger | null, factors: readonly FactorRecord[]): Promise<boolean> {
  const known = ledger === null ? [] : await ledger.factors.list();
  return factors.some(({ id }) => !known.some((one) => one.id === id));
}

/** Whether the ledger lacks a factor that the keystore remembers. Throws `keystore_unreadable`. */
export async function lacksFactors(keys: UnlockedWallet, ledger: Ledger): Promise<boolean> {
  return lacks(ledger, await remembered(keys));
}

/**
 * The factors to go by in place of the ledger's, where it lacks any that the keystore remembers; null where it lacks
 * none.
 *
 * Throws `ledger_older` where the operation is not to mend that, and `keystore_unreadable` where neither the ledger nor the
 * keystore tells what factors there were.
 */
export async function lostFactors(
  keys: UnlockedWallet,
  ledger: Ledger | null,
  { mendsLedger = false }: { readonly mendsLedger?: boolean },
): Promise<readonly FactorRecord[] | null> {
  const factors = await remembered(keys).catch((error: unknown) => {
    if (ledger !== null && isUnreadable(error)) return [];
    throw isUnreadable(error) ? nothingTells(error) : error;
  });
  if (!(await lacks(ledger, factors))) return null;
  if (mendsLedger) return factors;
  throw new WalletError('ledger_older', 'The ledger does not know a factor that the keystore remembers.', {
    owner: { say: 'The ledger was put back to an old copy.', action: { kind: 'rebuildLedger' } },
  });
}

/** Has the keystore remember the factors of the ledger; whoever calls it has told the owner. */
export async function rememberFactors(keys: UnlockedWallet, ledger: Ledger): Promise<void> {
  const factors = await readFactors(ledger);
  const records = factors.map((factor) => storedFactor(factor).record);
  const kept = await ifReadable(remembered(keys));
  if (kept === null || !fitsMemory(records)) return;
  const isSame = kept.length === factors.length && !(await lacks(ledger, kept));
  if (!isSame) await keys.writeFactors(records);
}

/** Has the keystore forget a factor that is about to be removed. */
export async function forgetFactor(keys: UnlockedWallet, id: string): Promise<void> {
  const kept = (await remembered(keys)).filter((factor) => factor.id !== id);
  await keys.writeFactors(kept.map((factor) => storedFactor(factor).record));
}

/** Gives a ledger that stands in for a lost one the factors that the keystore remembers. */
export async function restoreFactors(keys: UnlockedWallet, ledger: Ledger, nowMs: number): Promise<void> {
  const factors = await ifReadable(remembered(keys));
  if (factors !== null) await ledger.factors.replace(factors.map(storedFactor), nowMs);
}

/** Null where the keystore's record is gone: the ledger's own factors then stay as they are. */
async function ifReadable<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch((error: unknown) => {
    if (isUnreadable(error)) return null;
    throw error;
  });
}

function isUnreadable(error: unknown): error is WalletError {
  return isWalletError(error) && error.code === 'keystore_unreadable';
}

function nothingTells(cause: WalletError): WalletError {
  return new WalletError(
    'keystore_unreadable',
    'The ledger and what the keystore remembers of it are both gone, so nothing tells whether a factor guards this wallet.',
    {
      cause,
      owner: {
        say: 'Put either back from a backup; or move the folder away and restore the wallet from its recovery phrase.',
        action: { kind: 'restoreWallet' },
      },
    },
  );
}
