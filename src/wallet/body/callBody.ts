import { hash } from 'node:crypto';
import type { RequestBody } from '../../net/requestBody.js';

/** A larger body is kept in the spool instead of in memory: of what agents send, only files are larger. */
export const MEMORY_BYTES_MAX = 1024 * 1024;

/** What bytes are of which nothing is known. */
export const BINARY_TYPE = 'application/octet-stream';

/** The body of a call: what it is sent as, without a payment and with one. */
export interface CallBody extends RequestBody {
  /** SHA-256 of the bytes, in hex: by it two calls are the same request. */
  readonly sha256: string;
  /** The bytes where they are held in memory; null where they lie in the spool. */
  readonly bytes: Uint8Array | null;
}

/** A body of bytes in memory, which must not change afterwards. */
export function memoryBody(bytes: Uint8Array): CallBody {
  return {
    length: bytes.length,
    sha256: hash('sha256', bytes),
    bytes,
    async *read() {
      yield bytes;
    },
  };
}
