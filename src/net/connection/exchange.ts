import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { BodyBuffer } from './bodyBuffer.js';
import type { Call } from '../call.js';
import type { NetFailure } from '../failure.js';
import { headerValue, readRawHeaders, RESPONSE_HEADER_BYTES_MAX, type HeaderList } from '../headers.js';
import type { RequestBody } from '../requestBody.js';
import type { Connection } from './connection.js';

/** Informational answers (1xx) accepted before the final one: servers send one or two (T15). */
const PRELIMINARY_MAX = 32;

/** A request as it goes on the wire. */
interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly upload: Upload | undefined;
}

/** The head of an answer, and its body as it arrives, still encoded. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: BodyBuffer;
  /** Leaves the rest of the body: the connection is closed unless the body has already come whole. */
  abandon(): void;
}

/** The connection was gone before a byte of the request was handed to it: another may be tried. */
export class ConnectionLost extends Error {}

/**
 * Sends one request over one connection, once. The promise settles when the answer's headers are complete;
 * what comes later ends the body. `onIdle` is called when the whole answer has arrived over a connection
 * still open.
 *
 * @throws NetFailure, or ConnectionLost with nothing sent
 */
export function exchange(
  connection: Connection,
  request: WireRequest,
  call: Call,
  onIdle: (connection: Connection) => void,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const { method, path, upload } = request;
    const handler = new ExchangeHandler(connection, call, resolve, reject, onIdle, upload?.end);
    const headers = [...request.headers, ...(upload?.headers ?? [])].flat();
    // undici reads what it is given by iteration; its types know streams alone.
    const body = upload?.body as Uint8Array | Readable | undefined;
    connection.client.dispatch({ method, path, headers, ...(body && { body }) }, handler);
  });
}

/** A body as it goes over one connection. */
export interface Upload {
  readonly body: Uint8Array | AsyncGenerator<Uint8Array, void>;
  readonly headers: HeaderList;
  /** Lets go of what it is read from. */
  readonly end: () => void;
}

/** Opens a body for one sending: where it cannot be read, nothing has left. Undefined for none. */
export async function openUpload(
  call: Call,
  body: Uint8Array | RequestBody | undefined,
): Promise<Upload | undefined> {
  // Without a body undici decides by the method whether to send `content-length: 0`.
  if (body === undefined || body.length === 0) return undefined;
  if (body instanceof Uint8Array) return { body, headers: [], end: () => undefined };
  const rest = body.read();
  const pieces = async function* (first: IteratorResult<Uint8Array, void>): AsyncGenerator<Uint8Array, void> {
    if (first.done === true) return;
    yield first.value;
    yield* rest;
  };
  const end = (): void => void rest.return().catch(() => undefined);
  try {
    const first = await call.orFailure(rest.next());
    // Of what it does not hold undici cannot know the length, and would send it in chunks, which some sellers refuse.
    return { body: pieces(first), headers: [['content-length', String(body.length)]], end };
  } catch (cause) {
    end();
    throw (
      call.failure ??
      call.failureOf('cancelled', 'The body of the request cannot be read any more.', { cause })
    );
  }
}

/** The failure that describes a broken connection or answer; `cause` keeps the details. */
function describe(call: Call, error: Error): NetFailure {
  const code = (error as { code?: unknown }).code;
  const cause = { cause: error };
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return call.failureOf(
      'answer_too_large',
      `The answer's headers are larger than ${RESPONSE_HEADER_BYTES_MAX} bytes.`,
      cause,
    );
  }
  if (typeof code === 'string' && code.startsWith('HPE_')) {
    return call.failureOf('unreachable', 'The answer is not HTTP.', cause);
  }
  const message =
    call.leg === 'body'
      ? 'The connection broke before the answer was whole.'
      : 'The connection broke before the answer came.';
  return call.failureOf('unreachable', message, cause);
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #connection: Connection;
  readonly #call: Call;
  readonly #resolve: (answer: WireAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #onIdle: (connection: Connection) => void;
  readonly #endUpload: (() => void) | undefined;
  #abort: ((error: Error) => void) | undefined;
  #body: BodyBuffer | undefined;
  /** `until_close` bodies end with the connection; `chunked` ones that do were cut. */
  #framing: 'length' | 'chunked' | 'until_close' = 'length';
  #preliminary = 0;
  #done = false;
  readonly #onCallFailed = (): void => {
    if (this.#call.failure) this.#stop(this.#call.failure);
  };

  constructor(
    connection: Connection,
    call: Call,
    resolve: (answer: WireAnswer) => void,
    reject: (error: Error) => void,
    onIdle: (connection: Connection) => void,
    endUpload: (() => void) | undefined,
  ) {
    this.#endUpload = endUpload;
    this.#connection = connection;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onIdle = onIdle;
    if (call.failure) queueMicrotask(this.#onCallFailed);
    else call.signal.addEventListener('abort', this.#onCallFailed, { once: true });
  }

  /** The last moment before bytes are handed to the connection. */
  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#done || this.#call.failure) {
      abort(this.#call.failure ?? new Error('over'));
      return;
    }
    this.#call.leg = 'sent';
    this.#call.bytesLeft = true;
  }

  onResponseStarted(): void {
    this.#call.leg = 'headers';
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) {
      this.#preliminary += 1;
      if (this.#preliminary <= PRELIMINARY_MAX) return true;
      this.#stop(this.#call.fail('unreachable', 'The endpoint keeps sending informational (1xx) answers.'));
      return false;
    }
    const headers = readRawHeaders(raw);
    this.#call.leg = 'body';
    const coding = headerValue(headers, 'transfer-encoding');
    if (coding !== undefined) this.#framing = /chunked\s*$/i.test(coding) ? 'chunked' : 'until_close';
    else if (headerValue(headers, 'content-length') === undefined) this.#framing = 'until_close';
    const body = new BodyBuffer(resume);
    this.#body = body;
    this.#resolve({ status, headers, body, abandon: () => this.#abandon() });
    return true;
  }

  onData(piece: Buffer): boolean {
    return this.#body?.push(piece) ?? true;
  }

  onComplete(): void {
    const { socket } = this.#connection;
    // undici takes a hang-up for the end of any answer that forbids reuse, even in the middle of a chunk.
    const hungUp = socket.readableEnded || socket.destroyed;
    const whole =
      this.#framing === 'length' || !hungUp || (this.#framing === 'until_close' && !socket.errored);
    this.#finish(whole ? undefined : describe(this.#call, new Error('hung up within the body')));
    if (whole && !hungUp) this.#onIdle(this.#connection);
  }

  onError(error: Error): void {
    // undici had not asked to write yet, so nothing of this request left.
    const lost = this.#abort === undefined ? new ConnectionLost('lost', { cause: error }) : undefined;
    this.#finish(this.#call.failure ?? lost ?? describe(this.#call, error));
  }

  #abandon(): void {
    this.#stop(this.#call.failureOf('cancelled', 'The rest of the answer was not read.'));
  }

  /** Ends the exchange now, from our side, and closes the connection. */
  #stop(failure: NetFailure): void {
    if (this.#done) return;
    this.#finish(failure);
    this.#abort?.(failure);
    this.#connection.socket.destroy();
  }

  #finish(failure: Error | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#call.signal.removeEventListener('abort', this.#onCallFailed);
    // undici waits for ever for a connection that broke while it was full.
    this.#endUpload?.();
    this.#body?.end(failure);
    if (failure) this.#reject(failure);
  }
}
