import { z } from 'zod';
import { readFactor, type FactorRecord } from '../../approvals/factor.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { fitsMemory, type UnlockedWallet } from '../../keys/keystore.js';
import { QUORUM_MAX } from '../../ledger/books/ownersAct.js';
import type { Ledger } from '../../ledger/ledger.js';
import { isContinued, writeCheckpoint } from '../../wallet/checkpoint.js';
import { readFactors, storedFactor } from './ownerFactor.js';

/** What the keystore remembers of the owners. */
interface RememberedOwners {
  readonly factors: readonly FactorRecord[];
  /** How many of them a loosening needs. */
  readonly quorum: number;
}

/**
 * The quorum stands among the factors that the keystore remembers, under their one code: a folder whose config or ledger is
 * made anew has the owners that it had. A Purser that knows of no quorum takes it for a factor it cannot read, and stops.
 */
const quorumRecord = z.strictObject({ kind: z.literal('quorum'), owners: z.int().min(2).max(QUORUM_MAX) });

/** What the keystore is given to remember: a text each. */
function memoryOf({ factors, quorum }: RememberedOwners): string[] {
  const records = factors.map((factor) => storedFactor(factor).record);
  return quorum === 1 ? records : [...records, JSON.stringify({ kind: 'quorum', owners: quorum })];
}

/** Whether the keystore has room for these factors, and the quorum beside them. */
export function fitsOwners(factors: readonly FactorRecord[], quorum: number): boolean {
  return fitsMemory(memoryOf({ factors, quorum }));
}

/**
 * The ledger decides which factors there are, and the keystore remembers them: one is added to the ledger first and
 * forgotten by the keystore first, so the ledger lacks a remembered one only where it was lost or put back (T29). So it is
 * with the quorum, which is raised in the ledger first, and remembered once the checkpoint is behind that.
 */
async function remembered(keys: UnlockedWallet): Promise<RememberedOwners> {
  return ownersIn(await keys.readFactors());
}

function ownersIn(texts: readonly string[]): RememberedOwners {
  const records = texts.map((record): unknown => JSON.parse(record));
  const quorums = records.map((record) => quorumRecord.safeParse(record));
  return {
    factors: records.filter((_record, at) => quorums[at]?.success !== true).map(readFactor),
    quorum: Math.max(1, ...quorums.map(({ data }) => data?.owners ?? 1)),
  };
}

async function lacks(
  keys: UnlockedWallet,
  ledger: Ledger | null,
  { factors, quorum }: RememberedOwners,
): Promise<boolean> {
  if (ledger === null) return factors.length > 0 || quorum > 1;
  const known = await ledger.factors.list();
  if (factors.some(({ id }) => !known.some((one) => one.id === id))) return true;
  // Another machine's owners may have lowered it: then the ledger goes on from what this keystore remembers.
  return quorum > (await ledger.owners.quorum()) && !(await isContinued(ledger, keys));
}

/** Whether the ledger lacks a factor, or the quorum, that the keystore remembers. Throws `keystore_unreadable`. */
export async function lacksFactors(keys: UnlockedWallet, ledger: Ledger): Promise<boolean> {
  return lacks(keys, ledger, await remembered(keys));
}

/**
 * The owners to go by in place of the ledger's, where it lacks any of what the keystore remembers of them; null where it
 * lacks nothing.
 *
 * Throws `ledger_older` where the operation is not to mend that, and `keystore_unreadable` where neither the ledger nor the
 * keystore tells what factors there were.
 */
export async function lostOwners(
  keys: UnlockedWallet,
  ledger: Ledger | null,
  { mendsLedger = false }: { readonly mendsLedger?: boolean },
): Promise<RememberedOwners | null> {
  const owners = await remembered(keys).catch((error: unknown) => {
    if (ledger !== null && isUnreadable(error)) return { factors: [], quorum: 1 };
    throw isUnreadable(error) ? nothingTells(error) : error;
  });
  if (!(await lacks(keys, ledger, owners))) return null;
  if (mendsLedger) return owners;
  throw new WalletError('ledger_older', 'The ledger does not know a factor that the keystore remembers.', {
    owner: { say: 'The ledger was put back to an old copy.', action: { kind: 'rebuildLedger' } },
  });
}

/** Has the keystore remember the owners of the ledger; whoever calls it has told the owner. */
export async function rememberFactors(keys: UnlockedWallet, ledger: Ledger): Promise<void> {
  const known = { factors: await readFactors(ledger), quorum: await ledger.owners.quorum() };
  const kept = await ifReadable(remembered(keys));
  if (kept === null || !fitsOwners(known.factors, known.quorum)) return;
  const isSame =
    kept.factors.length === known.factors.length &&
    kept.quorum === known.quorum &&
    !(await lacks(keys, ledger, kept));
  if (isSame) return;
  // So a ledger that has the checkpoint has the quorum's raise, too.
  if (known.quorum > kept.quorum) await writeCheckpoint(keys, ledger);
  // Read once more where no other process writes this memory: one that was removed meanwhile is not remembered anew, and a quorum
  // that was raised meanwhile is not forgotten. Whoever raises it remembers it once the checkpoint is behind that.
  await keys.changeFactors(async (records) => {
    const [factors, now] = [await readFactors(ledger), await ledger.owners.quorum()];
    return memoryOf({ factors, quorum: now > known.quorum ? ownersIn(records).quorum : now });
  });
}

/** Has the keystore forget a factor that is about to be removed, and leaves what other processes have it remember. */
export async function forgetFactor(keys: UnlockedWallet, id: string): Promise<void> {
  await keys.changeFactors((kept) =>
    kept.filter((record) => {
      const known: unknown = JSON.parse(record);
      return quorumRecord.safeParse(known).success || readFactor(known).id !== id;
    }),
  );
}

/** Gives a ledger that stands in for a lost one the owners that the keystore remembers. */
export async function restoreFactors(keys: UnlockedWallet, ledger: Ledger, nowMs: number): Promise<void> {
  const owners = await ifReadable(remembered(keys));
  if (owners === null) return;
  const { factors, quorum } = owners;
  await ledger.factors.replace(factors.map(storedFactor), nowMs);
  if (quorum > (await ledger.owners.quorum()))
    await ledger.owners.setQuorum(quorum, { by: [], factorIds: factors.map(({ id }) => id) }, nowMs);
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
