import { createClient, http, HttpRequestError, ResponseBodyTooLargeError, RpcRequestError } from 'viem';
import { within } from './deadline.js';
import { RpcFault } from './rpcFault.js';
import type { OnTime } from './timeGiven.js';

/**
 * No answer we ask for is near this: a block header with its transaction hashes is below 200 KB, a page of one payer's
 * logs smaller still. A hostile endpoint can make us hold this much and no more.
 */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** HTTP statuses that are about the question; every other (busy, broken, locked out) would meet any question. */
const QUESTION_REFUSED = [400, 413, 422];

/** One JSON-RPC endpoint that the owner or our own table named. */
export interface Rpc {
  /** Scheme, host and port: all of the URL that is ever shown. */
  readonly origin: string;
  /**
   * Asks once and reads the answer with `read`, which throws on anything but what was asked for. Throws
   * {@link RpcFault} and nothing else.
   */
  ask<T>(
    method: string,
    params: readonly unknown[],
    read: (answer: unknown) => T,
    signal?: AbortSignal,
  ): Promise<T>;
}

/** How a question leaves this machine; the runtime's own `fetch` unless the owner set a proxy. */
export type RpcFetch = typeof fetch;

/**
 * Makes a caller for an http(s) URL; each call, to the last byte of its answer, may take `timeoutMs`. `onTime` is told
 * of the `Date` of each answer.
 */
export function openRpc(url: string, timeoutMs: number, fetchFn?: RpcFetch, onTime?: OnTime): Rpc {
  const { origin } = new URL(url);
  const datedFetch: RpcFetch = async (input, init) => {
    const begunMs = performance.now();
    const answer = await (fetchFn ?? fetch)(input, init);
    const ms = dateOf(answer.headers);
    if (ms !== null) onTime?.({ operator: origin, kind: 'date', ms, tookMs: performance.now() - begunMs });
    return answer;
  };
  const transport = http(url, {
    // A redirect would make another operator of this one, and carry the question to whom the owner did not name.
    fetchOptions: { redirect: 'error' },
    fetchFn: datedFetch,
    maxResponseBodySize: ANSWER_BYTES_MAX,
    // viem would wait for as long as the endpoint's `Retry-After` says; the caller can try another endpoint instead.
    retryCount: 0,
    // viem's own deadline ends with the headers, and a body can drip for ever after them: ours covers both.
    timeout: 0,
  });
  const client = createClient({ transport });
  const send = client.request as (
    call: { method: string; params: readonly unknown[] },
    options: { signal: AbortSignal },
  ) => Promise<unknown>;

  return {
    origin,
    async ask(method, params, read, caller) {
      let answer: unknown;
      let inTime = true;
      try {
        answer = await within(timeoutMs, caller, (signal) => {
          inTime = !signal.aborted;
          signal.addEventListener('abort', () => (inTime = false), { once: true });
          return send({ method, params }, { signal });
        });
      } catch (error) {
        throw inTime
          ? faultOf(error, origin, method)
          : new RpcFault('no_answer', origin, 'did not answer in time');
      }
      try {
        return read(answer);
      } catch {
        throw new RpcFault('malformed', origin, `answered ${method} with something else`);
      }
    },
  };
}

/** When an answer was made, ms since 1970; null where it does not say, or comes out of a cache. */
function dateOf(headers: Headers): number | null {
  const ms = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(ms) || headers.has('age') ? null : ms;
}

/** What the endpoint wrote stays out of the words: it is a stranger's text. */
function faultOf(error: unknown, origin: string, method: string): RpcFault {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ResponseBodyTooLargeError) {
      return new RpcFault('too_large', origin, `answered ${method} with more than ${ANSWER_BYTES_MAX} bytes`);
    }
    if (cause instanceof RpcRequestError) {
      const code = Number(cause.code);
      return new RpcFault('refused', origin, `refused ${method} (error ${code})`, code);
    }
    if (cause instanceof HttpRequestError && cause.status !== undefined) {
      const kind = QUESTION_REFUSED.includes(cause.status) ? 'refused' : 'no_answer';
      return new RpcFault(kind, origin, `answered ${method} with HTTP ${cause.status}`);
    }
    if (cause instanceof SyntaxError) {
      return new RpcFault('malformed', origin, `answered ${method} with something else than JSON`);
    }
  }
  return new RpcFault('no_answer', origin, 'cannot be reached');
}
