import { NetFailure } from './failure.js';
import type { Call } from './call.js';
import { headersForOtherOrigin, headersWithoutBody, headerValue, type HeaderList } from './headers.js';
import type { RequestBody } from './requestBody.js';
import { parseCallUrl, type CallUrl, type UrlRules } from './destination/url.js';

/** Redirects followed in one call. */
const HOPS_MAX = 5;

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

/** A redirect that was followed: what was asked and how it was answered. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly status: number;
}

/** The part of a request that a redirect can change. */
export interface RedirectableRequest {
  readonly target: CallUrl;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | RequestBody | undefined;
}

/** True for an answer that asks to look elsewhere, and says where. */
export function isRedirect(status: number, headers: HeaderList): boolean {
  return REDIRECT_STATUSES.has(status) && headerValue(headers, 'location') !== undefined;
}

function refuse(call: Call, message: string, location: string | undefined): NetFailure {
  return call.failureOf('redirected', message, location === undefined ? {} : { location });
}

/** Judges where a redirect leads by the rules of any URL, and by those that hold between two (T9, T10). */
function judgeNext(call: Call, from: CallUrl, href: string, rules: UrlRules): CallUrl {
  let next: CallUrl;
  try {
    next = parseCallUrl(href, rules);
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    if (error.code !== 'address_refused')
      throw refuse(call, 'The endpoint redirects to a URL that cannot be called.', href);
    throw call.failureOf(
      'address_refused',
      'The endpoint redirects to an address the wallet does not connect to.',
      {
        location: href,
        cause: error,
      },
    );
  }
  if (from.url.protocol === 'https:' && next.url.protocol !== 'https:') {
    throw refuse(call, 'The endpoint redirects from https to http.', href);
  }
  // The owner's exceptions are for what the agent asks; a seller must not steer a call into the owner's
  // network.
  if (next.ownerAllowed && !from.ownerAllowed) {
    throw call.failureOf('address_refused', "The endpoint redirects into the owner's own network.", {
      location: href,
    });
  }
  return next;
}

/**
 * The request that follows a redirect. The method changes as in fetch: 303 makes a GET of all but HEAD, 301
 * and 302 of POST; 307 and 308 change nothing. To another origin go only headers that carry no credential, and
 * no body.
 *
 * @throws NetFailure `redirected` (too many, https to http, a body to another origin, no URL) or `address_refused`, with `location`
 */
export function followRedirect(
  call: Call,
  request: RedirectableRequest,
  answer: { readonly status: number; readonly headers: HeaderList },
  hops: number,
  rules: UrlRules,
): RedirectableRequest {
  const from = request.target;
  const location = headerValue(answer.headers, 'location') ?? '';
  if (!URL.canParse(location, from.url.href))
    throw refuse(call, 'The endpoint redirects, but to something that is not a URL.', undefined);
  const { href } = new URL(location, from.url.href);
  if (hops >= HOPS_MAX) throw refuse(call, `The endpoint redirects more than ${HOPS_MAX} times.`, href);
  const target = judgeNext(call, from, href, rules);
  const toGet =
    (answer.status === 303 && request.method !== 'HEAD' && request.method !== 'GET') ||
    ((answer.status === 301 || answer.status === 302) && request.method === 'POST');
  const kept = toGet ? headersWithoutBody(request.headers) : request.headers;
  const body = toGet ? undefined : request.body;
  const leaves = target.origin !== from.origin;
  // T9: a body is as much the caller's secret as a header, and no name tells which is.
  if (leaves && body !== undefined && body.length > 0) {
    throw refuse(
      call,
      `The endpoint redirects the request with its body to another origin, ${target.origin}; call that one itself if it is to have the body.`,
      href,
    );
  }
  return {
    target,
    method: toGet ? 'GET' : request.method,
    headers: leaves ? headersForOtherOrigin(kept) : kept,
    body,
  };
}
