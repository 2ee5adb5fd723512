import type { Entitlement } from '../../ledger/entitlement.js';
import type { Payment } from '../../ledger/payment.js';
import type { Job } from '../answer/delivery.js';
import type { Outcome } from '../answer/outcome.js';
import { stopOutcome } from '../answer/refusal.js';
import type { PaidCall } from '../call/paidCall.js';
import { judgePlace } from '../call/ownerRules.js';
import { probe } from '../call/probe.js';
import { parseRequest } from '../call/request.js';
import type { Engine } from '../engine.js';
import { answerForFree } from '../answer/freeAnswer.js';
import { factOf, remember, withEntitlement } from './entitlement.js';

/** A job whose result nobody fetched in a day is not waited for: the same request is bought anew then. */
const JOB_LIFE_MS = 24 * 3_600_000;

/** Remembers a job that a payment bought, until its result is there. One without a place cannot be asked for. */
export async function rememberJob(
  engine: Engine,
  { id: paymentId, origin, requestHash }: Payment,
  { url }: Job,
): Promise<void> {
  if (url === null) return;
  await remember(engine, {
    ...{ kind: 'job', origin, path: url.pathname + url.search, subject: requestHash },
    ...{ valueLeft: null, unit: null, expiresMs: engine.now() + JOB_LIFE_MS, paymentId },
    ...{ facts: { url: url.href }, headers: [] },
  });
}

/** The job that this agent bought whose result is at a URL, or null. */
export async function jobAt(engine: Engine, url: URL): Promise<Entitlement | null> {
  return (await jobsAt(engine, url.origin)).find((job) => factOf(job, 'url') === url.href) ?? null;
}

/** Ends a job once its result, or that there will be none, was told: not where the seller is only busy. */
export async function noteJob(engine: Engine, job: Entitlement, told: Outcome): Promise<void> {
  const isOver = told.response !== null && ['never', 'with_changes'].includes(told.retry);
  if (told['delivery'] === 'pending' || !isOver) return;
  await engine.ledger.entitlements.end(job.id, 'spent', engine.now());
}

/** The job of a payment is done: its result was given. */
export async function endJobOf(
  engine: Engine,
  { origin, requestHash }: Pick<Payment, 'origin' | 'requestHash'>,
): Promise<void> {
  const job = (await jobsAt(engine, origin)).find(({ subject }) => subject === requestHash);
  if (job !== undefined) await engine.ledger.entitlements.end(job.id, 'spent', engine.now());
}

/**
 * The outcome of a request that bought a job whose result is yet to be fetched: that result, not a second job. Null where
 * there is none, where the caller wants to buy anew, or where its place wants to be paid.
 *
 * Throws what {@link probe} throws: a place that cannot be asked leaves the job as it is.
 */
export async function outcomeOfJob(call: PaidCall): Promise<Outcome | null> {
  const { engine, config, request, terms, bound, context, input } = call;
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
  const probed = await probe(engine, config, asked, bound, context);
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

async function jobsAt(engine: Engine, origin: string): Promise<Entitlement[]> {
  const usable = await engine.ledger.entitlements.usable(engine.agent, origin, engine.now());
  return usable.filter(({ kind }) => kind === 'job');
}
