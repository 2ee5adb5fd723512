import type { Config } from '../../config/settings.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { NetFailure } from '../../net/failure.js';
import { headersForOtherOrigin, headersWithoutBody } from '../../net/headers.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';
import type { HttpAnswer, HttpRequest } from '../../net/send.js';
import type { HeaderList } from '../../payment/challenge.js';
import { ANSWER_BYTES_MAX } from '../answer/answerBody.js';
import { stillLeased } from '../leaseKeeper.js';
import { masked } from '../entitlement/mask.js';
import { CONNECT_MAX_MS } from '../call/callDeadline.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';

/** Sends a request with its payment, once: the head of its answer, or why there is none. */
export async function send(
  call: PaidCall,
  signed: SignedRequest,
  config: Config,
): Promise<HttpAnswer | NetFailure> {
  const { carrier } = call.context;
  // What is paid for can be shown twice, and moves nothing.
  const maySend = (): boolean => signed.moneyMoved === true || stillLeased(signed.payment.id);
  try {
    const answer =
      carrier === undefined
        ? await sendSigned(call, signed.target, headersOf(signed.payload), config, maySend)
        : await carrier.send(signed.payload, { signal: call.deadline.signal, maySend });
    return signed.moneyMoved === true ? masked(answer, secretsOf(signed.payload)) : answer;
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
  target: SignedRequest['target'],
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
  target: SignedRequest['target'],
): Pick<HttpRequest, 'headers' | 'body'> {
  const toGet = target.method !== request.method;
  const kept = toGet ? headersWithoutBody(request.headers) : request.headers;
  const leaves = target.url.origin !== request.target.origin;
  return {
    headers: leaves ? headersForOtherOrigin(kept) : kept,
    ...(toGet || leaves || request.body === undefined ? {} : { body: request.body }),
  };
}
