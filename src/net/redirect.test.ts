import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { WalletError } from '../errors/walletError.js';
import { readBody } from './body.js';
import { Call } from './call.js';
import { makeCertificate } from './certificate.fixture.js';
import { failureOf, openHttpShop, openTestNet, requestFor, WIDE, type Shop } from './shop.fixture.js';
import { followRedirect } from './redirect.js';
import type { HttpRequest, Net, SendOptions } from './send.js';
import { parseCallUrl } from './destination/url.js';

interface Seen {
  readonly at: 'here' | 'there';
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let here: Shop;
let there: Shop;
let net: Net;
let seen: Seen[] = [];

/** Answers `/?status=…&to=…` with that redirect, anything else with 200. */
function redirector(at: 'here' | 'there') {
  return (message: IncomingMessage, answer: ServerResponse): void => {
    const parts: Buffer[] = [];
    message.on('data', (part: Buffer) => parts.push(part));
    message.on('end', () => {
      const { method, url, headers } = message;
      seen.push({ at, method, url, headers, body: Buffer.concat(parts).toString() });
      const query = new URL(url ?? '', 'http://any').searchParams;
      const location = query.get('to');
      if (location !== null) answer.writeHead(Number(query.get('status')), { location });
      answer.end('done');
    });
  };
}

beforeAll(async () => {
  here = await openHttpShop(redirector('here'));
  there = await openHttpShop(redirector('there'));
});
afterAll(async () => {
  await here.close();
  await there.close();
});
beforeEach(() => {
  seen = [];
  net = openTestNet([here.hostPort, there.hostPort]);
});
afterEach(() => net.close());

const go = (status: number, location: string): string =>
  `/?status=${status}&to=${encodeURIComponent(location)}`;

function send(path: string, more: Partial<HttpRequest> = {}, options: Partial<SendOptions> = {}) {
  const request = requestFor(`http://${here.hostPort}${path}`, [here.hostPort], more);
  return net.send(request, { ...WIDE, redirects: 'follow', ...options });
}

describe('a redirect that is followed', () => {
  const BODY_HEADERS = [
    ['content-type', 'text/plain'],
    ['content-language', 'en'],
    ['x-own', '1'],
  ] as const;
  it.each([
    [301, 'GET', 'GET'],
    [302, 'GET', 'GET'],
    [303, 'GET', 'GET'],
    [307, 'GET', 'GET'],
    [308, 'GET', 'GET'],
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [302, 'HEAD', 'HEAD'],
  ])('%i makes of %s a %s', async (status, method, after) => {
    const body = method === 'POST' || method === 'PUT' ? { body: Buffer.from('text') } : {};
    const answer = await send(go(status, '/end?x'), { method, headers: BODY_HEADERS, ...body });
    expect(answer).toMatchObject({ status: 200, method: after });
    expect(answer.url.href).toBe(`http://${here.hostPort}/end?x`);
    expect(answer.hops).toMatchObject([{ method, status }]);
    const keeps = after === method;
    expect(seen[1]).toMatchObject({
      method: after,
      url: '/end?x',
      body: keeps && 'body' in body ? 'text' : '',
    });
    expect(seen[1]?.headers['content-type']).toBe(keeps ? 'text/plain' : undefined);
    expect(seen[1]?.headers['content-language']).toBe(keeps ? 'en' : undefined);
    expect(seen[1]?.headers['x-own']).toBe('1');
  });

  it('goes on over the same connection within an origin', async () => {
    const before = here.accepted;
    await readBody(await send(go(302, go(307, '/end'))), { bytesMax: 10 });
    expect(here.accepted).toBe(before + 1);
  });

  it.each(['/x', 'x', '?q', '../x', '//{here}/x', 'http://{here}/x', 'HTTP://{here}/x#part', '/é'])(
    'reads the location %s as a browser does',
    async (location) => {
      const text = location.replace('{here}', here.hostPort);
      const answer = await send(go(302, text));
      const expected = new URL(text, `http://${here.hostPort}${go(302, text)}`);
      expected.hash = '';
      expect(answer.url.href).toBe(expected.href);
    },
  );

  it('T9: carries to another origin no header that could be a credential', async () => {
    const carried = [
      ['Accept', 'text/csv'],
      ['Content-Type', 'text/plain'],
      ['Accept-Language', 'de'],
      ['Range', 'bytes=0-9'],
    ] as const;
    const dropped = [
      ...([
        'Authorization',
        'Cookie',
        'Cookie2',
        'X-Api-Key',
        'Api-Key',
        'X-Auth-Token',
        'X-Anything',
        'Referer',
        'Origin',
      ] as const),
    ].map((name) => [name, 'secret'] as const);
    const location = `http://${there.hostPort}/end`;
    await send(go(307, location), { headers: [...carried, ...dropped] });
    expect(seen.map(({ at }) => at)).toEqual(['here', 'there']);
    for (const [name, value] of carried) expect(seen[1]?.headers[name.toLowerCase()]).toBe(value);
    for (const [name] of dropped) {
      expect(seen[0]?.headers[name.toLowerCase()]).toBe('secret');
      expect(seen[1]?.headers[name.toLowerCase()]).toBeUndefined();
    }
    expect(seen[1]?.headers.host).toBe(there.hostPort);
  });

  it.each([
    [301, 'PUT'],
    [302, 'PATCH'],
    [307, 'POST'],
    [308, 'POST'],
  ])('T9: carries by a %i no body of a %s to another origin', async (status, method) => {
    const location = `http://${there.hostPort}/end`;
    const body = Buffer.from('secret');
    await expect(send(go(status, location), { method, body })).rejects.toMatchObject({
      code: 'redirected',
      location,
      shortMessage: expect.stringContaining(`http://${there.hostPort}`),
    });
    expect(seen.map(({ at }) => at)).toEqual(['here']);
  });

  it.each([301, 302, 303])('T9: a %i that makes a GET of it leaves the body behind', async (status) => {
    const body = Buffer.from('secret');
    await send(go(status, `http://${there.hostPort}/end`), { method: 'POST', body });
    expect(seen.map(({ at, method, body }) => [at, method, body])).toEqual([
      ['here', 'POST', 'secret'],
      ['there', 'GET', ''],
    ]);
  });

  it('T9: does not give dropped credentials back when the way leads home', async () => {
    const home = `http://${here.hostPort}/end`;
    await send(go(302, `http://${there.hostPort}${go(302, home)}`), {
      headers: [['Authorization', 'secret']],
    });
    expect(seen.map(({ at, headers }) => [at, headers.authorization])).toEqual([
      ['here', 'secret'],
      ['there', undefined],
      ['here', undefined],
    ]);
  });

  it('asks the caller about each hop first', async () => {
    const asked: string[] = [];
    const judgeHop = (next: { readonly hostPort: string }): void => {
      asked.push(next.hostPort);
      if (next.hostPort === there.hostPort)
        throw new WalletError('host_denied', 'The owner denies this host.');
    };
    const path = go(302, go(302, `http://${there.hostPort}/end`));
    await expect(send(path, {}, { judgeHop })).rejects.toMatchObject({ code: 'host_denied' });
    expect(asked).toEqual([here.hostPort, there.hostPort]);
    expect(seen.map(({ at }) => at)).toEqual(['here', 'here']);
  });
});

describe('T9: a redirect that is not followed', () => {
  it.each([301, 302, 303, 307, 308])('%i is the answer where redirects are returned', async (status) => {
    const answer = await send(go(status, `http://${there.hostPort}/x`), {}, { redirects: 'return' });
    expect(answer).toMatchObject({ status, hops: [] });
    expect(seen).toHaveLength(1);
  });

  it.each([300, 304, 305, 306])('%i is no redirect', async (status) => {
    expect((await send(go(status, '/x'))).status).toBe(status);
    expect(seen).toHaveLength(1);
  });

  it('follows five and no more', async () => {
    const chain = (hops: number): string => (hops === 0 ? '/end' : go(302, chain(hops - 1)));
    expect((await send(chain(5))).hops).toHaveLength(5);
    seen = [];
    const failure = await failureOf(send(chain(6)));
    expect(failure).toMatchObject({
      code: 'redirected',
      bytesLeft: true,
      location: `http://${here.hostPort}/end`,
    });
    expect(seen).toHaveLength(6);
  });

  it.each(['http://', 'https://a b/', 'http://['])('to %j, which is no URL', async (location) => {
    const failure = await failureOf(
      send(go(302, location)).then((answer) => readBody(answer, { bytesMax: 1 })),
    );
    expect(failure.code).toBe('redirected');
  });

  it.each([
    'file:///etc/passwd',
    'ftp://a.example/',
    'javascript:alert(1)',
    'https://user:pw@a.example/',
    'http://a.example/',
    'data:,x',
  ])('to %s', async (location) => {
    expect(await failureOf(send(go(302, location)))).toMatchObject({ code: 'redirected', location });
    expect(seen).toHaveLength(1);
  });

  it.each([
    'http://127.0.0.1:1/',
    'http://localhost/',
    'https://169.254.169.254/latest/meta-data/',
    'http://2130706433/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://metadata.google.internal/',
    'https://10.0.0.1/',
  ])('T10: to %s', async (location) => {
    const failure = await failureOf(send(go(302, location)));
    expect(failure).toMatchObject({
      code: 'address_refused',
      bytesLeft: true,
      location: new URL(location).href,
    });
    expect(seen).toHaveLength(1);
  });
});

describe('between https and elsewhere', () => {
  const certificate = makeCertificate(['shop.example', 'other.example']);
  const lookup = (): Promise<string[]> => Promise.resolve(['127.0.0.1']);
  let secure: Shop;
  beforeAll(async () => {
    secure = await openHttpShop(redirector('here'), certificate);
  });
  afterAll(() => secure.close());

  it('T9: does not go from https to http, not even to a host the owner allowed', async () => {
    const allowPrivate = [`shop.example:${secure.port}`, there.hostPort];
    const tls = openTestNet(allowPrivate, { lookup, extraAuthorities: [certificate.cert] });
    const location = `http://${there.hostPort}/end`;
    const request = requestFor(`https://shop.example:${secure.port}${go(302, location)}`, allowPrivate);
    const failure = await failureOf(tls.send(request, { ...WIDE, redirects: 'follow' }));
    expect(failure).toMatchObject({ code: 'redirected', location });
    expect(seen).toHaveLength(1);
    await tls.close();
  });

  it('goes from one https origin to another', async () => {
    const allowPrivate = [`shop.example:${secure.port}`, `other.example:${secure.port}`];
    const tls = openTestNet(allowPrivate, { lookup, extraAuthorities: [certificate.cert] });
    const location = `https://other.example:${secure.port}/end`;
    const request = requestFor(`https://shop.example:${secure.port}${go(302, location)}`, allowPrivate);
    const answer = await tls.send(request, { ...WIDE, redirects: 'follow' });
    expect(answer.url.href).toBe(location);
    expect(seen.map(({ headers }) => headers.host)).toEqual([
      `shop.example:${secure.port}`,
      `other.example:${secure.port}`,
    ]);
    await tls.close();
  });
});

describe("T10: from a seller into the owner's own network", () => {
  const rules = { allowPrivate: ['localhost:4021', '127.0.0.1:4022', 'dev.corp:443'] };
  const follow = (from: string, location: string) => {
    const call = new Call(WIDE.deadline, undefined);
    call.end();
    const request = { target: parseCallUrl(from, rules), method: 'POST', headers: [], body: undefined };
    return followRedirect(call, request, { status: 307, headers: [['location', location]] }, 0, rules);
  };

  it.each(['https://dev.corp/', 'https://localhost:4021/', 'https://127.0.0.1:4022/', '//dev.corp/x'])(
    'no redirect leads, though the agent itself may call %s',
    (location) => {
      expect(parseCallUrl(new URL(location, 'https://a.example').href, rules).ownerAllowed).toBe(true);
      expect(() => follow('https://seller.example/', location)).toThrowError(
        expect.objectContaining({
          code: 'address_refused',
          location: new URL(location, 'https://a.example').href,
        }),
      );
    },
  );

  it('but within it, out of it and between sellers one does', () => {
    expect(follow('http://localhost:4021/', 'http://127.0.0.1:4022/').target.hostPort).toBe('127.0.0.1:4022');
    expect(follow('http://localhost:4021/', 'https://seller.example/').target.host).toBe('seller.example');
    expect(follow('https://seller.example/', 'https://other.example/').target.host).toBe('other.example');
  });
});
