import type { Quote } from '../ledger/books/quote.js';
import type { Session } from '../ledger/books/session.js';
import { WalletError } from '../errors/walletError.js';
import { toUsdMicros } from '../money/asset.js';
import { formatUsd } from '../money/decimal.js';
import { viewAnswer, type ReadAnswer } from './answer/answerBody.js';
import { readContent } from './body/content.js';
import { answerForFree } from './answer/freeAnswer.js';
import { noteAsked } from './call/ahead.js';
import { CallDeadline, type CallContext } from './call/callDeadline.js';
import { withEntitlement } from './entitlement/entitlement.js';
import { jobAt, noteJob } from './entitlement/job.js';
import { callByEntitlement, findOwned, isSafe } from './entitlement/owned.js';
import { servedOutcome } from './entitlement/serving.js';
import { adviseOnCall, type CatalogAdvice } from './discover/catalogAdvice.js';
import { modelCapOf } from './call/model.js';
import { selectForQuote } from './call/quoteSelection.js';
import type { Engine } from './engine.js';
import { TIMEOUT_DEFAULT_MS, type QuoteInput } from './input.js';
import { judgePlace } from './call/ownerRules.js';
import { askTool, withToolRequest } from './mcpCall/mcpCall.js';
import { outcome, type Outcome } from './answer/outcome.js';
import type { Config } from '../config/settings.js';
import { asksToSignInAlone, type Offer } from '../payment/challenge.js';
import { networksOf } from './agentAddress.js';
import { termsOf } from '../policy/commitment.js';
import type { Selection } from '../policy/selectOffer.js';
import { timesListed } from '../policy/history.js';
import { PRICE_USD_MICROS_MAX } from '../policy/verdict.js';
import type { UsdMicros } from '../money/unit.js';
import { probe, restoreChallenge, writeChallenge, type Asked, type Challenge } from './call/probe.js';
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
  called: QuoteInput,
  context: CallContext,
): Promise<Outcome> {
  const input = withToolRequest(called);
  const { url, mcp } = input;
  if (url === undefined) throw new WalletError('bad_input', 'wallet_quote needs a url, mcp, or requests.');
  const config = await engine.config();
  const deadline = new CallDeadline(input.timeout_ms ?? TIMEOUT_DEFAULT_MS, context);
  const content = context.content ?? (await readContent(engine, config, input, deadline.signal));
  const request = parseRequest({ ...input, url, content }, engine, config.net.allowPrivate);
  const verdict = judgePlace(config, request.target.url);
  if (verdict.verdict !== 'allow') return stopOutcome(verdict);
  const own = { url: request.target.url, method: request.method };
  const parts = { engine, config, request, deadline, context };
  // Only by what is not used up: a quote spends nothing, not even what is prepaid.
  const owned = isSafe(request.method) ? await callByEntitlement(parts, own, { isFree: true }) : null;
  const job = await jobAt(engine, own.url);
  if (owned?.kind === 'served') {
    const served = await servedOutcome(parts, owned, input.wait_s);
    if (job !== null) await noteJob(engine, job, served);
    return served;
  }
  const probed =
    owned?.kind === 'priced'
      ? owned
      : mcp === undefined
        ? await probe(engine, config, request, deadline, context)
        : await askTool(parts, mcp);
  const isBeside = probed.kind === 'answered' && probed.asks?.kind === 'beside';
  if (probed.kind === 'answered' && !isBeside) {
    const { headers } = request;
    const target = probed.target.url;
    const told = await answerForFree({ engine, config, context, headers, target }, probed, input.wait_s);
    if (job === null) return told;
    await noteJob(engine, job, told);
    return withEntitlement(isResultOfJob(told) ? fetched(told) : told, job, toldOfJob(told));
  }
  if (job !== null) await engine.ledger.entitlements.end(job.id, 'spent', engine.now());
  const { challenge } =
    probed.kind === 'priced' ? probed : (probed.asks as Extract<Asked, { kind: 'beside' }>);
  if (probed.kind === 'priced' && mcp === undefined) await noteAsked(engine, request, challenge);
  const signIn = await signInOutcome(engine, config, challenge, request);
  if (signIn !== null) return signIn;
  const nowMs = engine.now();
  const modelCap = await modelCapOf(config, request);
  const selection = await selectForQuote(engine, config, session, { ...challenge, modelCap });
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
  const known = adviseOnCall(engine, call, offer, challenge.required.extensions);
  const warnings = [known.advice, headerAdvice(engine.rails.headerBytes(offer))].filter(
    (one) => one !== null,
  );
  const advice = { ...known, advice: warnings.length === 0 ? null : warnings.join(' ') };
  const quoted = await withPrepaid(
    parts,
    challenge,
    quotedOutcome(saved, { ...selection, offer }, challenge, advice),
  );
  return probed.kind === 'priced' ? quoted : withPreview(engine, quoted, probed.read);
}

