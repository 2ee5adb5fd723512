import type { Config } from '../../config/settings.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { headersForOtherOrigin, headersWithoutBody } from '../../net/headers.js';
import { parseCallUrl, type CallUrl } from '../../net/destination/url.js';
import type { HttpAnswer, HttpRequest } from '../../net/send.js';
import type { HeaderList } from '../../payment/challenge.js';
import { ANSWER_BYTES_MAX } from '../answer/answerBody.js';
import { CONNECT_MAX_MS } from './callDeadline.js';
import type { PaidCall, SignedRequest } from './paidCall.js';

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
