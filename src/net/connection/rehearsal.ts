import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { Call } from '../call.js';
import { clientOver } from './client.js';
import { exchange } from './exchange.js';

/** What nobody waits for longer: both ends are in this process. ms */
const MS_MAX = 1_000;

/**
 * Takes a request and an answer through the HTTP client between two ends of one stream in this process, so that its program has
 * run once; no socket is opened. `headers` are those of an answer that asks for a payment. Throws `NetFailure`s.
 */
export async function rehearseExchange(
  origin: string,
  headers: readonly (readonly [name: string, value: string])[],
): Promise<void> {
  const [near, far] = duplexPair();
  const answer = ['HTTP/1.1 402 Payment Required', ...headers.map(([name, value]) => `${name}: ${value}`)];
  far.once('data', () => far.end(`${answer.join('\r\n')}\r\ncontent-length: 2\r\n\r\n{}`));
  const call = new Call({ connectMs: MS_MAX, firstByteMs: MS_MAX, wholeMs: MS_MAX }, undefined);
  // The client asks of it no more than a stream has.
  const socket = Object.assign(near, { ref: () => near, unref: () => near }) as unknown as Socket;
  const client = clientOver(socket, origin, MS_MAX);
  try {
    const asked = { method: 'GET', path: '/', headers: [['accept', '*/*'] as const], upload: undefined };
    const { body } = await exchange({ origin, socket, client }, asked, call, () => undefined);
    for await (const _piece of body);
  } finally {
    call.end();
    await client.destroy();
    near.destroy();
  }
}