/** Whether the place of a job gave what was bought, and not that it is still at work, or an error. */
function isResultOfJob({ delivery, response, status }: Outcome): boolean {
  return delivery !== 'pending' && response !== null && status === 'ok';
}

/** What was bought, fetched: no endpoint that merely asked for no payment. */
function fetched({ performed: _performed, ...told }: Outcome): Outcome {
  return { ...told, code: 'ok' };
}

/** What the place of a job says, told as of what was bought there: nobody need be told that it costs nothing. */
function toldOfJob(told: Outcome): string {
  const { message, next, response } = told;
  if (told['delivery'] !== 'pending' || response === null)
    return isResultOfJob(told) && response !== null
      ? `What was bought before is here, fetched from the address that the seller gave: it is in response (HTTP ${response.status}).`
      : `${message} It is of a job that was bought before.`;
  const ask = next === null ? 'see response for where to ask' : 'the call in next asks again';
  return `The job that was bought before is not done yet (HTTP ${response.status}): ${ask}, free.`;
}

/** A line of a header of more than this is turned away by nginx and Apache as they come, and by proxies before others. */
const HEADER_BYTES_COMMON = 8_000;

/** A warning where the header that pays is larger than common servers read: a 431 comes once the payment was sent. */
function headerAdvice(bytes: number): string | null {
  if (bytes <= HEADER_BYTES_COMMON) return null;
  return `The seller wants so much echoed that the header which pays has about ${Math.ceil(bytes / 1_024)} KiB; many servers read 8 and answer 431 to more, with the amount held until the payment expires. Choose another seller where you can.`;
}

/** A quote, which says beside what was bought there before: wallet_pay uses that first. */
async function withPrepaid(
  call: Parameters<typeof findOwned>[0],
  { target }: Challenge,
  quoted: Outcome,
): Promise<Outcome> {
  const [owned] = await findOwned(call, target, { isFree: false });
  if (owned === undefined) return quoted;
  const message = `${quoted.message} wallet_pay uses what was bought there before first, and pays only where the seller no longer takes it.`;
  return withEntitlement(quoted, owned.entitlement, message);
}

/** A quote of an endpoint that answered and asks for payment beside that: the answer may be all there is to have. */
async function withPreview(engine: Engine, quoted: Outcome, read: ReadAnswer): Promise<Outcome> {
  const response = await viewAnswer(engine.home, read);
  const message = `The endpoint answered (HTTP ${read.status}) and asks for payment beside that; its answer, perhaps a preview, is in response. ${quoted.message}`;
  return { ...quoted, message, response, performed: true };
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

function quotedOutcome(
  saved: Quote,
  selection: Selection & { readonly offer: Offer },
  challenge: Challenge,
  { listed, advice }: CatalogAdvice,
): Outcome {
  const { offer, decision } = selection;
  const usd = formatUsd(saved.usdMicros);
  const price = `The call costs $${usd} on ${offer.network.label}${listedClause(saved.usdMicros, listed)}${bindingClause(offer)}`;
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
    // Of a price that is refused the owner may change what stands in its way, by one command.
    tell_owner: decision === 'refuse' ? (reason?.owner ?? null) : null,
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

/** What paying binds the wallet to beside the price, for the first sentence; empty where it is paid once and that is all. */
function bindingClause(offer: Offer): string {
  if (offer.commitment !== undefined) return `, as a subscription of ${termsOf(offer)}`;
  const { asset, paidFrom } = offer;
  if (paidFrom?.kind !== 'to_make') return '';
  return `, out of a deposit of $${formatUsd(toUsdMicros(asset, paidFrom.depositAtomic))} that is made with the seller`;
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
