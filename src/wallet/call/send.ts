import type { SendResult, SignedPayload } from '../../ledger/transition.js';
import { nameLowered } from '../clientLimits.js';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { MoneyState } from '../../errors/codes.js';
import { WalletError } from '../../errors/walletError.js';
import { toWalletError } from '../../ledger/fault.js';
import type { Payment } from '../../ledger/payment.js';
import { formatUsd } from '../../money/decimal.js';
import { NetFailure } from '../../net/failure.js';
import { headersForOtherOrigin, headersWithoutBody } from '../../net/headers.js';
import { parseCallUrl } from '../../net/destination/url.js';
import type { HttpAnswer, HttpRequest } from '../../net/send.js';
import { callBound } from '../../policy/limits.js';
import { judgeTotals } from '../../policy/totals.js';
import { ANSWER_BYTES_MAX, readAnswer, viewAnswer, type ReadAnswer } from '../answer/answerBody.js';
import type { CallBound, CallContext } from './callBound.js';
import { mayHaveLeft, recordClaim, recordSilence, settleClaim } from '../settle/claim.js';
import { paymentAsKnown } from '../driver.js';
import type { Engine } from '../engine.js';
import { judgePlace, linesFor } from './judge.js';
import { agentBounds } from './lineRequest.js';
import { moneyOf, outcome, viewPayment, type Outcome } from '../answer/outcome.js';
import type { Rails } from '../../rails/table.js';
import { answeredOutcome, lookAgain, openOutcome, silentOutcome, spent } from '../answer/paymentOutcome.js';
import type { CallRequest } from './request.js';
import { barredError, failureOutcome, frozenError, stopOutcome } from '../answer/refusal.js';

/** A connection opens within this or not at all. */
export const CONNECT_MAX_MS = 10_000;
/** A config that changes between each look and the next is not one to pay under. */
const CONFIG_CHANGES_MAX = 3;

/** One paid leg: what is sent, where, and for whom. */
export interface Delivery {
  readonly payment: Payment;
  readonly payload: SignedPayload;
  readonly request: CallRequest;
  /** The URL that asked for the payment, and by which method: where alone it may go (T9). */
  readonly target: { readonly url: URL; readonly method: string };
  readonly bound: CallBound;
  readonly context: CallContext;
}

/**
 * Sends a payment with its request, once, and records what is then known. The payment must be `held`, with the payload
 * just signed for it, `signed` or `unknown`, and its caller must {@link drive} it; afterwards it is captured or unknown,
 * never sent by this process again without a caller. Throws `payment_unresolved` where another process came first.
 */
export async function deliver(engine: Engine, delivery: Delivery): Promise<Outcome> {
  const barred = await commitToSend(engine, delivery).catch(async (error: unknown) => {
    throw await beforeSending(engine, delivery.payment, error);
  });
  if (barred !== null) return barred;
  // A seller may take minutes, and all that time an older copy of the ledger would not know of this payment (T29).
  engine.renewCheckpoint();
  return await exchangeForAnswer(engine, delivery).catch(async (error: unknown) => {
    throw await afterSending(engine, delivery.payment, error);
  });
}

/** A fault before anything left: what was only held goes with the call, and what may be signed stays held. */
async function beforeSending(engine: Engine, payment: Payment, error: unknown): Promise<WalletError> {
  const known = toWalletError(error);
  if (known.money !== 'none') return known;
  const { money } = await withheld(engine, payment).catch(() => ({ money: moneyOf(payment) }));
  return money === 'none' ? known : withMoney(known, money);
}

