import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Delivery, Payment } from '../../ledger/attempts/payment.js';
import { removeFiles } from '../answer/answerFiles.js';
import type { Job } from '../answer/delivery.js';
import type { Outcome } from '../answer/outcome.js';
import type { Engine } from '../engine.js';
import { factOf, remember } from './entitlement.js';

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
  await noteDelivered(engine, job, told.status === 'ok' ? 'delivered' : 'error');
}

/** Notes what a job's payment brought in the end; its first answer stays the one that is kept. */
async function noteDelivered(engine: Engine, { paymentId }: Entitlement, delivery: Delivery): Promise<void> {
  const { ledger, agent, home } = engine;
  const stored = paymentId === null ? null : await ledger.findAnswer(agent, { paymentId });
  if (stored === null) return;
  await removeFiles(home, await ledger.saveAnswer({ ...stored, storedMs: engine.now() }, delivery));
}

/** The job of a payment is done: its result was given. */
export async function endJobOf(
  engine: Engine,
  { origin, requestHash }: Pick<Payment, 'origin' | 'requestHash'>,
): Promise<void> {
  const job = (await jobsAt(engine, origin)).find(({ subject }) => subject === requestHash);
  if (job !== undefined) await engine.ledger.entitlements.end(job.id, 'spent', engine.now());
}

/** The jobs of this agent at an origin whose results are yet to be told. */
export async function jobsAt(engine: Engine, origin: string): Promise<Entitlement[]> {
  const usable = await engine.ledger.entitlements.usable(engine.agent, origin, engine.now());
  return usable.filter(({ kind }) => kind === 'job');
}
