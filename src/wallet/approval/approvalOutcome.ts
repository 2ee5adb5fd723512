import type { ApprovalProblem, ApprovalRecord } from '../../ledger/books/approval.js';
import type { Question } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import type { OwnerStep } from '../../errors/ownerAction.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { readQuestion } from './approvalQuestion.js';
import type { CallContext } from '../call/callDeadline.js';
import { answererOf, noPromptWords } from './clientPrompt.js';
import type { Engine } from '../engine.js';
import { outcome, type Outcome } from '../answer/outcome.js';

/** A question that nobody has answered, as a call meets it. */
export interface Unanswered {
  readonly engine: Engine;
  readonly config: Config;
  readonly context: CallContext;
  /** How soon the client answered no, where nobody can have read the question by then; else null. */
  readonly hastyMs: number | null;
}

/**
 * The outcome while the owner has not answered: nothing is held, nothing signed. Where the client puts the question to
 * them at this moment, no page opens over it.
 */
export async function pendingOutcome(
  asked: Unanswered,
  approval: ApprovalRecord,
  isPrompted = false,
): Promise<Outcome> {
  const { engine, config, context } = asked;
  const { question } = readQuestion(approval);
  const { id } = approval;
  const usd = formatUsd(question.usdMicros);
  const noPrompt = await noPromptWords(engine, config, context.asks, approval);
  const canAnswerElsewhere = (await engine.ledger.factors.list()).length > 0;
  const message = [
    `The owner is asked whether to pay $${usd} to ${question.host}; nothing is signed or held meanwhile.`,
    dismissedWords(asked),
    noPrompt,
    canAnswerElsewhere
      ? 'Tell them, then wait with wallet_approval.'
      : whereNobodyElse(canAskAgain(context, noPrompt)),
  ];
  return outcome({
    status: 'approval_required',
    code: 'approval_required',
    message: message.filter((sentence) => sentence !== null).join(' '),
    retry: 'after_approval',
    // Without a factor to wait for, the call itself asks in the client again; where that asks nothing either, no call helps.
    next: canAnswerElsewhere
      ? { tool: 'wallet_approval', arguments: { id } }
      : canAskAgain(context, noPrompt)
        ? { tool: 'wallet_pay', arguments: { approval_id: id } }
        : null,
    tell_owner: await tellWhere(engine, question, { whys: [question.why, noPrompt], isPrompted }),
    approval_id: id,
    expires_at: new Date(approval.expiresMs).toISOString(),
    state: 'pending',
    usd,
    host: question.host,
    pay_to: question.payTo,
    network: question.network,
    why: question.why,
  });
}

/** What a client brought back that answers nothing, in a sentence; null where it was not asked, or it was an answer. */
function dismissedWords({ context, hastyMs }: Unanswered): string | null {
  if (hastyMs !== null)
    return `The client answered no after ${hastyMs} ms, sooner than a person reads the question, so nobody has answered.`;
  return isDismissed(context) ? 'Nobody answered in the client.' : null;
}

/** Whether the same call would put the question in its client once more. */
function canAskAgain({ asks }: CallContext, noPrompt: string | null): boolean {
  return asks?.form === true && noPrompt === null;
}

/** How it goes on where no factor lets the owner answer outside of the client. */
function whereNobodyElse(asksAgain: boolean): string {
  if (asksAgain) return 'The call in next asks them in the client once more, while they are there.';
  return 'Nobody can answer it yet, since the wallet has no owner passphrase or passkey. Tell them, and go on without it; once they approved it, wallet_pay with the approval_id pays it.';
}

/**
 * Who has to look where. It names no command and nothing that lets in: an agent that reads either may follow it itself
 * (T20). The way in reaches the owner by their browser, their desktop or their terminal.
 */
async function tellWhere(
  engine: Engine,
  question: Question,
  { whys, isPrompted }: { readonly whys: readonly (string | null)[]; readonly isPrompted: boolean },
): Promise<OwnerStep> {
  const why = whys.filter((sentence) => sentence !== null).join(' ');
  if (isPrompted) return { say: `${why} The owner is asked in this client.` };
  if ((await engine.ledger.factors.list()).length === 0) {
    await engine.reach?.announce(question);
    return {
      say: `${why} To approve it outside of this client, the owner first adds an owner passphrase or a passkey, in a terminal of their own.`,
    };
  }
  const shown = (await engine.reach?.show(question)) ?? null;
  if (shown === null)
    return {
      say: `${why} The owner answers it in a terminal of their own, where Purser lists what waits for approval.`,
    };
  const where = shown.inBrowser
    ? `The owner answers it on the page that opened in the browser of this computer: ${shown.url}`
    : `The owner answers it with the code that the desktop of this computer shows, at ${shown.url}`;
  return { say: `${why} ${where}` };
}

