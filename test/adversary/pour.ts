import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Makes a thing once, for the first who needs it: the table of attacks is read more often than it is played. */
export function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** 16 MiB of zeros in 16 KiB; some hundred of them in a row are still one gzip. */
export const makeBomb = lazy(() => gzipSync(Buffer.alloc(16 * 1024 * 1024)));

/** Writes pieces until there are no more or nobody listens. */
export async function pour(
  response: ServerResponse,
  piece: Buffer,
  pieces = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (let n = 0; n < pieces && !response.destroyed; n++) {
    if (response.write(piece)) continue;
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(
      () => undefined,
    );
    over.abort();
  }
  response.end();
}
