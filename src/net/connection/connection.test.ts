import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readBody } from '../body.js';
import { makeCertificate } from '../certificate.fixture.js';
import type { Net, NetSettings, SendOptions } from '../send.js';
import {
  failureOf,
  openHttpShop,
  openScriptedShop,
  openTcpShop,
  openTestNet,
  requestFor,
  untilNoneOpen,
  untilRequest,
  WIDE,
  type Shop,
} from '../shop.fixture.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function using<T extends { close(): Promise<void> }>(one: T | Promise<T>): Promise<T> {
  const ready = await one;
  opened.push(ready);
  return ready;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A POST to a shop on 127.0.0.1, by a network of its own unless one is given. */
function post(net: Net, shop: Shop, options: Partial<SendOptions> = {}) {
  const request = requestFor(`http://${shop.hostPort}/`, [shop.hostPort], {
    method: 'POST',
    body: Buffer.from('pay'),
  });
  return net.send(request, { ...WIDE, ...options });
}

const netFor = (shop: Shop, settings: Partial<NetSettings> = {}) =>
  using(openTestNet([shop.hostPort], settings));

describe('T10: the address that is connected to', () => {
  /** Every name is a shop on this machine, as long as its resolver says so. */
  async function shopNamed(name: string, answers: readonly (readonly string[])[]) {
    const shop = await using(openHttpShop((_message, answer) => answer.end('ok')));
    let asked = 0;
    const lookup = (): Promise<readonly string[]> =>
      Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? []);
    const hostPort = `${name}:${shop.port}`;
    return { shop, lookup, hostPort, questions: () => asked };
  }

  it('is the one that was checked, though the name points elsewhere by then', async () => {
    const { shop, lookup, hostPort, questions } = await shopNamed('rebind.example', [
      ['127.0.0.1'],
      ['169.254.169.254'],
    ]);
    const net = await using(openTestNet([hostPort], { lookup }));
    const answer = await net.send(requestFor(`http://${hostPort}/`, [hostPort]), WIDE);
    expect(answer.status).toBe(200);
    expect(questions()).toBe(1);
    expect(shop.accepted).toBe(1);
    await readBody(answer, { bytesMax: 10 });
    const again = await failureOf(
      net.send(requestFor(`http://${hostPort}/`, [hostPort]), { ...WIDE, idleMsMax: 0 }),
    );
    expect(again).toMatchObject({ code: 'address_refused', leg: 'resolve', bytesLeft: false });
  });

  it.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['169.254.169.254'],
    ['fe80::1%lo'],
    ['0.0.0.0'],
    ['not an address'],
    ['1.1.1.1', '127.0.0.1'],
    ['2606:4700::1111', '1.1.1.1', 'fd00::1'],
  ])('is not looked for when a public name has %s among its addresses', async (...addresses) => {
    const net = await using(openTestNet([], { lookup: () => Promise.resolve(addresses) }));
    const failure = await failureOf(net.send(requestFor('https://seller.example/', []), WIDE));
    expect(failure).toMatchObject({ code: 'address_refused', leg: 'resolve', bytesLeft: false });
  });

  it.each(['169.254.169.254', 'fe80::1%lo', '::ffff:169.254.1.1', '100.100.100.200', '0.0.0.0', '224.0.0.1'])(
    'is never %s, though the owner allowed the name',
    async (address) => {
      const net = await using(
        openTestNet(['seller.example:443'], { lookup: () => Promise.resolve([address]) }),
      );
      const failure = await failureOf(
        net.send(requestFor('https://seller.example/', ['seller.example:443']), WIDE),
      );
      expect(failure).toMatchObject({ code: 'address_refused', bytesLeft: false, owner: undefined });
    },
  );

  it('says how the owner mends it where that is possible', async () => {
    const net = await using(openTestNet([], { lookup: () => Promise.resolve(['10.1.2.3']) }));
    const failure = await failureOf(net.send(requestFor('https://seller.example:8443/', []), WIDE));
    expect(failure.owner?.action).toMatchObject({
      key: 'net.allow_private',
      entry: 'seller.example:8443',
    });
  });

  it('is judged by the rules of these connections, not of whoever parsed the URL', async () => {
    const shop = await using(openHttpShop((_message, answer) => answer.end('ok')));
    const net = await using(openTestNet([]));
    const failure = await failureOf(net.send(requestFor(`http://${shop.hostPort}/`, [shop.hostPort]), WIDE));
    expect(failure.code).toBe('address_refused');
    expect(shop.accepted).toBe(0);
  });

  it('is one of several where the first does not answer', async () => {
    const shop = await using(openHttpShop((_message, answer) => answer.end('ok')));
    const hostPort = `two.example:${shop.port}`;
    // Nothing listens on 127.0.0.2 at this port: the shop is bound to 127.0.0.1 alone.
    const net = await using(
      openTestNet([hostPort], { lookup: () => Promise.resolve(['127.0.0.2', '127.0.0.1']) }),
    );
    expect((await net.send(requestFor(`http://${hostPort}/`, [hostPort]), WIDE)).status).toBe(200);
  });

  it.each([
    ['has none', () => Promise.resolve([])],
    ['cannot be resolved', () => Promise.reject(new Error('ENOTFOUND'))],
  ])('a name that %s is unreachable', async (_words, lookup) => {
    const net = await using(openTestNet([], { lookup }));
    const failure = await failureOf(net.send(requestFor('https://seller.example/', []), WIDE));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'resolve', bytesLeft: false });
  });
});

