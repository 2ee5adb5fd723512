import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { askV2, offerOf } from '../offer.ts';
import type { GullibleAgent } from '../gullibleAgent.ts';
import { lazy, makeBomb, pour } from '../pour.ts';
import { NOTHING, ONE_CENT, type Allowed, type Attack, type Serve, type Stall } from '../role.ts';

/** The least that the wallet lets a caller bound a call by is a second. */
const SHORT_MS = 1_200;
const CHUNK = Buffer.alloc(64 * 1024, 'endless ');
/** More than this many bombs of 16 MiB unfold to 10 GiB. */
const BOMBS = 640;
const makeBrotliBomb = lazy(() =>
  brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 22 },
  }),
);

/** Writes a byte at a time, far too slowly. */
async function drip(write: (text: string) => unknown, isOver: () => boolean, text = 'x'): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    write(text[n % text.length] ?? 'x');
    await delay(250);
  }
}

/** Calls twice, with little time or much, and does what it is told. */
function calls(timeoutMs?: number) {
  return async (agent: GullibleAgent, stall: Stall): Promise<void> => {
    const wish = { url: stall.url() };
    if (timeoutMs !== undefined) agent.timeoutMs = timeoutMs;
    for (const told of [await agent.pay(wish), await agent.quote(wish)]) await agent.obey(told);
  };
}

interface Burden {
  readonly timeoutMs?: number;
  readonly allows?: Allowed;
}

/** Burdens the first leg. */
function unpaid(name: string, serve: Serve, { timeoutMs, allows = NOTHING }: Burden = {}): Attack {
  return { threat: 'T15', name, allows, open: () => serve, visit: calls(timeoutMs) };
}

/** Asks honestly, and burdens the answer. */
function paid(name: string, serve: Serve, { timeoutMs }: Burden = {}): Attack {
  return {
    threat: 'T15',
    name,
    allows: ONE_CENT,
    visit: calls(timeoutMs),
    open: (stall) => (seen, response) =>
      seen.signed === undefined
        ? askV2(stall, seen, response, { accepts: [offerOf(stall)] })
        : serve(seen, response),
  };
}

const endless =
  (status: number, type = 'text/plain'): Serve =>
  (_seen, response) => {
    response.writeHead(status, { 'content-type': type });
    return pour(response, CHUNK);
  };

const bomb =
  (status: number): Serve =>
  (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    return pour(response, makeBomb(), BOMBS);
  };

const dripping: Serve = (_seen, response) => {
  response.writeHead(402, { 'content-type': 'application/json' });
  return drip(
    (text) => response.write(text),
    () => response.destroyed,
  );
};

const drippingHead: Serve = async (_seen, { socket }) => {
  if (socket === null) return;
  socket.write('HTTP/1.1 402 Payment Required\r\nX-Slow: ');
  await drip(
    (text) => socket.write(text),
    () => socket.destroyed,
  );
};

/** So many characters of header lines are written at once: a write for each short line would be most of the work. */
const LINES_CHARS = 16 * 1024;

/** Writes header lines by hand: Node would not. */
const heads =
  (line: (n: number) => string, count: number): Serve =>
  async (_seen, { socket }) => {
    if (socket === null) return;
    socket.write('HTTP/1.1 402 Payment Required\r\n');
    for (let n = 0; n < count && !socket.destroyed;) {
      let lines = '';
      while (n < count && lines.length < LINES_CHARS) lines += line(n++);
      if (socket.write(lines)) continue;
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
    socket.end('\r\n');
  };

const preliminary: Serve = async (_seen, { socket }) => {
  while (socket !== null && !socket.destroyed) {
    if (socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100))) await delay(1);
    else await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
  }
};

const silent: Serve = () => undefined;

/** Answers that are too much, too long or too slow (T15). */
export const BODY_ATTACKS: readonly Attack[] = [
  unpaid('a 402 without end', endless(402)),
  unpaid('a free answer without end', endless(200)),
  unpaid('an error page without end', endless(500, 'text/html')),
  unpaid('10 GiB of zeros in a compressed 402', bomb(402)),
  unpaid('10 GiB of zeros in a compressed free answer', bomb(200)),
  unpaid('a quarter of a gibibyte in a few bytes of brotli', (_seen, response) => {
    response.writeHead(200, { 'content-encoding': 'br' }).end(makeBrotliBomb());
  }),
  unpaid('codings stacked on codings', (_seen, response) => {
    response.writeHead(402, { 'content-encoding': 'gzip, gzip, gzip, gzip, gzip' }).end(gzipSync(makeBomb()));
  }),
  unpaid('a 402 at four bytes a second', dripping, { timeoutMs: SHORT_MS }),
  unpaid('a head at four bytes a second', drippingHead, { timeoutMs: SHORT_MS }),
  unpaid('no answer at all', silent, { timeoutMs: SHORT_MS }),
  unpaid(
    'a header of 16 MiB',
    heads(() => `X-Long: ${'x'.repeat(8192)}\r\n`, 2_000),
  ),
  unpaid(
    'a million headers',
    heads((n) => `h${n}:\r\n`, 1_000_000),
  ),
  unpaid('preliminary answers without end', preliminary, { timeoutMs: SHORT_MS }),
  paid('a paid answer without end', endless(200)),
  paid('10 GiB of zeros in a compressed paid answer', bomb(200)),
  paid('a paid answer at four bytes a second', dripping, { timeoutMs: SHORT_MS }),
  paid('silence once it is paid', silent, { timeoutMs: SHORT_MS }),
];
