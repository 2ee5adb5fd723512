import { withCommitments } from '../commitment/offered.js';
import { hasDeposit, withDeposits, type DepositAsk } from '../entitlement/depositOffer.js';
import { serveAtTarget } from '../entitlement/serving.js';
import { lookAtTopUps } from '../settle/topUp.js';
import { readQuestion } from '../approval/approvalQuestion.js';
import { answerForFree } from '../answer/freeAnswer.js';
import type { NextCall, Outcome } from '../answer/outcome.js';
import { stopOutcome } from '../answer/refusal.js';
import { assertClock } from '../clock/clockCheck.js';
import { highestListed } from '../discover/catalogAdvice.js';
import { askTool } from '../mcpCall/mcpCall.js';
import type { Stop } from '../../policy/verdict.js';
import { noteAsked } from './ahead.js';
import { quoteArguments } from './beginCall.js';
import { modelCapOf } from './model.js';
import { judgeBeforePrice } from './ownerRules.js';
import type { PaidCall } from './paidCall.js';
import { challengeOf, probe, type Challenge } from './probe.js';
import { looksOf, readAhead, selectFrom, warmFunds, type Selected } from './selection.js';
import { trySignIn } from './signIn.js';

/** The live price of a call; the outcome where it costs nothing, is bought already, or no price would fit any more. */
export async function askPrice(call: PaidCall): Promise<Challenge | Outcome> {
  const challenge = await probeForPrice(call);
  return 'status' in challenge ? challenge : ((await servedAt(call, challenge)) ?? challenge);
}

/** What a challenge is answered by without paying: something bought before, or a signature that tells who calls. */
export async function servedAt(call: PaidCall, challenge: Challenge): Promise<Outcome | null> {
  if (call.context.carrier !== undefined) return null;
  return (await serveAtTarget(call, challenge)) ?? (await trySignIn(call, challenge));
}

/** Asks the endpoint what it wants; an endpoint that wants nothing has done its work, and that is the outcome. */
async function probeForPrice(call: PaidCall): Promise<Challenge | Outcome> {
  const { engine, session, config, request, deadline, context, input } = call;
  const place = { agent: engine.agent, sessionId: session.id, url: request.target.url };
  const budgetId = context.forwarded?.budgetId ?? null;
  const judge = () => judgeBeforePrice(engine.ledger, config, { ...place, budgetId, nowMs: engine.now() });
  let spent = await judge();
  if (spent.verdict !== 'allow' && engine.clock.verdict().kind === 'unchecked') {
    // Windows may have gone by that ledger time knows of only once the clock is checked.
    await assertClock(engine, config);
    spent = await judge();
  }
  if (spent.verdict !== 'allow' && !(await hasDeposit(engine, request.target.url.origin)))
    return refuse(call, spent);
  if (context.carrier?.asked !== undefined) {
    await warmFunds(engine, config);
    return challengeOf(engine.rails, context.carrier.asked, request);
  }
  const { mcp } = input;
  const asking = mcp === undefined ? probe(engine, config, request, deadline, context) : askTool(call, mcp);
  // What fails of it fails again where it is needed, and is told there.
  void readAhead(engine, config, request).catch(() => undefined);
  const probed = await asking;
  if (probed.kind === 'priced') {
    if (mcp === undefined) await noteAsked(engine, request, probed.challenge);
    return probed.challenge;
  }
  const target = probed.target.url;
  const job = { engine, config, context, target, headers: request.headers };
  const free = await answerForFree(job, probed, input.wait_s);
  // What is asked for beside an answer is paid by a quote of the same request.
  return probed.asks?.kind === 'beside' ? { ...free, next: requote(call) } : free;
}

/** Which offer of a challenge the call pays, and whether it may. */
export async function select(
  call: PaidCall,
  challenge: Challenge,
  looksAtTotals: boolean,
): Promise<Selected> {
  const { engine, session, config, approval } = call;
  const maxUsdMicros = maxOf(call);
  const nowMs = engine.now();
  const { required } = challenge;
  // What the owner approved is one offer: no other takes its place.
  const offers = required.offers.filter(({ index }) => approval === null || index === approval.offerIndex);
  const budgetId = call.context.forwarded?.budgetId ?? null;
  const place = { origin: challenge.target.url.origin, budgetId };
  if (offers.some(({ deposit }) => deposit !== undefined))
    await lookAtTopUps(engine, place.origin, call.deadline.signal);
  const demand = await withDeposits(
    engine,
    config,
    await withCommitments(engine, config, { ...required, offers }, place),
    {
      ...{ target: challenge.target, maxUsdMicros, sessionId: session.id, nowMs },
      waits: AbortSignal.any([call.deadline.signal, AbortSignal.timeout(call.deadline.sellerMs())]),
      ...approvedDeposit(approval),
      budgetId,
    },
  );
  return selectFrom(
    {
      ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: session.id },
      ...{ maxUsdMicros, target: challenge.target, demand },
      modelCap: await modelCapOf(config, call.request),
      listedUsdMicros: () => highestListed(engine, challenge.target),
      ...{ isApproved: approval !== null, looksAtTotals, nowMs, budgetId },
    },
    looksOf(engine, config, nowMs),
  );
}

/** The deposit that an approval is bound to, null where it is to none; nothing where there is no approval. */
function approvedDeposit(approval: PaidCall['approval']): Pick<DepositAsk, 'approvedAtomic'> {
  if (approval === null) return {};
  const { deposit } = readQuestion(approval).question;
  return { approvedAtomic: deposit === undefined ? null : BigInt(deposit.atomic) };
}

/** The agent's own bound, less what is live of the same request (T37). */
function maxOf({ maxUsdMicros, beside }: PaidCall): PaidCall['maxUsdMicros'] {
  if (beside === undefined) return maxUsdMicros;
  const { usdMicrosMax, payment } = beside;
  return usdMicrosMax > payment.heldUsdMicros ? usdMicrosMax - payment.heldUsdMicros : 0n;
}

/** The outcome of a call that is refused, with the quote to ask for where its price is the reason. */
export function refuse({ terms, input, request }: PaidCall, stop: Stop): Outcome {
  if (stop.code !== 'price_above_max' || terms.quote_id !== undefined) return stopOutcome(stop);
  return stopOutcome(stop, { next: requote({ input, request }) });
}

/** The call that asks for a quote of the same request. */
function requote({ input, request }: Pick<PaidCall, 'input' | 'request'>): NextCall {
  return { tool: 'wallet_quote', arguments: quoteArguments(input, request.target.url.href) };
}
