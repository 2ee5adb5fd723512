import { setImmediate } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { MoneyState } from '../../errors/codes.js';
import { WalletError } from '../../errors/walletError.js';
import { toWalletError } from '../../ledger/fault.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SendResult, SignedPayload } from '../../ledger/attempts/transition.js';
import { formatUsd } from '../../money/decimal.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import type { UsdMicros } from '../../money/unit.js';
import { NetFailure } from '../../net/failure.js';
import { headersForOtherOrigin, headersWithoutBody } from '../../net/headers.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';
import type { HttpAnswer, HttpRequest } from '../../net/send.js';
import { perCallLimit } from '../../policy/limits.js';
import { judgeTotals } from '../../policy/totals.js';
import { judgeNetwork, type Verdict } from '../../policy/verdict.js';
import type { HeaderList } from '../../payment/challenge.js';
import { ANSWER_BYTES_MAX, readAnswer, type ReadAnswer } from '../answer/answerBody.js';
import { decodeAnswer } from '../answer/answerText.js';
import { removeFiles } from '../answer/answerFiles.js';
import { judgeDelivery, type Delivered } from '../answer/delivery.js';
import { moneyOf, outcome, viewPayment, type Outcome } from '../answer/outcome.js';
import { barredError, budgetError, failureOutcome, frozenError, stopOutcome } from '../answer/refusal.js';
import { promisedOutputs } from '../discover/catalogAdvice.js';
import { stillLeased, noteLease, paymentAsKnown, takeOver } from '../leaseKeeper.js';
import type { Engine } from '../engine.js';
import { masked } from '../entitlement/mask.js';
import { remember } from '../entitlement/entitlement.js';
import { readIssued } from '../entitlement/issued.js';
import { withoutIssuedToken } from '../entitlement/issuedListener.js';
import { rememberJob } from '../entitlement/job.js';
import { recordClaim } from '../settle/claim.js';
import { CONNECT_MAX_MS } from './callDeadline.js';
import { agentBounds, judgePlace, limitsOf } from './ownerRules.js';
import { modelCapOf } from './model.js';
import type { PaidCall } from './paidCall.js';

/** A config that changes between each look and the next is not one to pay under. */
const CONFIG_CHANGES_MAX = 3;

/** A request with its payment: what is sent, and where. */
export interface PaidRequest {
  readonly payment: Payment;
  readonly payload: SignedPayload;
  /** The URL that asked for the payment, and by which method: where alone it may go (T9). */
  readonly target: { readonly url: URL; readonly method: string };
  /** What the seller says of what it sells; null where it says nothing. */
  readonly description?: string | null;
  /** Set where the money has moved, and the payload is the proof of it. */
  readonly isPaid?: true;
}

/**
 * Makes `sent` durable, under the config as it stands at that instant: bytes may leave then, under that config. Else the
 * outcome of a payment that is not sent; what was only held is let go.
 */
export async function commitToSend(
  call: PaidCall,
  paid: PaidRequest,
): Promise<{ readonly config: Config } | Outcome> {
  try {
    return await commit(call, paid);
  } catch (error) {
    throw await faultBeforeSending(call.engine, paid.payment, error);
  }
}

