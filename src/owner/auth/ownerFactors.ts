import { Enrolment } from '../../approvals/enrolment.js';
import type { FactorLine } from '../../approvals/inbox.js';
import {
  checkOwner,
  FACTORS_MAX,
  findPassphraseFactor,
  FIRST_OWNER,
  makePassphraseFactor,
  readFactor,
  resemblesPassphrase,
  type FactorKind,
  type FactorName,
  type FactorRecord,
  type PasskeyFactor,
} from '../../approvals/factor.js';
import { factorLine } from '../../approvals/passkey.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { openKeystore, type UnlockedWallet } from '../../keys/keystore.js';
import type { StoredFactor } from '../../ledger/books/factor.js';
import type { Ledger } from '../../ledger/ledger.js';
import {
  asOwner,
  keystoreKindOf,
  unlockAsAnyone,
  type OwnedWallet,
  type OwnerOptions,
  type OwnerOperation,
} from './ownerAuth.js';
import { openLedger } from '../../wallet/engine.js';
import { ownersOf } from './allow.js';
import { fitsOwners, forgetFactor, rememberFactors } from './factorMemory.js';
import { readFactors, storedFactor } from './ownerFactor.js';

/** The wallet's factors, oldest first: nothing secret. Throws the codes of the keystore and of the ledger. */
export async function listFactors(options: OwnerOptions): Promise<FactorLine[]> {
  return listFactorsWith(options, await unlockAsAnyone(options));
}

/** {@link listFactors} with keys that are open. */
export async function listFactorsWith(
  place: Pick<OwnerOptions, 'home'>,
  keys: UnlockedWallet,
): Promise<FactorLine[]> {
  const ledger = await openLedger(place, keys);
  try {
    return (await readFactors(ledger)).map(factorLine);
  } finally {
    await ledger.close();
  }
}

/**
 * Adds an owner passphrase. `passphrase` is asked for only once the owner has been told from an agent.
 *
 * Throws `bad_input` for one that is too short or resembles what unlocks the keystore: an agent can read that one.
 */
export async function addPassphrase(
  options: OwnerOptions,
  passphrase: () => Promise<string | null>,
  name: FactorName,
): Promise<FactorLine> {
  const operation = addingOf('passphrase', name);
  return asOwner(options, operation, async ({ keys, ledger, proved }) => {
    if (ledger === null) throw new WalletError('ledger_missing', 'There is no ledger to keep a factor in.');
    await assertRoom(ledger);
    const given = await passphrase();
    if (given === null)
      throw new WalletError(
        'bad_input',
        'Give the new owner passphrase in a file, or type it in a terminal.',
        { owner: { say: 'FILE holds the new owner passphrase.', action: operation.action, gives: 'factor' } },
      );
    await refuseUnlockPassphrase(options, given);
    await refuseKnown(ledger, given);
    const factor = await makePassphraseFactor(given, { nowMs: options.now(), ...name });
    await keepFactor({ keys, ledger, proved }, factor, options.now());
    return factorLine(factor);
  });
}

/** Throws `bad_input` for a passphrase that unlocks the keystore, or nearly does (docs/design.md, "Two secrets"). */
export async function refuseUnlockPassphrase(options: OwnerOptions, given: string): Promise<void> {
  const { home } = options;
  if ((await keystoreKindOf(home)) !== 'file') return;
  const known = [await options.passphrase(), await options.auth.passphrase()];
  const resembles = known.some((unlock) => unlock !== null && resemblesPassphrase(given, unlock));
  if (!resembles && !(await opensKeystore(home, given))) return;
  throw new WalletError(
    'bad_input',
    'The owner passphrase must be another than the one that unlocks the keystore: agents can read that one.',
  );
}

/** Asks the keystore itself: whoever adds a factor need not have given what unlocks it. */
async function opensKeystore(home: string, passphrase: string): Promise<boolean> {
  try {
    await openKeystore({ kind: 'file', home }, { passphrase: () => Promise.resolve(passphrase) }).unlock();
    return true;
  } catch (error) {
    if (isWalletError(error) && error.code === 'wrong_passphrase') return false;
    throw error;
  }
}

/** Adding a factor, in words: whose it will be is shown, and agreed on, too. */
function addingOf(factor: FactorKind, { label = '', owner = FIRST_OWNER }: FactorName): OwnerOperation {
  const kind = factor === 'passkey' ? 'a passkey' : 'an owner passphrase';
  return {
    what: checkOwner(owner) === FIRST_OWNER ? `Adding ${kind}` : `Adding ${kind} of the owner ${owner}`,
    action: {
      ...{ kind: 'addFactor', factor },
      ...(owner === FIRST_OWNER ? {} : { owner }),
      ...(label === '' ? {} : { label }),
    },
    details: label === '' ? [] : [`It will be called ${label}.`],
  };
}

