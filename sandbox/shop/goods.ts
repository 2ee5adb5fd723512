import { setTimeout as delay } from 'node:timers/promises';
import { Recording } from '../recording.ts';
import type { Order } from './order.ts';

/** What the seller hands over: a whole body, or one that comes in pieces. */
export interface Goods {
  status: number;
  headers: Record<string, string>;
  body: Buffer | AsyncIterable<Buffer>;
}

/** A 1 × 1 PNG. */
export const PNG_BYTES = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const BYTES_MAX = 256 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const ALPHABET = 'the quick brown fox jumps over the lazy dog. ';

function whole(type: string, body: string | Buffer, status = 200): Goods {
  return { status, headers: { 'content-type': type }, body: Buffer.from(body) };
}

function json(value: unknown, status = 200): Goods {
  return whole('application/json', JSON.stringify(value), status);
}

function integer(order: Order, name: string, fallback: number, max: number): number {
  const value = Number(order.url.searchParams.get(name) ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? Math.min(value, max) : fallback;
}

async function* events(order: Order): AsyncGenerator<Buffer> {
  const count = integer(order, 'events', 5, 10_000);
  const gapMs = integer(order, 'ms', 10, 60_000);
  const cutAfter = integer(order, 'cut', count + 1, count + 1);
  for (let index = 0; index < count; index++) {
    // An error here breaks the connection without an end, as a crashed seller's would.
    if (index === cutAfter) throw new Error('cut');
    yield Buffer.from(`data: ${JSON.stringify({ index, delta: `word${index} ` })}\n\n`);
    await delay(gapMs);
  }
  yield Buffer.from('data: [DONE]\n\n');
}

async function* filler(bytes: number): AsyncGenerator<Buffer> {
  const piece = Buffer.alloc(PIECE_BYTES, ALPHABET);
  for (let left = bytes; left > 0; left -= PIECE_BYTES) yield piece.subarray(0, Math.min(left, PIECE_BYTES));
}

type Maker = (order: Order, rest: string) => Goods | Promise<Goods>;

/** The shelf: first path segment after `/v1`, `/v2` or `/free`. */
const SHELF: Record<string, Maker> = {
  json: () => json({ city: 'Lisbon', temperature_c: 21, advice: 'Bring a light jacket.' }),
  text: () => whole('text/plain; charset=utf-8', 'All is well, said the paid endpoint.\n'),
  png: () => whole('image/png', PNG_BYTES),
  price: (_order, rest) => json({ paid_usd: rest }),
  echo: (order) =>
    json({
      method: order.method,
      query: Object.fromEntries(order.url.searchParams),
      content_type: order.headers['content-type'] ?? null,
      body: order.body.toString('utf8'),
    }),
  status: (_order, rest) => json({ status: Number(rest) }, Number(rest)),
  gate: () => json({ gate: 'open' }),
  /** Answers 303: what was bought is at `?to=`, or at `/free/json`. */
  elsewhere: (order) => ({
    status: Number(order.url.searchParams.get('status') ?? 303),
    headers: { location: order.url.searchParams.get('to') ?? '/free/json' },
    body: Buffer.alloc(0),
  }),
  async slow(order) {
    await delay(integer(order, 'ms', 1_000, 600_000));
    return json({ slow: true });
  },
  large(order) {
    const bytes = integer(order, 'bytes', 1024 * 1024, BYTES_MAX);
    const type = order.url.searchParams.get('type') ?? 'text/plain; charset=utf-8';
    return {
      status: 200,
      headers: { 'content-type': type, 'content-length': String(bytes) },
      body: filler(bytes),
    };
  },
  stream: (order) => ({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: events(order) }),
};

/** How often a job's status is still `running`. */
const LOOKS_DEFAULT = 2;

/** The seller's handlers, and how often each has run. */
export class Counter {
  readonly #runs = new Map<string, number>();
  readonly #looks = new Map<string, number>();
  readonly #atGate: { key: string; letGo: () => void }[] = [];
  /** The key of each run, as it begins. */
  readonly begun = new Recording<string>();

  /**
   * How often a handler ran for `key`: an `id` out of a JSON body, an `id` query parameter, or else `METHOD /path`.
   */
  runs(key: string): number {
    return this.#runs.get(key) ?? 0;
  }

  /** Lets the run of `gate` go on that has waited longest. */
  letGo(key: string): void {
    const at = this.#atGate.findIndex((one) => one.key === key);
    if (at === -1) throw new RangeError(`No run of ${key} waits at the gate.`);
    this.#atGate.splice(at, 1)[0]?.letGo();
  }

  /** Runs the handler that the path names, and counts it. A path that names none is a 404. */
  async make(order: Order): Promise<Goods> {
    const key = idOf(order);
    this.#runs.set(key, this.runs(key) + 1);
    this.begun.add(key);
    const [, , name = '', ...rest] = order.path.split('/');
    if (name === 'gate') await new Promise<void>((resolve) => this.#atGate.push({ key, letGo: resolve }));
    if (name === 'job') return this.#job(order, decodeURIComponent(rest.join('/')));
    const maker = SHELF[name];
    if (maker === undefined)
      return json({ error: `Nothing at ${order.path}`, shelf: Object.keys(SHELF) }, 404);
    return maker(order, decodeURIComponent(rest.join('/')));
  }

  /**
   * `job/NAME` under `/v1` and `/v2` takes a job: 202, or `?status=`, with its status URL under `/free` in `Location`
   * and in the body, or in one of them alone (`?in=header`, `?in=body`). There it is `running` for `?looks=` looks.
   */
  #job({ path, url }: Order, name: string): Goods {
    const looks = url.searchParams.get('looks') ?? String(LOOKS_DEFAULT);
    const retry = { 'retry-after': '1' };
    const at = `/free/job/${name}?looks=${looks}`;
    if (!path.startsWith('/free/')) {
      const where = url.searchParams.get('in');
      const goods = json(
        { id: name, status: 'queued', ...(where === 'header' ? {} : { status_url: at }) },
        Number(url.searchParams.get('status') ?? 202),
      );
      return {
        ...goods,
        headers: { ...goods.headers, ...retry, ...(where === 'body' ? {} : { location: at }) },
      };
    }
    const asked = (this.#looks.get(name) ?? 0) + 1;
    this.#looks.set(name, asked);
    if (asked > Number(looks)) return json({ id: name, status: 'completed', result: { words: 42 } });
    const goods = json({ id: name, status: 'running' });
    return { ...goods, headers: { ...goods.headers, ...retry } };
  }
}

function idOf(order: Order): string {
  try {
    const { id } = JSON.parse(order.body.toString('utf8')) as { id?: unknown };
    if (typeof id === 'string') return id;
  } catch {
    // Not JSON: no id in it.
  }
  return order.url.searchParams.get('id') ?? `${order.method} ${order.path}`;
}
