import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { openTunnel, type TunnelOptions } from './tunnel.js';

/** Statuses whose answer has no body by their meaning. */
const BODILESS: readonly number[] = [204, 205, 304];

/**
 * A `fetch` whose every request goes through a tunnel of its own: one that was used before may have been closed by the
 * server meanwhile, and then nobody could say whether a request had reached it.
 *
 * Rejects with a `TunnelError` where nothing was sent.
 */
export function tunnelFetch(
  tunnel: Omit<TunnelOptions, 'signal'>,
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init = {}) => {
    const { signal } = init;
    const socket = await openTunnel({ ...tunnel, ...(signal ? { signal } : {}) });
    const { pathname, search } = new URL(url);
    const headers = Object.fromEntries(new Headers(init.headers));
    return new Promise((resolve, reject) => {
      const outgoing = request({
        createConnection: () => socket,
        method: init.method ?? 'GET',
        path: pathname + search,
        headers: { ...headers, host: tunnel.host },
        ...(signal ? { signal } : {}),
      });
      // More than one may come; what comes after the response breaks its body.
      outgoing.on('error', reject);
      outgoing.once('response', (incoming) => {
        resolve(responseOf(incoming));
      });
      outgoing.end(typeof init.body === 'string' ? init.body : undefined);
    });
  };
}

function responseOf(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '');
  if (BODILESS.includes(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers });
}
