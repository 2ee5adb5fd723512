import type { Quote } from '../ledger/quote.js';
import type { Session } from '../ledger/session.js';
import { WalletError } from '../errors/walletError.js';
import { formatUsd } from '../money/decimal.js';
import { viewAnswer, type ReadAnswer } from './answer/answerBody.js';
import { removeFiles } from './answer/answerFiles.js';
import { CallBound, type CallContext } from './call/callBound.js';
import { adviseOnCall, type CatalogAdvice } from './discover/catalogAdvice.js';
import { looksOf, selectFrom } from './call/selection.js';
import type { Engine } from './engine.js';
import { TIMEOUT_DEFAULT_MS, type QuoteInput } from './input.js';
import { judgePlace } from './call/ownerRules.js';
import { outcome, type Outcome } from './answer/outcome.js';
import type { Config } from '../config/settings.js';
import type { Offer } from '../payment/challenge.js';
import type { Selection } from '../policy/selectOffer.js';
import { PRICE_USD_MICROS_MAX } from '../policy/verdict.js';
import { probe, restoreChallenge, writeChallenge, type Challenge } from './call/probe.js';
import { stopOutcome } from './answer/refusal.js';
import { parseRequest, type CallInput, type CallRequest } from './call/request.js';
import { rememberCredentials, restoreCall, storeCall, type StoredCall } from './call/storedCall.js';

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
  const config = await engine.config();
  const request = parseRequest(input, engine, config.net.allowPrivate);
  const verdict = judgePlace(config, request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const bound = new CallBound(input.timeout_ms ?? TIMEOUT_DEFAULT_MS, context);
  const probed = await probe(engine, config, request, bound, context);
  if (probed.kind === 'answered') return answerForFree(engine, probed.read);
  const { challenge } = probed;
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
  return quotedOutcome(saved, { ...selection, offer }, challenge, advice);
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

/** The outcome of a call to an endpoint that asked for no payment; a large answer is found again by its agent. */
export async function answerForFree(engine: Engine, read: ReadAnswer): Promise<Outcome> {
  const { failure, body: _body, storedId, ...answer } = read;
  if (storedId !== null) {
    const { agent } = engine;
    const free = { ...answer, storedId, agent, storedMs: engine.now() };
    await removeFiles(engine.home, await engine.ledger.saveFreeAnswer(free));
  }
  return freeOutcome(await viewAnswer(engine.home, read), failure !== null);
}

function freeOutcome(response: NonNullable<Outcome['response']>, broken: boolean): Outcome {
  const { status } = response;
  const shared = { response, performed: true };
  if (status >= 400) {
    const message = `The endpoint answered with HTTP ${status} and asked for no payment.`;
    return outcome({
      status: 'failed',
      code: 'upstream_error',
      message,
      retry: status >= 500 ? 'same_call' : 'never',
      ...shared,
    });
  }
  if (status >= 300) {
    const message = `The endpoint redirects (HTTP ${status}) and was not followed.`;
    return outcome({ status: 'failed', code: 'redirected', message, ...shared });
  }
  if (broken) {
    const message = 'The endpoint asked for no payment and its answer broke off; what came is in response.';
    return outcome({ status: 'failed', code: 'unreachable', message, retry: 'same_call', ...shared });
  }
  const message = `The endpoint asked for no payment and has done its work (HTTP ${status}); its answer is in response, do not call it again.`;
  return outcome({ status: 'ok', code: 'not_priced', message, ...shared });
}

function quotedOutcome(
  saved: Quote,
  selection: Selection & { readonly offer: Offer },
  challenge: Challenge,
  { listed, advice }: CatalogAdvice,
): Outcome {
  const { offer, decision } = selection;
  const usd = formatUsd(saved.usdMicros);
  const price = `The call costs $${usd} on ${offer.network.label}`;
  const reason = decision === 'ask' ? selection.reasons[0] : decision === 'refuse' ? selection.reason : null;
  const said = decision === 'ask' ? (reason?.owner?.say ?? reason?.sentence) : reason?.sentence;
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
    listed,
    ...offer.facts,
    other_protocols:
      challenge.required.otherProtocols.length === 0 ? null : challenge.required.otherProtocols,
    seller_description: challenge.required.description ?? null,
    redirected_to:
      challenge.target.url.href === challenge.answer.requestUrl ? null : challenge.target.url.href,
  });
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
  const request = restoreCall(id, stored, given, engine, allowPrivate);
  if (request === null) {
    throw new WalletError(
      'quote_mismatch',
      'This quote was made with credentials, which are not stored: pass headers again.',
    );
  }
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
