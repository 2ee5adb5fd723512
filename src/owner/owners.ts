import type { OwnerAction } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import { QUORUM_MAX, type OwnersEntry, type Proposal } from '../ledger/books/ownersAct.js';
import { rememberLedger } from '../wallet/checkpoint.js';
import { assertOwners, ownersOf } from './auth/allow.js';
import { fitsOwners, rememberFactors } from './auth/factorMemory.js';
import { asOwner, unlockAsAnyone, type OwnerOperation, type OwnerOptions } from './auth/ownerAuth.js';
import { readFactors } from './auth/ownerFactor.js';
import { isBackedUp } from './setUp/backedUp.js';
import { withLedger } from './ownerConfig.js';

/** The owners of a wallet, and what waits for one of them. */
export interface Owners {
  /** How many of them a loosening needs. */
  readonly quorum: number;
  /** Each with the labels of their factors. */
  readonly owners: readonly { readonly name: string; readonly factors: readonly string[] }[];
  readonly proposals: readonly Proposal[];
}

/** Who the owners are. Throws the codes of the keystore and of the ledger. */
export async function readOwners(options: OwnerOptions): Promise<Owners> {
  return withLedger(options, await unlockAsAnyone(options), async (ledger) => {
    const factors = await readFactors(ledger);
    return {
      quorum: await ledger.owners.quorum(),
      owners: ownersOf(factors).map((name) => ({
        name,
        factors: factors.filter((factor) => ownersOf([factor])[0] === name).map(({ label }) => label),
      })),
      proposals: await ledger.owners.proposals(options.now()),
    };
  });
}

/** One proposal that waits. Throws `not_found`, and as {@link readOwners}. */
export async function findProposal(options: OwnerOptions, id: string): Promise<Proposal> {
  const found = (await readOwners(options)).proposals.find((proposal) => proposal.id === id);
  if (found === undefined) throw noProposal();
  return found;
}

/** What does what was proposed; null where no command does. */
export function actionOf({ action }: Pick<Proposal, 'action'>): OwnerAction | null {
  return action === null ? null : (JSON.parse(action) as OwnerAction);
}

/** Ends a proposal: anybody may who can unlock the keys, for it only keeps something from being loosened. Throws `not_found`. */
export async function withdrawProposal(options: OwnerOptions, id: string): Promise<void> {
  const keys = await unlockAsAnyone(options);
  await withLedger(options, keys, async (ledger) => {
    if (!(await ledger.owners.withdraw(id, null, options.now()))) throw noProposal();
    await rememberLedger(keys, ledger);
  });
}

/** What owners did, newest first. */
export async function listOwnersEntries(
  options: OwnerOptions,
  limit: number,
): Promise<readonly OwnersEntry[]> {
  return withLedger(options, await unlockAsAnyone(options), (ledger) => ledger.owners.entries(limit));
}

/**
 * Sets how many owners a loosening needs. To need fewer is a loosening like any other. Throws `bad_input` where so many owners
 * have no factor, or no copy of the recovery phrase was proved, and as `asOwner` does.
 */
export async function setQuorum(options: OwnerOptions, owners: number): Promise<void> {
  if (!(Number.isInteger(owners) && owners >= 1 && owners <= QUORUM_MAX))
    throw new WalletError('bad_input', `A loosening needs 1 or ${QUORUM_MAX} owners.`);
  const what =
    owners === 1 ? 'Needing one owner for a loosening' : `Needing ${owners} owners for a loosening`;
  const operation: OwnerOperation = {
    what,
    action: { kind: 'setQuorum', owners },
    act: async ({ keys, ledger }) => {
      if (ledger === null) throw new WalletError('ledger_missing', 'There is no ledger to keep it in.');
      if ((await ledger.owners.quorum()) === owners)
        throw new WalletError(
          'bad_input',
          `A loosening needs ${owners === 1 ? 'one owner' : `${owners} owners`} already.`,
        );
      const factors = await readFactors(ledger);
      assertOwners(factors, owners);
      if (owners > 1 && keys.secretKind === 'phrase' && !isBackedUp(options.home)) throw notBackedUp();
      if (!fitsOwners(factors, owners))
        throw new WalletError('bad_input', 'The keystore has no room to remember it: remove a factor first.');
      return { what, details: [`Owners: ${ownersOf(factors).join(', ')}.`] };
    },
  };
  await asOwner(options, operation, async ({ keys, ledger, by }) => {
    if (ledger === null) throw new WalletError('ledger_missing', 'There is no ledger to keep it in.');
    const factors = await readFactors(ledger);
    assertOwners(factors, owners);
    await ledger.owners.setQuorum(owners, { by, factorIds: factors.map(({ id }) => id) }, options.now());
    await rememberFactors(keys, ledger);
    await rememberLedger(keys, ledger);
  });
}

/** Once fewer owners than that have a factor, nobody is shown the phrase any more, and it is the only way to the money. */
function notBackedUp(): WalletError {
  return new WalletError(
    'bad_input',
    'No copy of the recovery phrase was proved, and one owner who is left alone is not shown it.',
    {
      owner: {
        say: 'Write it down first; some of its words are asked for.',
        action: { kind: 'showRecoveryPhrase' },
      },
    },
  );
}

function noProposal(): WalletError {
  return new WalletError('not_found', 'Nothing waits for a second owner by that id.');
}
