import type { OwnerAct } from '../../approvals/confirmation.js';
import type { FactorRecord, PasskeyFactor } from '../../approvals/factor.js';
import { boundTo, rpIdOf } from '../../approvals/passkey.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { checkHome } from '../../config/home.js';
import type { OwnerAction, OwnerStep } from '../../errors/ownerAction.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import {
  findKeystoreKind,
  openKeystore,
  type AskPassphrase,
  type KeystoreKind,
  type UnlockedWallet,
} from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { ledgerStoreIn } from '../../ledger/stores.js';
import type { Approver } from '../../ledger/books/ownersAct.js';
import { rememberLedger, writeCheckpoint } from '../../wallet/checkpoint.js';
import { openLedger } from '../../wallet/engine.js';
import { allowAct, type ActToAllow } from './allow.js';
import { lostOwners, rememberFactors } from './factorMemory.js';
import {
  assertPassphrase,
  provedFactor,
  provePassphrase,
  readFactors,
  spent,
  type ProvedFactor,
} from './ownerFactor.js';

/**
 * How the owner is told from an agent (docs/design.md, "Two secrets"): by the factor once there is one; until then by a
 * passphrase given for this very command, or, where the keychain holds the keys, by a terminal. A terminal proves no
 * person, and this says no more than that.
 */
export interface OwnerAuth {
  /** The keystore's passphrase from the owner, never from what unlocks a server; null where nobody gives it. */
  readonly passphrase: AskPassphrase;
  readonly atTerminal: boolean;
  /** The owner passphrase, given for this very command; never what unlocks the keystore. Null where nobody gives it. */
  readonly factor?: () => Promise<string | null>;
  /** Has a passkey confirm the act in a browser; null for no, or where nobody is there. */
  readonly confirm?: (act: OwnerAct, owned: Confirmable) => Promise<PasskeyFactor | null>;
  /** The proposal that is to be confirmed by it, and none other. */
  readonly confirms?: string | undefined;
}

/** An open wallet as a confirmation needs it. */
export interface Confirmable {
  readonly keys: UnlockedWallet;
  /** Null where it cannot be read, or lacks factors that there are. */
  readonly ledger: Ledger | null;
  readonly factors: () => Promise<readonly FactorRecord[]>;
}

/** What an owner operation needs to know of its surroundings. */
export interface OwnerOptions {
  /** Absolute path of the wallet's folder. */
  readonly home: string;
  readonly now: () => number;
  /** Whatever unlocks the keystore: enough to tighten, never to loosen. */
  readonly passphrase: AskPassphrase;
  readonly auth: OwnerAuth;
}

/** Something only the owner does, in words for who is refused. */
export interface OwnerOperation {
  /** The beginning of a sentence, such as `Raising limits.per_day_usd`. */
  readonly what: string;
  /** What does it. */
  readonly action: OwnerAction;
  /** Whether it is there for a ledger that cannot be read, which then tells of no factor. */
  readonly mendsLedger?: boolean;
  /**
   * Who does it where a loosening needs two owners: one owner, for what only takes from agents, brings money back or counts
   * anew; one owner where the ledger is lost, which holds nobody's word for a second one.
   */
  readonly alone?: 'always' | 'if_lost';
  /** What two owners agree on, in the place of what is shown, see {@link ActToAllow}. */
  readonly agreed?: readonly string[];
  /** The fields of what is done that its sentence does not say; a line each. */
  readonly details?: readonly string[];
  /**
   * Looks at what is to be done, before the factor is asked for, and shows it: what it answers is what a factor proves. It
   * throws where nothing is to be proved.
   */
  readonly act?: (owned: Pick<OwnedWallet, 'keys' | 'ledger'>) => Promise<OwnerAct>;
}

/** Which keystore the wallet of a folder has, by its keystore's own record. Throws `not_set_up`, `home_*`. */
export async function keystoreKindOf(home: string): Promise<KeystoreKind> {
  const { keystore } = readConfigUnauthenticated(home);
  checkHome(home);
  return (await findKeystoreKind(home)) ?? keystore;
}

/** Unlocks the keys for something that anybody who can unlock them may do. */
export async function unlockAsAnyone(
  options: Pick<OwnerOptions, 'home' | 'passphrase'>,
): Promise<UnlockedWallet> {
  const { home, passphrase } = options;
  return openKeystore({ kind: await keystoreKindOf(home), home }, { passphrase }).unlock();
}