async function commit(call: PaidCall, paid: PaidRequest): Promise<{ readonly config: Config } | Outcome> {
  const { engine } = call;
  const { target } = paid;
  let { payment } = paid;
  for (let i = 0; i < CONFIG_CHANGES_MAX; i++) {
    const config = await engine.config();
    const barred = judgePlace(config, target.url);
    if (barred.verdict !== 'allow') return stopOutcome(barred, await withheld(engine, payment));
    const disabled = judgeNetworkOf(config, payment);
    if (disabled.verdict !== 'allow') return stopOutcome(disabled, await withheld(engine, payment));
    if (config.version !== payment.configVersion) {
      const usdMicrosMax = await perCallMax(call, config, payment);
      if (payment.heldUsdMicros > usdMicrosMax) return tightened(payment, await withheld(engine, payment));
    }
    const { agent, sessionId } = payment;
    const nowMs = engine.now();
    const { capLines } = await limitsOf(engine.ledger, config, { agent, sessionId, url: target.url, nowMs });
    const request = { configVersion: config.version, capLines, nowMs };
    let sent: SendResult;
    if (payment.state === 'held') {
      const both = await engine.ledger.signAndSend(payment.id, paid.payload, request);
      // Suspended while it was signed: the signature is thrown away here, before anything knows of it.
      if (both.signed.kind === 'barred')
        return failureOutcome(barredError(payment.agent, both.signed.bar), await withheld(engine, payment));
      if (both.signed.kind === 'conflict')
        // A process that stood still past the end of its lease finds the hold taken, or released, by another one.
        throw new WalletError(
          'payment_expired',
          'The hold ran out before it was signed; nothing was sent. Make the call again.',
        );
      payment = both.signed.attempt;
      sent = both.sent;
    } else {
      // Signed by a process that died before it sent: where its holder lives after all, this is a conflict.
      await takeOver(engine, payment.id);
      sent = await engine.ledger.markSent(payment.id, request);
    }
    const shown = shownOf(payment);
    switch (sent.kind) {
      case 'done':
        noteLease(payment.id);
        return { config };
      case 'frozen':
        return failureOutcome(frozenError(), shown);
      case 'barred':
        return failureOutcome(barredError(payment.agent, sent.bar), shown);
      case 'exceeded': {
        const { exceeded } = sent;
        const stop = judgeTotals({
          usdMicros: payment.heldUsdMicros,
          exceeded,
          loweredBy: config.lowered,
        });
        return stop.verdict === 'allow' ? tightened(payment, shown) : stopOutcome(stop, shown);
      }
      case 'budget':
        return failureOutcome(budgetError(sent, payment.heldUsdMicros), shown);
      case 'conflict':
        throw new WalletError('payment_unresolved', 'Another process is busy with this payment.', {
          money: moneyOf(sent.attempt),
          retryAfterSec: 5,
        });
      case 'config_changed':
    }
  }
  const error = new WalletError('config_stale', 'The config keeps changing; nothing was sent now.');
  throw withMoney(error, moneyOf(payment));
}

/** Whether the owner still lets money move on a payment's network. */
function judgeNetworkOf({ networks, testnet }: Config, { network, heldUsdMicros }: Payment): Verdict {
  const row = findNetwork(network as Caip2);
  if (row === undefined) throw new WalletError('internal', 'A payment is on a network that is no row.');
  return judgeNetwork(
    { network: row, usdMicros: heldUsdMicros },
    { networksEnabled: networks.enabled, testnet },
  );
}

/**
 * The bound on one call of the payment's agent. What was approved passed the cap with the owner's word, and never passes
 * the ceiling; a client's yes does not pass the agent's own cap either (T34).
 */
async function perCallMax(
  { engine: { ledger }, request }: Pick<PaidCall, 'engine' | 'request'>,
  config: Config,
  { agent, approvalId }: Payment,
): Promise<UsdMicros> {
  const bounds = agentBounds(config, agent);
  const section = approvalId === null ? 'limits' : 'ceilings';
  const { usdMicrosMax } = perCallLimit(
    section,
    config[section],
    agent,
    bounds[section],
    approvalId === null ? await modelCapOf(config, request) : undefined,
  );
  const own = bounds.limits.perCallUsdMicros;
  if (approvalId === null || own === undefined || own >= usdMicrosMax) return usdMicrosMax;
  const approval = await ledger.approvals.find(approvalId);
  return approval?.answeredHow === 'elicitation' ? own : usdMicrosMax;
}

type Shown = Pick<Outcome, 'payment' | 'money'>;

/** A payment as it stands: what was sent once may settle, whatever keeps it from being sent again. */
function shownOf(payment: Payment): Shown {
  return { payment: viewPayment(payment), money: moneyOf(payment) };
}

/** What is shown of a payment that is not sent. What was never recorded as signed is let go: nothing else knows of it. */
async function withheld(engine: Engine, payment: Payment): Promise<Shown> {
  if (payment.state !== 'held') return shownOf(payment);
  return shownOf((await engine.ledger.release(payment.id, 'never_signed', engine.now())).attempt);
}

function tightened(payment: Payment, shown: Shown): Outcome {
  return outcome({
    status: 'refused',
    code: 'above_cap',
    message: `The owner lowered a limit below $${formatUsd(payment.heldUsdMicros)} meanwhile; nothing was sent now; do not retry.`,
    ...shown,
  });
}

