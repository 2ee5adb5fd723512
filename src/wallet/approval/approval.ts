import { createHash } from 'node:crypto';
import { describeQuestion, digestOf, type Question } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { ApprovalProblem } from '../../ledger/sqlite/approval.js';
import type { ApprovalRecord } from '../../ledger/sqlite/approvalRow.js';
import { formatUsd } from '../../money/decimal.js';
import { makeQuestion, readQuestion, writeQuestion, type QuestionParts } from './approvalQuestion.js';
import type { CallBound, CallContext } from '../callBound.js';
import { stateFor } from './clientAnswer.js';
import type { Engine } from '../engine.js';
import type { PayInput } from '../input.js';
import { outcome, type Outcome } from '../answer/outcome.js';
import type { CommandPlace } from '../ownerCommand.js';
import { tellWebhook } from './ownerWebhook.js';
import { restoreChallenge, writeChallenge, type Challenge } from '../probe.js';
import type { CallInput, CallRequest } from '../request.js';
import { rememberCredentials, restoreCall, storeCall, type StoredCall } from './storedCall.js';

/** A person may take a while; whoever waits hears that it goes on. */
const PROGRESS_EVERY_MS = 10_000;

/** The arguments of a call that its approval goes on with. */
type KeptInput = Pick<PayInput, 'idempotency_key' | 'repeat' | 'reason' | 'quote_id'>;

/** One call of `wallet_pay` that has to ask. */
export interface AskingCall {
  readonly engine: Engine;
  readonly place: CommandPlace;
  /** As the agent gave it. */
  readonly input: PayInput;
  /** What of it the approval goes on with. */
  readonly kept: KeptInput;
  readonly bound: CallBound;
  readonly context: CallContext;
}

/** Asks the owner, or joins the same question: the approval to pay with, or what to answer the agent meanwhile. */
export async function askOwner(
  call: AskingCall,
  config: Config,
  parts: QuestionParts,
): Promise<ApprovalRecord | Outcome> {
  const { engine, kept } = call;
  const asked = makeQuestion(engine, config, parts);
  const { question } = asked;
  const { offer } = parts.judged;
  const { approvalId: id, agent, sessionId, requestHash, network, asset, payTo } = question;
  const identity = [agent, requestHash, network, asset, payTo, question.amountAtomic.toString()];
  const result = await engine.ledger.approvals.ask({
    id,
    agent,
    sessionId,
    askKey: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    requestHash,
    origin: parts.challenge.target.url.origin,
    network,
    asset,
    payTo,
    amountAtomic: question.amountAtomic,
    usdMicros: question.usdMicros,
    digest: digestOf(question),
    question: writeQuestion(asked),
    request: JSON.stringify({ call: storeCall(parts.request), kept }),
    challenge: writeChallenge(parts.challenge),
    offerIndex: offer.index,
    createdMs: question.createdMs,
    expiresMs: question.expiresMs,
  });
  if (result.kind === 'limited') return limitedOutcome(result.scope, result.retryAfterSec);
  if (result.kind === 'denied') return deniedOutcome(result.approval);
  rememberCredentials(engine.agent, result.approval.id, parts.request);
  if (result.kind === 'asked') void tellWebhook(engine, call.place, config, question);
  return awaitOwner(call, config, result.approval);
}

/** Waits for the answer to an open question, as far as the call's own bound and the owner's config go. */
export async function awaitOwner(
  call: AskingCall,
  config: Config,
  approval: ApprovalRecord,
): Promise<ApprovalRecord | Outcome> {
  const { engine, bound, context } = call;
  const isOpen = approval.state === 'pending' && approval.expiresMs > engine.now();
  if (!isOpen) return settled(call, approval);
  if (await putToClient(call, config, approval)) return pendingOutcome(engine, approval);
  // Without a factor nobody can say yes elsewhere: the owner has to add one first.
  const isAnswerable = engine.ledger.factors.list().length > 0;
  if (!isAnswerable || isDismissed(context)) return pendingOutcome(engine, approval);
  await engine.reach?.show(readQuestion(approval).question);
  const waitMs = Math.min(config.approvals.waitSec * 1000, bound.personMs());
  if (waitMs <= 0) return pendingOutcome(engine, approval);
  const after = await waitFor(engine, approval, waitMs, bound.signal, context.progress);
  if (after.state === 'pending' && after.expiresMs > engine.now()) return pendingOutcome(engine, after);
  return settled(call, after);
}

