import type { Quote } from '../ledger/quote.js';
import type { Session } from '../ledger/session.js';
import { WalletError } from '../errors/walletError.js';
import { formatUsd } from '../money/decimal.js';
import { viewAnswer, type ReadAnswer } from './answer/answerBody.js';
import { judgeDelivery } from './answer/delivery.js';
import { askForJob, pendingSentence } from './answer/paymentOutcome.js';
import { retryAfterSec } from './answer/retryAfter.js';
import { awaitJob, type JobCall } from './call/awaitJob.js';
import { removeFiles } from './answer/answerFiles.js';
import { readContent } from './body/content.js';
import { CallBound, type CallContext } from './call/callBound.js';
import { adviseOnCall, highestListed, type CatalogAdvice } from './discover/catalogAdvice.js';
import { looksOf, selectFrom } from './call/selection.js';
import type { Engine } from './engine.js';
import { TIMEOUT_DEFAULT_MS, type QuoteInput } from './input.js';
import { judgePlace } from './call/ownerRules.js';
import { outcome, type Outcome } from './answer/outcome.js';
import type { Config } from '../config/settings.js';
import { asksToSignInAlone, type Offer, type PaymentDemand } from '../payment/challenge.js';
import { networksOf } from './agentAddress.js';
import type { Selection } from '../policy/selectOffer.js';
import { timesListed } from '../policy/history.js';
import { PRICE_USD_MICROS_MAX } from '../policy/verdict.js';
import type { UsdMicros } from '../money/unit.js';
import {
  probe,
  restoreChallenge,
  writeChallenge,
  type Asked,
  type Challenge,
  type Probed,
} from './call/probe.js';
import { stopOutcome } from './answer/refusal.js';
import { parseRequest, type CallInput, type CallRequest } from './call/request.js';
import { GONE, rememberCredentials, restoreCall, storeCall, type StoredCall } from './call/storedCall.js';

/** A quote's life: time for an agent to think, short enough that a price seldom moves under it. */
const QUOTE_LIFE_MS = 5 * 60_000;

/**
 * Asks an endpoint what a call costs and keeps the offer. The request is really sent: an endpoint that asks for
 * nothing has then done its work, which the outcome says.
 */
export async function quote(
  engine: Engine,
  session: Pick<Session, 'id'>,
  input: QuoteInput,
  context: CallContext,
): Promise<Outcome> {
  const { url } = input;
  if (url === undefined) throw new WalletError('bad_input', 'wallet_quote needs a url, or requests.');
  const config = await engine.config();
  const bound = new CallBound(input.timeout_ms ?? TIMEOUT_DEFAULT_MS, context);
  const content = context.content ?? (await readContent(engine, config, input, bound.signal));
  const request = parseRequest({ ...input, url, content }, engine, config.net.allowPrivate);
  const verdict = judgePlace(config, request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const probed = await probe(engine, config, request, bound, context);
  const isBeside = probed.kind === 'answered' && probed.asks?.kind === 'beside';
  if (probed.kind === 'answered' && !isBeside) {
    const { headers } = request;
    return answerForFree(
      { engine, config, context, headers, target: probed.target.url },
      probed,
      input.wait_s,
    );
  }
  const { challenge } =
    probed.kind === 'priced' ? probed : (probed.asks as Extract<Asked, { kind: 'beside' }>);
  const signIn = await signInOutcome(engine, config, challenge, request);
  if (signIn !== null) return signIn;
  const nowMs = engine.now();
  const selection = await selectForQuote(engine, config, session, challenge);
  const { offer } = selection;
  // A price that the ledger cannot count is refused, and no quote of it is kept.
  const isCountable = offer !== null && offer.usdMicros <= PRICE_USD_MICROS_MAX;
  if (selection.decision === 'refuse' && !isCountable) return stopOutcome(selection.reason);
  if (offer === null) throw new WalletError('internal', 'An offer was selected that is none.');
  const address = await engine.addressOn(offer.network);
  engine.funds.warm(engine.chain(config, offer.network), offer.asset, address, nowMs);
  const saved = await engine.ledger.saveQuote({
    agent: engine.agent,
    sessionId: session.id,
    requestHash: request.hash,
    request: JSON.stringify(storeCall(request)),
    challenge: writeChallenge(challenge),
    offerIndex: offer.index,
    usdMicros: offer.usdMicros,
    createdMs: nowMs,
    expiresMs: nowMs + QUOTE_LIFE_MS,
  });
  rememberCredentials(engine.agent, saved.id, request);
  const call = { ...challenge.target, body: request.body };
  const advice = adviseOnCall(engine, call, offer, challenge.required.extensions);
  const quoted = quotedOutcome(saved, { ...selection, offer }, challenge, advice);
  return probed.kind === 'priced' ? quoted : withPreview(engine, quoted, probed.read);
}

/** A quote of an endpoint that answered and asks for payment beside that: the answer may be all there is to have. */
async function withPreview(engine: Engine, quoted: Outcome, read: ReadAnswer): Promise<Outcome> {
  const response = await viewAnswer(engine.home, read);
  const message = `The endpoint answered (HTTP ${read.status}) and asks for payment beside that; its answer, perhaps a preview, is in response. ${quoted.message}`;
  return { ...quoted, message, response, performed: true };
}

/** Selects as a payment would. A quote costs nothing: where no network can pay, the price is still told. */
async function selectForQuote(
  engine: Engine,
  config: Config,
  session: Pick<Session, 'id'>,
  { target, required }: Challenge,
): Promise<Selection> {
  const nowMs = engine.now();
  const request = {
    ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: session.id },
    ...{ maxUsdMicros: undefined, target, demand: required },
    listedUsdMicros: () => highestListed(engine, target),
    ...{ isApproved: false, looksAtTotals: true, nowMs },
  };
  const { canPayOn, funds } = looksOf(engine, config, nowMs);
  const payable = required.offers.filter(
    ({ network }) => config.networks.enabled.includes(network.caip2) && canPayOn(network),
  );
  // Without a choice nobody waits for a balance.
  const places = new Set(payable.map(({ network, asset }) => `${network.caip2} ${asset.address}`));
  if (places.size > 1) {
    const { selection } = await selectFrom(request, { canPayOn, funds });
    if (selection.decision !== 'refuse' || selection.reason.code !== 'insufficient_funds') return selection;
  }
  return (await selectFrom(request, { canPayOn })).selection;
}

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
  if (asks !== null) return askedOutcome(asks, first, await viewAnswer(engine.home, first), target);
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

