import { hash } from 'node:crypto';
import { FIRST_OWNER, type FactorRecord } from '../../approvals/factor.js';
import { asShown, type OwnerAct } from '../../approvals/confirmation.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import { WalletError } from '../../errors/walletError.js';
import { QUORUM_MAX, type Approver, type OwnersAct, type Proposal } from '../../ledger/books/ownersAct.js';
import type { Ledger } from '../../ledger/ledger.js';
import { readFactors, type ProvedFactor } from './ownerFactor.js';

/** One line of the journal. */
const WHAT_CHARS_MAX = 300;

/** Something that only owners do, on its way from one owner's proof to its being done. */
export interface ActToAllow {
  /** As it was shown to who proved it. */
  readonly act: OwnerAct;
  /** What does it, for the owner who confirms it. */
  readonly action: OwnerAction | null;
  /**
   * What two owners agree on, in the place of the words that were shown: where those have a moment of their own, such as a
   * time that begins now or a token that is made now, and where faces word the same act otherwise. As whole as the words.
   */
  readonly agreed?: readonly string[] | undefined;
  /** True for what one owner does however many a loosening needs. */
  readonly isAlone: boolean;
  /** The proposal that is meant; null for whichever. */
  readonly confirms: string | null;
}

/**
 * Takes the word of an owner for an act and spends their proof; answers who allowed it, once enough owners did. Every face
 * comes by here between the proof and the act.
 *
 * Throws `second_owner_needed` where it waits for another owner now: then nothing is done. And as `OwnersBook.allow` does.
 */
export async function allowAct(
  ledger: Ledger,
  { act, action, agreed, isAlone, confirms }: ActToAllow,
  proved: ProvedFactor | null,
  nowMs: number,
): Promise<readonly Approver[]> {
  const { what, details } = await asKept(ledger, act, isAlone);
  const acts: OwnersAct = {
    ...{ what, details, digest: digestOf(agreed ?? [act.what, ...act.details]) },
    action: action === null ? null : JSON.stringify(action),
  };
  const by = proved?.by ?? { owner: FIRST_OWNER, factor: null };
  const use = proved?.use ?? null;
  const owners = ownersOf(await readFactors(ledger));
  const allowed = await ledger.owners.allow(
    { act: acts, by, owners, use, needsQuorum: !isAlone, confirms },
    nowMs,
  );
  if (allowed.kind === 'allowed') return allowed.by;
  throw secondOwnerNeeded(allowed.proposal, action, owners);
}

/**
 * An act as the journal keeps it and a second owner is shown it: whole, with what cannot be seen written out. What nobody would
 * read to its end is proposed to nobody: `bad_input`; of what one owner does, the journal keeps that it was so long.
 */
async function asKept(ledger: Ledger, act: OwnerAct, isAlone: boolean): Promise<OwnerAct> {
  try {
    return asShown(act);
  } catch (error) {
    if (!isAlone && (await ledger.owners.quorum()) > 1) throw error;
    return asShown({
      what: act.what.slice(0, WHAT_CHARS_MAX),
      details: [`${act.details.length} paragraphs.`],
    });
  }
}

/** What two owners who do the same have in common (T18). */
function digestOf(agreed: readonly string[]): string {
  return hash('sha256', JSON.stringify(['purser proposal 1', ...agreed]));
}

/** The owners that these factors prove, by name, the first one first. */
export function ownersOf(factors: readonly Pick<FactorRecord, 'owner'>[]): string[] {
  return [...new Set(factors.map(({ owner = FIRST_OWNER }) => owner))];
}

/** Throws `bad_input` unless so many owners have a factor each. */
export function assertOwners(factors: readonly FactorRecord[], needed: number): void {
  const owners = ownersOf(factors);
  if (owners.length >= needed) return;
  throw new WalletError(
    'bad_input',
    `A loosening cannot need ${needed} owners where ${owners.length === 0 ? 'nobody has a factor' : `only ${owners.join(', ')} has a factor`}.`,
    {
      owner: {
        say: 'Have another owner add a factor of their own, by --owner NAME.',
        action: { kind: 'addFactor', factor: 'passkey' },
      },
    },
  );
}

/** Who approved something, in words: each owner by name, with what proved them. */
export function approverWords(by: readonly Approver[]): string {
  return by.map(({ owner, factor }) => (factor === null ? owner : `${owner} (${factor})`)).join(' and ');
}

/** What no proposal holds, and whoever confirms it gives anew; null where it holds all. */
function givenAnew(action: OwnerAction | null): string | null {
  switch (action?.kind) {
    case 'connectLightning':
      return 'gives the same command and the connection string of the same wallet to it';
    case 'addChannel':
      return 'gives the same command, with all that was given to it, and what is secret of the channel';
    case 'changePassphrase':
      return 'gives the same command, and the new passphrase to it';
    case 'addFactor':
      return action.factor === 'passphrase'
        ? 'gives the same command, and the new passphrase to it: so let the owner confirm it whose passphrase it will be'
        : 'gives the same command, and makes the passkey there: so let the owner confirm it whose passkey it will be';
    default:
      return null;
  }
}

function secondOwnerNeeded(
  { id, what, by, expiresMs }: Proposal,
  action: OwnerAction | null,
  owners: readonly string[],
): WalletError {
  const anew = givenAnew(action);
  const others = owners.filter((owner) => owner !== by.owner).join(' or ');
  const until = `${new Date(expiresMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return new WalletError(
    'second_owner_needed',
    `Proposed by ${by.owner} as ${id}, until ${until}: ${what}. Nothing is done before another owner confirms it: this wallet takes ${QUORUM_MAX} owners to loosen it.`,
    {
      owner: {
        say:
          anew === null
            ? `${others} confirms it by doing the same here or on the owner's page, with a factor of their own, or by the command.`
            : `${others} ${anew}, with a factor of their own.`,
        action: { kind: 'confirmProposal', id },
      },
    },
  );
}
