import type { Transform } from 'node:stream';
// Whole, for Node 22.14 has no zstd to import by name.
import * as zlib from 'node:zlib';

/**
 * Content codings taken off one answer at most: real servers stack none, and each multiplies a bomb (T15).
 */
const CODINGS_MAX = 2;

/** Gives out all that can be decoded so far, so that a compressed stream of events is read as it comes. */
const INFLATE_OPTIONS = { flush: zlib.constants.Z_SYNC_FLUSH };
const BROTLI_OPTIONS = { flush: zlib.constants.BROTLI_OPERATION_FLUSH };

/** A window of 8 MiB, as HTTP allows (RFC 9659); zlib's own bound would let a frame ask for 128 MiB (T15). */
function zstdOptions(): zlib.ZstdOptions {
  return { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } };
}

function isKnown(coding: string): boolean {
  if (coding === 'zstd') return typeof zlib.createZstdDecompress === 'function';
  return ['gzip', 'x-gzip', 'deflate', 'br'].includes(coding);
}

function createDecoder(coding: string, first: Buffer): Transform {
  if (coding === 'br') return zlib.createBrotliDecompress(BROTLI_OPTIONS);
  if (coding === 'zstd') return zlib.createZstdDecompress(zstdOptions());
  if (coding !== 'deflate') return zlib.createGunzip(INFLATE_OPTIONS);
  // "deflate" means zlib's format, but some servers send the bare one; zlib's first byte names method 8.
  const bare = ((first[0] ?? 0) & 0x0f) !== 8;
  return bare ? zlib.createInflateRaw(INFLATE_OPTIONS) : zlib.createInflate(INFLATE_OPTIONS);
}

/**
 * The codings to take off a body, outermost first, as its `content-encoding` values say; undefined where one
 * of them is unknown or there are too many, and the body is then given as it came.
 */
export function readCodings(contentEncoding: readonly string[]): readonly string[] | undefined {
  const codings = contentEncoding
    .flatMap((value) => value.toLowerCase().split(','))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  return codings.length <= CODINGS_MAX && codings.every(isKnown) ? codings.reverse() : undefined;
}

function write(decoder: Transform, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    decoder.write(bytes, () => resolve());
  });
}

/**
 * Takes one coding off a body. It holds no more than a few blocks at a time, however far the bytes unfold
 * (T15); a body that ends in a failure gives all that could be decoded before it. An empty body needs no
 * coding.
 *
 * @throws what the source throws, or an error of zlib
 */
export async function* decode(source: AsyncIterator<Buffer>, coding: string): AsyncGenerator<Buffer> {
  const first = await source.next();
  if (first.done === true) return;
  const decoder = createDecoder(coding, first.value);
  let failure: { readonly error: unknown } | undefined;
  const feed = async (): Promise<void> => {
    try {
      for (let item: IteratorResult<Buffer> = first; item.done !== true; item = await source.next()) {
        await write(decoder, item.value);
        if (decoder.destroyed) return;
      }
      decoder.end();
    } catch (error) {
      failure = { error };
      // Ends what comes out without pretending that what went in was whole.
      decoder.push(null);
    }
  };
  void feed();
  yield* decoder as AsyncIterable<Buffer>;
  if (failure) throw failure.error;
}
