import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IncomingMessage } from 'node:http';
import { readBody } from './body.js';
import { headerValue, RESERVED_HEADERS } from './headers.js';
import { openTestNet, openHttpShop, requestFor, WIDE, type Shop } from './shop.fixture.js';
import { REQUEST_BODY_BYTES_MAX, type HttpRequest, type Net, type SendOptions } from './send.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

interface Seen {
  readonly message: IncomingMessage;
  readonly body: string;
}

let shop: Shop;
let net: Net;
let seen: Seen[];

beforeEach(async () => {
  seen = [];
  shop = await openHttpShop((message, answer) => {
    const parts: Buffer[] = [];
    message.on('data', (part: Buffer) => parts.push(part));
    message.on('end', () => {
      seen.push({ message, body: Buffer.concat(parts).toString() });
      answer.setHeader('x-two', ['a', 'b']);
      answer.setHeader('X-Mixed', 'Käse');
      answer.end(`answer ${seen.length}`);
    });
  });
  net = openTestNet([shop.hostPort]);
});

afterEach(async () => {
  await net.close();
  await shop.close();
});

function send(path: string, more: Partial<HttpRequest> = {}, options: Partial<SendOptions> = {}) {
  return net.send(requestFor(`http://${shop.hostPort}${path}`, [shop.hostPort], more), {
    ...WIDE,
    ...options,
  });
}

describe('a request on the wire', () => {
  it("carries the caller's headers and body, and of ours only what HTTP needs", async () => {
    await send('/v1/x?q=1', {
      method: 'POST',
      headers: [
        ['Content-Type', 'application/json'],
        ['X-Api-Key', 'k'],
        ['x-many', '1'],
        ['x-many', '2'],
      ],
      body: Buffer.from('{"a":1}'),
    });
    expect(seen[0]?.body).toBe('{"a":1}');
    expect(seen[0]?.message.url).toBe('/v1/x?q=1');
    const raw = seen[0]?.message.rawHeaders ?? [];
    const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []));
    expect(pairs.sort()).toEqual(
      [
        `host: ${shop.hostPort}`,
        'connection: keep-alive',
        'user-agent: purser/0.0.0-test',
        'accept: */*',
        'accept-encoding: gzip, deflate, br',
        'Content-Type: application/json',
        'X-Api-Key: k',
        'x-many: 1',
        'x-many: 2',
        'content-length: 7',
      ].sort(),
    );
  });

  it("lets the caller's own accept, user-agent and accept-encoding stand alone", async () => {
    await send('/', {
      headers: [
        ['Accept', 'text/csv'],
        ['USER-AGENT', 'me/1'],
        ['Accept-Encoding', 'identity'],
      ],
    });
    expect(seen[0]?.message.headers).toMatchObject({
      accept: 'text/csv',
      'user-agent': 'me/1',
      'accept-encoding': 'identity',
    });
    expect(seen[0]?.message.rawHeaders.filter((name) => /^(accept|user-agent)/i.test(name))).toHaveLength(3);
  });

  it('carries what the wallet signed to the origin it was signed for', async () => {
    const origin = `http://${shop.hostPort}`;
    await send('/', { signed: { origin, headers: [['PAYMENT-SIGNATURE', 'signed']] } });
    expect(seen[0]?.message.headers['payment-signature']).toBe('signed');
  });

  it('T9: never carries what was signed anywhere else, nor where a redirect could take it', async () => {
    const headers = [['X-PAYMENT', 'signed']] as const;
    const own = `http://${shop.hostPort}`;
    await expect(send('/', { signed: { origin: 'https://seller.example', headers } })).rejects.toMatchObject({
      code: 'internal',
    });
    await expect(
      send('/', { signed: { origin: own, headers } }, { redirects: 'follow' }),
    ).rejects.toMatchObject({ code: 'internal' });
    await expect(send('/', { signed: { origin: own, headers: [['cookie', 'x']] } })).rejects.toMatchObject({
      code: 'internal',
    });
    // What the caller sends of its own is never overwritten, nor sent beside it.
    const callers = [['Authorization', 'Bearer mine']] as const;
    await expect(
      send('/', { headers: callers, signed: { origin: own, headers: [['authorization', 'x']] } }),
    ).rejects.toMatchObject({ code: 'internal' });
    expect(shop.accepted).toBe(0);
  });

  it.each([
    ...RESERVED_HEADERS,
    'X-Payment',
    'Payment-Signature',
    'SIGN-IN-WITH-X',
    'Host',
    'Content-Length',
    'Transfer-Encoding',
  ])('T7, T9: is refused with the header %s of a caller', async (name) => {
    await expect(send('/', { headers: [[name, '1']] })).rejects.toMatchObject({ code: 'bad_input' });
    expect(shop.accepted).toBe(0);
  });

  it.each([
    ...[
      ['x-a', 'b\r\nX-PAYMENT: c'],
      ['x-a', 'b\nc'],
      ['x-a', 'b\0'],
      ['x-a', 'b\u001bc'],
      ['x-a', '☃'],
      ['x-a\r\n', 'b'],
    ],
    ...[
      ['', 'b'],
      ['x a', 'b'],
      ['x:', 'b'],
      ['é', 'b'],
      ['x-a', 'b\u007f'],
    ],
  ] as [string, string][])('T27: is refused with the header %j: %j', async (name, value) => {
    await expect(send('/', { headers: [[name, value]] })).rejects.toMatchObject({ code: 'bad_input' });
    expect(shop.accepted).toBe(0);
  });

  it.each(['get', 'CONNECT', 'TRACE', 'GET /x', '', 'GE\r\nT', 'X'.repeat(17)])(
    'is refused with the method %j',
    async (method) => {
      await expect(send('/', { method })).rejects.toMatchObject({ code: 'bad_input' });
      expect(shop.accepted).toBe(0);
    },
  );

  it('bounds the headers and the body it sends', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => [`x-${index}`, ''] as const);
    await expect(send('/', { headers: many })).rejects.toMatchObject({ code: 'bad_input' });
    await expect(send('/', { headers: [['x', 'y'.repeat(32 * 1024)]] })).rejects.toMatchObject({
      code: 'bad_input',
    });
    await expect(
      send('/', { method: 'POST', body: new Uint8Array(REQUEST_BODY_BYTES_MAX + 1) }),
    ).rejects.toMatchObject({
      code: 'bad_input',
    });
    expect(shop.accepted).toBe(0);
  });
});