/** Whether the client brought something back that is no answer, nor a page that was opened: nobody is there now. */
function isDismissed({ asks }: CallContext): boolean {
  const response = asks?.answered?.response as { action?: unknown } | undefined;
  return asks?.answered !== undefined && response?.action !== 'accept';
}

/** Hands the question to the client, where it can put it to the person and its answer would count. */
async function putToClient(
  { engine, input, bound, context }: AskingCall,
  config: Config,
  approval: ApprovalRecord,
): Promise<boolean> {
  const { asks } = context;
  if (asks === undefined || asks.answered !== undefined) return false;
  const { approvals } = engine.ledger;
  const elicited = approvals.elicitedUsdMicros(engine.now()) + approval.usdMicros;
  const byForm = asks.form && elicited <= config.approvals.elicitationMaxUsdMicros;
  const canPage = !byForm && asks.url && engine.ledger.factors.list().length > 0;
  const page = canPage ? ((await engine.reach?.page(readQuestion(approval).question)) ?? null) : null;
  if (!byForm && page === null) return false;
  if (!(await approvals.notePrompt(approval.id, engine.now()))) return false;
  asks.put({
    approvalId: approval.id,
    message: describeQuestion(readQuestion(approval).question).join('\n'),
    state: stateFor(engine, approval, input),
    url: byForm ? null : page,
    waitMs: bound.personMs(),
  });
  return true;
}

/** Waits on an approval and says that it does. */
export async function waitFor(
  engine: Engine,
  approval: ApprovalRecord,
  waitMs: number,
  signal: AbortSignal,
  progress: CallContext['progress'],
): Promise<ApprovalRecord> {
  const say = (): void => progress?.(`Waiting for the owner to answer ${approval.id}.`);
  say();
  const saying = setInterval(say, PROGRESS_EVERY_MS);
  try {
    const over = AbortSignal.any([signal, engine.closing, AbortSignal.timeout(waitMs)]);
    return (await engine.ledger.approvals.waitForAnswer(approval.id, () => engine.now(), over)) ?? approval;
  } finally {
    clearInterval(saying);
  }
}

/** An approval to pay with, or why there is none. A consumed one is left to whoever looks for its payment. */
function settled({ engine, bound }: AskingCall, approval: ApprovalRecord): ApprovalRecord | Outcome {
  if (approval.state === 'denied') return deniedOutcome(approval);
  if (approval.state === 'consumed') return approval;
  if (approval.state === 'expired' || approval.expiresMs <= engine.now()) throw problemError('expired');
  return bound.isLate() ? lateOutcome(approval) : approval;
}

