import type { CatalogAnswer, CatalogFetch } from '../../discovery/fetch.js';
import { readBody } from '../../net/body.js';
import type { Net } from '../../net/send.js';
import { parseCallUrl, type CallUrl, type UrlRules } from '../../net/destination/url.js';

/** Finding the address and connecting; a catalogue that is gone must not hold up the others. */
const CONNECT_MAX_MS = 8_000;
/** No byte for so long ends a page. */
const SILENCE_MS = 8_000;

/** What a document of a catalogue or of a site is asked for as; nothing tells who asks or what is looked for. */
const ACCEPT = ['accept', 'application/json'] as const;

/**
 * The way to catalogues: through net alone, under the rules of any call. Redirects are followed; `judge` sees each
 * URL first and throws to refuse.
 */
export function catalogFetch(
  net: Net,
  rules: UrlRules,
  judge: (url: CallUrl) => void = () => undefined,
): CatalogFetch {
  return async ({ url, bytesMax, signal, headers = [], timeoutMs }): Promise<CatalogAnswer> => {
    const target = parseCallUrl(url, rules);
    judge(target);
    const answer = await net.send(
      { method: 'GET', url: target, headers: [ACCEPT, ...headers] },
      {
        deadline: {
          connectMs: Math.min(CONNECT_MAX_MS, timeoutMs),
          firstByteMs: timeoutMs,
          wholeMs: timeoutMs,
        },
        signal,
        redirects: 'follow',
        bodyBytesMax: bytesMax,
        silenceMs: SILENCE_MS,
        judgeHop: judge,
      },
    );
    const body = await readBody(answer, { bytesMax });
    if (body.ended === 'broken' && body.failure !== undefined) throw body.failure;
    return {
      status: answer.status,
      headers: answer.headers,
      text: new TextDecoder().decode(body.bytes),
      bytes: body.bytes.length,
      cut: body.truncated || body.ended === 'cut',
      url: answer.url.href,
    };
  };
}
