import type { ApprovalRecord, DecisionResult, Grant } from '../ledger/books/approval.js';
import type { FactorUse, TryPlace } from '../ledger/books/factor.js';
import type { Approver } from '../ledger/books/ownersAct.js';
import { FIRST_OWNER } from '../approvals/factor.js';
import { answerPurpose, Challenges, unblockPurpose, type PasskeyPlace } from '../approvals/challenge.js';
import {
  isYes,
  PENDING_LISTED_MAX,
  RECENT_LISTED_MAX,
  type Answer,
  type Approval,
  type FactorProof,
  type ApprovalInbox,
  type Yes,
} from '../approvals/inbox.js';
import { challengePasskeys, factorLine, verifyPasskey } from '../approvals/passkey.js';
import { setKey, withEntry } from '../config/change.js';
import { configReader } from '../config/configFile.js';
import type { Config } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { Ledger } from '../ledger/ledger.js';
import { formatUsd } from '../money/decimal.js';
import { readQuestion, standingNow, type AskedQuestion } from '../wallet/approval/approvalQuestion.js';
import { payeeGrantKey, sessionGrantKey } from '../wallet/call/ownerRules.js';
import { changeSharedConfig } from '../wallet/sharedConfig.js';
import { actOfChange } from './ownerConfig.js';
import { allowAct, approverWords } from './auth/allow.js';
import { provedFactor, provePassphrase, readFactors, spent, type ProvedFactor } from './auth/ownerFactor.js';

/** What the inbox needs of an open wallet. */
export interface InboxWallet {
  readonly home: string;
  readonly ledger: Ledger;
  /** Makes the config's code. */
  readonly configMac: (data: string) => Uint8Array;
  readonly now: () => number;
  /** Where the owner answers: tries of a passphrase are counted for each place apart. */
  readonly place: TryPlace;
  /** Who answers where no factor says so, in words of ours. */
  readonly somebody?: string;
  /** The proposal that is to be confirmed by an answer, and none other. */
  readonly confirms?: string | undefined;
}

/** The owner's side of approvals over an open wallet; see {@link ApprovalInbox} for what each method promises. */
export function openInbox(wallet: InboxWallet): ApprovalInbox {
  return new WalletInbox(wallet);
}

interface Answerable extends AskedQuestion {
  readonly record: ApprovalRecord;
}

class WalletInbox implements ApprovalInbox {
  readonly #wallet: InboxWallet;
  readonly #challenges = new Challenges();
  readonly #readConfig: () => Config;

  constructor(wallet: InboxWallet) {
    this.#wallet = wallet;
    this.#readConfig = configReader(wallet.home, wallet.configMac);
  }

