import { openedWallMs } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignInDemand } from '../../payment/signIn.js';
import type { Network } from '../../money/network.js';
import { networksOf } from '../agentAddress.js';
import { readAnswer } from '../answer/answerBody.js';
import type { Outcome } from '../answer/outcome.js';
import { failureOutcome, frozenError } from '../answer/refusal.js';
import { answerForFree, type Answered } from '../answer/freeAnswer.js';
import { DEMAND_AGE_MS_MAX, rememberSession } from '../entitlement/session.js';
import type { PaidCall } from './paidCall.js';
import { probe, type Challenge } from './probe.js';
import { sendSigned } from './sendSigned.js';

/** A clock may be this far from the seller's; as much as lets a payment be signed. ms */
const CLOCK_APART_MS = 60_000;
/** A signature that is good for longer than a day is not given: it would outlive the job by far. ms */
const LIFE_MS_MAX = 24 * 3_600_000;
/** Purchases from a host that are looked through for one from the origin itself. */
const PURCHASES_MAX = 50;
/** For so long after a refusal the wallet does not sign in for the same page again. ms */
const REFUSED_MS = 10 * 60_000;
/** A page that was refused, bought, and refused again is sold by the call: signing in does not help there. */
const REFUSALS_TO_TELL = 2;
/** The page that was refused longest ago is asked anew. */
const REFUSALS_MAX = 1_000;

/** That a page was not given to an agent that signed in. */
interface Refusal {
  readonly times: number;
  readonly atMs: number;
}

/** Refusals by agent and page, of each wallet; forgotten with it. */
const refusals = new WeakMap<PaidCall['engine']['ledger'], Map<string, Refusal>>();

/**
 * Signs in where the seller asks for it and this agent bought there before, or where nothing else is asked for: no money
 * moves. The outcome where the seller then gives what was asked for; null where it wants to be paid all the same.
 *
 * A signature names the site and goes nowhere else (T38). Throws `NetFailure`s.
 */
export async function trySignIn(call: PaidCall, challenge: Challenge): Promise<Outcome | null> {
  const { engine, config, context } = call;
  const fresh = await freshDemand(call, challenge);
  if (fresh === null || 'status' in fresh) return fresh;
  const { demand, network, target } = fresh;
  await engine.assertActive();
  if ((await engine.ledger.head()).frozen) return failureOutcome(frozenError());
  const address = await engine.addressOn(network);
  const intent = { kind: 'sign_in', terms: demand, network, address } as const;
  const signature = await engine.keys.signIn(intent, await engine.agentIndex());
  const header = engine.rails.writeSignIn(intent, signature);
  const answer = await sendSigned(call, target, [header], config);
  if (answer.status === 402) {
    answer.discard();
    noteRefusal(call, target);
    return null;
  }
  const outcome = await freeAnswer(call, target.url, {
    read: await readAnswer(engine, answer, context),
    asks: null,
  });
  if (outcome.status !== 'ok') return outcome;
  await rememberSession(engine, demand, target, header);
  return servedOutcome(outcome, target.url);
}

interface Fresh {
  readonly demand: SignInDemand;
  readonly network: Network;
  readonly target: Challenge['target'];
}

/** A demand that can be signed now. One that was quoted a while ago is asked for again, for it goes stale. */
async function freshDemand(call: PaidCall, challenge: Challenge): Promise<Fresh | Outcome | null> {
  const { engine, config, request, deadline, context } = call;
  const network = await networkFor(call, challenge);
  if (network === null) return null;
  const { signIn } = challenge.required;
  if (signIn === undefined) return null;
  if (isCurrent(signIn, engine.now())) return { demand: signIn, network, target: challenge.target };
  if (call.challenge === null) return null;
  const probed = await probe(engine, config, request, deadline, context);
  if (probed.kind === 'answered') return freeAnswer(call, probed.target.url, probed);
  const { target, required } = probed.challenge;
  const isUsable =
    required.signIn !== undefined &&
    isCurrent(required.signIn, engine.now()) &&
    required.signIn.networks.includes(network.caip2) &&
    target.url.origin === challenge.target.url.origin;
  return isUsable ? { demand: required.signIn, network, target } : null;
}

/** The network whose address the seller may know; null where it knows none, and where signing in was in vain before. */
async function networkFor(call: PaidCall, { target, required }: Challenge): Promise<Network | null> {
  const { engine, config } = call;
  const { signIn, offers, rejected, otherProtocols } = required;
  if (signIn === undefined) return null;
  const known = networksOf(config, engine.keys).filter(({ caip2 }) => signIn.networks.includes(caip2));
  const wantsMoney = offers.length + rejected.length + otherProtocols.length > 0;
  if (!wantsMoney) return known[0] ?? null;
  const filter = {
    agent: engine.agent,
    host: target.url.hostname,
    state: 'captured',
    kind: 'payment',
  } as const;
  const { payments } = await engine.ledger.listPayments(filter, PURCHASES_MAX, null);
  const bought = payments.filter(({ origin }) => origin === target.url.origin);
  if (isInVain(call, target, bought)) return null;
  return known.find(({ caip2 }) => bought.some((payment) => payment.network === caip2)) ?? null;
}

/** Whether a demand was issued just now, and a signature for it does not outlive its use. */
function isCurrent({ issuedAt, expirationTime, notBefore }: SignInDemand, nowMs: number): boolean {
  const [issuedMs, startsMs] = [Date.parse(issuedAt), Date.parse(notBefore ?? issuedAt)];
  const endsMs = expirationTime === undefined ? nowMs + 1 : Date.parse(expirationTime);
  // A time that is none compares as false.
  return (
    issuedMs >= nowMs - DEMAND_AGE_MS_MAX &&
    issuedMs <= nowMs + CLOCK_APART_MS &&
    startsMs <= nowMs + CLOCK_APART_MS &&
    endsMs > nowMs &&
    endsMs <= nowMs + LIFE_MS_MAX
  );
}

function freeAnswer(
  { engine, config, context, request, input }: PaidCall,
  target: URL,
  answered: Answered,
): Promise<Outcome> {
  const job = { engine, config, context, target, headers: request.headers };
  return answerForFree(job, answered, input.wait_s);
}

function servedOutcome(outcome: Outcome, { origin }: URL): Outcome {
  const message =
    'The seller knew the wallet by its signature and asked for no payment; its answer is in response.';
  return { ...outcome, message, entitlement: { kind: 'siwx_session', origin } };
}

/** Whether signing in for this page would be refused again: nothing was bought since it last was, or that did not help. */
function isInVain(call: PaidCall, target: Challenge['target'], bought: readonly Payment[]): boolean {
  const refusal = refusals.get(call.engine.ledger)?.get(keyOf(call, target));
  if (refusal === undefined || call.engine.now() - refusal.atMs >= REFUSED_MS) return false;
  return refusal.times >= REFUSALS_TO_TELL || bought.every((payment) => openedWallMs(payment) < refusal.atMs);
}

function noteRefusal(call: PaidCall, target: Challenge['target']): void {
  const { ledger } = call.engine;
  const of = refusals.get(ledger) ?? new Map<string, Refusal>();
  refusals.set(ledger, of);
  const key = keyOf(call, target);
  const times = (of.get(key)?.times ?? 0) + 1;
  of.delete(key);
  of.set(key, { times, atMs: call.engine.now() });
  const oldest = of.keys().next();
  if (of.size > REFUSALS_MAX && oldest.done === false) of.delete(oldest.value);
}

function keyOf({ engine }: PaidCall, { url, method }: Challenge['target']): string {
  return `${engine.agent} ${method} ${url.href}`;
}
