import type { UsdMicros } from '../../../money/unit.js';
import type {
  ApprovalRecord,
  Ask,
  AskResult,
  Decision,
  DecisionResult,
  PaidBefore,
} from '../../books/approval.js';
import type { FactorUse, StoredFactor, TryPlace, WrongTries } from '../../books/factor.js';
import type { ApprovalBook, FactorBook } from '../../ledger.js';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, decide, grantKey, notePrompt, paidBefore } from './approval.js';
import { findApproval, selectApprovals } from './approvalRow.js';
import type { LedgerAccess } from '../file/access.js';
import { elicitedOf } from './elicited.js';
import {
  addFactor,
  countTry,
  listFactors,
  readTries,
  removeFactor,
  replaceFactors,
  useFactor,
} from './factor.js';
import { ledgerTimeMs } from '../journal/journal.js';

/** An answer of another process is seen this soon; people take seconds. */
const LOOK_MS = 200;

/** Questions to the owner, their answers, and what answers made lasting; each method one atomic step. */
export class Approvals implements ApprovalBook {
  readonly #access: LedgerAccess;

  constructor(access: LedgerAccess) {
    this.#access = access;
  }

  /** Puts a question, or joins the same one; see {@link AskResult}. `client` names the client that asks. */
  ask(question: Ask, client: string | null = null): Promise<AskResult> {
    return this.#access.write('owner', (context) => ask(context, question, client));
  }

  /** Notes that a client is handed a question; false where it may not be. */
  notePrompt(id: string, nowMs: number): Promise<boolean> {
    return this.#access.write('owner', (context) => notePrompt(context, id, nowMs));
  }

  /** Stores an answer, once. */
  decide(id: string, decision: Decision): Promise<DecisionResult> {
    return this.#access.write('owner', (context) => decide(context, id, decision));
  }

  /** An approval by id, whichever agent's, or null. */
  find(id: string): Promise<ApprovalRecord | null> {
    return this.#access.read((context, head) => findApproval(context, head, id));
  }

  /** Unanswered and unexpired ones, oldest first. */
  pending(limit: number, nowMs: number): Promise<ApprovalRecord[]> {
    return this.#access.read((context, head) =>
      selectApprovals(
        context,
        head,
        `state = 'pending' AND expires_ms > ? ORDER BY created_ms LIMIT ?`,
        BigInt(nowMs),
        BigInt(limit),
      ),
    );
  }

  /** All others, newest first. */
  recent(limit: number, nowMs: number): Promise<ApprovalRecord[]> {
    return this.#access.read((context, head) =>
      selectApprovals(
        context,
        head,
        `(state <> 'pending' OR expires_ms <= ?) ORDER BY created_ms DESC LIMIT ?`,
        BigInt(nowMs),
        BigInt(limit),
      ),
    );
  }

  /** Resolves with the approval once it is no longer pending or has run out, or as it stands when the signal ends the wait. */
  async waitForAnswer(id: string, now: () => number, signal: AbortSignal): Promise<ApprovalRecord | null> {
    for (;;) {
      const approval = await this.find(id);
      if (approval === null || approval.state !== 'pending' || approval.expiresMs <= now()) return approval;
      if (signal.aborted) return approval;
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What an answer made lasting under this key, or null. */
  grant(key: string): Promise<string | null> {
    return this.#access.read((context, head) => context.register.get(head.register, grantKey(key)));
  }

  /** What clients' own prompts approved for an agent in the last 24 hours. */
  elicitedUsdMicros(agent: string, nowMs: number): Promise<UsdMicros> {
    return this.#access.read(
      (context, head) => elicitedOf(context, head, agent, ledgerTimeMs(head, nowMs)).usdMicros,
    );
  }

  /** What was captured by an origin before. */
  paidBefore(origin: string): Promise<PaidBefore> {
    return this.#access.read((context) => paidBefore(context, origin));
  }
}

/** The factors that prove the owner, and the tries to guess one; each method one atomic step. */
export class Factors implements FactorBook {
  readonly #access: LedgerAccess;

  constructor(access: LedgerAccess) {
    this.#access = access;
  }

  /** All factors, oldest first. */
  list(): Promise<StoredFactor[]> {
    return this.#access.read((context, head) => listFactors(context, head));
  }

  /** Adds one. Throws `factor_needed` where there are others and `provedBy` is none of them as it was looked at. */
  add(factor: StoredFactor, provedBy: FactorUse | null, nowMs: number): Promise<void> {
    return this.#access.write('owner', (context) => addFactor(context, factor, provedBy, nowMs));
  }

  /** Removes one; false where there is none by that id. Throws as {@link add} does. */
  remove(
    id: string,
    provedBy: FactorUse | null,
    enough: Parameters<FactorBook['remove']>[2],
    nowMs: number,
  ): Promise<boolean> {
    return this.#access.write('owner', (context) => removeFactor(context, id, provedBy, enough, nowMs));
  }

  /** Makes them those that the keystore remembers, after the ledger was lost; see {@link replaceFactors}. */
  replace(factors: readonly StoredFactor[], nowMs: number): Promise<void> {
    return this.#access.write('owner', (context) => replaceFactors(context, factors, nowMs));
  }

  /** Stores a use of a factor. Throws `factor_needed` where it is no longer as it was looked at. */
  use(use: FactorUse, nowMs: number): Promise<void> {
    return this.#access.write('owner', (context) => useFactor(context, use, nowMs));
  }

  /** Counts a try at a place as wrong before it is made, where `allow` lets one be made. */
  countTry<Verdict extends { readonly allowed: boolean }>(
    place: TryPlace,
    allow: (tries: WrongTries & { readonly nowMs: number }) => Verdict,
    nowMs: number,
  ): Promise<Verdict> {
    return this.#access.write('owner', (context) => countTry(context, place, allow, nowMs));
  }

  /** The wrong tries at a place since the last right one there. */
  wrongTries(place: TryPlace): Promise<WrongTries> {
    return this.#access.read((context, head) => readTries(context, head, place));
  }
}
