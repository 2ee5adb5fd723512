import type { Config } from '../../config/settings.js';
import { NetFailure } from '../../net/failure.js';
import type { HttpAnswer } from '../../net/send.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { EndpointAnswer } from '../../payment/challenge.js';
import { isDrawn } from '../../protocols/protocol.js';
import type { Engine } from '../engine.js';
import { depositOf, signedOf } from '../entitlement/deposit.js';
import { isStopped } from '../call/ownerRules.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';
import { send } from './send.js';

/** A further 402 is looked into up to here; what is longer is an answer like any other. */
const CORRECTION_BYTES_MAX = 64 * 1024;

/**
 * The answer to a payment, after one correction: a further 402 may ask the same payee's same amount and only want its terms
 * echoed anew, or the payment under another header's name. The authorization stays as it is, so it moves money once at most
 * (T12); nothing is signed.
 */
export async function correctedAnswer(
  call: PaidCall,
  signed: SignedRequest,
  first: HttpAnswer,
  config: Config,
): Promise<HttpAnswer | NetFailure> {
  const { engine, deadline } = call;
  const { rails } = engine;
  // What goes another way than by HTTP is made once.
  if (call.context.carrier !== undefined) return first;
  if (first.status !== 402 || deadline.isTooLateToSend() || rails.readReceipt(first.headers) !== null)
    return first;
  const { head, body } = await beginningOf(first.body);
  const whole: HttpAnswer = { ...first, body };
  const answer = {
    ...{ status: first.status, headers: first.headers },
    ...{ bodyText: new TextDecoder().decode(head), requestUrl: signed.target.url.href },
  };
  const payload =
    (await drawnAgain(engine, config, signed, answer)) ??
    rails.correctEcho(signed.payload, answer, signed.payment.id);
  if (payload === null || (await isBarred(call, signed, config))) return whole;
  const again = await send(call, { ...signed, payload }, config);
  // The first sending left all the same.
  return again instanceof NetFailure && !again.bytesLeft ? whole : again;
}

/**
 * A payment out of a deposit for a further 402: a challenge that ran out, or vouchers that came in another order. It says what
 * was signed of that deposit by now, and not a unit more.
 */
async function drawnAgain(
  engine: Engine,
  config: Config,
  { payment, payload }: SignedRequest,
  answer: EndpointAnswer,
): Promise<SignedPayload | null> {
  const rail = engine.rails.ofPayment(payment);
  if (rail?.presentAgain === undefined || !isDrawn(payment)) return null;
  const deposit = await depositOf(engine, payment);
  if (deposit?.state !== 'live') return null;
  const signed = await signedOf(engine, deposit);
  return rail.presentAgain(await engine.railPorts(config), { payment, payload, answer, deposit: signed });
}

/** Whether the owner stopped the payment or changed the settings since it was sent. */
async function isBarred(
  { engine }: PaidCall,
  { payment }: SignedRequest,
  { version }: Config,
): Promise<boolean> {
  const { configVersion } = await engine.ledger.head();
  return configVersion !== version || isStopped(engine, payment);
}

/** The beginning of a body, and the whole of it to be read once all the same. */
async function beginningOf(
  body: HttpAnswer['body'],
): Promise<{ readonly head: Uint8Array; readonly body: HttpAnswer['body'] }> {
  const rest = body[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let bytes = 0;
  let failure: NetFailure | null = null;
  try {
    while (bytes <= CORRECTION_BYTES_MAX) {
      const { done, value } = await rest.next();
      if (done === true) break;
      // A piece is a window on room that is used again.
      read.push(Uint8Array.prototype.slice.call(value));
      bytes += value.length;
    }
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    failure = error;
  }
  return { head: Buffer.concat(read), body: joined(read, rest, failure) };
}

async function* joined(
  read: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  failure: NetFailure | null,
): AsyncGenerator<Uint8Array> {
  yield* read;
  if (failure !== null) throw failure;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
