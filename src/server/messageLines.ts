import { Transform, Writable } from 'node:stream';

/** The longest message of a client: a body of 64 MiB as base64, and room for all else. */
const MESSAGE_BYTES_MAX = 96 * 1024 * 1024;
/** What the SDK may buffer: one message, which comes to it whole, and the next. */
export const BUFFER_BYTES = 2 * MESSAGE_BYTES_MAX;
/** Calls of one batch; each of them runs at once. */
const BATCH_MAX = 100;

const LINE_END = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** JSON-RPC's code of what is no request. */
const INVALID_REQUEST = -32_600;
/** Where the id of a message that is too long to be read may stand. */
const ID_WITHIN = 4_096;

type Json = Record<string, unknown>;

/** The answers to one batch, as far as they have come. */
interface Batch {
  readonly awaited: Set<string>;
  readonly answers: string[];
}

/**
 * What clients send over stdio beside what the SDK takes, made into that: a byte order mark, null for parameters or
 * arguments that are left out, and batches, whose answers go back together (JSON-RPC 2.0, section 6). A message that is
 * too long is answered and passed over; what is no JSON is left to the SDK, which drops it.
 *
 * Messages go through `input` in whole lines, answers through `output`.
 */
export class MessageLines {
  readonly input: Transform;
  readonly output: Writable;
  readonly #client: Writable;
  readonly #batches = new Set<Batch>();
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isFirst = true;

  constructor(client: Writable) {
    this.#client = client;
    this.input = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.#take(chunk);
        done();
      },
    });
    this.output = new Writable({
      // Each message of the SDK's is one write.
      decodeStrings: false,
      write: (line: string | Buffer, _encoding, done) => this.#answer(line, (error) => done(error)),
      final: (done) => {
        for (const batch of this.#batches) this.#send(batch);
        done();
      },
    });
    client.once('error', (error: Error) => this.output.destroy(error));
    // As of the stream behind it: every answer that waits for a slow reader listens for its turn.
    this.output.setMaxListeners(0);
  }

  #take(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      this.#keep(chunk.subarray(from, end + 1));
      this.#line();
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    // Of what is too long its beginning is kept, for the id.
    if (this.#bytes <= MESSAGE_BYTES_MAX || this.#pieces.length === 0) this.#pieces.push(piece);
    else this.#pieces = [Buffer.concat(this.#pieces).subarray(0, ID_WITHIN)];
  }

  #line(): void {
    const isTooLong = this.#bytes > MESSAGE_BYTES_MAX;
    let line = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3);
    this.#isFirst = false;
    if (isTooLong) {
      const id = /"id"\s*:\s*(-?\d{1,15}|"[^"\\]{1,100}")/.exec(line.toString('latin1', 0, ID_WITHIN))?.[1];
      const text = `A message has at most ${MESSAGE_BYTES_MAX} bytes.`;
      this.#client.write(`${refusal(text, id === undefined ? null : (JSON.parse(id) as unknown))}\n`);
    } else if (isBatch(line)) this.#takeBatch(line);
    else this.#pass(line);
  }

  /** Passes one message on, without nulls that stand for nothing. */
  #pass(line: Buffer): void {
    const needsLook = line.includes('null') || (this.#batches.size > 0 && line.includes('/cancelled'));
    const message = needsLook ? parse(line.toString('utf8')) : undefined;
    if (isObject(message)) this.#hear(message);
    const better = isObject(message) ? withoutNulls(message) : null;
    this.input.push(better === null ? line : `${JSON.stringify(better)}\n`);
  }

  #takeBatch(line: Buffer): void {
    const batch = parse(line.toString('utf8'));
    if (!Array.isArray(batch)) {
      this.input.push(line);
      return;
    }
    if (batch.length === 0 || batch.length > BATCH_MAX) {
      this.#client.write(`${refusal(`A batch has 1 to ${BATCH_MAX} messages.`)}\n`);
      return;
    }
    const open: Batch = { awaited: new Set(), answers: [] };
    for (const message of batch as unknown[]) {
      if (!isObject(message)) open.answers.push(refusal('A message is a JSON object.'));
      else if ('method' in message && isId(message['id'])) open.awaited.add(JSON.stringify(message['id']));
    }
    this.#batches.add(open);
    for (const message of (batch as unknown[]).filter(isObject)) {
      this.#hear(message);
      this.input.push(`${JSON.stringify(withoutNulls(message) ?? message)}\n`);
    }
    this.#sendIfWhole(open);
  }

  /** A cancelled request is answered by silence: its batch waits for it no longer. */
  #hear({ method, params }: Json): void {
    if (method !== 'notifications/cancelled' || !isObject(params)) return;
    const id = JSON.stringify(params['requestId']);
    for (const batch of this.#batches) if (batch.awaited.delete(id)) this.#sendIfWhole(batch);
  }

  #answer(line: string | Buffer, done: (error?: Error | null) => void): void {
    const message = this.#batches.size === 0 ? undefined : parse(line.toString());
    if (isObject(message) && !('method' in message)) {
      const id = JSON.stringify(message['id']);
      const batch = [...this.#batches].find(({ awaited }) => awaited.delete(id));
      if (batch !== undefined) {
        batch.answers.push(line.toString().trimEnd());
        this.#sendIfWhole(batch, done);
        return;
      }
    }
    this.#client.write(line, done);
  }

  #sendIfWhole(batch: Batch, done?: (error?: Error | null) => void): void {
    if (batch.awaited.size > 0) done?.();
    else this.#send(batch, done);
  }

  #send(batch: Batch, done: (error?: Error | null) => void = () => undefined): void {
    this.#batches.delete(batch);
    // One of notifications alone has no answer.
    if (batch.answers.length === 0) done();
    else this.#client.write(`[${batch.answers.join(',')}]\n`, done);
  }
}

function isBatch(line: Buffer): boolean {
  return /^\s*\[/.test(line.toString('latin1', 0, 64));
}

/** The message without nulls in the places where clients write them for nothing; null where it has none there. */
function withoutNulls(message: Json): Json | null {
  const { params, ...rest } = message;
  if (params === null) return rest;
  if (!isObject(params)) return null;
  const kept = Object.entries(params).filter(([name, value]) => value !== null || !NULLABLE.includes(name));
  return kept.length === Object.keys(params).length ? null : { ...rest, params: Object.fromEntries(kept) };
}

const NULLABLE: readonly string[] = ['arguments', '_meta', 'cursor'];

function refusal(message: string, id: unknown = null): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: INVALID_REQUEST, message } });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(id: unknown): boolean {
  return typeof id === 'string' || typeof id === 'number';
}
