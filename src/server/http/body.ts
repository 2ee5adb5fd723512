import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RefusalReason } from './refusal.js';

/** The SDK's own bound on a message: an agent's request body, as JSON text, fits. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Bodies in memory at one time, of all requests that are not answered yet: what many large ones may cost. */
const BODIES_BYTES_MAX = 64 * 1024 * 1024;
/** Of one agent's requests: its large bodies leave the others room. */
const BODIES_PER_AGENT_BYTES_MAX = 16 * 1024 * 1024;
/** Messages in one batch, as older revisions have them: each may be a payment. */
const BATCH_MAX = 20;

/** A body as JSON, or why it was not taken. */
export type ReadBody =
  | { readonly ok: true; readonly json: unknown }
  | {
      readonly ok: false;
      readonly status: 400 | 413 | 503;
      readonly reason: RefusalReason;
      readonly message: string;
    };

const TOO_LARGE: ReadBody = {
  ok: false,
  status: 413,
  reason: 'body_too_large',
  message: `A request has at most ${BODY_BYTES_MAX} bytes.`,
};
const BUSY: ReadBody = { ok: false, status: 503, reason: 'busy', message: 'Too much is being sent at once.' };

/** A request whose body is read, and for whom. */
export interface BodySource {
  readonly agent: string;
  readonly incoming: IncomingMessage;
  /** What was read counts until this has closed. */
  readonly outgoing: ServerResponse;
}

/** Reads bodies of requests: each bounded, those of one agent, and all together. */
export class BodyReader {
  #bytes = 0;
  readonly #byAgent = new Map<string, number>();

  async read({ agent, incoming, outgoing }: BodySource): Promise<ReadBody> {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    if (declared > BODY_BYTES_MAX) return TOO_LARGE;
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      // Not `for await`: leaving one early would end the connection before the refusal is written.
      for await (const piece of incoming.iterator({ destroyOnReturn: false })) {
        const { length } = piece as Buffer;
        bytes += length;
        this.#count(agent, length);
        if (bytes > BODY_BYTES_MAX) return TOO_LARGE;
        if (this.#isFull(agent)) return BUSY;
        pieces.push(piece as Buffer);
      }
      return parse(Buffer.concat(pieces));
    } catch {
      return unreadable('The request ended before its body did.');
    } finally {
      if (outgoing.closed) this.#count(agent, -bytes);
      else outgoing.once('close', () => this.#count(agent, -bytes));
    }
  }

  #isFull(agent: string): boolean {
    return this.#bytes > BODIES_BYTES_MAX || (this.#byAgent.get(agent) ?? 0) > BODIES_PER_AGENT_BYTES_MAX;
  }

  #count(agent: string, bytes: number): void {
    this.#bytes += bytes;
    const own = (this.#byAgent.get(agent) ?? 0) + bytes;
    if (own > 0) this.#byAgent.set(agent, own);
    else this.#byAgent.delete(agent);
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

function unreadable(message: string): ReadBody {
  return { ok: false, status: 400, reason: 'body_unreadable', message };
}