/** The outcome of a call whose answer asks for payment in another way than by a 402. Nothing was paid. */
function askedOutcome(
  asks: Asked,
  { status }: ReadAnswer,
  response: NonNullable<Outcome['response']>,
  url: URL,
): Outcome {
  const shared = { response, performed: true } as const;
  if (asks.kind === 'beside') {
    const what = priceOf(asks.challenge.required);
    return outcome({
      ...{ status: 'ok', code: 'not_priced', ...shared },
      message: `The endpoint answered with HTTP ${status}, perhaps a preview, and asks for ${what} beside that. Nothing was paid; the call in next gives a quote, which wallet_pay can pay.`,
      next: { tool: 'wallet_quote', arguments: { url: url.href } },
    });
  }
  return outcome({
    ...{ status: 'refused', code: 'other_protocol', ...shared },
    message: `The endpoint is an MCP server and asks for ${priceOf(asks.demand)} in a ${asks.form} (HTTP ${status}). That is paid within the MCP call, and wallet_pay pays HTTP calls alone; nothing was paid. The call in next lists what the same seller sells by HTTP.`,
    next: { tool: 'wallet_discover', arguments: { origin: url.origin } },
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

/** The outcome of a quote where the seller asks for no money and only to sign in; null where it asks for more. */
async function signInOutcome(
  engine: Engine,
  config: Config,
  { required }: Challenge,
  request: CallRequest,
): Promise<Outcome | null> {
  if (!asksToSignInAlone(required)) return null;
  const network = networksOf(config, engine.keys).find(({ caip2 }) =>
    required.signIn?.networks.includes(caip2),
  );
  const asks =
    'The endpoint asks for no money: it wants a signature of an account that it knows (sign-in-with-x)';
  if (network === undefined) {
    const known = required.signIn?.networks.join(', ') ?? '';
    return outcome({
      ...{ status: 'refused', code: 'no_payable_offer' },
      message: `${asks}, on a network where this wallet has none: ${known}.`,
    });
  }
  const { url, method } = { url: request.target.url.href, method: request.method };
  return outcome({
    ...{ status: 'ok', code: 'not_priced', performed: false },
    message: `${asks}. The call in next signs in, which is free, and gets the answer where the seller knows this wallet.`,
    next: {
      tool: 'wallet_pay',
      arguments: { url, ...(method === 'GET' ? {} : { method }), max_usd: SIGN_IN_MAX_USD },
    },
  });
}

/** wallet_pay wants a bound; a sign-in moves nothing. */
const SIGN_IN_MAX_USD = '0.01';

function freeOutcome(read: ReadAnswer, url: URL, response: NonNullable<Outcome['response']>): Outcome {
  const { status } = read;
  const shared = { response, performed: true };
  if (status >= 400) return upstreamError(read, shared);
  const { job } = judgeDelivery(read, url, { isJob: true });
  if (job !== null) {
    const message = `The endpoint asked for no payment. ${pendingSentence(status, job)}`;
    // A place that says it is still at work is asked again itself, unless it names another.
    const place = { ...job, url: job.url ?? url };
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
  const message = `The endpoint asked for no payment and has done its work (HTTP ${status}); its answer is in response, do not call it again.`;
  return outcome({ status: 'ok', code: 'not_priced', message, ...shared });
}

/** Statuses that say nothing against the call itself. */
const SAME_CALL: readonly number[] = [408, 425];
/** A seller that asks to wait and does not say how long. */
const WAIT_SEC = 30;

/** An error before any price: what to do about it is the seller's to say, and `retry` tells which way that goes. */
function upstreamError(
  { status, headers }: ReadAnswer,
  shared: Pick<Outcome, 'response'> & { readonly performed: boolean },
): Outcome {
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

function quotedOutcome(
  saved: Quote,
  selection: Selection & { readonly offer: Offer },
  challenge: Challenge,
  { listed, advice }: CatalogAdvice,
): Outcome {
  const { offer, decision } = selection;
  const usd = formatUsd(saved.usdMicros);
  const price = `The call costs $${usd} on ${offer.network.label}${listedClause(saved.usdMicros, listed)}`;
  const reason = decision === 'ask' ? selection.reasons[0] : decision === 'refuse' ? selection.reason : null;
  const said = decision === 'ask' ? (reason?.owner?.say ?? reason?.message) : reason?.message;
  return outcome({
    status: 'ok',
    code: 'quoted',
    message:
      decision === 'pay'
        ? `${price}; nothing is paid yet.`
        : decision === 'ask'
          ? `${price}, and wallet_pay would ask the owner first: ${said}`
          : `${price}, and this wallet would not pay it: ${said}`,
    next: decision !== 'refuse' ? { tool: 'wallet_pay', arguments: { quote_id: saved.id } } : null,
    quote_id: saved.id,
    usd,
    protocol: offer.protocol,
    amount_atomic: offer.amountAtomic.toString(),
    asset: offer.asset.symbol,
    network: offer.network.caip2,
    pay_to: offer.payTo,
    expires_at: new Date(saved.expiresMs).toISOString(),
    // The result's own words, which never change.
    verdict: decision === 'pay' ? 'allow' : decision,
    verdict_code: reason?.code ?? null,
    advice,
    listed: listed === null ? null : listedView(listed),
    ...offer.facts,
    other_protocols:
      challenge.required.otherProtocols.length === 0 ? null : challenge.required.otherProtocols,
    seller_description: challenge.required.description ?? null,
    redirected_to:
      challenge.target.url.href === challenge.answer.requestUrl ? null : challenge.target.url.href,
  });
}

/** How the live price and payee stand to what is listed, for the first sentence; empty where they agree. */
function listedClause(usdMicros: UsdMicros, listed: CatalogAdvice['listed']): string {
  if (listed === null) return '';
  const { usd, highestUsdMicros, payTo } = listed;
  const price =
    usd === null || highestUsdMicros === null
      ? []
      : usdMicros > highestUsdMicros
        ? [`${timesListed(usdMicros, highestUsdMicros)} the listed $${usd}`]
        : [`not the listed $${usd}`];
  const payee = payTo.length === 0 ? [] : ['to another payee than is listed'];
  return `, ${[...price, ...payee].join(' and ')}`;
}

function listedView({ usd, payTo }: NonNullable<CatalogAdvice['listed']>): object {
  return { ...(usd === null ? {} : { usd }), ...(payTo.length === 0 ? {} : { pay_to: payTo }) };
}

/** A quote ready to be paid: its request, and the seller's challenge narrowed to the quoted offer. */
export interface QuotedCall {
  readonly quote: Quote;
  readonly request: CallRequest;
  readonly challenge: Challenge;
}

/**
 * Finds a quote and its request. Fields given beside the id must be equal to what was quoted.
 *
 * Throws `quote_unknown`, `quote_expired`, `quote_mismatch`.
 */
export async function restoreQuote(
  engine: Engine,
  id: string,
  given: Partial<CallInput>,
  allowPrivate: readonly string[],
): Promise<QuotedCall> {
  const quote = await engine.ledger.findQuote(engine.agent, id);
  if (quote === null)
    throw new WalletError('quote_unknown', 'There is no such quote; ask wallet_quote for one.');
  if (engine.now() >= quote.expiresMs)
    throw new WalletError('quote_expired', 'The quote has expired; ask for a new one.');
  const stored = JSON.parse(quote.request) as StoredCall;
  const request = await restoreCall(id, stored, given, engine, allowPrivate);
  if (request === 'credentials' || request === 'body')
    throw new WalletError('quote_mismatch', `This quote was made with ${GONE[request]} again.`);
  if (request.hashBeforeSchema3 === quote.requestHash)
    throw new WalletError('quote_expired', 'Purser was updated since this quote; ask for a new one.');
  if (request.hash !== quote.requestHash) {
    throw new WalletError(
      'quote_mismatch',
      'The request differs from the one that was quoted, in its URL, method, body or headers (credentials count); leave these fields out or quote it anew.',
    );
  }
  const challenge = restoreChallenge(engine.rails, quote.challenge);
  const offers = challenge.required.offers.filter((offer) => offer.index === quote.offerIndex);
  return { quote, request, challenge: { ...challenge, required: { ...challenge.required, offers } } };
}