/** The outcome of a yes that came at the end of a call's time: the next call has time to pay. */
function lateOutcome({ id, expiresMs }: ApprovalRecord): Outcome {
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

/** A call that its approval stands for. */
export interface ApprovedCall {
  readonly approval: ApprovalRecord;
  readonly request: CallRequest;
  /** Narrowed to the offer that was asked about. */
  readonly challenge: Challenge;
  readonly kept: KeptInput;
}

/**
 * Finds an approval of this agent and the call it stands for; fields given beside the id must be equal.
 *
 * Throws `approval_unknown`, `approval_changed`.
 */
export function restoreApproved(
  engine: Engine,
  id: string,
  given: Partial<CallInput>,
  allowPrivate: readonly string[],
): ApprovedCall {
  const approval = engine.ledger.approvals.find(id);
  if (approval === null || approval.agent !== engine.agent) throw problemError('unknown');
  const { call, kept } = JSON.parse(approval.request) as { call: StoredCall; kept: KeptInput };
  const request = restoreCall(id, call, given, engine, allowPrivate);
  if (request === null) {
    throw new WalletError(
      'approval_changed',
      'The call was made with credentials, which are not stored: pass headers again.',
    );
  }
  if (request.hashBeforeSchema3 === approval.requestHash) {
    throw new WalletError(
      'approval_expired',
      'Purser was updated since the owner was asked, so nothing was signed; make the call again without approval_id, and they are asked anew.',
    );
  }
  if (request.hash !== approval.requestHash) throw problemError('changed');
  const challenge = restoreChallenge(approval.challenge);
  const offers = challenge.required.offers.filter((offer) => offer.index === approval.offerIndex);
  return {
    approval,
    request,
    challenge: { ...challenge, required: { ...challenge.required, offers } },
    kept,
  };
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
      return new WalletError('approval_closed', 'This approval paid for its one call already.');
    case 'changed':
      return new WalletError(
        'approval_changed',
        'The call is not the one the owner was asked about; nothing was signed. Leave its fields out.',
      );
  }
}

/** The outcome while the owner has not answered: nothing is held, nothing signed. */
export async function pendingOutcome(engine: Engine, approval: ApprovalRecord): Promise<Outcome> {
  const { question } = readQuestion(approval);
  const usd = formatUsd(question.usdMicros);
  const expiresAt = new Date(approval.expiresMs).toISOString();
  return outcome({
    status: 'approval_required',
    code: 'approval_required',
    message: `The owner is asked whether to pay $${usd} to ${question.host}; nothing is signed or held meanwhile. Tell them, then wait with wallet_approval.`,
    retry: 'after_approval',
    next: { tool: 'wallet_approval', arguments: { id: approval.id } },
    tell_owner: await tellWhere(engine, question),
    approval_id: approval.id,
    expires_at: expiresAt,
    state: 'pending',
    usd,
    host: question.host,
    pay_to: question.payTo,
    network: question.network,
    why: question.why,
  });
}

/**
 * Who has to look where. It names no command and nothing that lets in: an agent that reads either may follow it itself
 * (T20). The way in reaches the owner by their browser, their desktop or their terminal.
 */
async function tellWhere(engine: Engine, question: Question): Promise<string> {
  if (engine.ledger.factors.list().length === 0)
    return `${question.why} To approve it outside of this client, the owner first adds an owner passphrase or a passkey, in a terminal of their own.`;
  const shown = (await engine.reach?.show(question)) ?? null;
  if (shown === null)
    return `${question.why} The owner answers it in a terminal of their own, where Purser lists what waits for approval.`;
  return shown.inBrowser
    ? `${question.why} The owner answers it on the page that opened in the browser of this computer: ${shown.url}`
    : `${question.why} The owner answers it with the code that the desktop of this computer shows, at ${shown.url}`;
}

/** The outcome of a no: final. */
export function deniedOutcome({ id }: Pick<ApprovalRecord, 'id'>): Outcome {
  return outcome({
    status: 'refused',
    code: 'needs_owner',
    message:
      'The owner was asked about this call and said no; nothing was signed; do not retry or reword it.',
    approval_id: id,
    state: 'denied',
  });
}

function limitedOutcome(scope: 'session' | 'origin', retryAfterSec: number): Outcome {
  const whose = scope === 'session' ? 'in this session' : 'about this seller';
  return outcome({
    status: 'refused',
    code: 'asks_limited',
    message: `The owner was asked too often ${whose} lately, so this call was refused without asking; nothing was signed.`,
    retry: 'after_delay',
    retry_after_s: retryAfterSec,
  });
}
