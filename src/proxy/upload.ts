import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CallContent } from '../wallet/call/request.js';
import { BINARY_TYPE } from '../wallet/body/callBody.js';
import { spoolBody, type SpoolPlace } from '../wallet/body/spool.js';

/**
 * Takes the body of a request into the spool, so that the same bytes go up without a payment and with it; undefined where
 * it has none. Throws what {@link spoolBody} throws, and where the program hangs up.
 */
export async function takeUpload(
  place: SpoolPlace,
  incoming: IncomingMessage,
): Promise<CallContent | undefined> {
  const { headers } = incoming;
  const isBodiless = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  if (isBodiless || headers['content-length'] === '0') return undefined;
  const contentType = headers['content-type'] ?? BINARY_TYPE;
  const boundary = boundaryOf(contentType);
  const same = boundary === null ? null : new BoundaryFreeHash(boundary);
  // Not by `for await`: leaving that early would end the connection before the refusal is written.
  const pieces = incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const body = await spoolBody(place, same === null ? pieces : same.through(pieces));
  return { body, contentType, ...(same === null ? {} : { sameAs: `form ${same.digest()}` }) };
}

function boundaryOf(contentType: string): string | null {
  if (!/^multipart\//i.test(contentType)) return null;
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return found?.[1] ?? found?.[2] ?? null;
}

/**
 * The hash of a form without the line that parts it: SDKs draw another one for each try, and a retry is the same upload
 * (T12).
 */
export class BoundaryFreeHash {
  readonly #boundary: Buffer;
  readonly #hash: Hash = createHash('sha256');
  #kept = Buffer.alloc(0);

  constructor(boundary: string) {
    this.#boundary = Buffer.from(boundary, 'latin1');
  }

  /** Hands pieces on and hashes them. */
  async *through(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.update(piece);
      yield piece;
    }
  }

  update(piece: Uint8Array): void {
    const bytes = Buffer.concat([this.#kept, piece]);
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(this.#boundary, from);
      if (at < 0) break;
      this.#hash.update(bytes.subarray(from, at));
      this.#hash.update('\0');
      from = at + this.#boundary.length;
    }
    // The beginning of a line may stand at the end of a piece.
    const until = Math.max(from, bytes.length - this.#boundary.length + 1);
    this.#hash.update(bytes.subarray(from, until));
    this.#kept = Buffer.from(bytes.subarray(until));
  }

  digest(): string {
    this.#hash.update(this.#kept);
    return this.#hash.digest('hex');
  }
}
