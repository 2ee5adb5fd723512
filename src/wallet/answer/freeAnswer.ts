import { formatUsd } from '../../money/decimal.js';
import type { PaymentDemand } from '../../payment/challenge.js';
import { awaitJob, type JobCall } from '../call/awaitJob.js';
import type { Asked, Probed } from '../call/probe.js';
import { McpSession } from '../mcpCall/session.js';
import { viewAnswer, type ReadAnswer } from './answerBody.js';
import { removeFiles } from './answerFiles.js';
import { judgeDelivery } from './delivery.js';
import { outcome, type Outcome } from './outcome.js';
import { askForJob, pendingSentence } from './jobOutcome.js';
import { retryAfterSec } from './retryAfter.js';

/**
 * The outcome of a call to an endpoint that asked for no payment; a large answer is found again by its agent. What is not
 * ready is waited for as long as the caller says.
 */
export async function answerForFree(
  call: JobCall,
  { read: first, asks }: Answered,
  waitSec = 0,
): Promise<Outcome> {
  const { engine, target } = call;
  if (asks?.kind === 'mcp') return askedByTool(call, asks, first);
  if (asks !== null) return askedBeside(asks, first, await viewAnswer(engine.home, first), target);
  const { job } = judgeDelivery(first, target, { isJob: true });
  const done =
    job === null || waitSec === 0 ? null : await awaitJob(call, { ...job, url: job.url ?? target }, waitSec);
  const { read, url } = done ?? { read: first, url: target };
  const { failure: _failure, body: _body, storedId, ...answer } = read;
  if (storedId !== null) {
    const { agent } = engine;
    const free = { ...answer, storedId, agent, storedMs: engine.now() };
    await removeFiles(engine.home, await engine.ledger.saveFreeAnswer(free));
  }
  return freeOutcome(read, url, await viewAnswer(engine.home, read));
}

/** An answer to a request without a payment. */
export type Answered = Pick<Extract<Probed, { kind: 'answered' }>, 'read' | 'asks'>;

/** The outcome of a call whose answer asks for payment beside it. Nothing was paid. */
function askedBeside(
  { challenge }: Extract<Asked, { kind: 'beside' }>,
  { status }: ReadAnswer,
  response: NonNullable<Outcome['response']>,
  url: URL,
): Outcome {
  const what = priceOf(challenge.required);
  return outcome({
    ...{ status: 'ok', code: 'not_priced', response, performed: true },
    message: `The endpoint answered with HTTP ${status}, perhaps a preview, and asks for ${what} beside that. Nothing was paid; the call in next gives a quote, which wallet_pay can pay.`,
    next: { tool: 'wallet_quote', arguments: { url: url.href } },
  });
}

/** An MCP server that is silent for longer may still be one. */
const SESSION_MS_MAX = 5_000;

/**
 * The outcome of a call that was answered with the demand of an MCP server's tool. Only a server that begins a session can
 * be paid within one: whoever merely answers in its form is asked, so that nobody is sent to a call that cannot go.
 */
async function askedByTool(
  { engine, config, context, target }: JobCall,
  { demand, form }: Extract<Asked, { kind: 'mcp' }>,
  { status }: ReadAnswer,
): Promise<Outcome> {
  const asked = `asks for ${priceOf(demand)} in a ${form} (HTTP ${status})`;
  const { signal } = context;
  const parts = { net: engine.net(config), config, server: target, signal, leftMs: () => SESSION_MS_MAX };
  const isServer = await McpSession.isServed(parts);
  return outcome({
    ...{ status: 'refused', code: 'other_protocol' },
    // The demand is told in our words; its offers are for a program that pays within the MCP call.
    message: isServer
      ? `The endpoint is an MCP server and ${asked}. That is paid within a call of its tool: name it as mcp: {url, tool, arguments} in place of url; nothing was paid. The call in next lists its tools.`
      : `The endpoint ${asked} as MCP servers do, and is none: this wallet cannot buy from it; nothing was paid.`,
    next: isServer ? { tool: 'wallet_discover', arguments: { origin: target.href } } : null,
  });
}

/** What a demand asks: its cheapest offer, or why none can be read. */
function priceOf({ offers, rejected }: PaymentDemand): string {
  const [cheapest] = [...offers].sort((a, b) => Number(a.usdMicros - b.usdMicros));
  if (cheapest !== undefined)
    return `$${formatUsd(cheapest.usdMicros)} in ${cheapest.asset.symbol} on ${cheapest.network.label}`;
  const [first] = rejected;
  return first === undefined
    ? 'payment'
    : `payment that this wallet does not make (${first.reason.replace(/\.$/, '')})`;
}

function freeOutcome(read: ReadAnswer, url: URL, response: NonNullable<Outcome['response']>): Outcome {
  const { status } = read;
  // An error is no work done: the call is to be made again.
  if (status >= 400) return upstreamError(read, { response });
  const shared = { response, performed: true };
  const { job } = judgeDelivery(read, url, { isJob: true });
  if (job !== null) {
    // A place that says it is still at work is asked again itself, unless it names another.
    const place = { ...job, url: job.url ?? url };
    const message = `The endpoint asked for no payment. ${pendingSentence(status, place)}`;
    return outcome({
      status: 'ok',
      code: 'not_priced',
      message,
      ...shared,
      delivery: 'pending',
      ...askForJob(place),
    });
  }
  if (status >= 300) {
    const message = `The endpoint redirects (HTTP ${status}) to no place that can be called.`;
    return outcome({ status: 'failed', code: 'redirected', message, ...shared });
  }
  if (read.failure !== null) {
    const message = 'The endpoint asked for no payment and its answer broke off; what came is in response.';
    return outcome({ status: 'failed', code: 'unreachable', message, retry: 'same_call', ...shared });
  }
  const message = `The endpoint asked for no payment and has done its work (HTTP ${status}); do not call it again.`;
  return outcome({ status: 'ok', code: 'not_priced', message, ...shared });
}

/** Statuses that say nothing against the call itself. */
const SAME_CALL: readonly number[] = [408, 425];
/** A seller that asks to wait and does not say how long. */
const WAIT_SEC = 30;

/** An error before any price: what to do about it is the seller's to say, and `retry` tells which way that goes. */
function upstreamError({ status, headers }: ReadAnswer, shared: Pick<Outcome, 'response'>): Outcome {
  const stated = status === 429 || status >= 500 ? retryAfterSec(headers) : null;
  const afterSec = stated ?? (status === 429 ? WAIT_SEC : null);
  const retry =
    afterSec !== null
      ? 'after_delay'
      : status >= 500 || SAME_CALL.includes(status)
        ? 'same_call'
        : 'with_changes';
  const what = {
    after_delay: ` Make the same call again in ${afterSec} s.`,
    same_call: ' The same call can be made again.',
    with_changes: ' See response for what it wants, correct the call and make it again.',
  }[retry];
  const message = `The endpoint answered with HTTP ${status} before naming a price; nothing was paid.${what}`;
  return outcome({
    status: 'failed',
    code: 'upstream_error',
    message,
    retry,
    retry_after_s: afterSec,
    ...shared,
  });
}
