import type { HoldResult } from '../ledger/hold.js';
import type { Session } from '../ledger/session.js';
import type { SignedPayload } from '../ledger/transition.js';
import type { ApprovalRecord } from '../ledger/approval.js';
import type { Offer } from '../payment/challenge.js';
import { WalletError } from '../errors/walletError.js';
import type { Config } from '../config/settings.js';
import type { Payment } from '../ledger/payment.js';
import { assetsOf } from '../money/asset.js';
import type { PaymentIntent } from '../payment/intent.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { judgeRate, judgeTotals } from '../policy/totals.js';
import type { Stop } from '../policy/verdict.js';
import { askOwner, awaitOwner, restoreApproved, type AskingCall } from './approval/approval.js';
import { deniedOutcome, problemError } from './approval/approvalOutcome.js';
import { canPayOn } from './agentAddress.js';
import { CallBound, type CallContext } from './call/callBound.js';
import { categoryOfCall } from './discover/catalogAdvice.js';
import { insufficient } from './call/choose.js';
import { takeClientAnswer } from './approval/clientAnswer.js';
import { deliver } from './call/send.js';
import {
  answerFromEarlier,
  answerFromOpen,
  boughtBefore,
  keyReused,
  replay,
  type Asked,
} from './call/duplicate.js';
import { drive } from './driver.js';
import type { Engine } from './engine.js';
import { parseUsdArgument, TIMEOUT_DEFAULT_MS, type PayInput } from './input.js';
import { judgeBefore, judgePlace, type Asking, type Judged } from './call/judge.js';
import { outcome, type Outcome } from './answer/outcome.js';
import { probe, type Challenge } from './call/probe.js';
import { withMarks } from './settle/witness.js';
import { answerForFree, restoreQuote, type QuotedCall } from './quote.js';
import { readyOffer, tellPassedOver } from './call/readyOffer.js';
import { barredError, failureOutcome, frozenError, stopOutcome } from './answer/refusal.js';
import { isCredential, parseRequest, type CallInput, type CallRequest } from './call/request.js';
import type { UsdMicros } from '../money/unit.js';

/** A config that changes between each look and the next is not one to pay under. */
const ATTEMPTS_MAX = 3;

/** Everything one call of `wallet_pay` works with. */
interface PayCall {
  readonly engine: Engine;
  readonly session: Session;
  readonly input: PayInput;
  readonly request: CallRequest;
  readonly maxUsdMicros: UsdMicros | undefined;
  readonly asked: Asked;
  /** The owner's yes that this call goes on with. */
  readonly approval: ApprovalRecord | null;
}