/**
 * Unlocks the keys for something that is the owner's alone.
 *
 * Throws `factor_needed`, `factor_wrong` and `factor_slowed` once there is a factor, `owner_proof_needed` until then where
 * nothing tells the owner, `second_owner_needed` where another owner has to say so too, the codes of the keystore, and those
 * of the ledger.
 */
export async function unlockAsOwner(
  options: OwnerOptions,
  operation: OwnerOperation,
): Promise<UnlockedWallet> {
  return asOwner(options, operation, async ({ keys }) => Promise.resolve(keys));
}

/** A wallet that its owner opened; `proved` is the factor that told them, null where there is none yet. */
export interface OwnedWallet {
  readonly keys: UnlockedWallet;
  /** Null where the ledger cannot be read or lacks factors that there are, and the operation is to mend that. */
  readonly ledger: Ledger | null;
  /** Spent already, for what looks once more that it is there; null where there is no factor yet, and without a ledger. */
  readonly proved: ProvedFactor | null;
  /** Who allowed it; nobody where the ledger could not be asked. */
  readonly by: readonly Approver[];
}

/** Runs something of the owner's with the ledger open. Throws as {@link unlockAsOwner} does. */
export async function asOwner<T>(
  options: OwnerOptions,
  operation: OwnerOperation,
  work: (owned: OwnedWallet) => Promise<T>,
): Promise<T> {
  return asOwnerOf(await keystoreKindOf(options.home), options, operation, work);
}

/** {@link asOwner} for a wallet whose config is lost. */
export async function asOwnerOf<T>(
  kind: KeystoreKind,
  options: OwnerOptions,
  operation: OwnerOperation,
  work: (owned: OwnedWallet) => Promise<T>,
): Promise<T> {
  // Only which secret to ask for rests on this look; what the keys prove decides.
  const looksFactored = await seemsFactored(kind, options.home);
  const keys = looksFactored
    ? await openKeystore({ kind, home: options.home }, options).unlock()
    : await openKeystore(
        { kind, home: options.home },
        { passphrase: provedFirst(await proveOwner(kind, options.auth, operation), options.auth) },
      ).unlock();
  const ledger = await openForOwner(options.home, keys, operation);
  try {
    const act = (await operation.act?.({ keys, ledger })) ?? actOf(operation);
    const { action, agreed, alone, mendsLedger = false } = operation;
    const isAlone = alone === 'always';
    const toAllow = { act, action, agreed, isAlone, confirms: options.auth.confirms ?? null };
    const lost = await lostOwners(keys, ledger, operation);
    if (lost !== null) {
      if (lost.quorum > 1 && alone === undefined) throw nobodyHolds(operation);
      const given = await askFactor(
        options.auth,
        { operation, act },
        { keys, ledger: null, factors: () => Promise.resolve(lost.factors) },
      );
      if (typeof given === 'string') await assertPassphrase(lost.factors, given);
      return await work({ keys, ledger: null, proved: null, by: [] });
    }
    if (ledger === null || (await readFactors(ledger)).length === 0) {
      if (looksFactored) await proveOwner(kind, options.auth, operation);
      // One that is to be mended is not written to before it is.
      const by = ledger === null || mendsLedger ? [] : await allowAct(ledger, toAllow, null, options.now());
      return await work({ keys, ledger, proved: null, by });
    }
    const factors = () => readFactors(ledger);
    const given = await askFactor(options.auth, { operation, act }, { keys, ledger, factors });
    const proved =
      typeof given === 'string'
        ? await provePassphrase(ledger, given, { place: 'terminal', now: options.now })
        : await provedFactor(ledger, given, 'terminal');
    await rememberFactors(keys, ledger);
    const by = await allowInTurn({ keys, ledger }, toAllow, proved, options.now());
    return await work({ keys, ledger, proved: spent(proved), by });
  } finally {
    await ledger?.close();
  }
}

/**
 * {@link allowAct} in a ledger that is no older copy: in one, a proposal could wait that was confirmed since. The keystore knows
 * of it before the act is done, so that no copy of before is taken for the ledger either (T29).
 */
async function allowInTurn(
  { keys, ledger }: { readonly keys: UnlockedWallet; readonly ledger: Ledger },
  toAllow: ActToAllow,
  proved: ProvedFactor,
  nowMs: number,
): Promise<readonly Approver[]> {
  const needsTwo = !toAllow.isAlone && (await ledger.owners.quorum()) > 1;
  if (needsTwo) {
    const anchor = await keys.readAnchor();
    if (anchor !== null) await ledger.verifyCheckpoint(anchor);
  }
  try {
    const by = await allowAct(ledger, toAllow, proved, nowMs);
    if (needsTwo) await writeCheckpoint(keys, ledger);
    return by;
  } catch (error) {
    if (isWalletError(error) && error.code === 'second_owner_needed') await rememberLedger(keys, ledger);
    throw error;
  }
}

