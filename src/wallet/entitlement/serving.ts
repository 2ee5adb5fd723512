import type { EntitlementKind } from '../../ledger/books/entitlement.js';
import { answerForFree } from '../answer/freeAnswer.js';
import type { Outcome } from '../answer/outcome.js';
import { stopOutcome } from '../answer/refusal.js';
import type { PaidCall } from '../call/paidCall.js';
import { judgePlace } from '../call/ownerRules.js';
import { probe, type Challenge } from '../call/probe.js';
import { parseRequest } from '../call/request.js';
import { factOf, withEntitlement } from './entitlement.js';
import { jobsAt, noteJob } from './job.js';
import { callByEntitlement, type Owned } from './owned.js';

const NAMES: Readonly<Partial<Record<EntitlementKind, string>>> = {
  l402_token: 'L402 token',
  bearer: 'access token',
  prepaid_balance: 'prepaid balance',
  siwx_session: 'signature',
};

/**
 * Uses what this agent bought before, so that nothing is paid for it twice: the result of a job, a token, a session, a
 * prepaid balance. The outcome where that serves the call; the price where the seller wants to be paid all the same; null
 * where nothing fits. Throws `NetFailure`s.
 */
export async function serveFromBought(call: PaidCall): Promise<Outcome | Challenge | null> {
  const job = await outcomeOfJob(call);
  if (job !== null) return job;
  const { request, challenge } = call;
  const own = { url: request.target.url, method: request.method };
  return serveAt(call, challenge?.target ?? own);
}

/** The same at the place that redirects led to, where what was bought may be kept by that place's name. */
export async function serveAtTarget(call: PaidCall, { target }: Challenge): Promise<Outcome | null> {
  const wasAsked = call.challenge !== null || target.url.href === call.request.target.url.href;
  const came = wasAsked ? null : await serveAt(call, target);
  return came !== null && 'status' in came ? came : null;
}

async function serveAt(call: PaidCall, target: Challenge['target']): Promise<Outcome | Challenge | null> {
  const owned = await callByEntitlement(call, target, { isFree: false });
  if (owned.kind === 'none') return null;
  return owned.kind === 'priced' ? owned.challenge : servedOutcome(call, owned, call.input.wait_s);
}

/** The outcome of a call that was served by what was bought before. */
export async function servedOutcome(
  { engine, config, context, request }: Pick<PaidCall, 'engine' | 'config' | 'context' | 'request'>,
  { read, target, entitlement }: Owned & { readonly kind: 'served' },
  waitSec: number | undefined,
): Promise<Outcome> {
  const { headers } = request;
  const told = await answerForFree(
    { engine, config, context, target: target.url, headers },
    { read, asks: null },
    waitSec,
  );
  const left =
    entitlement.valueLeft === null
      ? ''
      : ` The seller says that ${entitlement.valueLeft}${entitlement.unit === null ? '' : ` ${entitlement.unit}`} of it is left.`;
  const pending =
    told['delivery'] === 'pending' ? ' The result is not ready yet: the call in next asks for it.' : '';
  const name = NAMES[entitlement.kind] ?? 'purchase';
  const message = `The seller took the ${name} bought before and asked for no payment; its answer is in response.${left}${pending}`;
  return withEntitlement(told, entitlement, message);
}

/**
 * The outcome of a request that bought a job whose result is yet to be fetched: that result, not a second job. Null where
 * there is none, where the caller wants to buy anew, or where its place wants to be paid.
 *
 * Throws what {@link probe} throws: a place that cannot be asked leaves the job as it is.
 */
async function outcomeOfJob(call: PaidCall): Promise<Outcome | null> {
  const { engine, config, request, terms, deadline, context, input } = call;
  if (terms.repeat === true || terms.idempotency_key !== undefined) return null;
  const jobs = await jobsAt(engine, request.target.origin);
  const job = jobs.find(({ subject }) => subject === request.hash);
  const place = job === undefined ? undefined : factOf(job, 'url');
  if (job === undefined || place === undefined) return null;
  const url = new URL(place);
  const own = url.origin === request.target.origin ? request.headers : [];
  const headers = own.filter(([name]) => !name.startsWith('content-'));
  const asked = parseRequest(
    { url: place, headers: Object.fromEntries(headers) },
    engine,
    config.net.allowPrivate,
  );
  const verdict = judgePlace(config, asked.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const probed = await probe(engine, config, asked, deadline, context);
  if (probed.kind === 'priced') {
    await engine.ledger.entitlements.end(job.id, 'spent', engine.now());
    return null;
  }
  const target = probed.target.url;
  const told = await answerForFree({ engine, config, context, target, headers }, probed, input.wait_s);
  await noteJob(engine, job, told);
  return withEntitlement(
    told,
    job,
    `Not bought again: ${job.paymentId ?? 'an earlier call'} bought this job before. ${told['delivery'] === 'pending' ? 'Its result is not ready yet: the call in next asks for it.' : 'What its place answers is in response.'} To buy it anew, pass repeat: true or a new idempotency_key.`,
  );
}