/** Calls a URL and pays where it asks: at most once, within the quote or `max_usd`, within every line of the owner's. */
export async function pay(
  engine: Engine,
  session: Session,
  input: PayInput,
  context: CallContext,
): Promise<Outcome> {
  const { asks } = context;
  const answer =
    asks?.answered === undefined ? null : await takeClientAnswer(engine, input, asks, asks.answered);
  const maxUsdMicros = input.max_usd === undefined ? undefined : parseUsdArgument(input.max_usd, 'max_usd');
  const config = await engine.config();
  const approvalId = answer?.approvalId ?? input.approval_id;
  if (approvalId !== undefined) {
    const approved = { id: approvalId, hastyMs: answer?.hastyMs ?? null };
    return payApproved(engine, session, input, context, approved);
  }
  const quoted = await quotedCall(engine, input, config);
  if (quoted === null && maxUsdMicros === undefined) {
    const error = new WalletError(
      'bad_input',
      'wallet_pay needs quote_id or max_usd: say what the call may cost.',
    );
    const next =
      input.url === undefined ? null : { tool: 'wallet_quote', arguments: quoteArguments(input, input.url) };
    return failureOutcome(error, { next });
  }
  const request = quoted?.request ?? parseRequest(callInput(input), engine, config.net.allowPrivate);
  const verdict = judgePlace(config, request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const bound = new CallBound(input.timeout_ms ?? TIMEOUT_DEFAULT_MS, context);
  const asked = { request, input, bound, context };
  const earlier = await answerFromEarlier(engine, asked);
  if (earlier !== null) return earlier;
  const call: PayCall = { engine, session, input, request, maxUsdMicros, asked, approval: null };
  const challenge = quoted?.challenge ?? (await challengeOf(call, config));
  return 'status' in challenge ? challenge : payChallenge(call, challenge);
}

/** Pays what the owner was asked about: the stored offer, judged anew against all but the caps it was approved past. */
async function payApproved(
  engine: Engine,
  session: Session,
  given: PayInput,
  context: CallContext,
  { id, hastyMs }: { readonly id: string; readonly hastyMs: number | null },
): Promise<Outcome> {
  const config = await engine.config();
  const restored = await restoreApproved(engine, id, callFields(given), config.net.allowPrivate);
  const { request, challenge, kept } = restored;
  const differs =
    (given.approval_id !== undefined && given.approval_id !== id) ||
    (given.quote_id !== undefined && given.quote_id !== kept.quote_id) ||
    (given.idempotency_key !== undefined && given.idempotency_key !== kept.idempotency_key);
  if (differs) throw problemError('changed');
  const verdict = judgePlace(config, request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const bound = new CallBound(given.timeout_ms ?? TIMEOUT_DEFAULT_MS, context);
  const input: PayInput = { ...given, ...kept };
  const asked = { request, input, bound, context };
  const earlier = await answerFromEarlier(engine, asked);
  if (earlier !== null) return earlier;
  const asking: AskingCall = { engine, input: given, kept, bound, context, hastyMs };
  const approval = await awaitOwner(asking, config, restored.approval);
  if ('status' in approval) return approval;
  const maxUsdMicros = given.max_usd === undefined ? undefined : parseUsdArgument(given.max_usd, 'max_usd');
  const call: PayCall = { engine, session, input, request, maxUsdMicros, asked, approval };
  return approval.state === 'consumed' ? fromConsumed(call) : payChallenge(call, challenge);
}

/** The approval paid for a twin of this call: what that came to is this call's answer. */
async function fromConsumed({ engine, asked }: PayCall): Promise<Outcome> {
  const earlier = await answerFromEarlier(engine, asked);
  if (earlier !== null) return earlier;
  throw problemError('consumed');
}

async function quotedCall(engine: Engine, input: PayInput, config: Config): Promise<QuotedCall | null> {
  if (input.quote_id === undefined) return null;
  return restoreQuote(engine, input.quote_id, callFields(input), config.net.allowPrivate);
}

/** The fields of the request itself, as far as they are given. */
function callFields({ url, method, headers, body }: PayInput): Partial<CallInput> {
  return {
    ...(url === undefined ? {} : { url }),
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  };
}

function callInput(input: PayInput): CallInput {
  const { url, method, headers, body } = input;
  if (url === undefined)
    throw new WalletError('bad_input', 'wallet_pay needs a url, or a quote_id that stands for one.');
  return { url, method, headers, body };
}

/** Asks the endpoint what it wants; an endpoint that wants nothing has done its work, and that is the outcome. */
async function challengeOf(call: PayCall, config: Config): Promise<Challenge | Outcome> {
  const { engine, request, asked } = call;
  const { url } = request.target;
  const before = await judgeBefore(engine.ledger, config, askingOf(call, { url, method: request.method }));
  if (before.verdict !== 'allow') return refuse(call, before);
  await warmFunds(engine, config);
  const probed = await probe(engine, config, request, asked.bound, asked.context);
  if (probed.kind === 'priced') return probed.challenge;
  return answerForFree(engine, probed.read);
}

/** Balances, and where the operators stand, are read while the seller thinks, so that they cost a payment no time. */
async function warmFunds(engine: Engine, config: Config): Promise<void> {
  for (const { network, asset } of config.networks.enabled.flatMap(fundedWith)) {
    // What Solana needs is loaded, and its RPC asked, only where it is in use.
    if (network.family === 'svm' && !engine.hasRead(network)) continue;
    if (!canPayOn(engine.keys, network)) continue;
    const address = await engine.addressOn(network);
    engine.funds.warm(engine.chain(config, network), asset, address, engine.now());
    if (network.family === 'evm') void engine.chain(config, network).readMarks();
    else
      void engine
        .chain(config, network)
        .blockhash()
        .catch(() => undefined);
  }
}

async function payChallenge(call: PayCall, challenge: Challenge): Promise<Outcome> {
  const { engine } = call;
  let { approval } = call;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const config = await engine.config();
    const asking = askingOf(call, challenge.target);
    const ready = await readyOffer(engine, config, asking, challenge.required, approval !== null);
    const { judged } = ready;
    if (judged.offer === undefined) return refuse(call, judged.verdict);
    if (judged.verdict.verdict === 'refuse') return refuse(call, judged.verdict);
    // A cap of this agent's own that came into the way after its client had said yes: that yes does not pass it (T34).
    if (approval?.answeredHow === 'elicitation' && judged.ownCapPassed !== null)
      return promptFallsShort(call, approval, judged.ownCapPassed);
    if (ready.intent === null) {
      const answer = await ask(call, config, challenge, judged);
      if ('status' in answer) return answer;
      if (answer.state === 'consumed') return fromConsumed(call);
      approval = answer;
      // A person's time went by: everything else is judged anew.
      continue;
    }
    const { intent, passed } = ready;
    const hold = await openHold(call, challenge, judged, intent, config, approval);
    if (hold.kind === 'config_changed') continue;
    if (hold.kind === 'held')
      return tellPassedOver(
        await signAndDeliver(call, challenge, config, { offer: judged.offer, intent, held: hold.payment }),
        passed,
      );
    const outcome = await afterNoHold(call, hold, judged.offer);
    if (outcome !== null) return outcome;
  }
  throw new WalletError('config_stale', 'The config keeps changing; nothing was signed.');
}

/** The outcome of a client's yes that is not enough any more: when it has run out, the owner is asked anew. */
function promptFallsShort({ engine }: PayCall, { id, expiresMs }: ApprovalRecord, cap: string): Outcome {
  return outcome({
    status: 'refused',
    code: 'needs_owner',
    message: `The client's yes does not take this payment past the agent's own cap, ${cap}, which only the owner's passphrase or passkey does; nothing was signed. Make the wallet_pay call of it again later to have the owner asked.`,
    retry: 'after_delay',
    retry_after_s: Math.max(1, Math.ceil((expiresMs - engine.now()) / 1000)),
    approval_id: id,
  });
}

function ask(call: PayCall, config: Config, challenge: Challenge, judged: Judged) {
  const { engine, session, input, request, asked } = call;
  const { idempotency_key, repeat, reason, quote_id } = input;
  const kept = Object.fromEntries(
    Object.entries({ idempotency_key, repeat, reason, quote_id }).filter(([, value]) => value !== undefined),
  );
  const { bound, context } = asked;
  return askOwner({ engine, input, kept, bound, context, hastyMs: null }, config, {
    request,
    sessionId: session.id,
    challenge,
    judged,
    reason: reason ?? null,
    nowMs: engine.now(),
  });
}

function askingOf({ engine, session, maxUsdMicros }: PayCall, target: Challenge['target']): Asking {
  return {
    agent: engine.agent,
    sessionId: session.id,
    nowMs: engine.now(),
    ...target,
    ...(maxUsdMicros === undefined ? {} : { maxUsdMicros }),
  };
}

function refuse({ input, request }: PayCall, stop: Stop): Outcome {
  if (stop.code !== 'price_above_max') return stopOutcome(stop);
  const next =
    input.quote_id === undefined
      ? { tool: 'wallet_quote', arguments: quoteArguments(input, request.target.url.href) }
      : null;
  return stopOutcome(stop, { next });
}

/** The request as arguments of a further call, without its credentials: a result must not repeat them. */
function quoteArguments({ method, headers, body }: PayInput, url: string): Record<string, unknown> {
  const named = Object.entries(headers ?? {}).filter(([name]) => !isCredential(name));
  const shown = { url, method, headers: named.length === 0 ? undefined : Object.fromEntries(named), body };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined));
}

