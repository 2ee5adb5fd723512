import type { Socket } from 'node:net';
import type { Client } from 'undici';
import UndiciClient from 'undici/lib/dispatcher/client.js';
import symbols, { type ParsedSocket } from 'undici/lib/core/symbols.js';
import { HEADER_FIELD_BYTES, RESPONSE_HEADER_BYTES_MAX } from '../headers.js';

/** Where a server says when it hangs up, a kept connection is left this much earlier, in milliseconds. */
const IDLE_MARGIN_MS = 1_000;

/**
 * An HTTP/1.1 client over one connection already made: every seller speaks it, and one request at a time on a
 * connection is what lets a failure say of each request whether it left. It takes that connection once and
 * never opens another: when it is gone, what is asked of the client fails. Unused for `idleMs`, or for as
 * long as its server said, it is closed.
 */
export function clientOver(socket: Socket, origin: string, idleMs: number): Client {
  let given = false;
  return new UndiciClient(origin, {
    connect: (_options, callback) => {
      const first = !given;
      given = true;
      // Later than this turn: the client does not look again for a socket that it is given while it asks.
      queueMicrotask(() => {
        if (!first || socket.destroyed) return callback(new Error('the connection is gone'), null);
        callback(null, socket);
        weighFields(socket);
      });
    },
    maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
    // The call's own deadlines bound every leg.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * Makes undici's parser count {@link HEADER_FIELD_BYTES} for each header field beside its own bytes, and stop
 * at once when the sum is too large: by itself it would hold a hundred thousand empty ones, megabytes for
 * each call (T15).
 */
function weighFields(socket: ParsedSocket): void {
  const parser = socket[symbols.kParser];
  // None where the connection broke while it was handed over.
  if (!parser) return;
  const onHeaderField = parser.onHeaderField.bind(parser);
  parser.onHeaderField = (name) => {
    parser.trackHeader(HEADER_FIELD_BYTES);
    return parser.headersSize >= parser.headersMaxSize ? -1 : onHeaderField(name);
  };
}