/** The outcome of a no: final for whom it binds. One that a client's prompt brought binds that client alone. */
export function deniedOutcome(
  { id, answeredHow, answeredBy }: Pick<ApprovalRecord, 'id' | 'answeredHow' | 'answeredBy'>,
  asks: CallContext['asks'],
): Outcome {
  const byPrompt = answeredHow === 'elicitation';
  if (byPrompt && answeredBy !== answererOf(asks)) {
    return outcome({
      status: 'approval_required',
      code: 'approval_required',
      message:
        'Another client answered no to this question; nothing was signed. Make the wallet_pay call of it again to have it asked here.',
      retry: 'same_call',
      approval_id: id,
      state: 'denied',
    });
  }
  return outcome({
    status: 'refused',
    code: 'approval_denied',
    message: byPrompt
      ? 'The client answered no to this call; nothing was signed; do not retry or reword it.'
      : 'The owner was asked about this call and said no; nothing was signed; do not retry or reword it.',
    approval_id: id,
    state: 'denied',
  });
}

/** The outcome of a question that was not asked, since too many were. */
export function limitedOutcome(scope: 'session' | 'origin', retryAfterSec: number): Outcome {
  const whose = scope === 'session' ? 'in this session' : 'about this seller';
  return outcome({
    status: 'refused',
    code: 'asks_limited',
    message: `The owner was asked too often ${whose} lately, so this call was refused without asking; nothing was signed.`,
    retry: 'after_delay',
    retry_after_s: retryAfterSec,
  });
}

/** Whether the client brought something back that is no answer, nor a page that was opened: nobody is there now. */
export function isDismissed({ asks }: CallContext): boolean {
  const response = asks?.answered?.response as { action?: unknown } | undefined;
  return asks?.answered !== undefined && response?.action !== 'accept';
}

/** The outcome of a yes that came at the end of a call's time: the next call has time to pay. */
export function lateOutcome({ id, expiresMs }: ApprovalRecord): Outcome {
  return outcome({
    status: 'approval_required',
    code: 'approval_required',
    message:
      'The owner said yes, when too little was left of this call to pay in; nothing is signed yet. Make the call in next now.',
    retry: 'after_approval',
    next: { tool: 'wallet_pay', arguments: { approval_id: id } },
    approval_id: id,
    expires_at: new Date(expiresMs).toISOString(),
    state: 'approved',
  });
}

/** The outcome of a client's yes that is not enough any more: when it has run out, the owner is asked anew. */
export function promptFallsShortOutcome(
  { id, expiresMs }: Pick<ApprovalRecord, 'id' | 'expiresMs'>,
  cap: string,
  nowMs: number,
): Outcome {
  return outcome({
    status: 'refused',
    code: 'above_cap',
    message: `The client's yes does not take this payment past the agent's own cap, ${cap}, which only the owner's passphrase or passkey does; nothing was signed. Make the wallet_pay call of it again later to have the owner asked.`,
    retry: 'after_delay',
    retry_after_s: Math.max(1, Math.ceil((expiresMs - nowMs) / 1000)),
    approval_id: id,
  });
}

/** The error of an approval that does not pay. */
export function problemError(problem: Exclude<ApprovalProblem, 'pending' | 'denied'>): WalletError {
  switch (problem) {
    case 'unknown':
      return new WalletError('approval_unknown', 'There is no approval by that id.');
    case 'expired':
      return new WalletError(
        'approval_expired',
        'Nobody said yes in time, so nothing was signed; the owner can be asked anew by making the call again.',
      );
    case 'consumed':
      return new WalletError(
        'approval_closed',
        'This approval was used by its one call already, whether or not that was paid; make the call again without it to ask anew.',
      );
    case 'changed':
      return new WalletError(
        'approval_changed',
        'The call is not the one the owner was asked about; nothing was signed. Leave its fields out.',
      );
  }
}
