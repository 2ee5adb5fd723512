import type { FactorUse, TryPlace } from '../../ledger/books/factor.js';
import type { Approver } from '../../ledger/books/ownersAct.js';
import { findPassphraseFactor, FIRST_OWNER, readFactor, type FactorRecord } from '../../approvals/factor.js';
import { judgeTries } from '../../approvals/tries.js';
import { WalletError } from '../../errors/walletError.js';
import type { Ledger } from '../../ledger/ledger.js';

/** A factor that proved the owner: to be stored in the same step as what it allows. */
export interface ProvedFactor {
  readonly use: FactorUse;
  readonly by: Approver & { readonly factor: string };
}

/** The wallet's factors, oldest first. Throws `factor_unreadable` and the codes of the ledger. */
export async function readFactors(ledger: Ledger): Promise<FactorRecord[]> {
  return (await ledger.factors.list()).map(({ record }) => readFactor(JSON.parse(record)));
}

/** A proof that was spent: what is done by it looks once more whether its factor is still there. */
export function spent({ use, by }: ProvedFactor): ProvedFactor {
  return { use: { ...use, before: use.record, clearsTries: null }, by };
}

/** A factor as the ledger stores it. */
export function storedFactor(factor: FactorRecord): { id: string; record: string; addedMs: number } {
  return { id: factor.id, record: JSON.stringify(factor), addedMs: factor.createdMs };
}

/** A factor that was found right, as it was stored and as it is to be stored now. */
export async function provedFactor(
  ledger: Ledger,
  factor: FactorRecord,
  place: TryPlace,
): Promise<ProvedFactor> {
  const before = (await ledger.factors.list()).find(({ id }) => id === factor.id)?.record;
  if (before === undefined) throw new WalletError('factor_needed', 'That factor was removed meanwhile.');
  const isPassphrase = factor.kind === 'passphrase';
  return {
    // A passphrase is stored as it is: its JSON may order its fields otherwise.
    use: {
      id: factor.id,
      before,
      record: isPassphrase ? before : JSON.stringify(factor),
      clearsTries: isPassphrase ? place : null,
    },
    by: { owner: factor.owner ?? FIRST_OWNER, factor: factor.label },
  };
}

/**
 * Tries a passphrase against the factors. Each try is counted in the ledger before it is stretched, for all processes and
 * for the place it was typed at.
 *
 * Throws `factor_needed` where no factor is a passphrase, `factor_slowed`, `factor_wrong`.
 */
export async function provePassphrase(
  ledger: Ledger,
  passphrase: string,
  { place, now }: { readonly place: TryPlace; readonly now: () => number },
): Promise<ProvedFactor> {
  const factors = await readFactors(ledger);
  if (!factors.some(({ kind }) => kind === 'passphrase'))
    throw new WalletError('factor_needed', 'No factor of this wallet is a passphrase.');
  const verdict = await ledger.factors.countTry(place, judgeTries, now());
  if (!verdict.allowed) {
    const { retryAfterSec } = verdict;
    throw new WalletError(
      'factor_slowed',
      `Too many wrong passphrases: the next one may be tried in ${retryAfterSec} s.`,
      { retryAfterSec },
    );
  }
  return provedFactor(ledger, await assertPassphrase(factors, passphrase), place);
}

/** The factor that the passphrase is. Throws `factor_wrong`; counts nothing. */
export async function assertPassphrase(
  factors: readonly FactorRecord[],
  passphrase: string,
): Promise<FactorRecord> {
  const found = await findPassphraseFactor(factors, passphrase);
  if (found !== null) return found;
  throw new WalletError('factor_wrong', 'That is not the owner passphrase of this wallet.');
}
