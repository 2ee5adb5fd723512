import * as tls from 'node:tls';
import { WalletError } from '../errors/walletError.js';
import { readBounded, SILENCE_MS_MAX } from './body.js';
import { Call, type Deadline } from './call.js';
import { readCodings } from './decode.js';
import { exchange, openUpload, ConnectionLost, type Upload, type WireAnswer } from './connection/exchange.js';
import {
  hasHeader,
  headerValue,
  judgeCallerHeaders,
  judgeSignedHeaders,
  type HeaderList,
} from './headers.js';
import { IDLE_MS_MAX } from './connection/connection.js';
import { ConnectionPool } from './connection/pool.js';
import { readProxySetting, type ProxySetting } from './connection/proxy.js';
import { followRedirect, isRedirect, type Hop, type RedirectableRequest } from './redirect.js';
import type { RequestBody } from './requestBody.js';
import { systemLookup, type Lookup } from './destination/resolve.js';
import { parseCallUrl, type CallUrl, type UrlRules } from './destination/url.js';

/** The largest request body sent, in bytes: a recording or a data set, not a disk. */
export const REQUEST_BODY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What is signed goes over a connection that answered this recently, in milliseconds, or over a new one: a
 * hang-up on its way to us would leave the end of the payment unknown until it expires. A probe just before
 * it is well within this.
 */
const SIGNED_IDLE_MS_MAX = 1_000;

/**
 * How a network is opened. All of it is copied: another policy is another {@link Net}, with connections of
 * its own.
 */
export interface NetSettings extends UrlRules {
  /** Of Purser, for the `user-agent`. */
  readonly version: string;
  readonly proxy: ProxySetting;
  /** Instead of the machine's resolver. */
  readonly lookup?: Lookup;
  /** Where `net.proxy` is `env`; the process's own by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Told of the `Date` of each answer: ms since 1970, and how long the answer took. */
  readonly onDate?: (origin: string, dateMs: number, tookMs: number) => void;
  /** Certificate authorities in PEM, beside those that Node trusts. */
  readonly extraAuthorities?: readonly string[];
}

/** What the wallet signed for one origin; it is sent there or nowhere (T9). */
export interface SignedHeaders {
  readonly origin: string;
  /** `X-PAYMENT`, `PAYMENT-SIGNATURE`, `PAYMENT-AUTHORIZATION`, `AUTHORIZATION` or `SIGN-IN-WITH-X`. */
  readonly headers: HeaderList;
}

/** A request. */
export interface HttpRequest {
  /** In capital letters; never CONNECT or TRACE. */
  readonly method: string;
  readonly url: CallUrl;
  /** The caller's own, none of them reserved. */
  readonly headers: HeaderList;
  readonly signed?: SignedHeaders;
  /** At most {@link REQUEST_BODY_BYTES_MAX}; not to be changed before the answer has come. */
  readonly body?: Uint8Array | RequestBody;
}

/** Bounds of one call and what to do on its way. */
export interface SendOptions {
  readonly deadline: Deadline;
  readonly signal?: AbortSignal;
  /** `return` gives a redirect as the answer it is; the only choice where something signed is sent (T9). */
  readonly redirects: 'follow' | 'return';
  /** The most decoded bytes the body gives. */
  readonly bodyBytesMax: number;
  /** A pause in the body this long ends it; {@link SILENCE_MS_MAX} by default. */
  readonly silenceMs?: number;
  /**
   * A connection unused for longer is not reused, in milliseconds; 0 takes a new one. By default {@link
   * IDLE_MS_MAX}, with something signed one second.
   */
  readonly idleMsMax?: number;
  /** Told how many decoded bytes of the body have come in all. */
  readonly onBytes?: (bytes: number) => void;
  /**
   * Asked when the connection stands, just before a byte is handed to it: for false the call fails as `cancelled`, and
   * nothing was sent.
   */
  readonly maySend?: () => boolean;
  /** Asked before each redirect is followed, with where it leads; it throws to refuse. */
  readonly judgeHop?: (next: CallUrl) => void;
}

