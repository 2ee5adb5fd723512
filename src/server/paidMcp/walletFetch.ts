import { WalletError } from '../../errors/walletError.js';
import type { HeaderList } from '../../net/headers.js';
import { parseCallUrl } from '../../net/destination/url.js';
import { judgePlace } from '../../wallet/call/ownerRules.js';
import { CONNECT_MAX_MS } from '../../wallet/call/callDeadline.js';
import type { Engine } from '../../wallet/engine.js';

/** A stream of events may stay open as long as its client: a day, and it is opened again. */
const STREAM_MS_MAX = 24 * 3_600_000;
/** Above what any tool returns; the most of one answer or stream that is passed on. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Statuses whose answer has no body. */
const BODILESS: readonly number[] = [204, 205, 304];
/** What is no longer true of a body that was decoded. */
const TRANSPORT_HEADERS: readonly string[] = ['content-encoding', 'content-length', 'transfer-encoding'];

/**
 * A `fetch` to one MCP server by the wallet's own way to the network: under the owner's lists of hosts, to a checked
 * address, to that server's origin alone, following no redirect.
 */
export function walletFetch(
  open: () => Promise<Engine>,
  server: URL,
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init = {}) => {
    const engine = await open();
    const config = await engine.config();
    const url = parseCallUrl(String(input), { allowPrivate: config.net.allowPrivate });
    if (url.origin !== server.origin)
      throw new WalletError('redirected', 'The MCP server named a place of another origin.');
    const verdict = judgePlace(config, url.url);
    if (verdict.verdict !== 'allow') throw new WalletError(verdict.code, verdict.message);
    const headers: HeaderList = [...new Headers(init.headers).entries()];
    const answer = await engine.net(config).send(
      {
        method: init.method ?? 'GET',
        url,
        headers,
        ...(typeof init.body === 'string' ? { body: new TextEncoder().encode(init.body) } : {}),
      },
      {
        deadline: { connectMs: CONNECT_MAX_MS, firstByteMs: STREAM_MS_MAX, wholeMs: STREAM_MS_MAX },
        silenceMs: STREAM_MS_MAX,
        ...(init.signal instanceof AbortSignal ? { signal: init.signal } : {}),
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
    const named = answer.headers.filter(([name]) => !TRANSPORT_HEADERS.includes(name));
    if (BODILESS.includes(answer.status)) answer.discard();
    return new Response(BODILESS.includes(answer.status) ? null : ReadableStream.from(answer.body), {
      status: answer.status,
      headers: named.map(([name, value]) => [name, value] as [string, string]),
    });
  };
}