/** A fault before anything left: what was only held goes with the call, and what may be signed stays held. */
async function faultBeforeSending(engine: Engine, payment: Payment, error: unknown): Promise<WalletError> {
  const known = toWalletError(error);
  if (known.money !== 'none') return known;
  const { money } = await withheld(engine, payment).catch(() => ({ money: moneyOf(payment) }));
  return money === 'none' ? known : withMoney(known, money);
}

function withMoney(error: WalletError, money: MoneyState): WalletError {
  const { owner, retry, retryAfterSec, cause } = error;
  return new WalletError(error.code, error.shortMessage, {
    ...{ money, retry, cause },
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
    ...(owner === undefined ? {} : { owner }),
  });
}

/** A fault of ours once bytes may have left: told with what the ledger knows of the money by then. */
export async function faultAfterSending(
  engine: Engine,
  payment: Payment,
  error: unknown,
): Promise<WalletError> {
  const { id, heldUsdMicros } = payment;
  const known = toWalletError(error);
  const { owner } = known;
  const isCaptured = (await paymentAsKnown(engine, payment))?.state === 'captured';
  const price = `$${formatUsd(heldUsdMicros)}`;
  const told = isCaptured
    ? `Payment ${id} of ${price} was made before that: the money is spent, do not pay again for the same.`
    : `Payment ${id} of ${price} had been sent before that and may still settle: do not buy the same elsewhere.`;
  return new WalletError(known.code, `${known.shortMessage} ${told} wallet_ledger tells what became of it.`, {
    cause: error,
    money: isCaptured ? 'captured' : 'unknown',
    retry: isCaptured ? 'never' : 'after_delay',
    ...(owner === undefined ? {} : { owner }),
  });
}

/** Sends a request with its payment, once: the head of its answer, or why there is none. */
export async function send(
  call: PaidCall,
  paid: PaidRequest,
  config: Config,
): Promise<HttpAnswer | NetFailure> {
  const { carrier } = call.context;
  // What is paid for can be shown twice, and moves nothing.
  const maySend = (): boolean => paid.isPaid === true || stillLeased(paid.payment.id);
  try {
    const answer =
      carrier === undefined
        ? await sendSigned(call, paid.target, headersOf(paid.payload), config, maySend)
        : await carrier.send(paid.payload, { signal: call.deadline.signal, maySend });
    return paid.isPaid === true ? masked(answer, secretsOf(paid.payload)) : answer;
  } catch (error) {
    if (error instanceof NetFailure) return error;
    throw error;
  }
}

/**
 * Sends a request with headers that the wallet signed, to the place that asked for them alone, unless `maySend`
 * is false by then. Throws `NetFailure`s.
 */
export async function sendSigned(
  call: Pick<PaidCall, 'engine' | 'deadline' | 'config' | 'request'>,
  target: PaidRequest['target'],
  headers: HeaderList,
  config: Config,
  maySend?: () => boolean,
): Promise<HttpAnswer> {
  const { engine, deadline } = call;
  const url = destinationOf(call, target.url, config);
  const sellerMs = deadline.sellerMs();
  return engine.net(config).send(
    {
      method: target.method,
      url,
      ...asRedirected(call, target),
      signed: { origin: url.origin, headers },
    },
    {
      deadline: { connectMs: Math.min(CONNECT_MAX_MS, sellerMs), firstByteMs: sellerMs, wholeMs: sellerMs },
      signal: deadline.signal,
      redirects: 'return',
      bodyBytesMax: ANSWER_BYTES_MAX,
      ...(maySend === undefined ? {} : { maySend }),
    },
  );
}

/** What a seller may repeat of a credential, and no agent is to read (T38). */
function secretsOf({ value }: SignedPayload): string[] {
  const credential = value.slice(value.indexOf(' ') + 1);
  return [value, credential, ...credential.split(':')];
}

/** One signature, under each name by which the seller may read it. */
export function headersOf({ name, value, alsoUnder }: SignedPayload): HeaderList {
  const names = alsoUnder === undefined ? [name] : [name, alsoUnder];
  return names.map((each) => [each, value]);
}