/** An answer whose headers have come and whose body is coming. */
export interface HttpAnswer {
  readonly status: number;
  /** As received, `content-encoding` and `content-length` too; untrusted text (T27). */
  readonly headers: HeaderList;
  /** Where the answer comes from, after redirects, and by which method. */
  readonly url: URL;
  readonly method: string;
  readonly hops: readonly Hop[];
  /** Codings that still cover the body because the wallet knows them not; usually undefined. */
  readonly contentEncoding: string | undefined;
  /** Decoded, bounded, to be read once; a loop left early closes the connection. See {@link readBounded}. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Leaves the body unread. A body that had already come whole costs no connection. */
  discard(): void;
}

/** The only way to a URL that an agent or a seller names. */
export interface Net {
  /**
   * Sends a request once, to a checked address. Whatever the other side does it settles within the deadline;
   * a body that is never read is closed at the same deadline. Nothing is ever sent again, except what a
   * redirect asks for.
   *
   * @throws NetFailure; WalletError `bad_input` for a malformed request, before any of it is sent
   */
  send(request: HttpRequest, options: SendOptions): Promise<HttpAnswer>;
  /** Connections now open, and how many of them wait for another request. */
  readonly connections: { readonly open: number; readonly idle: number };
  /** Ends every call as `cancelled`, refuses new ones, and settles when no connection is left. */
  close(): Promise<void>;
}

/** Opens the network under one policy. @throws WalletError `config_invalid` for a proxy that is none */
export function createNet(settings: NetSettings): Net {
  return new PolicyNet(settings);
}

function judgeRequest(request: HttpRequest, options: SendOptions): void {
  if (!/^[A-Z]{1,16}$/.test(request.method) || ['CONNECT', 'TRACE'].includes(request.method)) {
    throw new WalletError(
      'bad_input',
      'The method must be one of HTTP in capital letters, not CONNECT or TRACE.',
    );
  }
  if ((request.body?.length ?? 0) > REQUEST_BODY_BYTES_MAX) {
    throw new WalletError('bad_input', `The body of a request has at most ${REQUEST_BODY_BYTES_MAX} bytes.`);
  }
  judgeCallerHeaders(request.headers);
  if (!request.signed) return;
  judgeSignedHeaders(request.signed.headers, request.headers);
  // T9: what was signed for one origin reaches no other, neither at once nor by a redirect.
  if (request.signed.origin !== request.url.origin || options.redirects !== 'return') {
    throw new WalletError('internal', 'A signed header was about to leave the origin it was signed for.');
  }
}

class PolicyNet implements Net {
  readonly #rules: UrlRules;
  readonly #userAgent: string;
  readonly #pool: ConnectionPool;
  readonly #onDate: NetSettings['onDate'];
  readonly #calls = new Set<Call>();
  #closed = false;

