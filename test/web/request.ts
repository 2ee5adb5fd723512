import { request, type IncomingHttpHeaders } from 'node:http';
import type { Owner } from './owner.js';

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with every header as it is given: what no browser sends, but any program can. */
export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly address?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array;
}

/** Sends a request to a port of this machine. */
export function send(
  port: number,
  { method = 'GET', path = '/', address = '127.0.0.1', headers = {}, body = '' }: RawRequest = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: address, port, method, path, headers: { host: `localhost:${port}`, ...headers }, agent: false },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(pieces).toString('utf8'),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What an agent with a shell makes of the page's address: a visit like a browser's, cookie and token and all. */
export interface Agent {
  readonly cookie: string;
  readonly token: string;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** Posts a form as the page would; headers and fields of the test go on top. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Reply>;
}

/** Begins such a visit. */
export async function visitAsAgent(owner: Owner): Promise<Agent> {
  const { port, url } = owner.page;
  const entry = await send(port, { path: new URL(url).pathname + new URL(url).search });
  const cookie = entry.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const get = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    send(port, { path, headers: { cookie, ...headers } });
  const token = /name="token" value="([^"]+)"/.exec((await get('/')).body)?.[1] ?? '';
  const post: Agent['post'] = (path, fields, headers = {}) =>
    send(port, {
      method: 'POST',
      path,
      headers: {
        cookie,
        origin: owner.origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body: new URLSearchParams({ token, ...fields }).toString(),
    });
  return { cookie, token, get, post };
}