/** The URL under the rules of this config: as it was judged when the call began, where neither changed since. */
function destinationOf(
  { config: before, request }: Pick<PaidCall, 'config' | 'request'>,
  url: URL,
  config: Config,
): CallUrl {
  const isSame = before.version === config.version && request.target.url.href === url.href;
  return isSame ? request.target : parseCallUrl(url.href, { allowPrivate: config.net.allowPrivate });
}

/**
 * What a request still carries where redirects led it before its 402, as they left it there: a body only by the method
 * it came with, and to an origin that the agent did not name no body and no header that may hold a credential (T9).
 */
function asRedirected(
  { request }: Pick<PaidCall, 'request'>,
  target: PaidRequest['target'],
): Pick<HttpRequest, 'headers' | 'body'> {
  const toGet = target.method !== request.method;
  const kept = toGet ? headersWithoutBody(request.headers) : request.headers;
  const leaves = target.url.origin !== request.target.origin;
  return {
    headers: leaves ? headersForOtherOrigin(kept) : kept,
    ...(toGet || leaves || request.body === undefined ? {} : { body: request.body }),
  };
}

/** An answer to a payment, read and kept, and its payment as the claim in the answer's head left it. */
export type PaidAnswer = { readonly claimed: Payment } & (
  | {
      readonly read: ReadAnswer;
      readonly delivered: Delivered;
      /** What the seller issued for later calls; null where it issued nothing. */
      readonly bought: Entitlement | null;
      /** Why the seller says that it turned the payment away in verifying it; null where it says otherwise. */
      readonly refusal: string | null;
      /** The seller's own words on why it is not content; null where it has none. */
      readonly sellerSays: string | null;
      readonly fault?: never;
    }
  /** A fault of this machine: the answer is lost, and what became of the money is known all the same. */
  | {
      readonly read: null;
      readonly delivered?: never;
      readonly bought?: never;
      readonly refusal: null;
      readonly sellerSays: null;
      readonly fault: unknown;
    }
);

/** Reads the answer to a payment, writes down what its head claims, and keeps what was bought. */
export async function readPaidAnswer(
  { engine, context }: PaidCall,
  { payment, target }: PaidRequest,
  answer: HttpAnswer,
): Promise<PaidAnswer> {
  const receipt = engine.rails.readReceipt(answer.headers);
  const reading = readAnswer(engine, answer, withoutIssuedToken(context), payment);
  // A small answer has come with its head, and then both are written in one commit; the claim waits for no more than
  // what is there, for a body can take as long as the seller likes.
  const arrived = await Promise.race([reading.catch(() => null), setImmediate(null)]);
  const judge = (whole: ReadAnswer): Delivered =>
    judgeDelivery(whole, target.url, { promised: () => promisedOutputs(engine, target) });
  const early = arrived === null ? null : judge(arrived);
  const recorded = recordClaim(engine, payment, answer.status, receipt, early?.verdict);
  // A rejection is awaited below; until then it must not count as unhandled.
  recorded.catch(() => undefined);
  let read: ReadAnswer;
  try {
    read = arrived ?? (await reading);
  } catch (fault) {
    return { claimed: await recorded, read: null, refusal: null, sellerSays: null, fault };
  }
  const delivered = early ?? judge(read);
  const issued = readIssued({ target, paymentId: payment.id, nowMs: engine.now() }, read);
  const { failure: _failure, ...kept } = issued.read;
  const isHttp = context.carrier === undefined;
  const bought = issued.bought === null || !isHttp ? null : remember(engine, issued.bought);
  const job = delivered.job === null || !isHttp ? null : rememberJob(engine, payment, delivered.job);
  const saved = engine.ledger.saveAnswer(
    { ...kept, paymentId: payment.id, agent: payment.agent, storedMs: engine.now() },
    delivered.verdict,
  );
  for (const kept of [bought, job]) kept?.catch(() => undefined);
  // Where both fail, the first is thrown; the other must not count as unhandled either.
  saved.catch(() => undefined);
  const claimed = await recorded;
  await removeFiles(engine.home, await saved);
  await job;
  const bodyText = read.body === null ? '' : decodeAnswer(answer.headers, read.body);
  const { status, headers } = answer;
  return {
    claimed,
    read: issued.read,
    delivered,
    bought: await bought,
    refusal: status < 400 ? null : engine.rails.readRefusal(headers, bodyText),
    sellerSays: engine.rails.readSays({ status, headers, bodyText, requestUrl: target.url.href }),
  };
}
