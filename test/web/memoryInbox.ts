import {
  answerPurpose,
  Challenges,
  unblockPurpose,
  type PasskeyPlace,
} from '../../src/approvals/challenge.js';
import {
  isYes,
  type Answer,
  type Approval,
  type Choices,
  type FactorLine,
  type FactorProof,
  type ApprovalInbox,
  type Yes,
} from '../../src/approvals/inbox.js';
import { findPassphraseFactor, type FactorRecord } from '../../src/approvals/factor.js';
import { challengePasskeys, factorLine, verifyPasskey } from '../../src/approvals/passkey.js';
import { digestOf, type Question } from '../../src/approvals/question.js';
import { judgeTries } from '../../src/approvals/tries.js';
import { WalletError } from '../../src/errors/walletError.js';

const CHOICES: Choices = {
  session: { suggestedUsdMicros: 3_000_000n, maxUsdMicros: 20_000_000n },
  payee: true,
};

/** An inbox in memory, with the product's own factors, passkeys and rule on tries: what the page is tested against. */
export class MemoryInbox implements ApprovalInbox {
  readonly factorRecords: FactorRecord[] = [];
  readonly asked = new Map<string, Approval>();
  /** Every answer that came to the inbox, right or wrong. */
  readonly calls: Answer['kind'][] = [];
  readonly #challenges = new Challenges();
  readonly #now: () => number;
  wrong = 0;
  #lastWrongMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Asks a question, or asks it anew with other fields. */
  ask(question: Question, over: Partial<Approval> = {}): Approval {
    const approval: Approval = {
      question,
      digest: digestOf(question),
      state: 'pending',
      choices: CHOICES,
      answer: null,
      answeredMs: null,
      answeredBy: null,
      paymentId: null,
      isBlocking: false,
      ...over,
    };
    this.asked.set(question.approvalId, approval);
    return approval;
  }

  async list(filter: 'pending' | 'recent'): Promise<readonly Approval[]> {
    const all = [...this.asked.values()].map((approval) => this.#aged(approval));
    return filter === 'pending'
      ? all.filter(({ state }) => state === 'pending')
      : all.filter(({ state }) => state !== 'pending').reverse();
  }

  async show(id: string): Promise<Approval | null> {
    const approval = this.asked.get(id);
    return approval === undefined ? null : this.#aged(approval);
  }

  async answer(id: string, digest: string, answer: Answer, proof: FactorProof | null): Promise<Approval> {
    this.calls.push(answer.kind);
    const approval = this.#answerable(id, digest, answer);
    const answeredBy = isYes(answer) ? await this.#prove(answerPurpose(digest, answer), proof) : 'the page';
    const answered: Approval = {
      ...approval,
      state: isYes(answer) ? 'approved' : 'denied',
      answer,
      answeredMs: this.#now(),
      answeredBy,
      isBlocking: answer.kind === 'block_host',
    };
    this.asked.set(id, answered);
    return answered;
  }

  async unblock(id: string, digest: string, proof: FactorProof | null): Promise<Approval> {
    const approval = this.#blocking(id);
    await this.#prove(unblockPurpose(digest, approval.question.host), proof);
    const unblocked = { ...approval, isBlocking: false };
    this.asked.set(id, unblocked);
    return unblocked;
  }

  async unblockChallenge(
    id: string,
    digest: string,
    at: PasskeyPlace,
  ): ReturnType<ApprovalInbox['unblockChallenge']> {
    const purpose = unblockPurpose(digest, this.#blocking(id).question.host);
    const ceremony = { factors: this.factorRecords, at, nowMs: this.#now() };
    return challengePasskeys(this.#challenges, purpose, ceremony);
  }

  #blocking(id: string): Approval {
    const approval = this.asked.get(id);
    if (approval?.isBlocking !== true)
      throw new WalletError('bad_input', 'It is not blocked by this answer.');
    return approval;
  }

  async factors(): Promise<readonly FactorLine[]> {
    return this.factorRecords.map(factorLine);
  }

  async passkeyChallenge(
    id: string,
    digest: string,
    answer: Yes,
    at: PasskeyPlace,
  ): ReturnType<ApprovalInbox['passkeyChallenge']> {
    this.#answerable(id, digest, answer);
    return challengePasskeys(this.#challenges, answerPurpose(digest, answer), {
      factors: this.factorRecords,
      at,
      nowMs: this.#now(),
    });
  }

  #answerable(id: string, digest: string, answer: Answer): Approval {
    const approval = this.asked.get(id);
    if (approval === undefined) throw new WalletError('approval_unknown', 'There is no such question.');
    const { state, choices } = this.#aged(approval);
    if (state === 'expired') throw new WalletError('approval_expired', 'The ten minutes are over.');
    if (state !== 'pending') throw new WalletError('approval_closed', 'This was answered already.');
    if (approval.digest !== digest) {
      throw new WalletError('approval_changed', 'What is asked has changed: read it again.');
    }
    const maxUsdMicros = choices.session?.maxUsdMicros ?? 0n;
    if (answer.kind === 'session' && answer.usdMicros > maxUsdMicros) {
      throw new WalletError('above_ceiling', 'The amount is above the ceiling.');
    }
    return approval;
  }

  async #prove(purpose: string, proof: FactorProof | null): Promise<string> {
    const factors = this.factorRecords;
    const nowMs = this.#now();
    if (proof === null || !factors.some(({ kind }) => kind === proof.kind)) {
      throw new WalletError('factor_needed', 'A yes needs your passphrase or a passkey.');
    }
    if (proof.kind === 'passkey') {
      const proved = await verifyPasskey(this.#challenges, purpose, proof, { factors, nowMs });
      if (proved === null) throw new WalletError('factor_wrong', 'The passkey was not accepted.');
      factors[factors.findIndex(({ id }) => id === proved.id)] = proved;
      return proved.label;
    }
    const verdict = judgeTries({ wrong: this.wrong, lastWrongMs: this.#lastWrongMs, nowMs });
    if (!verdict.allowed) {
      const { retryAfterSec } = verdict;
      throw new WalletError('factor_slowed', 'Too many wrong tries.', { retryAfterSec });
    }
    this.wrong += 1;
    this.#lastWrongMs = nowMs;
    const found = await findPassphraseFactor(factors, proof.passphrase);
    if (found === null) throw new WalletError('factor_wrong', 'That is not your owner passphrase.');
    this.wrong = 0;
    return found.label;
  }

  #aged(approval: Approval): Approval {
    const isOver = approval.state === 'pending' && approval.question.expiresMs <= this.#now();
    return isOver ? { ...approval, state: 'expired' } : approval;
  }
}
