import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import type { PasskeyPlace } from './challenge.js';
import type { FactorKind } from './factor.js';
import type { Question } from './question.js';
import type { UsdMicros } from '../money/unit.js';

/**
 * What the owner says to a question. `once` pays this one payment; `session` also raises this session's cap to the
 * amount; `payee` also stops asking about this payee at this origin; `no` refuses; `block_host` refuses and denies
 * the host from now on.
 */
export type Answer =
  | { readonly kind: 'once' }
  | { readonly kind: 'session'; readonly usdMicros: UsdMicros }
  | { readonly kind: 'payee' }
  | { readonly kind: 'no' }
  | { readonly kind: 'block_host' };

/** The answers that loosen, and so need the factor. */
export type Yes = Extract<Answer, { kind: 'once' | 'session' | 'payee' }>;

/** Where an approval stands. It leaves `pending` once, and only `approved` goes on to `consumed` or `expired`. */
export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';

/** What proves the owner to an answer: typed, or a passkey's signature over the challenge of that very answer. */
export type FactorProof =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | {
      readonly kind: 'passkey';
      /** The browser's `PublicKeyCredential.toJSON()`, unread. */
      readonly response: unknown;
      /** From {@link ApprovalInbox.passkeyChallenge}. */
      readonly challengeId: string;
    };

/** The answers that one question takes. `once`, `no` and `block_host` are always among them. */
export interface Choices {
  /** Null where no raise of this session's cap would help; amounts are the new cap, not what is added to it. */
  readonly session: { readonly suggestedUsdMicros: UsdMicros; readonly maxUsdMicros: UsdMicros } | null;
  readonly payee: boolean;
}

/** One approval as its owner sees it. */
export interface Approval {
  readonly question: Question;
  /** `digestOf(question)`: an answer names it, so that it answers what was shown (T18). */
  readonly digest: string;
  readonly state: ApprovalState;
  readonly choices: Choices;
  /** Null while pending, and where it expired without one. */
  readonly answer: Answer | null;
  readonly answeredMs: number | null;
  /** Who answered, in words of ours: a factor's label, or the client it was asked in. Null without an answer. */
  readonly answeredBy: string | null;
  /** The payment it was consumed by. */
  readonly paymentId: string | null;
  /** Whether its answer blocked the host, and the host is still blocked. */
  readonly isBlocking: boolean;
}

/** A factor as lists show it: nothing secret. */
export interface FactorLine {
  readonly id: string;
  readonly kind: FactorKind;
  readonly label: string;
  /** The name of the owner whom it proves. */
  readonly owner: string;
  readonly createdMs: number;
  /** The name of the page that a passkey works on; null for a passphrase. */
  readonly rpId: string | null;
}

/** How many approvals a list answers at most: one screen, and no more work however often an agent asked (T19). */
export const PENDING_LISTED_MAX = 50;
export const RECENT_LISTED_MAX = 20;

/**
 * The owner's side of approvals: what the page and `purser approvals` are made of.
 *
 * Every method reads the ledger as it is now, so several pages and terminals may be open at once. An id may be any
 * text. Errors are `WalletError`; those of reading the ledger (`ledger_*`) come from every method.
 */
export interface ApprovalInbox {
  /**
   * `pending`: unanswered and unexpired, oldest first, at most {@link PENDING_LISTED_MAX}. `recent`: all others,
   * newest first, at most {@link RECENT_LISTED_MAX}.
   */
  list(filter: 'pending' | 'recent'): Promise<readonly Approval[]>;

  /**
   * Null for an id that is none. An approval whose time ran out shows `expired`, whether or not a row says so. While it waits,
   * its caps and what was paid before are those of this moment; afterwards those of when it was asked.
   */
  show(id: string): Promise<Approval | null>;

  /**
   * Answers a question; resolves to the approval as it then stands. `no` and `block_host` tighten and take any
   * proof or none; the others need the factor.
   *
   * Checks in this order, so that no factor is spent on, and no try counted for, what cannot be answered:
   * `approval_unknown`; `approval_closed` (answered before, also by the same answer); `approval_expired`;
   * `approval_changed` where `digest` is not the question's; `bad_input` or `above_ceiling` for a choice that is not
   * in {@link Choices}; `factor_needed` without a proof, or where there is no factor of that kind; `factor_slowed`
   * with `retryAfterSec`, for passphrases only and before anything is stretched; `factor_wrong`. Wrong passphrases are
   * counted in the ledger, for all processes (see `judgeTries`). State and factor are checked again in the transaction
   * that stores the answer, and a passkey's new count of uses is stored with it.
   */
  answer(id: string, digest: string, answer: Answer, proof: FactorProof | null): Promise<Approval>;

  /**
   * Takes back that an answer blocked a host; resolves to the approval as it then stands. It loosens, so it needs the factor,
   * and throws as {@link answer} does; `bad_input` where the answer blocks nothing any more.
   */
  unblock(id: string, digest: string, proof: FactorProof | null): Promise<Approval>;

  /** The factors there are, oldest first. Without any, nothing here says yes. */
  factors(): Promise<readonly FactorLine[]>;

  /**
   * A challenge for a passkey, bound to this question and this answer: single use, for some minutes, kept in this
   * process. `options` goes to `navigator.credentials.get` at `http://localhost:<port>`.
   *
   * Throws what {@link answer} throws before the proof is looked at; `factor_needed` where there is no passkey.
   */
  passkeyChallenge(id: string, digest: string, answer: Yes, at: PasskeyPlace): Promise<PasskeyAsk>;

  /** A challenge for a passkey, bound to {@link unblock} of this question's host, as {@link passkeyChallenge} makes one. */
  unblockChallenge(id: string, digest: string, at: PasskeyPlace): Promise<PasskeyAsk>;
}

/** What a browser is handed for a passkey to sign. */
export interface PasskeyAsk {
  readonly challengeId: string;
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

/** Whether an answer lets money move, and so needs the factor. */
export function isYes(answer: Answer): answer is Yes {
  return answer.kind === 'once' || answer.kind === 'session' || answer.kind === 'payee';
}