function openHold(
  { engine, session, input, request, asked }: PayCall,
  { target }: Challenge,
  judged: Judged,
  intent: PaymentIntent,
  config: Config,
  approval: ApprovalRecord | null,
): Promise<HoldResult> {
  const { offer } = judged;
  return engine.ledger.openHold({
    agent: engine.agent,
    sessionId: session.id,
    requestHash: request.hash,
    idempotencyKey: input.idempotency_key ?? null,
    method: target.method,
    url: target.url.href,
    origin: target.url.origin,
    host: target.url.hostname,
    category: categoryOfCall(engine, config, target),
    protocol: offer.protocol,
    scheme: offer.scheme,
    network: offer.network.caip2,
    asset: offer.asset.address,
    payFrom: intent.from,
    payTo: offer.payTo,
    heldAtomic: offer.amountAtomic,
    heldUsdMicros: offer.usdMicros,
    nonce: intent.nonce,
    validAfterSec: intent.validAfterSec,
    validBeforeSec: intent.validBeforeSec,
    configVersion: config.version,
    reason: input.reason ?? null,
    quoteId: input.quote_id ?? null,
    capLines: judged.capLines,
    rateLines: judged.rateLines,
    approvalId: approval?.id ?? null,
    callId: asked.context.callId,
    funds: engine.funds.known(offer.asset, intent.from),
    nowMs: engine.now(),
  });
}

