import { request, type IncomingHttpHeaders } from 'node:http';
import type { Page } from '../../src/web/page.js';

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

/** A visit like a browser's, cookie and token and all, as a program makes it that somehow has a way in. */
export interface Agent {
  readonly cookie: string;
  readonly token: string;
  /** The secret path of the visit. */
  readonly base: string;
  /** Asks for a path of the visit. */
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** Posts a form as the page would; headers and fields of the test go on top. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Reply>;
}

/** The cookie that an answer sets. */
export function cookieOf({ headers }: Reply): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

/** Begins a visit by a ticket. */
export async function visitAsAgent(page: Pick<Page, 'port' | 'ticket'>): Promise<Agent> {
  const { port } = page;
  const entry = await send(port, { path: new URL(page.ticket('').url).pathname });
  const base = /url=(\/v\/[0-9a-f]{32})"/.exec(entry.body)?.[1] ?? '';
  return visitWith(port, base, cookieOf(entry));
}

/** Goes on with a visit that has begun. */
export async function visitWith(port: number, base: string, cookie: string): Promise<Agent> {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    send(port, { path: base + path, headers: { cookie, ...headers } });
  const token = /name="token" value="([^"]+)"/.exec((await get('')).body)?.[1] ?? '';
  const post: Agent['post'] = (path, fields, headers = {}) =>
    postForm(port, base + path, { token, ...fields }, { cookie, ...headers });
  return { cookie, token, base, get, post };
}

/** Posts a form as a page of ours would. */
export function postForm(
  port: number,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return send(port, {
    method: 'POST',
    path,
    headers: {
      origin: `http://localhost:${port}`,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams(fields).toString(),
  });
}
