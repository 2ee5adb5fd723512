import type { ApprovalRecord } from '../../ledger/books/approval.js';
import { createHash } from 'node:crypto';
import { boundDeposit, digestOf } from '../../approvals/question.js';
import { WalletError } from '../../errors/walletError.js';
import {
  deniedOutcome,
  isDismissed,
  lateOutcome,
  limitedOutcome,
  pendingOutcome,
  problemError,
} from './approvalOutcome.js';
import { makeQuestion, readQuestion, writeQuestion, type AskedSelection } from './approvalQuestion.js';
import type { CallContext } from '../call/callDeadline.js';
import type { CallTerms, PaidCall } from '../call/paidCall.js';
import { stateFor } from './clientAnswer.js';
import { answererOf, promptBar, promptChoices, promptText } from './clientPrompt.js';
import type { Engine } from '../engine.js';
import type { Outcome } from '../answer/outcome.js';
import { tellWebhook } from './ownerWebhook.js';
import { restoreChallenge, writeChallenge, type Challenge } from '../call/probe.js';
import type { CallInput, CallRequest } from '../call/request.js';
import { GONE, rememberCredentials, restoreCall, storeCall, type StoredCall } from '../call/storedCall.js';

/** A person may take a while; whoever waits hears that it goes on. */
const PROGRESS_EVERY_MS = 10_000;

/** Asks the owner, or joins the same question: the approval to pay with, or what to answer the agent meanwhile. */
export async function askOwner(
  call: PaidCall,
  challenge: Challenge,
  selected: AskedSelection,
): Promise<ApprovalRecord | Outcome> {
  const { engine, terms, config, request, context } = call;
  const asked = await makeQuestion(call, challenge, selected);
  const { question } = asked;
  const { offer } = selected.selection;
  const { approvalId: id, agent, sessionId, requestHash, network, asset, payTo } = question;
  const promised = [
    ...(question.terms === undefined ? [] : [question.terms]),
    ...(question.deposit === undefined ? [] : boundDeposit(question.deposit).map(String)),
  ];
  const identity = [agent, requestHash, network, asset, payTo, question.amountAtomic.toString(), ...promised];
  const asking = {
    id,
    agent,
    sessionId,
    askKey: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    requestHash,
    origin: challenge.target.url.origin,
    network,
    asset,
    payTo,
    amountAtomic: question.amountAtomic,
    usdMicros: question.usdMicros,
    digest: digestOf(question),
    question: writeQuestion(asked),
    request: JSON.stringify({ call: storeCall(request), kept: terms }),
    challenge: writeChallenge(challenge),
    offerIndex: offer.index,
    createdMs: question.createdMs,
    expiresMs: question.expiresMs,
  };
  const { asks } = context;
  const result = await engine.ledger.approvals.ask(asking, answererOf(asks));
  if (result.kind === 'limited') return limitedOutcome(result.scope, result.retryAfterSec);
  if (result.kind === 'denied') return deniedOutcome(result.approval, asks);
  rememberCredentials(engine.agent, result.approval.id, request);
  if (result.kind === 'asked') void tellWebhook(engine, config, question);
  return awaitOwner(call, result.approval);
}

/** Waits for the answer to an open question, as far as the call's own deadline and the owner's config go. */
export async function awaitOwner(
  call: PaidCall,
  approval: ApprovalRecord,
): Promise<ApprovalRecord | Outcome> {
  const { engine, config, deadline, context } = call;
  const isOpen = approval.state === 'pending' && approval.expiresMs > engine.now();
  if (!isOpen) return settled(call, approval);
  if (await putToClient(call, approval)) return pendingOutcome(call, approval, true);
  // Without a factor nobody can say yes elsewhere: the owner has to add one first.
  const isAnswerable = (await engine.ledger.factors.list()).length > 0;
  if (!isAnswerable || context.asksOwner === true || isDismissed(context))
    return pendingOutcome(call, approval);
  await engine.reach?.show(readQuestion(approval).question);
  const waitMs = Math.min(config.approvals.waitSec * 1000, deadline.personMs());
  if (waitMs <= 0) return pendingOutcome(call, approval);
  const after = await waitFor(engine, approval, waitMs, deadline.signal, context.progress);
  if (after.state === 'pending' && after.expiresMs > engine.now()) return pendingOutcome(call, after);
  return settled(call, after);
}

/** Hands the question to the client, where it can put it to the person and its answer would count. */
async function putToClient(
  { engine, config, input, deadline, context }: PaidCall,
  approval: ApprovalRecord,
): Promise<boolean> {
  const { asks } = context;
  if (asks === undefined || asks.answered !== undefined) return false;
  const byForm = asks.form && (await promptBar(engine, config, approval)) === null;
  const canPage = !byForm && asks.url && (await engine.ledger.factors.list()).length > 0;
  const page = canPage ? ((await engine.reach?.page(readQuestion(approval).question)) ?? null) : null;
  if (!byForm && page === null) return false;
  if (!(await engine.ledger.approvals.notePrompt(approval.id, engine.now()))) return false;
  asks.put({
    approvalId: approval.id,
    message: promptText(approval),
    choices: promptChoices(approval),
    state: stateFor(engine, approval, input),
    url: byForm ? null : page,
    waitMs: deadline.personMs(),
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
function settled(
  { engine, deadline, context }: PaidCall,
  approval: ApprovalRecord,
): ApprovalRecord | Outcome {
  if (approval.state === 'denied') return deniedOutcome(approval, context.asks);
  if (approval.state === 'consumed') return approval;
  if (approval.state === 'expired' || approval.expiresMs <= engine.now()) throw problemError('expired');
  return deadline.isLate() ? lateOutcome(approval) : approval;
}

/** A call that its approval stands for. */
export interface ApprovedCall {
  readonly approval: ApprovalRecord;
  readonly request: CallRequest;
  /** Narrowed to the offer that was asked about. */
  readonly challenge: Challenge;
  readonly terms: CallTerms;
}

/**
 * Finds an approval of this agent and the call it stands for; fields given beside the id must be equal.
 *
 * Throws `approval_unknown`, `approval_changed`.
 */
export async function restoreApproved(
  engine: Engine,
  id: string,
  given: Partial<CallInput>,
  allowPrivate: readonly string[],
): Promise<ApprovedCall> {
  const approval = await engine.ledger.approvals.find(id);
  if (approval === null || approval.agent !== engine.agent) throw problemError('unknown');
  const { call, kept } = JSON.parse(approval.request) as { call: StoredCall; kept: CallTerms };
  const request = await restoreCall(id, call, given, engine, allowPrivate);
  if (request === 'credentials' || request === 'body') {
    throw new WalletError('approval_changed', `The call was made with ${GONE[request]} again.`);
  }
  if (request.hashBeforeSchema3 === approval.requestHash) {
    throw new WalletError(
      'approval_expired',
      'Purser was updated since the owner was asked, so nothing was signed; make the call again without approval_id, and they are asked anew.',
    );
  }
  if (request.hash !== approval.requestHash) throw problemError('changed');
  const challenge = restoreChallenge(engine.rails, approval.challenge);
  const offers = challenge.required.offers.filter((offer) => offer.index === approval.offerIndex);
  return {
    approval,
    request,
    challenge: { ...challenge, required: { ...challenge.required, offers } },
    terms: kept,
  };
}