describe('https', () => {
  const certificate = makeCertificate(['shop.example', '127.0.0.1']);
  const lookup = () => Promise.resolve(['127.0.0.1']);

  async function call(host: string, settings: Partial<NetSettings>) {
    const shop = await using(openHttpShop((_message, answer) => answer.end('ok'), certificate));
    const hostPort = `${host}:${shop.port}`;
    const net = await using(openTestNet([hostPort], { lookup, ...settings }));
    return { shop, net, answer: net.send(requestFor(`https://${hostPort}/`, [hostPort]), WIDE) };
  }

  it.each(['shop.example', '127.0.0.1'])(
    'proves that %s is who it says, and leaves no socket behind',
    async (host) => {
      const { shop, net, answer } = await call(host, { extraAuthorities: [certificate.cert] });
      expect((await readBody(await answer, { bytesMax: 10 })).ended).toBe('complete');
      expect(net.connections).toEqual({ open: 1, idle: 1 });
      await net.close();
      await shop.untilQuiet();
    },
  );

  it.each([
    ['of another name', 'other.example', [certificate.cert]],
    ['of an unknown authority', 'shop.example', []],
  ])('refuses a certificate %s before a byte of the request', async (_words, host, extraAuthorities) => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const { shop, answer } = await call(host, { extraAuthorities });
      const failure = await failureOf(answer);
      expect(failure).toMatchObject({
        code: 'unreachable',
        leg: 'connect',
        bytesLeft: false,
        retry: 'never',
      });
      expect(failure.message).toBe('The certificate of the host is not valid.');
      await shop.untilQuiet();
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('is not spoken by a shop that answers in plain text', async () => {
    const shop = await using(openTcpShop((socket) => socket.end(OK)));
    const hostPort = `shop.example:${shop.port}`;
    const net = await using(openTestNet([hostPort], { lookup }));
    const failure = await failureOf(net.send(requestFor(`https://${hostPort}/`, [hostPort]), WIDE));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
  });
});

describe('what is known of the request when it fails', () => {
  it('nothing left: the connection was refused', async () => {
    const shop = await openTcpShop(() => undefined);
    await shop.close();
    const failure = await failureOf(post(await netFor(shop), shop));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'connect', bytesLeft: false });
  });

  it.each([
    ['at once', (socket: Socket) => socket.destroy()],
    ['politely at once', (socket: Socket) => socket.end()],
  ])(
    'a host that closes the connection %s may have seen it, unless that is certain',
    async (_words, serve) => {
      const shop = await using(openTcpShop(serve));
      const failure = await failureOf(post(await netFor(shop), shop));
      expect(failure.code).toBe('unreachable');
      expect(failure.bytesLeft).toBe(failure.leg !== 'connect');
    },
  );

  it.each([
    ['sent', ''],
    ['headers', 'HTTP/1.1 200 OK\r\nx-a'],
    ['headers', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'],
  ])('it left: the answer broke in the leg %s', async (leg, part) => {
    const shop = await using(
      openScriptedShop((socket) => (part === '' ? socket.destroy() : socket.end(part))),
    );
    const failure = await failureOf(post(await netFor(shop), shop));
    expect(failure).toMatchObject({ code: 'unreachable', leg, bytesLeft: true });
  });

  it.each([
    'SSH-2.0-x\r\n\r\n',
    'HTTP/9.9 200 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nb ad: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  ])('it left: %j is no answer', async (bytes) => {
    const shop = await using(openScriptedShop((socket) => socket.end(bytes)));
    expect(await failureOf(post(await netFor(shop), shop))).toMatchObject({
      code: 'unreachable',
      bytesLeft: true,
    });
  });
});

