import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBody } from './body.js';
import { NetFailure } from './failure.js';
import type { Net } from './send.js';
import { openTcpShop, openTestNet, requestFor, untilNoneOpen, WIDE, type Shop } from './shop.fixture.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400);

/**
 * What the shop does with its next connection: pieces are written as they stand, before or after it has heard
 * a request.
 */
let next:
  { readonly pieces: readonly Buffer[]; readonly early: boolean; readonly end: 'end' | 'reset' } | undefined;
let shop: Shop;
let net: Net;

beforeAll(async () => {
  shop = await openTcpShop((socket) => {
    const script = next;
    if (!script) return socket.destroy();
    const play = (): void => {
      for (const piece of script.pieces) socket.write(piece);
      if (script.end === 'end') socket.end();
      else socket.write('', () => socket.resetAndDestroy());
    };
    socket.resume();
    if (script.early) play();
    else socket.once('data', play);
  });
  net = openTestNet([shop.hostPort]);
});
afterAll(async () => {
  await net.close();
  await shop.close();
});

const LINES = [
  ...[
    'HTTP/1.1 200 OK',
    'HTTP/1.1 402 X',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 101 X',
    'HTTP/1.1 103 X',
  ],
  ...[
    'HTTP/1.1 204 X',
    'HTTP/1.1 304 X',
    'HTTP/1.1 302 X',
    'HTTP/2 200',
    'content-length: 4',
    'content-length: 0',
  ],
  ...[
    'content-length: 99999999999999999999',
    'content-length: -1',
    'transfer-encoding: chunked',
    'transfer-encoding: gzip',
  ],
  ...[
    'connection: close',
    'connection: upgrade',
    'upgrade: h2c',
    'keep-alive: timeout=1',
    'content-encoding: gzip',
  ],
  ...[
    'content-encoding: br, gzip',
    'location: /',
    'location: http://[',
    'trailer: x',
    '4',
    'part',
    '0',
    '',
    '',
    'ffffffffffffffff',
  ],
];
const piece = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...LINES).map((line) => Buffer.from(`${line}\r\n`)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 16 }).map((text) => gzipSync(text)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\n', '\r', '\0', ' ', ': ', '4;x="y"\r\n').map((text) => Buffer.from(text)),
  },
);
const script = fc.record({
  pieces: fc
    .tuple(fc.constantFrom(...LINES.slice(0, 9)), fc.array(piece, { maxLength: 16 }))
    .map(([first, rest]) => [Buffer.from(`${first}\r\n`), ...rest]),
  early: fc.boolean(),
  end: fc.constantFrom('end' as const, 'reset' as const),
});
const method = fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE');
const written = (text: string, end: 'end' | 'reset') => ({ pieces: [Buffer.from(text)], early: false, end });
/** One script for each way a call ends, so that no seed can leave one out. */
const EVERY_ENDING = [
  written('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npart', 'end'),
  written('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart', 'end'),
  written('', 'reset'),
];

describe('T15, T27: whatever a server writes', () => {
  it('a call ends in an answer or in a failure of ours, and leaves nothing open', async () => {
    const endings = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        script,
        method,
        fc.constantFrom('follow' as const, 'return' as const),
        async (played, verb, redirects) => {
          next = played;
          const request = requestFor(`http://${shop.hostPort}/`, [shop.hostPort], {
            method: verb,
            body: Buffer.from('x'),
          });
          try {
            const answer = await net.send(request, { ...WIDE, redirects, bodyBytesMax: 1_000 });
            expect(answer.status).toBeGreaterThanOrEqual(200);
            for (const [name, value] of answer.headers) expect(name + value).not.toMatch(/[\r\n\0]/);
            endings.add((await readBody(answer, { bytesMax: 1_000 })).ended);
          } catch (error) {
            if (!(error instanceof NetFailure)) throw error;
            endings.add(error.code);
          }
          next = undefined;
          await untilNoneOpen(net);
        },
      ),
      { numRuns: RUNS, examples: EVERY_ENDING.map((played) => [played, 'GET', 'follow']) },
    );
    expect([...endings].sort()).toEqual(expect.arrayContaining(['broken', 'complete', 'unreachable']));
  });
});