/** Throws `bad_input` for a passphrase that proves an owner already: two owners who have the same one are one. */
async function refuseKnown(ledger: Ledger, given: string): Promise<void> {
  if ((await findPassphraseFactor(await readFactors(ledger), given)) === null) return;
  throw new WalletError('bad_input', 'That is an owner passphrase of this wallet already.');
}

async function assertRoom(ledger: Ledger): Promise<void> {
  if ((await readFactors(ledger)).length >= FACTORS_MAX)
    throw new WalletError('bad_input', `A wallet has at most ${FACTORS_MAX} factors: remove one first.`);
}

/** Stores a new factor in the ledger, and has the keystore remember it. */
async function keepFactor(
  { keys, ledger, proved }: Pick<OwnedWallet, 'keys' | 'proved'> & { readonly ledger: Ledger },
  factor: FactorRecord,
  nowMs: number,
): Promise<void> {
  const stored = storedFactor(factor);
  if (!fitsOwners([...(await readFactors(ledger)), factor], await ledger.owners.quorum()))
    throw new WalletError('bad_input', 'The keystore has no room for one more factor: remove one first.');
  await ledger.factors.add(stored, proved?.use ?? null, nowMs);
  await rememberFactors(keys, ledger);
}

/** Adds a passkey through a page: `serve` shows the owner where, and what code to type there. Null where none was made. */
export async function addPasskey(
  options: OwnerOptions,
  name: FactorName,
  serve: (enrolment: Enrolment) => Promise<void>,
): Promise<PasskeyFactor | null> {
  const operation = addingOf('passkey', name);
  return asOwner(options, operation, async ({ keys, ledger, proved }) => {
    if (ledger === null) throw new WalletError('ledger_missing', 'There is no ledger to keep a factor in.');
    await assertRoom(ledger);
    const enrolment = new Enrolment({
      factors: async () => Promise.resolve(await readFactors(ledger)),
      save: (factor) => keepFactor({ keys, ledger, proved }, factor, options.now()),
      ...name,
      now: options.now,
    });
    await serve(enrolment);
    return enrolment.done;
  });
}

/** Stores a passkey that the owner's browser made while the wallet was being made. */
export async function addMadePasskey(options: OwnerOptions, passkey: PasskeyFactor): Promise<void> {
  const operation = addingOf('passkey', {});
  return asOwner(options, operation, async ({ keys, ledger, proved }) => {
    if (ledger === null) throw new WalletError('ledger_missing', 'There is no ledger to keep a factor in.');
    await keepFactor({ keys, ledger, proved }, passkey, options.now());
  });
}

/** Removes a factor; false where there is none by that id. */
export async function removeFactor(options: OwnerOptions, id: string): Promise<boolean> {
  const operation: OwnerOperation = {
    what: `Removing the factor ${id}`,
    action: { kind: 'removeFactor', id },
  };
  return asOwner(options, operation, async ({ keys, ledger, proved }) => {
    if (ledger === null) return false;
    const known = await readFactors(ledger);
    const left = known.filter((factor) => factor.id !== id);
    if (left.length === known.length) return false;
    assertEnoughLeft(left, await ledger.owners.quorum());
    await forgetFactor(keys, id);
    try {
      const enough = (stored: readonly StoredFactor[], quorum: number): void =>
        assertEnoughLeft(
          stored.map(({ record }) => readFactor(JSON.parse(record))),
          quorum,
        );
      return await ledger.factors.remove(id, proved?.use ?? null, enough, options.now());
    } catch (error) {
      // What it was made to forget is still there.
      await rememberFactors(keys, ledger);
      throw error;
    } finally {
      // Another process may have had it remembered anew from before the removal: the ledger would seem to lack it.
      if (!(await ledger.factors.list()).some((factor) => factor.id === id)) await forgetFactor(keys, id);
    }
  });
}

/** Throws `bad_input` where fewer owners would have a factor than a loosening needs: nobody could loosen anything. */
function assertEnoughLeft(left: readonly FactorRecord[], quorum: number): void {
  if (quorum === 1 || ownersOf(left).length >= quorum) return;
  throw new WalletError(
    'bad_input',
    `Without it fewer than the ${quorum} owners that a loosening needs have a factor: set the quorum to 1 first, or add another factor.`,
    { owner: { say: 'Set the quorum first.', action: { kind: 'setQuorum', owners: 1 } } },
  );
}
