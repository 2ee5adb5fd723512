import type { Call } from './call.js';
import { decode } from './decode.js';
import { NetFailure } from './failure.js';
import type { WireAnswer } from './connection/exchange.js';

/**
 * No byte for so long ends a body, in milliseconds, unless the call says otherwise; some models think for a
 * minute.
 */
export const SILENCE_MS_MAX = 120_000;

/**
 * The most decoded bytes for each byte received, once {@link RATIO_FREE_BYTES} are decoded. Text seen in
 * practice stays under 100; a gzip of zeros is 1,030, other bombs are more (T15).
 */
const RATIO_MAX = 400;

/** Decoded bytes that any answer may have, however well they compress. */
const RATIO_FREE_BYTES = 1024 * 1024;

/**
 * Decoded bytes still given after a deadline or the caller ended the call: all that had come of an answer that is not
 * compressed. What had come of a bomb unfolds a thousandfold, long after its time (T15).
 */
const LATE_BYTES_MAX = 1024 * 1024;

/** Bounds on a body. */
interface BodyLimits {
  /** Decoded bytes; the body then ends with `answer_too_large`. */
  readonly bodyBytesMax: number;
  readonly silenceMs: number;
  /** Told how many decoded bytes have come in all, after each piece. */
  readonly onBytes: ((bytes: number) => void) | undefined;
}

/** Turns whatever went wrong while decoding into a failure of the call. */
function asFailure(call: Call, error: unknown): NetFailure {
  if (error instanceof NetFailure) return error;
  return call.failureOf('unreachable', 'The answer cannot be decompressed.', { cause: error });
}

/**
 * The decoded bytes of an answer, as they come. Within its bounds on bytes, ratio, silence and the whole
 * call; what came before a fault is given before it is thrown. Leaving the loop early closes the connection.
 *
 * @throws NetFailure `answer_too_large`, `timed_out`, `cancelled` or `unreachable`, leg `body`
 */
export async function* readBounded(
  answer: WireAnswer,
  codings: readonly string[],
  call: Call,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let source: AsyncGenerator<Buffer> = answer.body[Symbol.asyncIterator]();
  for (const coding of codings) source = decode(source, coding);
  let bytes = 0;
  let lateBytes = 0;
  try {
    for (;;) {
      const piece = await nextPiece(source, call, limits.silenceMs);
      if (!piece) return;
      if (call.failure) {
        lateBytes += piece.length;
        if (lateBytes > LATE_BYTES_MAX) throw call.failure;
      }
      const part = piece.subarray(0, limits.bodyBytesMax - bytes);
      bytes += part.length;
      if (part.length > 0) {
        limits.onBytes?.(bytes);
        yield part;
      }
      if (part.length < piece.length) {
        throw call.failureOf('answer_too_large', `The answer has more than ${limits.bodyBytesMax} bytes.`);
      }
      if (bytes > RATIO_FREE_BYTES && bytes > RATIO_MAX * answer.body.received) {
        throw call.failureOf(
          'answer_too_large',
          `The answer decompresses to more than ${RATIO_MAX} times its size.`,
        );
      }
    }
  } catch (error) {
    throw asFailure(call, error);
  } finally {
    answer.abandon();
    call.end();
    source.return(undefined).catch(() => undefined);
  }
}

async function nextPiece(
  source: AsyncGenerator<Buffer>,
  call: Call,
  silenceMs: number,
): Promise<Buffer | undefined> {
  const lift = call.bound(silenceMs, `The answer stopped arriving for ${silenceMs} ms.`);
  try {
    const item = await source.next();
    return item.done === true ? undefined : item.value;
  } finally {
    lift();
  }
}

/** What {@link readBody} read. */
interface ReadBody {
  readonly bytes: Uint8Array;
  /** The answer has, or may have, more than `bytes`. */
  readonly truncated: boolean;
  /** Whole; left at a bound of ours; or broken off by the other side, a deadline or the caller. */
  readonly ended: 'complete' | 'cut' | 'broken';
  /** What broke or cut it; absent where `bytesMax` did. */
  readonly failure: NetFailure | undefined;
}

/** What every body may have in memory, however many others are being read. */
const ROOM_FREE_BYTES = 64 * 1024;

/**
 * Memory that bodies share while they are read, beyond {@link ROOM_FREE_BYTES} for each: a hundred answers without
 * end take no more of it than a few (T15).
 */
export class SharedRoom {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** How much of `bytes` more a body that has `used` may take now; what is beyond its free bytes is taken here. */
  take(used: number, bytes: number): number {
    const free = Math.min(bytes, Math.max(0, ROOM_FREE_BYTES - used));
    const shared = Math.min(bytes - free, this.#left);
    this.#left -= shared;
    return free + shared;
  }

  /** Gives back what a body that had `used` took. */
  giveBack(used: number): void {
    this.#left += Math.max(0, used - ROOM_FREE_BYTES);
  }
}

/**
 * Reads a body into one array of at most `bytesMax` bytes, or fewer where others fill the room they share. It does not
 * throw for anything the other side does: a broken body gives its part. Memory stays within twice what is returned.
 */
export async function readBody(
  answer: { readonly body: AsyncIterable<Uint8Array> },
  { bytesMax, room }: { readonly bytesMax: number; readonly room?: SharedRoom },
): Promise<ReadBody> {
  let store = new Uint8Array(0);
  let used = 0;
  try {
    for await (const piece of answer.body) {
      const wanted = Math.min(piece.length, bytesMax - used);
      const part = piece.subarray(0, room?.take(used, wanted) ?? wanted);
      store = withRoom(store, used, part.length, bytesMax);
      store.set(part, used);
      used += part.length;
      if (part.length < piece.length) {
        return { bytes: store.subarray(0, used), truncated: true, ended: 'cut', failure: undefined };
      }
    }
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    const ended = error.code === 'answer_too_large' ? 'cut' : 'broken';
    return { bytes: store.subarray(0, used), truncated: true, ended, failure: error };
  } finally {
    room?.giveBack(used);
  }
  return { bytes: store.subarray(0, used), truncated: false, ended: 'complete', failure: undefined };
}

/** The store, grown by doubling: pieces may be a byte each (T15). */
function withRoom(
  store: Uint8Array<ArrayBuffer>,
  used: number,
  more: number,
  bytesMax: number,
): Uint8Array<ArrayBuffer> {
  if (used + more <= store.length) return store;
  const larger = new Uint8Array(Math.min(bytesMax, Math.max(used + more, store.length * 2)));
  larger.set(store.subarray(0, used));
  return larger;
}
