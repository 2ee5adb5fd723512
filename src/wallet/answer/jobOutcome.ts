import type { ReadAnswer } from './answerBody.js';
import type { Delivered, Job } from './delivery.js';
import { lookAt } from './openOutcome.js';
import type { Outcome } from './outcome.js';

/** How long the call that asks for a job's result is proposed to wait for it: under the shortest limit of common clients. */
const WAIT_PROPOSED_SEC = 30;

/** What an agent has to know of a result that is still to come. */
export function pendingSentence(status: number, { url }: Pick<Job, 'url'>): string {
  const what =
    status >= 300
      ? `The result is elsewhere (HTTP ${status})`
      : `The result is not ready yet (HTTP ${status})`;
  return url === null
    ? `${what}, and the endpoint names no place to ask for it: see response.`
    : `${what}: the call in next asks for it.`;
}

/** The call that asks for the result of a job, and when to make it. */
export function askForJob({ url, afterSec }: Job): Pick<Outcome, 'next' | 'retry' | 'retry_after_s'> {
  const next =
    url === null ? null : { tool: 'wallet_quote', arguments: { url: url.href, wait_s: WAIT_PROPOSED_SEC } };
  const waits = url !== null && afterSec > 0;
  return { next, retry: waits ? 'after_delay' : 'never', retry_after_s: waits ? afterSec : null };
}

/** The outcome of a paid call whose job is done: what it brought in the place of what came first. */
export function resultOutcome(
  answered: Outcome,
  { read, delivered }: { readonly read: Pick<ReadAnswer, 'status'>; readonly delivered: Delivered },
  response: Outcome['response'],
): Outcome {
  const price = answered.payment === null ? '' : `Paid $${answered.payment.usd}. `;
  const failed = delivered.verdict === 'error';
  return {
    ...answered,
    ...(failed ? { status: 'failed', code: 'paid_error_answer' } : {}),
    message: failed
      ? `${price}The job ended without its result (HTTP ${read.status}); response says why. Do not pay again for the same.`
      : `${price}The job is done and its result is in response (HTTP ${read.status}).`,
    delivery: delivered.verdict,
    response,
    retry: 'never',
    retry_after_s: null,
    next: answered.money === 'captured' ? null : lookAt(answered.payment?.id ?? ''),
  };
}
