import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as zlib from 'node:zlib';
import {
  brotliCompressSync,
  createBrotliCompress,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readBody, SharedRoom } from './body.js';
import { HEADER_FIELD_BYTES, RESPONSE_HEADER_BYTES_MAX } from './headers.js';
import type { HttpAnswer, SendOptions } from './send.js';
import {
  failureOf,
  openScriptedShop,
  openTestNet,
  requestFor,
  untilNoneOpen,
  WIDE,
  type Shop,
} from './shop.fixture.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** From here on deadlines pass where a test says so, and however slow the machine is nowhere else. */
function holdDeadlines(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

/** A call to a shop that does `script` once it has read the request. */
async function callShop(script: (socket: Socket) => void, options: Partial<SendOptions> = {}) {
  const shop: Shop = await openScriptedShop(script);
  const net = openTestNet([shop.hostPort]);
  opened.push(shop, net);
  const answer = net.send(requestFor(`http://${shop.hostPort}/`, [shop.hostPort]), { ...WIDE, ...options });
  return { shop, net, answer };
}

function head(headers: Record<string, string | number>, status = 200): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`;
}

/** Answers whole, with a length. */
const whole =
  (body: Uint8Array, headers: Record<string, string> = {}) =>
  (socket: Socket): void => {
    socket.write(head({ 'content-length': body.length, ...headers }));
    socket.write(body);
  };

/** Writes pieces as fast as they are taken until the other side leaves. */
function pour(socket: Socket, piece: () => Uint8Array | string): void {
  const go = (): void => {
    while (!socket.destroyed && socket.write(piece()));
  };
  socket.on('drain', go);
  go();
}

const read = (answer: HttpAnswer, bytesMax = 64 * 1024 * 1024) => readBody(answer, { bytesMax });
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
/** A zstd frame whose header asks for a window of 2^log bytes, followed by one block of raw bytes. */
function zstdOfWindow(log: number): Buffer {
  const text = Buffer.from('text');
  const block = Buffer.from([(text.length << 3) | 1, 0, 0]);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3]), block, text]);
}

const TEXT = 'Grüße, '.repeat(5_000);

describe('a coded body', () => {
  const codings: [string, (text: string) => Uint8Array][] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['identity', Buffer.from],
    ['identity, gzip', gzipSync],
    ['', Buffer.from],
    ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
    ...(typeof zlib.zstdCompressSync === 'function'
      ? [['zstd', zlib.zstdCompressSync] as [string, (text: string) => Uint8Array]]
      : []),
  ];
  it.each(codings)('%s is decoded', async (coding, encode) => {
    const { answer } = await callShop(whole(encode(TEXT), { 'content-encoding': coding }));
    const result = await read(await answer);
    expect(result).toMatchObject({ ended: 'complete', truncated: false });
    expect(textOf(result.bytes)).toBe(TEXT);
    expect((await answer).contentEncoding).toBeUndefined();
  });

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip'])('%s without a byte is an empty body', async (coding) => {
    const { answer } = await callShop(whole(Buffer.alloc(0), { 'content-encoding': coding }));
    expect(await read(await answer)).toMatchObject({ ended: 'complete', bytes: new Uint8Array(0) });
  });

  it.runIf(typeof zlib.zstdCompressSync === 'function')(
    'a zstd of the largest window HTTP allows is decoded',
    async () => {
      const { answer } = await callShop(whole(zstdOfWindow(23), { 'content-encoding': 'zstd' }));
      expect(textOf((await read(await answer)).bytes)).toBe('text');
    },
  );

  it.each(['compress', 'gzip, dcb', 'gzip, gzip, gzip', 'gzip;q=1'])(
    'T15: %s is given as it came, and said so',
    async (coding) => {
      const bytes = gzipSync(TEXT);
      const { answer } = await callShop(whole(bytes, { 'content-encoding': coding }));
      expect((await answer).contentEncoding).toBe(coding);
      expect(Buffer.from((await read(await answer)).bytes)).toEqual(bytes);
    },
  );

  it('comes out as it comes in: a compressed stream of events is not held back', async () => {
    let events: ReturnType<typeof createGzip> | undefined;
    const { answer } = await callShop((socket) => {
      socket.write(head({ 'content-encoding': 'gzip', 'content-type': 'text/event-stream' }));
      events = createGzip();
      events.pipe(socket);
      events.write('data: 1\n\n');
      events.flush();
    });
    const got: string[] = [];
    for await (const piece of (await answer).body) {
      got.push(textOf(piece));
      if (got.length === 1) events?.end('data: 2\n\n');
    }
    expect(got).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });

  it.each([
    ['not gzip at all', Buffer.from('plain text')],
    ['a gzip cut short', gzipSync(TEXT).subarray(0, -20)],
    ...(typeof zlib.zstdCompressSync === 'function'
      ? [['T15: a zstd that wants a window of 128 MiB', zstdOfWindow(27)] as [string, Buffer]]
      : []),
  ])('%s is broken', async (words, bytes) => {
    const coding = words.includes('zstd') ? 'zstd' : 'gzip';
    const { answer } = await callShop(whole(bytes, { 'content-encoding': coding }));
    const result = await read(await answer);
    expect(result).toMatchObject({
      ended: 'broken',
      truncated: true,
      failure: { code: 'unreachable', leg: 'body' },
    });
  });
});

describe('T15: bounds on a body', () => {
  /** Both ends of the connection, a decoder and, in one case, 4 MiB asked for and doubled. */
  const HELD_MIB_MAX = 40;
  it.each([
    [9, 'cut', true],
    [10, 'complete', false],
    [11, 'complete', false],
  ])('readBody of ten bytes with room for %i is %s', async (bytesMax, ended, truncated) => {
    const { answer } = await callShop(whole(Buffer.from('0123456789')));
    const result = await read(await answer, bytesMax);
    expect(result).toMatchObject({ ended, truncated, failure: undefined });
    expect(textOf(result.bytes)).toBe('0123456789'.slice(0, bytesMax));
  });

  it('the call has its own bound, which gives what came before it', async () => {
    const { net, answer } = await callShop(whole(gzipSync(TEXT), { 'content-encoding': 'gzip' }), {
      bodyBytesMax: 1_000,
    });
    const result = await read(await answer);
    expect(result).toMatchObject({
      ended: 'cut',
      truncated: true,
      failure: { code: 'answer_too_large', leg: 'body' },
    });
    expect(Buffer.from(result.bytes)).toEqual(Buffer.from(TEXT).subarray(0, 1_000));
    expect(net.connections.idle).toBeLessThanOrEqual(1);
  });

  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;

  /** MiB alive, garbage collected first, so that what is measured is what is held. */
  function heldMib(): number {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 1024 / 1024;
  }

  /** The most that is held at any time while an answer is read, less what was held before, in MiB. */
  async function peakWhile(reading: (sample: (bytes: number) => void) => Promise<unknown>): Promise<number> {
    const before = heldMib();
    let peak = before;
    let next = 0;
    await reading((bytes) => {
      if (bytes < next) return;
      next = bytes + 8 * 1024 * 1024;
      peak = Math.max(peak, heldMib());
    });
    return peak - before;
  }

  it('an endless body is left at its bound, in flat memory', async () => {
    const block = Buffer.alloc(64 * 1024, 'x');
    const bodyBytesMax = 128 * 1024 * 1024;
    let given = 0;
    const peak = await peakWhile(async (sample) => {
      const { shop, answer } = await callShop(
        (socket) => {
          socket.write(head({ 'content-type': 'text/plain' }));
          pour(socket, () => block);
        },
        { bodyBytesMax, onBytes: sample },
      );
      const reading = (async () => {
        for await (const piece of (await answer).body) given += piece.length;
      })();
      expect(await failureOf(reading)).toMatchObject({
        code: 'answer_too_large',
        leg: 'body',
        bytesLeft: true,
      });
      await shop.untilQuiet();
    });
    expect(given).toBe(bodyBytesMax);
    expect(peak).toBeLessThan(HELD_MIB_MAX);
  });

  it('an unread endless body is not taken in', async () => {
    let poured = 0;
    const { shop, net, answer } = await callShop((socket) => {
      socket.write(head({}));
      pour(socket, () => {
        poured += 65_536;
        return Buffer.alloc(65_536);
      });
    });
    const unread = await answer;
    const before = process.memoryUsage().arrayBuffers;
    // As long as anything flows: the kernel's buffers fill, then nothing moves.
    for (let last = -1; last !== poured;) {
      last = poured;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    unread.discard();
    await shop.untilQuiet();
    await untilNoneOpen(net);
  });

  it('a reader slower than the other side takes in no more than it reads', async () => {
    const chunk = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(0x4000), Buffer.from('\r\n')]);
    let poured = 0;
    const { answer } = await callShop((socket) => {
      socket.write(head({ 'transfer-encoding': 'chunked' }));
      pour(socket, () => {
        poured += chunk.length;
        return chunk;
      });
    });
    let taken = 0;
    for await (const piece of (await answer).body) {
      taken += piece.length;
      // Turns of the event loop, in each of which the other side could be let in.
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      if (taken > 16 * 1024 * 1024) break;
    }
    // The rest is what the kernel holds for both ends.
    expect(poured - taken).toBeLessThan(16 * 1024 * 1024);
  });

  it('a body of one-byte chunks costs no object a byte', async () => {
    const tiny = Buffer.from('1\r\nx\r\n'.repeat(10_000));
    const bytesMax = 4 * 1024 * 1024;
    const peak = await peakWhile(async (sample) => {
      const { answer } = await callShop(
        (socket) => {
          socket.write(head({ 'transfer-encoding': 'chunked' }));
          pour(socket, () => tiny);
        },
        { onBytes: sample },
      );
      const result = await read(await answer, bytesMax);
      expect(result).toMatchObject({ ended: 'cut', failure: undefined });
      expect(result.bytes.length).toBe(bytesMax);
    });
    expect(peak).toBeLessThan(HELD_MIB_MAX);
  });

  it.each([
    ['gzip', () => createGzip({ level: 9 })],
    ['br', () => createBrotliCompress()],
  ])('a %s bomb is left when its ratio shows, in flat memory', async (coding, createEncoder) => {
    const zeros = Buffer.alloc(1024 * 1024);
    let decoded = 0;
    const peak = await peakWhile(async (sample) => {
      const { shop, answer } = await callShop(
        (socket) => {
          socket.write(head({ 'content-encoding': coding }));
          const encoder = createEncoder();
          encoder.pipe(socket);
          socket.once('close', () => encoder.destroy());
          const feed = (): boolean =>
            !encoder.destroyed && encoder.write(zeros, () => void setImmediate(feed));
          feed();
        },
        { bodyBytesMax: 10 * 1024 * 1024 * 1024, onBytes: sample },
      );
      const reading = (async () => {
        for await (const piece of (await answer).body) decoded += piece.length;
      })();
      const failure = await failureOf(reading);
      expect(failure).toMatchObject({ code: 'answer_too_large', leg: 'body' });
      expect(failure.message).toContain('400 times');
      await shop.untilQuiet();
    });
    expect(decoded).toBeLessThan(80 * 1024 * 1024);
    expect(peak).toBeLessThan(HELD_MIB_MAX);
  });

  it('a gzip within a gzip multiplies nothing', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 9 }), { level: 9 });
    expect(bomb.length).toBeLessThan(10_000);
    const { answer } = await callShop(whole(bomb, { 'content-encoding': 'gzip, gzip' }), {
      bodyBytesMax: 2 ** 40,
    });
    const result = await read(await answer);
    expect(result.failure?.message).toContain('400 times');
    expect(result.bytes.length).toBeLessThan(8 * 1024 * 1024);
  });

  it.each([
    ['that has come whole', whole],
    [
      'that is still coming',
      (body: Uint8Array, headers: Record<string, string>) => (socket: Socket) => {
        socket.write(head({ 'content-length': 2 ** 40, ...headers }));
        pour(socket, () => body);
      },
    ],
  ])('a compressed body %s unfolds no further once its call is over', async (_name, script) => {
    // 300 bytes for each on the wire: within the ratio, and little enough to have come before any of it is read.
    const folded = gzipSync(Buffer.concat([Buffer.alloc(16 * 1024 * 1024), randomBytes(40_000)]));
    const over = new AbortController();
    const { net, answer } = await callShop(script(folded, { 'content-encoding': 'gzip' }), {
      signal: over.signal,
    });
    const { body } = await answer;
    if (script === whole) await expect.poll(() => net.connections.idle).toBe(1);
    let late = 0;
    const reading = (async () => {
      for await (const piece of body) {
        if (over.signal.aborted) late += piece.length;
        else over.abort();
      }
    })();
    expect(await failureOf(reading)).toMatchObject({ code: 'cancelled', leg: 'body' });
    expect(late).toBeGreaterThan(0);
    expect(late).toBeLessThanOrEqual(1024 * 1024);
  });

  it('text that compresses well is no bomb', async () => {
    const rows = JSON.stringify(
      Array.from({ length: 60_000 }, (_, index) => ({ id: index, state: 'ok', price: '0.01' })),
    );
    const bytes = gzipSync(rows);
    expect(rows.length).toBeGreaterThan(2 * 1024 * 1024);
    const { answer } = await callShop(whole(bytes, { 'content-encoding': 'gzip' }));
    expect((await read(await answer)).ended).toBe('complete');
  });

  it('a silence ends it, and gives what came before', async () => {
    holdDeadlines();
    const { shop, answer } = await callShop((socket) => socket.write(head({}) + 'part'), {
      silenceMs: 50,
      onBytes: () => void setImmediate(() => vi.advanceTimersByTime(50)),
    });
    const result = await read(await answer);
    expect(textOf(result.bytes)).toBe('part');
    expect(result).toMatchObject({ ended: 'broken', failure: { code: 'timed_out', leg: 'body' } });
    await shop.untilQuiet();
  });

  it('a byte at a time is no silence, but the whole call still ends', async () => {
    holdDeadlines();
    const { shop, answer } = await callShop(
      (socket) => {
        socket.write(head({}));
        const timer = setInterval(() => socket.write('x'), 5);
        socket.once('close', () => clearInterval(timer));
      },
      {
        silenceMs: 300,
        deadline: { ...WIDE.deadline, wholeMs: 1_000 },
        onBytes: () => void setImmediate(() => vi.advanceTimersByTime(200)),
      },
    );
    const result = await read(await answer);
    expect(result.bytes.length).toBeGreaterThan(2);
    expect(result).toMatchObject({ ended: 'broken', failure: { code: 'timed_out' } });
    await shop.untilQuiet();
  });

  it('a reader that takes its time is no silence of the other side', async () => {
    holdDeadlines();
    const { answer } = await callShop(whole(Buffer.alloc(300_000)), { silenceMs: 300 });
    let bytes = 0;
    for await (const piece of (await answer).body) {
      vi.advanceTimersByTime(500);
      bytes += piece.length;
    }
    expect(bytes).toBe(300_000);
  });
});

describe('how a body ends', () => {
  const CHUNK = '4\r\npart\r\n';
  it.each([
    ['a length', head({ 'content-length': 4 }) + 'part'],
    ['a length, then close', head({ 'content-length': 4, connection: 'close' }) + 'part'],
    ['chunks', `${head({ 'transfer-encoding': 'chunked' })}${CHUNK}0\r\n\r\n`],
    ['chunks with a trailer', `${head({ 'transfer-encoding': 'chunked' })}${CHUNK}0\r\nx-a: b\r\n\r\n`],
    [
      'chunks, then close',
      `${head({ 'transfer-encoding': 'chunked', connection: 'close' })}${CHUNK}0\r\n\r\n`,
    ],
    ['the connection', `${head({})}part`],
    ['the connection, said so', `${head({ connection: 'close' })}part`],
    ['the connection, by HTTP/1.0', `${head({})}part`.replace('HTTP/1.1', 'HTTP/1.0')],
  ])('whole, by %s', async (_words, bytes) => {
    const { answer } = await callShop((socket) => socket.end(bytes));
    const result = await read(await answer);
    expect(result).toMatchObject({ ended: 'complete', truncated: false, failure: undefined });
    expect(textOf(result.bytes)).toBe('part');
  });

  it.each([
    ['a length', head({ 'content-length': 9 }) + 'part'],
    ['a length, with close', head({ 'content-length': 9, connection: 'close' }) + 'part'],
    ['a chunk', `${head({ 'transfer-encoding': 'chunked' })}9\r\npart`],
    ['a chunk, with close', `${head({ 'transfer-encoding': 'chunked', connection: 'close' })}9\r\npart`],
    ['between chunks', `${head({ 'transfer-encoding': 'chunked' })}${CHUNK}`],
    [
      'between chunks, with close',
      `${head({ 'transfer-encoding': 'chunked', connection: 'close' })}${CHUNK}`,
    ],
    [
      'before the last line, with close',
      `${head({ 'transfer-encoding': 'chunked', connection: 'close' })}${CHUNK}0\r\n`,
    ],
  ])('broken, within %s: its part is given', async (_words, bytes) => {
    const { answer } = await callShop((socket) => socket.end(bytes));
    const result = await read(await answer);
    expect(result).toMatchObject({
      ended: 'broken',
      truncated: true,
      failure: { code: 'unreachable', leg: 'body', bytesLeft: true },
    });
    expect(textOf(result.bytes)).toBe('part');
  });

  it('broken, by a reset of the connection', async () => {
    const { answer } = await callShop((socket) =>
      socket.write(`${head({})}part`, () => void setTimeout(() => socket.resetAndDestroy(), 20)),
    );
    const result = await read(await answer);
    expect([textOf(result.bytes), result.ended]).toEqual(['part', 'broken']);
  });

  it('broken, within a compressed body: all that can be decoded is given', async () => {
    const encoded = gzipSync(TEXT);
    const { answer } = await callShop((socket) => {
      socket.write(head({ 'content-length': encoded.length, 'content-encoding': 'gzip' }));
      const encoder = createGzip();
      encoder.on('data', (bytes: Buffer) => socket.write(bytes));
      encoder.write('first half, ');
      encoder.flush(() => socket.end());
    });
    const result = await read(await answer);
    expect([textOf(result.bytes), result.ended]).toEqual(['first half, ', 'broken']);
  });

  it.each([204, 304])('%i has none, whatever its headers say', async (status) => {
    const { answer } = await callShop((socket) =>
      socket.write(head({ 'content-length': 0, 'content-encoding': 'gzip' }, status)),
    );
    expect(await read(await answer)).toMatchObject({ ended: 'complete', bytes: new Uint8Array(0) });
  });
});

describe('T15: bounds on headers', () => {
  const FIELDS_MAX = RESPONSE_HEADER_BYTES_MAX / HEADER_FIELD_BYTES;

  it('a thousand headers are read', async () => {
    const { answer } = await callShop((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(1_000)}content-length: 0\r\n\r\n`),
    );
    expect((await answer).headers).toHaveLength(1_001);
  });

  it('an offer of 120 KiB in a header is read', async () => {
    const offer = 'A'.repeat(120 * 1024);
    const { answer } = await callShop((socket) =>
      socket.write(head({ 'payment-required': offer, 'content-length': 0 }, 402)),
    );
    expect((await answer).headers).toContainEqual(['payment-required', offer]);
  });

  it.each([
    ['one header', () => `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(RESPONSE_HEADER_BYTES_MAX)}\r\n\r\n`],
    ['a name', () => `HTTP/1.1 200 OK\r\n${'a'.repeat(RESPONSE_HEADER_BYTES_MAX)}: x\r\n\r\n`],
    [
      'many headers',
      () => `HTTP/1.1 200 OK\r\n${'aaaaaaaa: aaaaaaaa\r\n'.repeat(RESPONSE_HEADER_BYTES_MAX / 16)}\r\n`,
    ],
    ['too many headers', () => `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(FIELDS_MAX + 1)}\r\n`],
    ['empty headers', () => `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(FIELDS_MAX + 1)}\r\n`],
  ])('%s past the bound: answer_too_large', async (_words, bytes) => {
    const { shop, answer } = await callShop((socket) => socket.write(bytes()));
    const failure = await failureOf(answer);
    expect(failure).toMatchObject({ code: 'answer_too_large', bytesLeft: true });
    await shop.untilQuiet();
  });

  it('a flood of headers without end stops at the bound', async () => {
    const { shop, answer } = await callShop((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      pour(socket, () => 'x-flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(100));
    });
    expect(await failureOf(answer)).toMatchObject({ code: 'answer_too_large', leg: 'headers' });
    await shop.untilQuiet();
  });

  it('preliminary answers without end are left', async () => {
    const { shop, answer } = await callShop((socket) =>
      pour(socket, () => 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'),
    );
    expect(await failureOf(answer)).toMatchObject({ code: 'unreachable', leg: 'headers', bytesLeft: true });
    await shop.untilQuiet();
  });

  it('a trailer without end stops at the bound', async () => {
    const { shop, answer } = await callShop((socket) => {
      socket.write(`${head({ 'transfer-encoding': 'chunked' })}4\r\npart\r\n0\r\n`);
      pour(socket, () => 'x-flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(100));
    });
    const result = await read(await answer);
    expect([textOf(result.bytes), result.failure?.code]).toEqual(['part', 'answer_too_large']);
    await shop.untilQuiet();
  });
});

describe('bodies that share room (T15)', () => {
  const KIB = 1024;
  async function* pouring(pieces: number): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < pieces; n++) {
      await nextTurn();
      yield new Uint8Array(16 * KIB);
    }
  }
  const read = (room: SharedRoom, pieces: number) =>
    readBody({ body: pouring(pieces) }, { bytesMax: 1024 * KIB, room });

  it('have together no more than the room and a little each, and give it back', async () => {
    const room = new SharedRoom(256 * KIB);
    expect(room.take(0, 100 * KIB)).toBe(100 * KIB);
    expect(room.take(60 * KIB, 1024 * KIB)).toBe((4 + 220) * KIB);
    expect(room.take(100 * KIB, KIB)).toBe(0);
    expect(room.take(0, 1024 * KIB)).toBe(64 * KIB);
    room.giveBack(100 * KIB);
    expect(room.take(64 * KIB, 1024 * KIB)).toBe(36 * KIB);
  });

  it('are cut where others fill the room, and not once those are read', async () => {
    const room = new SharedRoom(256 * KIB);
    const all = await Promise.all(Array.from({ length: 20 }, () => read(room, 64)));
    expect(Math.min(...all.map(({ bytes }) => bytes.length))).toBeGreaterThanOrEqual(64 * KIB);
    expect(all.some(({ truncated, ended }) => truncated && ended === 'cut')).toBe(true);
    expect(await read(room, 20)).toMatchObject({ ended: 'complete', truncated: false });
  });

  it('are whole beside those that are cut, where they are small', async () => {
    const room = new SharedRoom(0);
    const [, small] = await Promise.all([read(room, 100), read(room, 4)]);
    expect(small).toMatchObject({ ended: 'complete', truncated: false });
  });
});
