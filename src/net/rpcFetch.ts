import type { Net } from './send.js';
import { parseCallUrl, type UrlRules } from './destination/url.js';

/** A bound for a caller that brings none: chain readers end each question by their own, sooner. */
const DEADLINE_MS = 30_000;
/** Above what any reader takes of one answer; the reader's own bound ends it first. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** What a reader of a chain looks at. */
const KEPT_HEADERS = ['content-type', 'date', 'age'];

/**
 * A `fetch` for JSON-RPC that leaves this machine as the owner's calls do, through `net.proxy` too. It takes a POST of
 * text, follows no redirect, and rejects as `fetch` does.
 */
export function rpcFetch(net: Net, rules: UrlRules): typeof fetch {
  return async (input, init) => {
    const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
    const answer = await net.send(
      {
        method: 'POST',
        url: parseCallUrl(text, rules),
        headers: [['content-type', 'application/json']],
        body: new TextEncoder().encode(typeof init?.body === 'string' ? init.body : ''),
      },
      {
        deadline: { connectMs: DEADLINE_MS, firstByteMs: DEADLINE_MS, wholeMs: DEADLINE_MS },
        ...(init?.signal instanceof AbortSignal ? { signal: init.signal } : {}),
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
    const named = answer.headers.filter(([name]) => KEPT_HEADERS.includes(name));
    return new Response(ReadableStream.from(answer.body), {
      status: answer.status,
      headers: named.map(([name, value]) => [name, value] as [string, string]),
    });
  };
}