function nobodyHolds({ what }: OwnerOperation): WalletError {
  return new WalletError(
    'second_owner_needed',
    `${what} takes two owners, and without its ledger the wallet keeps nobody's word for another one.`,
    {
      owner: {
        say: 'Put the ledger or config.json back from a backup; or move the folder away and restore the wallet from its recovery phrase.',
        action: { kind: 'restoreWallet' },
      },
    },
  );
}

/** What the owner gives: a passphrase to be tried, or a passkey that signed. Throws `factor_needed` for neither. */
async function askFactor(
  auth: OwnerAuth,
  { operation, act }: { readonly operation: OwnerOperation; readonly act: OwnerAct },
  owned: Confirmable,
): Promise<string | PasskeyFactor> {
  // A passkey of the owner's phone answers on its own page alone, and not where this command shows one.
  const kinds = (await owned.factors())
    .filter((factor) => factor.kind !== 'passkey' || boundTo(factor) === rpIdOf(0))
    .map(({ kind }) => kind);
  const given = kinds.includes('passphrase') ? await auth.factor?.() : undefined;
  if (typeof given === 'string') return given;
  const passkey = kinds.includes('passkey') ? await auth.confirm?.(act, owned) : undefined;
  if (passkey !== undefined && passkey !== null) return passkey;
  throw new WalletError(
    'factor_needed',
    `${operation.what} is the owner's alone: give the factor, in a file or typed in a terminal (what unlocks the keystore does not count here).`,
    { owner: { say: `${operation.what} needs you.`, action: operation.action, gives: 'factor' } },
  );
}

/** An operation in the words that a passkey signs. */
function actOf({ what, details = [] }: OwnerOperation): OwnerAct {
  return { what: what.replace(/,$/, ''), details };
}

async function openForOwner(
  home: string,
  keys: UnlockedWallet,
  { mendsLedger }: OwnerOperation,
): Promise<Ledger | null> {
  if (mendsLedger === true && !(await ledgerStoreIn(home).exists())) return null;
  try {
    const ledger = await openLedger({ home }, keys);
    try {
      await ledger.factors.list();
      return ledger;
    } catch (error) {
      await ledger.close();
      throw error;
    }
  } catch (error) {
    if (mendsLedger === true && isWalletError(error)) return null;
    throw error;
  }
}

/** Whether the ledger's file or the keystore tells of factors; unproved, and false where neither can be read. */
async function seemsFactored(kind: KeystoreKind, home: string): Promise<boolean> {
  if (await hasFactorRows(home)) return true;
  return openKeystore({ kind, home })
    .looksFactored()
    .catch(() => false);
}

async function hasFactorRows(home: string): Promise<boolean> {
  try {
    const ledger = await ledgerStoreIn(home).open({ mac: null });
    try {
      return await ledger.hasFactorRows();
    } finally {
      await ledger.close();
    }
  } catch {
    return false;
  }
}

/** The passphrase that proves the owner, asked for already; only the owner gives another. */
function provedFirst(first: string | null, auth: OwnerAuth): AskPassphrase {
  return async (attempt = 0) => (attempt === 0 ? first : auth.passphrase(attempt));
}

/**
 * Throws `owner_proof_needed` unless something tells the owner. Answers the passphrase that has to open the keystore, which
 * is the proof where there is one; null with a keychain.
 */
export async function proveOwner(
  kind: KeystoreKind,
  auth: OwnerAuth,
  operation: OwnerOperation,
): Promise<string | null> {
  if (kind === 'keychain') {
    if (!auth.atTerminal) throw needsOwner(operation, 'do it in a terminal');
    return null;
  }
  const passphrase = await auth.passphrase();
  if (passphrase !== null) return passphrase;
  throw needsOwner(
    operation,
    'give the unlock passphrase in a file, or type it in a terminal (the file that PURSER_PASSPHRASE_FILE names does not count here)',
    'unlockPassphrase',
  );
}

function needsOwner({ what, action }: OwnerOperation, how: string, gives?: OwnerStep['gives']): WalletError {
  return new WalletError('owner_proof_needed', `${what} is the owner's alone: ${how}.`, {
    owner: { say: `${what} needs you.`, action, ...(gives === undefined ? {} : { gives }) },
  });
}