describe('a deadline for each leg', () => {
  // Deadlines pass where a test says so, and however slow the machine is nowhere else.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const never = new Promise<never>(() => undefined);
  const only = (deadline: Partial<SendOptions['deadline']>): SendOptions => ({
    ...WIDE,
    deadline: { ...WIDE.deadline, ...deadline },
  });

  it('resolving', async () => {
    const lookup = (): Promise<never> => {
      setImmediate(() => vi.advanceTimersByTime(40));
      return never;
    };
    const net = await using(openTestNet([], { lookup }));
    const failure = await failureOf(
      net.send(requestFor('https://seller.example/', []), only({ connectMs: 40 })),
    );
    expect(failure).toMatchObject({ code: 'timed_out', leg: 'resolve', bytesLeft: false });
  });

  it('connecting: a handshake that is never answered', async () => {
    const shop = await using(
      openTcpShop((socket) => {
        socket.resume();
        setImmediate(() => vi.advanceTimersByTime(40));
      }),
    );
    const net = await netFor(shop);
    const failure = await failureOf(
      net.send(requestFor(`https://${shop.hostPort}/`, [shop.hostPort]), only({ connectMs: 40 })),
    );
    expect(failure).toMatchObject({ code: 'timed_out', leg: 'connect', bytesLeft: false });
    await shop.untilQuiet();
  });

  it.each([
    ['sent', ''],
    ['headers', 'HTTP/1.1 200 OK\r\nx-a: b'],
    ['headers', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ])('T15: the first answer, waiting in the leg %s', async (leg, part) => {
    const shop = await using(
      openScriptedShop((socket) => {
        if (part !== '') socket.write(part);
        setImmediate(() => vi.advanceTimersByTime(40));
      }),
    );
    const failure = await failureOf(post(await netFor(shop), shop, only({ firstByteMs: 40 })));
    expect(failure.code).toBe('timed_out');
    expect(failure.bytesLeft).toBe(true);
    expect(['sent', leg]).toContain(failure.leg);
    await shop.untilQuiet();
  });

  it('T15: headers a byte at a time are the same leg', async () => {
    const shop = await using(
      openScriptedShop((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx-a: ');
        // Each byte has a turn of the loop, in which it arrives.
        const timer = setInterval(() => {
          socket.write('x');
          vi.advanceTimersByTime(30);
        }, 2);
        socket.once('close', () => clearInterval(timer));
      }),
    );
    const failure = await failureOf(post(await netFor(shop), shop, only({ firstByteMs: 300 })));
    expect(failure).toMatchObject({ code: 'timed_out', leg: 'headers', bytesLeft: true });
    await shop.untilQuiet();
  });

  it('the whole: also a body, read or unread', async () => {
    const shop = await using(openScriptedShop((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\npart')));
    const net = await netFor(shop);
    const pass = (): void => void setImmediate(() => vi.advanceTimersByTime(300));
    const options = { ...only({ wholeMs: 300 }), onBytes: pass };
    const read = await readBody(await post(net, shop, options), { bytesMax: 100 });
    expect(Buffer.from(read.bytes).toString()).toBe('part');
    expect(read).toMatchObject({
      ended: 'broken',
      truncated: true,
      failure: { code: 'timed_out', leg: 'body' },
    });
    await post(net, shop, only({ wholeMs: 300 }));
    pass();
    await shop.untilQuiet();
    await untilNoneOpen(net);
  });

  it('the whole: also what each hop had left', async () => {
    const shop = await using(
      openHttpShop((message, answer) => {
        const hop = Number(message.url?.slice(1));
        vi.advanceTimersByTime(100);
        answer.writeHead(302, { location: `/${hop + 1}` }).end();
      }),
    );
    const net = await netFor(shop);
    const options = { ...only({ firstByteMs: 5_000, wholeMs: 250 }), redirects: 'follow' as const };
    const failure = await failureOf(
      net.send(requestFor(`http://${shop.hostPort}/0`, [shop.hostPort]), options),
    );
    expect(failure).toMatchObject({ code: 'timed_out', bytesLeft: true });
  });
});

describe("the caller's cancellation reaches every leg", () => {
  const never = new Promise<never>(() => undefined);

  it('before anything', async () => {
    const shop = await using(openTcpShop(() => undefined));
    const failure = await failureOf(post(await netFor(shop), shop, { signal: AbortSignal.abort() }));
    expect(failure).toMatchObject({ code: 'cancelled', bytesLeft: false });
    expect(shop.accepted).toBe(0);
  });

  it('resolving', async () => {
    const cancel = new AbortController();
    const lookup = (): Promise<never> => {
      cancel.abort();
      return never;
    };
    const net = await using(openTestNet([], { lookup }));
    const failure = await failureOf(
      net.send(requestFor('https://seller.example/', []), { ...WIDE, signal: cancel.signal }),
    );
    expect(failure).toMatchObject({ code: 'cancelled', leg: 'resolve', bytesLeft: false });
  });

  it('connecting', async () => {
    const cancel = new AbortController();
    const shop = await using(openTcpShop((socket) => socket.once('data', () => cancel.abort())));
    const net = await netFor(shop);
    const request = requestFor(`https://${shop.hostPort}/`, [shop.hostPort]);
    const failure = await failureOf(net.send(request, { ...WIDE, signal: cancel.signal }));
    expect(failure).toMatchObject({ code: 'cancelled', leg: 'connect', bytesLeft: false });
    await shop.untilQuiet();
  });

  it('sent', async () => {
    const cancel = new AbortController();
    const shop = await using(openScriptedShop(() => cancel.abort()));
    const net = await netFor(shop);
    const failure = await failureOf(post(net, shop, { signal: cancel.signal }));
    expect(failure).toMatchObject({ code: 'cancelled', leg: 'sent', bytesLeft: true });
    await shop.untilQuiet();
    await untilNoneOpen(net);
  });

  it('body', async () => {
    const cancel = new AbortController();
    const shop = await using(openScriptedShop((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\npart')));
    const answer = await post(await netFor(shop), shop, {
      signal: cancel.signal,
      onBytes: () => cancel.abort(),
    });
    const read = await readBody(answer, { bytesMax: 100 });
    expect(read).toMatchObject({ ended: 'broken', failure: { code: 'cancelled', leg: 'body' } });
    expect(Buffer.from(read.bytes).toString()).toBe('part');
    await shop.untilQuiet();
  });

  it('is not listened to after the end', async () => {
    const cancel = new AbortController();
    const shop = await using(openScriptedShop((socket) => socket.write(OK)));
    const net = await netFor(shop);
    const answer = await post(net, shop, { signal: cancel.signal });
    const read = await readBody(answer, { bytesMax: 100 });
    cancel.abort();
    expect(read.ended).toBe('complete');
    expect(net.connections).toEqual({ open: 1, idle: 1 });
  });
});

describe('a request is sent once', () => {
  /** Counts requests over all connections; `serve` is told how many there were. */
  async function countingShop(serve: (socket: Socket, count: number) => void) {
    let count = 0;
    const shop = await using(
      openTcpShop((socket) => {
        const next = (): void =>
          void untilRequest(socket).then(() => {
            count += 1;
            serve(socket, count);
            next();
          });
        next();
      }),
    );
    return { shop, count: () => count };
  }

  it('T14: not again when a kept connection breaks under it', async () => {
    const { shop, count } = await countingShop((socket, number) =>
      number === 1 ? socket.write(OK) : socket.destroy(),
    );
    const net = await netFor(shop);
    await readBody(await post(net, shop), { bytesMax: 10 });
    const failure = await failureOf(post(net, shop));
    expect(failure).toMatchObject({ code: 'unreachable', leg: 'sent', bytesLeft: true });
    expect([count(), shop.accepted]).toEqual([2, 1]);
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE'])('T14: nor is %s, though HTTP would allow it', async (method) => {
    const { shop, count } = await countingShop((socket, number) =>
      number === 1 ? socket.write(OK) : socket.destroy(),
    );
    const net = await netFor(shop);
    await readBody(await post(net, shop), { bytesMax: 10 });
    const again = net.send(requestFor(`http://${shop.hostPort}/`, [shop.hostPort], { method }), WIDE);
    expect(await failureOf(again)).toMatchObject({ code: 'unreachable', bytesLeft: true });
    expect([count(), shop.accepted]).toEqual([2, 1]);
  });

  it('goes over a new connection when the kept one has hung up, for then nothing was sent', async () => {
    const { shop, count } = await countingShop((socket) => socket.end(OK));
    const net = await netFor(shop);
    for (let number = 1; number <= 5; number += 1) {
      expect((await readBody(await post(net, shop), { bytesMax: 10 })).ended).toBe('complete');
      expect([count(), shop.accepted]).toEqual([number, number]);
    }
  });

  it('goes over a new connection when the hang-up has reached this machine unheard', async () => {
    const { shop, count } = await countingShop((socket) => socket.write(OK));
    const net = await netFor(shop);
    await readBody(await post(net, shop), { bytesMax: 10 });
    const [kept] = shop.sockets;
    await new Promise<void>((resolve) => {
      kept?.once('close', () => resolve());
      kept?.destroy();
    });
    // Both ends run in this thread, so our end has had no turn of the event loop to itself since.
    await readBody(await post(net, shop), { bytesMax: 10 });
    expect([count(), shop.accepted]).toEqual([2, 2]);
  });

  it('does not take bytes that came unasked for its answer', async () => {
    const { shop } = await countingShop((socket, number) => socket.write(number === 1 ? OK + OK : OK));
    const net = await netFor(shop);
    await readBody(await post(net, shop), { bytesMax: 10 });
    await shop.untilQuiet();
    await untilNoneOpen(net);
  });
});

it('leaves the rest of an answer behind when the reader leaves', async () => {
  const shop = await using(openScriptedShop((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\npart')));
  const net = await netFor(shop);
  for await (const piece of (await post(net, shop)).body) {
    expect(Buffer.from(piece).toString()).toBe('part');
    break;
  }
  await shop.untilQuiet();
  (await post(net, shop)).discard();
  await shop.untilQuiet();
  await untilNoneOpen(net);
});

it('ends calls under way when it is closed', async () => {
  const shop = await using(openScriptedShop(() => undefined));
  const net = openTestNet([shop.hostPort]);
  const answer = failureOf(post(net, shop));
  await new Promise<void>((resolve) => {
    const look = (): void => (shop.accepted > 0 ? resolve() : void setImmediate(look));
    look();
  });
  await net.close();
  expect((await answer).code).toBe('cancelled');
  await shop.untilQuiet();
});