describe('an answer', () => {
  it('gives status, headers with lower-case names in order, and the body', async () => {
    const answer = await send('/');
    expect(answer).toMatchObject({ status: 200, hops: [], method: 'GET', contentEncoding: undefined });
    expect(answer.url.href).toBe(`http://${shop.hostPort}/`);
    expect(answer.headers.filter(([name]) => name === 'x-two')).toEqual([
      ['x-two', 'a'],
      ['x-two', 'b'],
    ]);
    expect(headerValue(answer.headers, 'x-mixed')).toBe('Käse');
    expect(await readBody(answer, { bytesMax: 100 })).toMatchObject({
      truncated: false,
      ended: 'complete',
      failure: undefined,
    });
  });

  it.each([
    ['GET', 'answer 1'],
    ['HEAD', ''],
    ['POST', 'answer 1'],
    ['PUT', 'answer 1'],
    ['PATCH', 'answer 1'],
    ['DELETE', 'answer 1'],
    ['OPTIONS', 'answer 1'],
  ])('comes for %s', async (method, body) => {
    const read = await readBody(await send('/', { method }), { bytesMax: 100 });
    expect([text(read.bytes), read.ended]).toEqual([body, 'complete']);
    expect(seen[0]?.message.method).toBe(method);
  });

  it('comes over one kept connection, call after call', async () => {
    for (const number of [1, 2, 3, 4]) {
      const read = await readBody(await send('/'), { bytesMax: 100 });
      expect(text(read.bytes)).toBe(`answer ${number}`);
    }
    expect(shop.accepted).toBe(1);
    expect(net.connections).toEqual({ open: 1, idle: 1 });
  });

  it('comes over connections of their own for parallel calls', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('/')));
    const bodies = await Promise.all(answers.map((answer) => readBody(answer, { bytesMax: 100 })));
    expect(new Set(bodies.map(({ bytes }) => text(bytes))).size).toBe(20);
    expect(net.connections.idle).toBeLessThanOrEqual(8);
  });

  it('comes over a new connection where the call asks for one', async () => {
    await readBody(await send('/'), { bytesMax: 100 });
    await readBody(await send('/', {}, { idleMsMax: 0 }), { bytesMax: 100 });
    expect(shop.accepted).toBe(2);
  });

  it('tells how much has come', async () => {
    const told: number[] = [];
    await readBody(await send('/', {}, { onBytes: (bytes) => told.push(bytes) }), { bytesMax: 100 });
    expect(told.at(-1)).toBe('answer 1'.length);
  });
});

describe('closing', () => {
  it('leaves no connection, and refuses what comes later', async () => {
    await readBody(await send('/'), { bytesMax: 100 });
    expect(shop.sockets.size).toBe(1);
    await net.close();
    expect(net.connections).toEqual({ open: 0, idle: 0 });
    await shop.untilQuiet();
    await expect(send('/')).rejects.toMatchObject({ code: 'cancelled', bytesLeft: false });
    expect(shop.accepted).toBe(1);
  });
});