/** The outcome of a hold that was not opened; null where an earlier payment was released meanwhile and a new try is due. */
async function afterNoHold(
  call: PayCall,
  hold: Exclude<HoldResult, { kind: 'held' | 'config_changed' }>,
  offer: Offer,
): Promise<Outcome | null> {
  const { engine, asked } = call;
  switch (hold.kind) {
    case 'frozen':
      throw frozenError();
    case 'barred':
      throw barredError(engine.agent, hold.bar);
    case 'withdrawn':
      throw insufficient(engine.agent, [
        { offer, spendableAtomic: hold.spendableAtomic, address: await engine.addressOn(offer.network) },
      ]);
    case 'key_reused':
      throw keyReused(hold.payment);
    case 'rate':
      return refuse(call, judgeRate(hold));
    case 'exceeded': {
      const verdict = judgeTotals({ usdMicros: offer.usdMicros, exceeded: hold.exceeded });
      // What asks the owner is judged again, and asked.
      return verdict.verdict === 'refuse' ? refuse(call, verdict) : null;
    }
    case 'approval':
      if (hold.problem === 'denied' || hold.problem === 'pending') {
        // The approval that was to pay was taken back between: nobody does that but its owner.
        const { id = '' } = call.approval ?? {};
        return deniedOutcome({ id, answeredHow: null, answeredBy: null }, asked.context.asks);
      }
      if (hold.problem === 'consumed') return fromConsumed(call);
      throw problemError(hold.problem);
    case 'duplicate':
      // A twin came first. Its answer is this call's answer.
      return hold.payment.state === 'captured'
        ? replay(engine, asked, hold.payment)
        : answerFromOpen(engine, asked, hold.payment);
  }
}

/** A hold, and the one transfer that may be signed for it. */
interface Signable {
  readonly offer: Offer;
  readonly intent: PaymentIntent;
  readonly held: Payment;
}

async function signAndDeliver(
  { engine, request, asked }: PayCall,
  { target }: Challenge,
  config: Config,
  signable: Signable,
): Promise<Outcome> {
  const { held } = signable;
  return drive(held.id, async () => {
    // A twin may have been paid and answered between this call's first look and its hold; from here on none can be.
    const bought = await boughtBefore(engine, asked);
    if (bought !== null) {
      await engine.ledger.release(held.id, 'never_signed', engine.now());
      return replay(engine, asked, bought);
    }
    const payload = await sign(engine, config, signable);
    const { bound, context } = asked;
    return await deliver(engine, { payment: held, payload, request, target, bound, context });
  });
}

/** Signs for a hold and writes the header; where either fails nothing has left, and the hold goes with the signature. */
async function sign(
  engine: Engine,
  config: Config,
  { offer, intent, held }: Signable,
): Promise<SignedPayload> {
  try {
    const parts = { offer, intent, paymentId: held.id };
    const signed = await engine.rails.ofOffer(offer).sign(await engine.railPorts(config), parts);
    return withMarks(engine, config, held, signed);
  } catch (error) {
    await engine.ledger.release(held.id, 'never_signed', engine.now());
    throw error;
  }
}

function fundedWith(caip2: Caip2) {
  const network = findNetwork(caip2);
  const asset = assetsOf(caip2)[0];
  return network === undefined || asset === undefined ? [] : [{ network, asset }];
}
