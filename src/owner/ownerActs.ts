import { hash } from 'node:crypto';
import type { PasskeyPlace } from '../approvals/challenge.js';
import { asShown, type OwnerAct } from '../approvals/confirmation.js';
import type { FactorProof, PasskeyAsk } from '../approvals/inbox.js';
import { WalletError } from '../errors/walletError.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ActToAllow } from './auth/allow.js';
import { PageProof } from './auth/pageProof.js';

/** What an owner can do from a page beside changing settings, each to one subject. */
export const ACT_KINDS = [
  'resume_agent',
  'prolong_agent',
  'rotate_token',
  'unfreeze',
  'close_channel',
  'cancel_commitment',
  'revoke_entitlement',
  'revoke_allowance',
  'end_pause',
] as const;
export type ActKind = (typeof ACT_KINDS)[number];

/** Which act, and to whom. */
export interface ActOrder {
  readonly kind: ActKind;
  /** An agent's name, an id, an origin; what the kind says. */
  readonly subject: string;
}

/** What came of an act. */
export interface ActDone {
  readonly message: string;
  /** Shown once, and kept nowhere: an agent's token. */
  readonly secret?: string;
}

/** An act as it stands before it is done. */
export interface PreparedAct {
  readonly act: OwnerAct;
  /** False where it only takes from agents: anybody who has the page open may do it. */
  readonly isOwners: boolean;
  /** How a second owner is told of it, see {@link ActToAllow}; null where one owner does it however many a loosening needs. */
  readonly pair: Pick<ActToAllow, 'action' | 'agreed'> | null;
  readonly run: () => Promise<ActDone>;
}

/** An act as its owner is shown it, whole, before it is done. */
export interface ReviewedAct extends Pick<PreparedAct, 'act' | 'isOwners'> {
  /** What an answer to it has to name: of all that was shown. */
  readonly digest: string;
}

/** The owner's acts over an open wallet. */
export interface ActBook {
  /** Shows an act; nothing is done. Throws `not_found` for a subject that is none. */
  review(order: ActOrder): Promise<ReviewedAct>;
  /** A challenge for a passkey, bound to this act as it was shown. */
  challenge(order: ActOrder, digest: string, at: PasskeyPlace): Promise<PasskeyAsk>;
  /**
   * Does an act that was shown, what is the owner's with the factor. Throws `approval_changed` where it would show otherwise
   * by now, as the inbox does for a factor, and what the act itself throws.
   */
  apply(order: ActOrder, digest: string, proof: FactorProof | null): Promise<ActDone>;
}

/** Opens it. `prepare` looks at an act without doing it. */
export function openActs(
  ledger: Ledger,
  now: () => number,
  prepare: (order: ActOrder) => Promise<PreparedAct>,
): ActBook {
  const pageProof = new PageProof(ledger, now);
  async function look(order: ActOrder): Promise<ReviewedAct & Pick<PreparedAct, 'run' | 'pair'>> {
    const { act: wanted, isOwners, pair, run } = await prepare(order);
    const act = asShown(wanted);
    const shown = ['purser page act 1', order.kind, order.subject, act.what, act.details, isOwners];
    return { act, isOwners, pair, run, digest: hash('sha256', JSON.stringify(shown)) };
  }
  /** The act, where it still is what was shown. */
  async function same(order: ActOrder, digest: string): Promise<Awaited<ReturnType<typeof look>>> {
    const found = await look(order);
    if (found.digest !== digest)
      throw new WalletError(
        'approval_changed',
        'Something changed meanwhile; look at it again. Nothing was done.',
      );
    return found;
  }
  return {
    review: look,
    challenge: async (order, digest, at) => pageProof.challenge((await same(order, digest)).digest, at),
    async apply(order, digest, proof) {
      const found = await same(order, digest);
      const { act, isOwners, pair } = found;
      if (isOwners)
        await pageProof.allow(digest, proof, { act, action: null, ...pair, isAlone: pair === null });
      return found.run();
    },
  };
}