  async list(filter: 'pending' | 'recent'): Promise<readonly Approval[]> {
    const { ledger, now } = this.#wallet;
    const records =
      filter === 'pending'
        ? await ledger.approvals.pending(PENDING_LISTED_MAX, now())
        : await ledger.approvals.recent(RECENT_LISTED_MAX, now());
    return Promise.resolve(records.map((record) => this.#view(record)));
  }

  async show(id: string): Promise<Approval | null> {
    const record = await this.#wallet.ledger.approvals.find(id);
    return record === null ? null : this.#standing(this.#view(record));
  }

  async answer(id: string, digest: string, answer: Answer, proof: FactorProof | null): Promise<Approval> {
    const { ledger, now } = this.#wallet;
    const answerable = await this.#answerable(id, digest, answer);
    const allowed = isYes(answer)
      ? await this.#allow(answerable, answer, await this.#prove(answerPurpose(digest, answer), proof))
      : null;
    if (answer.kind === 'block_host') await this.#blockHost(answerable.question.host);
    const decided = await ledger.approvals.decide(id, {
      state: isYes(answer) ? 'approved' : 'denied',
      answer: writeAnswer(answer),
      how: allowed === null ? 'nothing' : 'factor',
      by: allowed?.words ?? this.#wallet.somebody ?? 'somebody at this computer',
      ...(allowed === null ? {} : { factor: allowed.use }),
      grants: grantsOf(answerable, answer),
      nowMs: now(),
    });
    return this.#view(storedOf(decided));
  }

  async factors() {
    return Promise.resolve((await readFactors(this.#wallet.ledger)).map(factorLine));
  }

  async passkeyChallenge(id: string, digest: string, answer: Yes, at: PasskeyPlace) {
    const { ledger, now } = this.#wallet;
    await this.#answerable(id, digest, answer);
    const ceremony = { factors: await readFactors(ledger), at, nowMs: now() };
    return challengePasskeys(this.#challenges, answerPurpose(digest, answer), ceremony);
  }

  async unblock(id: string, digest: string, proof: FactorProof | null): Promise<Approval> {
    const { home, configMac, ledger, now } = this.#wallet;
    const { record, host } = await this.#blocking(id, digest);
    const proved = await this.#prove(unblockPurpose(digest, host), proof);
    const agreed = actOfChange([unblocking(this.#readConfig(), host)]);
    await allowAct(
      ledger,
      {
        act: { what: `Unblock ${host}`, details: [`An answer blocked it: ${id}`] },
        // As where it is taken from the list in a terminal.
        agreed: [agreed.what, ...agreed.details],
        action: { kind: 'removeFromSetting', key: 'hosts.deny', entry: host },
        isAlone: false,
        confirms: null,
      },
      proved,
      now(),
    );
    await changeSharedConfig(
      { home, mac: configMac, ledger, now },
      (current) => unblocking(current, host).config,
    );
    return this.#view(record);
  }

  async unblockChallenge(id: string, digest: string, at: PasskeyPlace) {
    const { ledger, now } = this.#wallet;
    const { host } = await this.#blocking(id, digest);
    const ceremony = { factors: await readFactors(ledger), at, nowMs: now() };
    return challengePasskeys(this.#challenges, unblockPurpose(digest, host), ceremony);
  }

  /** The host that the answer to a question blocks. */
  async #blocking(
    id: string,
    digest: string,
  ): Promise<{ readonly record: ApprovalRecord; readonly host: string }> {
    const record = await this.#wallet.ledger.approvals.find(id);
    if (record === null) throw new WalletError('approval_unknown', 'There is no approval by that id.');
    if (digest !== record.digest)
      throw new WalletError('approval_changed', 'What was answered is not what is asked; look at it again.');
    const { question, isBlocking } = this.#view(record);
    if (!isBlocking) throw new WalletError('bad_input', `${question.host} is not blocked by this answer.`);
    return { record, host: question.host };
  }

  /** The question, if this answer to it can be taken as far as the question goes. */
  async #answerable(id: string, digest: string, answer: Answer): Promise<Answerable> {
    const { ledger, now } = this.#wallet;
    const record = await ledger.approvals.find(id);
    if (record === null) throw new WalletError('approval_unknown', 'There is no approval by that id.');
    const ranOut = record.expiresMs <= now() && (record.state === 'pending' || record.state === 'approved');
    if (record.state === 'expired' || (record.state === 'pending' && ranOut)) throw expired();
    if (record.state !== 'pending') throw closed();
    const asked = readQuestion(record);
    if (digest !== record.digest)
      throw new WalletError('approval_changed', 'What was answered is not what is asked; look at it again.');
    checkChoice(asked, answer);
    return { ...asked, record };
  }

  async #prove(purpose: string, proof: FactorProof | null): Promise<ProvedFactor> {
    const { ledger, now, place } = this.#wallet;
    if (proof === null) throw factorNeeded((await readFactors(ledger)).length > 0);
    if (proof.kind === 'passphrase') return provePassphrase(ledger, proof.passphrase, { place, now });
    const factors = await readFactors(ledger);
    if (!factors.some(({ kind }) => kind === 'passkey')) throw factorNeeded(factors.length > 0);
    const found = await verifyPasskey(this.#challenges, purpose, proof, { factors, nowMs: now() });
    if (found === null) throw new WalletError('factor_wrong', 'The passkey was not accepted.');
    return provedFactor(ledger, found, place);
  }

  /**
   * Who says yes, and the use of a factor that is stored with it. To pay once, within the ceilings, loosens nothing, so one
   * owner says that; what makes a limit larger for the payments behind it takes as many as a loosening does.
   */
  async #allow(
    { question, record }: Answerable,
    answer: Yes,
    proved: ProvedFactor,
  ): Promise<{ readonly words: string; readonly use: FactorUse }> {
    if (answer.kind === 'once') return { words: answererOf([proved.by]), use: proved.use };
    const { ledger, now } = this.#wallet;
    const also =
      answer.kind === 'session'
        ? `let this session spend $${formatUsd(answer.usdMicros)} in all`
        : 'stop asking about this payee';
    const by = await allowAct(
      ledger,
      {
        act: {
          what: `Pay $${formatUsd(question.usdMicros)} to ${question.host}, and ${also}`,
          details: [`For the agent ${question.agent}: ${question.url}`, `To ${question.payTo}`],
        },
        agreed: [answerPurpose(record.digest, answer)],
        action: {
          ...{ kind: 'approve', id: record.id },
          ...(answer.kind === 'session' ? { sessionUsd: formatUsd(answer.usdMicros) } : { payee: true }),
        },
        isAlone: false,
        confirms: this.#wallet.confirms ?? null,
      },
      proved,
      now(),
    );
    return { words: answererOf(by), use: spent(proved).use };
  }

  /** Tightens the config: nobody need be asked for that. */
  async #blockHost(host: string): Promise<void> {
    const { home, configMac, ledger, now } = this.#wallet;
    await changeSharedConfig({ home, mac: configMac, ledger, now }, (current) =>
      current.hosts.deny.includes(host)
        ? current
        : setKey(current, 'hosts.deny', JSON.stringify([...current.hosts.deny, host])).config,
    );
  }

  #view(record: ApprovalRecord): Approval {
    const { question, choices } = readQuestion(record);
    const isOpen = record.state === 'pending' || record.state === 'approved';
    const ranOut = isOpen && record.expiresMs <= this.#wallet.now();
    return {
      question,
      digest: record.digest,
      state: ranOut ? 'expired' : record.state,
      choices,
      answer: record.answer === null ? null : readAnswer(record.answer),
      answeredMs: record.answeredMs,
      answeredBy: record.answeredBy,
      paymentId: record.paymentId,
      isBlocking: record.answer !== null && this.#isBlocking(readAnswer(record.answer), question.host),
    };
  }

  #isBlocking({ kind }: Answer, host: string): boolean {
    return kind === 'block_host' && (this.#config()?.hosts.deny.includes(host) ?? false);
  }

  /** A question that waits, as it stands at this moment: what was spent since it was asked is counted. */
  async #standing(approval: Approval): Promise<Approval> {
    const config = approval.state === 'pending' ? this.#config() : null;
    if (config === null) return approval;
    const { question } = approval;
    const { ledger, now } = this.#wallet;
    const place = { ...question, url: new URL(question.url), nowMs: now() };
    return {
      ...approval,
      question: { ...question, ...(await standingNow(ledger, config, place)) },
    };
  }

  /** Null where it cannot be read: no payment is made then, and the questions are shown as they were asked. */
  #config(): Config | null {
    try {
      return this.#readConfig();
    } catch (error) {
      if (isWalletError(error)) return null;
      throw error;
    }
  }
}

function checkChoice({ choices }: AskedQuestion, answer: Answer): void {
  if (answer.kind === 'payee' && !choices.payee)
    throw new WalletError('bad_input', 'This question is not about the address that is paid.');
  if (answer.kind !== 'session') return;
  const { session } = choices;
  if (session === null)
    throw new WalletError('bad_input', "This session's cap is not in the way of this payment.");
  if (answer.usdMicros > session.maxUsdMicros) {
    throw new WalletError(
      'above_ceiling',
      `The ceiling of a session is $${formatUsd(session.maxUsdMicros)}; no answer passes it.`,
    );
  }
  if (answer.usdMicros <= 0n)
    throw new WalletError('bad_input', "A session's cap is raised to an amount above zero.");
}

/** The list of blocked hosts without one of them. */
function unblocking(config: Config, host: string): ReturnType<typeof setKey> & { readonly key: string } {
  const key = 'hosts.deny';
  return { key, ...setKey(config, key, withEntry(config, key, 'remove', host)) };
}

/** What an answer makes lasting (T19: an elicitation never gets here, so it never lasts). */
function grantsOf({ question, record }: Answerable, answer: Answer): Grant[] {
  if (answer.kind === 'session')
    return [{ key: sessionGrantKey(question.sessionId), value: answer.usdMicros.toString() }];
  if (answer.kind === 'payee')
    return [{ key: payeeGrantKey(record.origin, record.network, record.payTo), value: record.id }];
  return [];
}

function storedOf(decided: DecisionResult): ApprovalRecord {
  switch (decided.kind) {
    case 'done':
      return decided.approval;
    case 'closed':
      throw closed();
    case 'expired':
      throw expired();
    case 'unknown':
      throw new WalletError('approval_unknown', 'There is no approval by that id.');
    case 'factor_gone':
      throw new WalletError('factor_wrong', 'That factor was used or removed meanwhile; answer again.');
    case 'above_elicited':
      throw new WalletError('internal', 'An answer of the owner was taken for one of a client.');
  }
}

/** Who answered, as it is shown: where the first owner did alone, what proved them says it. */
function answererOf(by: readonly Approver[]): string {
  const [{ owner, factor }] = by as readonly [Approver, ...Approver[]];
  return by.length === 1 && owner === FIRST_OWNER && factor !== null ? factor : approverWords(by);
}

function closed(): WalletError {
  return new WalletError('approval_closed', 'This question was answered already.');
}

function expired(): WalletError {
  return new WalletError('approval_expired', 'This question has expired; the agent may ask anew.');
}

/** Nothing says yes without a factor. */
export function factorNeeded(hasFactor: boolean): WalletError {
  return hasFactor
    ? new WalletError('factor_needed', 'Only the owner can say yes: give the owner passphrase or a passkey.')
    : new WalletError('factor_needed', 'This wallet has no factor yet, so nobody can say yes here.', {
        owner: { say: 'Add an owner passphrase first.', action: { kind: 'addFactor', factor: 'passphrase' } },
      });
}

function writeAnswer(answer: Answer): string {
  return JSON.stringify(
    answer.kind === 'session' ? { kind: 'session', usdMicros: answer.usdMicros.toString() } : answer,
  );
}

function readAnswer(text: string): Answer {
  const stored = JSON.parse(text) as { kind: Answer['kind']; usdMicros?: string };
  if (stored.kind === 'session') return { kind: 'session', usdMicros: BigInt(stored.usdMicros ?? '0') };
  return { kind: stored.kind };
}
