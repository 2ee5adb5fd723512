import type { EndpointAnswer, PaymentDemand } from '../../payment/challenge.js';
import { WalletError } from '../../errors/walletError.js';
import type { Config } from '../../config/settings.js';
import type { CallUrl } from '../../net/destination/url.js';
import { readBody, SharedRoom } from '../../net/body.js';
import type { HttpAnswer } from '../../net/send.js';
import { CHALLENGE_BYTES_MAX } from '../../protocols/x402/challenge/parse.js';
import { ANSWER_BYTES_MAX, readAnswer, type ReadAnswer } from '../answer/answerBody.js';
import { CONNECT_MAX_MS, type CallBound, type CallContext } from './callBound.js';
import type { Engine } from '../engine.js';
import { judgePlace } from './ownerRules.js';
import type { Rails } from '../../rails/table.js';
import type { CallRequest } from './request.js';

/** A 402 as it came, kept to be parsed again: the offer that is paid is always read from the seller's own words. */
export interface Challenge {
  /** Where the 402 came from, redirects followed, and by which method: the only place its payment goes (T9). */
  readonly target: { readonly url: URL; readonly method: string };
  readonly answer: EndpointAnswer;
  readonly required: PaymentDemand;
}

/** What an endpoint says to a request without a payment. */
export type Probed =
  | { readonly kind: 'priced'; readonly challenge: Challenge }
  | { readonly kind: 'answered'; readonly read: ReadAnswer; readonly target: Challenge['target'] };

/**
 * Sends the request without a payment. Redirects are followed only here, each hop under the owner's lists of hosts
 * as well as net's own rules.
 *
 * Throws `NetFailure`s, `host_denied` and `host_not_allowed`.
 */
export async function probe(
  engine: Engine,
  config: Config,
  request: CallRequest,
  bound: CallBound,
  context: CallContext,
): Promise<Probed> {
  const wholeMs = bound.remainingMs();
  const answer = await engine.net(config).send(
    {
      method: request.method,
      url: request.target,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    },
    {
      deadline: { connectMs: Math.min(CONNECT_MAX_MS, wholeMs), firstByteMs: wholeMs, wholeMs },
      // Not the bound's own signal: a seller that is late has not been cancelled.
      signal: context.signal,
      redirects: 'follow',
      bodyBytesMax: ANSWER_BYTES_MAX,
      judgeHop: (next) => judgeHop(config, next),
    },
  );
  const target = { url: answer.url, method: answer.method };
  if (answer.status !== 402)
    return { kind: 'answered', read: await readAnswer(engine, answer, context), target };
  const callerHeaders = request.headers.map(([name]) => name.toLowerCase());
  return { kind: 'priced', challenge: await readChallenge(engine.rails, answer, target, callerHeaders) };
}

function judgeHop(config: Config, next: CallUrl): void {
  const verdict = judgePlace(config, next.url);
  if (verdict.verdict !== 'allow')
    throw new WalletError(verdict.code, `The endpoint redirects: ${verdict.message}`);
}

/** All challenges being read, together: honest ones have some kilobytes, and a few large ones still fit. */
const challengeRoom = new SharedRoom(16 * 1024 * 1024);

async function readChallenge(
  rails: Rails,
  answer: HttpAnswer,
  target: Challenge['target'],
  callerHeaders: readonly string[],
): Promise<Challenge> {
  const { bytes } = await readBody(answer, { bytesMax: CHALLENGE_BYTES_MAX, room: challengeRoom });
  const kept: EndpointAnswer = {
    status: answer.status,
    headers: answer.headers.filter(([name]) => rails.challengeHeaders.includes(name)),
    bodyText: new TextDecoder().decode(bytes),
    requestUrl: target.url.href,
    callerHeaders,
  };
  return { target, answer: kept, required: requiredOf(rails, kept) };
}

function requiredOf(rails: Rails, answer: EndpointAnswer): PaymentDemand {
  const required = rails.parse(answer);
  if (required !== null) return required;
  throw new WalletError(
    'no_payable_offer',
    'The endpoint answers 402 and names no way to pay that can be read.',
  );
}

/** A challenge as text, for a stored quote. */
export function writeChallenge({ target, answer }: Challenge): string {
  return JSON.stringify({ url: target.url.href, method: target.method, answer });
}

/** A challenge from a stored quote, parsed anew. */
export function restoreChallenge(rails: Rails, text: string): Challenge {
  const { url, method, answer } = JSON.parse(text) as { url: string; method: string; answer: EndpointAnswer };
  return { target: { url: new URL(url), method }, answer, required: requiredOf(rails, answer) };
}