  constructor(settings: NetSettings) {
    const { extraAuthorities = [] } = settings;
    this.#rules = { allowPrivate: [...settings.allowPrivate] };
    this.#userAgent = `purser/${settings.version}`;
    this.#onDate = settings.onDate;
    this.#pool = new ConnectionPool({
      lookup: settings.lookup ?? systemLookup,
      route: readProxySetting(settings.proxy, { ...(settings.environment ?? process.env) }),
      secureContext: extraAuthorities.length > 0 ? contextWith(extraAuthorities) : undefined,
    });
  }

  get connections(): { readonly open: number; readonly idle: number } {
    return this.#pool.count;
  }

  async send(request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
    judgeRequest(request, options);
    const call = new Call(options.deadline, options.signal);
    this.#calls.add(call);
    call.onEnd = () => this.#calls.delete(call);
    if (this.#closed) call.fail('cancelled', 'The wallet is closing.');
    try {
      return await this.#follow(call, request, options);
    } catch (error) {
      call.end();
      throw call.failure ?? error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const call of [...this.#calls]) call.fail('cancelled', 'The wallet is closing.');
    await this.#pool.close();
  }

  async #follow(call: Call, request: HttpRequest, options: SendOptions): Promise<HttpAnswer> {
    const hops: Hop[] = [];
    let asked: RedirectableRequest = {
      // Judged again: the URL may have been parsed under other rules than these connections.
      target: parseCallUrl(request.url.url.href, this.#rules),
      method: request.method,
      headers: request.headers,
      body: request.body,
    };
    for (;;) {
      const answer = await this.#exchange(call, asked, request.signed, options);
      if (options.redirects === 'return' || !isRedirect(answer.status, answer.headers)) {
        return openAnswer(call, asked, answer, hops, options);
      }
      answer.abandon();
      const next = followRedirect(call, asked, answer, hops.length, this.#rules);
      options.judgeHop?.(next.target);
      hops.push({ method: asked.method, url: asked.target.url, status: answer.status });
      asked = next;
    }
  }

  async #exchange(
    call: Call,
    asked: RedirectableRequest,
    signed: SignedHeaders | undefined,
    options: SendOptions,
  ): Promise<WireAnswer> {
    const { connectMs, firstByteMs } = options.deadline;
    const rules = { connectMs, idleMsMax: options.idleMsMax ?? (signed ? SIGNED_IDLE_MS_MAX : IDLE_MS_MAX) };
    for (;;) {
      call.throwIfFailed();
      call.leg = 'resolve';
      const { connection, kept } = await this.#pool.take(call, asked.target, rules);
      const lift = call.bound(firstByteMs, `No answer within ${firstByteMs} ms.`);
      const begunMs = performance.now();
      let upload: Upload | undefined;
      try {
        upload = await openUpload(call, asked.body);
        if (options.maySend?.() === false)
          throw call.failureOf('cancelled', 'The request was taken back before it was sent.');
        const answer = await exchange(
          connection,
          { ...this.#wireRequest(asked, signed), upload },
          call,
          (idle) => this.#pool.giveBack(idle),
        );
        const dateMs = dateOf(answer.headers);
        if (dateMs !== null) this.#onDate?.(asked.target.url.origin, dateMs, performance.now() - begunMs);
        return answer;
      } catch (error) {
        upload?.end();
        this.#pool.drop(connection);
        if (!(error instanceof ConnectionLost)) throw error;
        // Nothing was sent over it. A new connection lost so early says something of the host; a kept one
        // does not.
        if (!kept)
          throw call.failureOf('unreachable', 'The host closed the connection at once.', { cause: error });
      } finally {
        lift();
      }
    }
  }

  #wireRequest(asked: RedirectableRequest, signed: SignedHeaders | undefined) {
    const { headers, target } = asked;
    const ours: [string, string][] = [
      ['user-agent', this.#userAgent],
      ['accept', '*/*'],
      ['accept-encoding', 'gzip, deflate, br'],
    ];
    return {
      method: asked.method,
      path: `${target.url.pathname}${target.url.search}`,
      headers: [
        ...ours.filter(([name]) => !hasHeader(headers, name)),
        ...headers,
        ...(signed?.headers ?? []),
      ],
    };
  }
}

/** When an answer was made, ms since 1970; null where it does not say, or comes out of a cache. */
function dateOf(headers: HeaderList): number | null {
  const ms = Date.parse(headerValue(headers, 'date') ?? '');
  return Number.isNaN(ms) || hasHeader(headers, 'age') ? null : ms;
}

/** What trusts these certificate authorities beside those that Node trusts. */
export function contextWith(extraAuthorities: readonly string[]): tls.SecureContext {
  // Node 22.14 has no list of what it trusts by default, only of what it ships.
  const trusted =
    typeof tls.getCACertificates === 'function' ? tls.getCACertificates('default') : tls.rootCertificates;
  return tls.createSecureContext({ ca: [...trusted, ...extraAuthorities] });
}

function openAnswer(
  call: Call,
  asked: RedirectableRequest,
  answer: WireAnswer,
  hops: readonly Hop[],
  options: SendOptions,
): HttpAnswer {
  const contentEncoding = answer.headers
    .filter(([name]) => name === 'content-encoding')
    .map(([, value]) => value);
  const codings = readCodings(contentEncoding);
  // After the last byte nothing is left to bound, unless the body has yet to be decompressed (T15).
  if (codings === undefined || codings.length === 0) answer.body.whenEnded(() => call.end());
  return {
    status: answer.status,
    headers: answer.headers,
    url: asked.target.url,
    method: asked.method,
    hops,
    contentEncoding: codings ? undefined : contentEncoding.join(', '),
    body: readBounded(answer, codings ?? [], call, {
      bodyBytesMax: options.bodyBytesMax,
      silenceMs: options.silenceMs ?? SILENCE_MS_MAX,
      onBytes: options.onBytes,
    }),
    discard: () => {
      answer.abandon();
      call.end();
    },
  };
}
