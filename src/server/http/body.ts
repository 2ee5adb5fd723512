import type { IncomingMessage } from 'node:http';
import type { RefusalReason } from './refusal.js';

/** The SDK's own bound on a message: an agent's request body, as JSON text, fits. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Bodies in memory at one time, of all requests: what many large ones at once may cost. */
const BODIES_BYTES_MAX = 64 * 1024 * 1024;
/** Messages in one batch, as older revisions have them: each may be a payment. */
const BATCH_MAX = 20;

/** A body as JSON, or why it was not taken. */
export type ReadBody =
  | { readonly ok: true; readonly json: unknown }
  | {
      readonly ok: false;
      readonly status: 400 | 413 | 503;
      readonly reason: RefusalReason;
      readonly says: string;
    };

const TOO_LARGE: ReadBody = {
  ok: false,
  status: 413,
  reason: 'body_too_large',
  says: `A request has at most ${BODY_BYTES_MAX} bytes.`,
};
const BUSY: ReadBody = { ok: false, status: 503, reason: 'busy', says: 'Too much is being sent at once.' };

/** Reads bodies of requests, each bounded and all together. */
export class BodyReader {
  #bytes = 0;

  async read(incoming: IncomingMessage): Promise<ReadBody> {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    if (declared > BODY_BYTES_MAX) return TOO_LARGE;
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      // Not `for await`: leaving one early would end the connection before the refusal is written.
      for await (const piece of incoming.iterator({ destroyOnReturn: false })) {
        const { length } = piece as Buffer;
        bytes += length;
        this.#bytes += length;
        if (bytes > BODY_BYTES_MAX) return TOO_LARGE;
        if (this.#bytes > BODIES_BYTES_MAX) return BUSY;
        pieces.push(piece as Buffer);
      }
      return parse(Buffer.concat(pieces));
    } catch {
      return unreadable('The request ended before its body did.');
    } finally {
      this.#bytes -= bytes;
    }
  }
}

function parse(bytes: Buffer): ReadBody {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return unreadable('The body is not JSON.');
  }
  if (typeof json !== 'object' || json === null) return unreadable('The body is no message.');
  if (Array.isArray(json) && json.length > BATCH_MAX)
    return unreadable(`A batch has at most ${BATCH_MAX} messages.`);
  return { ok: true, json };
}

function unreadable(says: string): ReadBody {
  return { ok: false, status: 400, reason: 'body_unreadable', says };
}
