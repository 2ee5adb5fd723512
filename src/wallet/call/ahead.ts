import { DIFFERING_REQUESTS, paymentsThatFix } from '../../policy/payAhead.js';
import { formatUsd } from '../../money/decimal.js';
import type { EndpointAnswer, Offer } from '../../payment/challenge.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { ReadAnswer } from '../answer/answerBody.js';
import { heldUntil } from '../answer/openOutcome.js';
import { viewPayment, type Outcome } from '../answer/outcome.js';
import { isListedAtOnePrice } from '../discover/catalogAdvice.js';
import type { Engine } from '../engine.js';
import { modelOf } from './model.js';
import { perCallMax } from './ownerRules.js';
import type { PaidCall } from './paidCall.js';
import type { Challenge } from './probe.js';
import type { CallRequest } from './request.js';
import { warmFunds } from './selection.js';

/** Where a price was seen: whose call, of which endpoint, of which model where its body names one. Null for a body that is too large to read. */
async function placeOf(
  { agent }: Pick<Engine, 'agent'>,
  request: Pick<CallRequest, 'method' | 'target' | 'headers' | 'body'>,
): Promise<string | null> {
  const { method, target, body } = request;
  if (body?.bytes === null) return null;
  const { origin, pathname } = target.url;
  return [agent, method, `${origin}${pathname}`, (await modelOf(request)) ?? ''].join(' ');
}

/** Remembers what an endpoint asked for a request, where it did so at the very place that was called. */
export async function noteAsked(
  engine: Pick<Engine, 'agent' | 'seen'>,
  request: CallRequest,
  challenge: Challenge,
): Promise<void> {
  const place = await placeOf(engine, request);
  const isThere =
    challenge.target.url.href === request.target.url.href && challenge.target.method === request.method;
  if (place === null) return;
  if (isThere) engine.seen.note(place, challenge);
  else engine.seen.forget(place);
}

/** Forgets what an endpoint asked: it turned a payment away that went ahead. */
export async function forgetAsked(
  engine: Pick<Engine, 'agent' | 'seen'>,
  request: CallRequest,
): Promise<void> {
  const place = await placeOf(engine, request);
  if (place !== null) engine.seen.forget(place);
}

/**
 * The challenge that a call would be answered with, where that is known without asking, narrowed to the one offer that is
 * known to be fixed: it was seen of late, a catalogue lists that very price as fixed, and the last {@link DIFFERING_REQUESTS}
 * differing requests of the endpoint were asked just that and went well. Null: the endpoint is asked (T37).
 */
export async function challengeAhead(call: PaidCall): Promise<Challenge | null> {
  const { engine, config, request, context, input } = call;
  if (config.payAhead.mode === 'off' || context.carrier !== undefined || input.mcp !== undefined) return null;
  const place = await placeOf(engine, request);
  const seen = place === null ? null : engine.seen.recall(place);
  if (seen === null || seen.required.signIn !== undefined) return null;
  const target = { url: request.target.url, method: request.method };
  // First what costs next to nothing: most endpoints are listed nowhere.
  const listed = seen.required.offers.filter((offer) => isListedAtOnePrice(engine, target, offer));
  if (listed.length === 0) return null;
  const endpoint = { method: target.method, url: target.url.href };
  const { captured, stumbled } = await engine.ledger.askedBefore(endpoint, DIFFERING_REQUESTS, engine.now());
  const fixed = listed.find((offer) => paymentsThatFix(offer, captured) !== null);
  if (stumbled || fixed === undefined) return null;
  const proof = paymentsThatFix(fixed, captured) ?? [];
  if (!proof.every((payment) => answersTo(engine, payment, fixed))) return null;
  const offer = engine.rails.aheadRules(fixed)?.offerFor(fixed, seen.target.url, target.url) ?? null;
  if (offer === null) return null;
  await warmFunds(engine, config);
  return { target, answer: seen.answer, required: { ...seen.required, offers: [offer], rejected: [] } };
}

/** The challenge in a seller's answer to a payment that went ahead; null where none can be read. */
export function challengeIn(
  { engine: { rails }, request }: PaidCall,
  { status, headers, body }: Pick<EndpointAnswer, 'status' | 'headers'> & Pick<ReadAnswer, 'body'>,
): Challenge | null {
  const { target, method } = request;
  const answer = {
    status,
    headers: headers.filter(([name]) => rails.challengeHeaders.includes(name)),
    bodyText: body === null ? '' : new TextDecoder().decode(body),
    requestUrl: target.url.href,
    callerHeaders: request.headers.map(([name]) => name.toLowerCase()),
  };
  const required = rails.parse(answer);
  return required === null ? null : { target: { url: target.url, method }, answer, required };
}

/** A call beside a payment of its own that went ahead and was turned away: both together keep to what one call may cost. */
export async function besideOf(call: PaidCall, payment: Payment): Promise<PaidCall> {
  const perCall = await perCallMax(call, call.config, payment);
  const { maxUsdMicros = perCall } = call;
  return { ...call, beside: { payment, usdMicrosMax: maxUsdMicros < perCall ? maxUsdMicros : perCall } };
}

/** The outcome of such a call, with what the other payment holds. */
export function besideTold({ beside }: PaidCall, told: Outcome): Outcome {
  if (beside === undefined) return told;
  const { payment } = beside;
  return {
    ...told,
    message:
      `${told.message} Before it, $${formatUsd(payment.heldUsdMicros)} had gone with the first request, at the price of ` +
      `the calls before; the endpoint turned that away, and it stays held until about ${heldUntil(payment)}. Both together ` +
      `count against what the call may cost.`,
    sent_ahead: viewPayment(payment),
  };
}

/** The outcome of a payment that went ahead and was turned away, where no other one follows. */
export function aheadTold(told: Outcome, payment: Payment, asked: Offer | null): Outcome {
  const now =
    asked === null || asked.usdMicros === payment.heldUsdMicros
      ? ''
      : ` It asks $${formatUsd(asked.usdMicros)} now, and both together are more than this call may cost, or need the owner.`;
  return {
    ...told,
    message: `${told.message} The payment went with the first request, at the price of the calls before.${now}`,
    sent_ahead: viewPayment(payment),
  };
}

/** Whether a payment of before answered this very offer, so that its seller asks no more than the amount each time anew. */
function answersTo({ rails }: Pick<Engine, 'rails'>, { payload }: Payment, offer: Offer): boolean {
  if (payload === null) return false;
  return rails.aheadRules(offer)?.answersTo(JSON.parse(payload) as SignedPayload, offer) === true;
}