/** A fault of ours once bytes may have left: told with what the ledger knows of the money by then. */
async function afterSending(engine: Engine, payment: Payment, error: unknown): Promise<WalletError> {
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

/** Makes `sent` durable, under the config as it stands at that instant. Null: bytes may leave now. */
async function commitToSend(engine: Engine, delivery: Delivery): Promise<Outcome | null> {
  const { target } = delivery;
  let { payment } = delivery;
  for (let i = 0; i < CONFIG_CHANGES_MAX; i++) {
    const config = await engine.config();
    const barred = judgePlace(config, target.url);
    if (barred.verdict !== 'allow') return stopOutcome(barred, await withheld(engine, payment));
    const { capLines } = await linesFor(engine.ledger, config, {
      agent: payment.agent,
      sessionId: payment.sessionId,
      url: target.url,
    });
    const perCall = {
      // What the owner approved passed the cap with their word; the ceiling it never passes.
      limit: perCallMax(config, payment),
      changed: config.version !== payment.configVersion,
    };
    if (perCall.changed && payment.heldUsdMicros > perCall.limit)
      return tightened(payment, await withheld(engine, payment));
    const send = { configVersion: config.version, capLines, nowMs: engine.now() };
    let sent: SendResult;
    if (payment.state === 'held') {
      const both = await engine.ledger.signAndSend(payment.id, delivery.payload, send);
      // Suspended while it was signed: the signature is thrown away here, before anything knows of it.
      if (both.signed.kind === 'barred')
        return failureOutcome(barredError(payment.agent, both.signed.bar), await withheld(engine, payment));
      if (both.signed.kind === 'conflict')
        throw new WalletError('internal', 'The hold was taken over before it was signed.');
      payment = both.signed.payment;
      sent = both.sent;
    } else {
      sent = await engine.ledger.markSent(payment.id, send);
    }
    const shown = shownOf(payment);
    switch (sent.kind) {
      case 'done':
        return null;
      case 'frozen':
        return failureOutcome(frozenError(), shown);
      case 'barred':
        return failureOutcome(barredError(payment.agent, sent.bar), shown);
      case 'exceeded': {
        const { exceeded } = sent;
        const stop = nameLowered(judgeTotals({ usdMicros: payment.heldUsdMicros, exceeded }), config);
        return stop.verdict === 'allow' ? tightened(payment, shown) : stopOutcome(stop, shown);
      }
      case 'conflict':
        throw new WalletError('payment_unresolved', 'Another process is busy with this payment.', {
          money: moneyOf(sent.payment),
          retryAfterSec: 5,
        });
      case 'config_changed':
    }
  }
  const error = new WalletError('config_stale', 'The config keeps changing; nothing was sent now.');
  throw withMoney(error, moneyOf(payment));
}

/** The bound on one call of the payment's agent. */
function perCallMax(config: Config, { agent, approvalId }: Payment): bigint {
  const section = approvalId === null ? 'limits' : 'ceilings';
  return callBound(section, config[section], agent, agentBounds(config, agent)[section]).usdMicrosMax;
}

type Shown = Pick<Outcome, 'payment' | 'money'>;

/** A payment as it stands: what was sent once may settle, whatever keeps it from being sent again. */
function shownOf(payment: Payment): Shown {
  return { payment: viewPayment(payment), money: moneyOf(payment) };
}

function withMoney(error: WalletError, money: MoneyState): WalletError {
  const { owner } = error;
  return new WalletError(error.code, error.shortMessage, {
    money,
    ...(owner === undefined ? {} : { owner }),
  });
}

/** What is shown of a payment that is not sent. What was never recorded as signed is let go: nothing else knows of it. */
async function withheld(engine: Engine, payment: Payment): Promise<Shown> {
  if (payment.state !== 'held') return shownOf(payment);
  return shownOf((await engine.ledger.release(payment.id, 'never_signed', engine.now())).payment);
}

function tightened(payment: Payment, shown: Shown): Outcome {
  return outcome({
    status: 'refused',
    code: 'needs_owner',
    message: `The owner lowered a limit below $${formatUsd(payment.heldUsdMicros)} meanwhile; nothing was sent now; do not retry.`,
    ...shown,
  });
}

async function exchangeForAnswer(engine: Engine, delivery: Delivery): Promise<Outcome> {
  const { payment, payload, target, bound, context } = delivery;
  const config = await engine.config();
  const to = parseCallUrl(target.url.href, { allowPrivate: config.net.allowPrivate });
  const sellerMs = bound.sellerMs();
  let answer: HttpAnswer;
  try {
    answer = await engine.net(config).send(
      {
        method: target.method,
        url: to,
        ...asRedirected(delivery),
        signed: { origin: to.origin, headers: [[payload.name, payload.value]] },
      },
      {
        deadline: { connectMs: Math.min(CONNECT_MAX_MS, sellerMs), firstByteMs: sellerMs, wholeMs: sellerMs },
        signal: bound.signal,
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    return afterSilence(engine, delivery, error);
  }
  const receipt = engine.rails.readReceipt(answer.headers);
  const reading = readAnswer(engine.home, answer, context);
  // A small answer has come with its head, and then both are written in one commit; the claim waits for no more than
  // what is there, for a body can take as long as the seller likes.
  const arrived = await Promise.race([reading.catch(() => null), setImmediate(null)]);
  const recorded = recordClaim(engine, payment, answer.status, receipt);
  // A rejection is awaited below; until then it must not count as unhandled.
  recorded.catch(() => undefined);
  let read: ReadAnswer;
  try {
    read = arrived ?? (await reading);
  } catch (error) {
    // A fault of this machine: the answer is lost, and what became of the money is known all the same.
    const parts = { refused: false, withinMs: bound.remainingMs() };
    return failureOutcome(error, moneyParts(await settleClaim(engine, payment, await recorded, parts)));
  }
  const { failure: _failure, ...kept } = read;
  const saved = engine.ledger.saveAnswer({
    ...kept,
    paymentId: payment.id,
    agent: payment.agent,
    storedMs: engine.now(),
  });
  // Where both fail, the first is thrown; the other must not count as unhandled either.
  saved.catch(() => undefined);
  const after = await recorded;
  await saved;
  const refusal = refusalIn(engine.rails, answer, read);
  const settled = await settleClaim(engine, payment, after, {
    refused: refusal !== null,
    withinMs: bound.remainingMs(),
  });
  return answeredOutcome(settled, read, await viewAnswer(engine.home, read), refusal);
}

/** Why the seller says that it turned the payment away in verifying it; null where it delivered, or says otherwise. */
function refusalIn(rails: Rails, { status, headers }: HttpAnswer, { body }: ReadAnswer): string | null {
  if (status < 400) return null;
  return rails.readRefusal(headers, body === null ? '' : new TextDecoder().decode(body));
}

/**
 * What a request still carries where redirects led it before its 402, as they left it there: a body only by the method
 * it came with, and to an origin that the agent did not name no body and no header that may hold a credential (T9).
 */
function asRedirected({ request, target }: Delivery): Pick<HttpRequest, 'headers' | 'body'> {
  const toGet = target.method !== request.method;
  const kept = toGet ? headersWithoutBody(request.headers) : request.headers;
  const leaves = target.url.origin !== request.target.origin;
  return {
    headers: leaves ? headersForOtherOrigin(kept) : kept,
    ...(toGet || leaves || request.body === undefined ? {} : { body: request.body }),
  };
}

/** What an outcome says of a payment, whatever else went wrong. */
function moneyParts(payment: Payment): Partial<Outcome> {
  const shown = { payment: viewPayment(payment), money: moneyOf(payment), ...spent(payment) };
  return payment.state === 'captured'
    ? { ...shown, retry: 'never' }
    : { ...shown, ...lookAgain(payment, 'after_delay') };
}

async function afterSilence(engine: Engine, { payment, bound }: Delivery, failure: NetFailure) {
  const unknown = await recordSilence(engine, payment, failure);
  if (!failure.bytesLeft && !mayHaveLeft(payment)) return openOutcome(unknown);
  const settled = await settleClaim(engine, payment, unknown, {
    refused: false,
    withinMs: bound.remainingMs(),
  });
  return silentOutcome(settled);
}
