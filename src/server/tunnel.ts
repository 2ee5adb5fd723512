import { hkdfSync } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/**
 * What both ends of a tunnel keep to: TLS with a pre-shared key and a fresh key exchange (RFC 5489). The key is made of
 * the agent's token, so each end proves by it that it knows the token, and neither says it. Whoever holds the port learns
 * nothing by it; who passes the bytes on to the true server sees only what is encrypted, and cannot add to it or send it
 * again (T33). No suite without a pre-shared key is offered: there is no certificate to be taken in by.
 */
export const TUNNEL_TLS = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  // Node's pre-shared keys end there.
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

/** The authority a tunnel asks for: no host's name, so that no proxy takes it for one. */
export const TUNNEL_TARGET = 'purser:0';
/** Names the agent whose key it is. */
export const AGENT_HEADER = 'purser-agent';

const KEY_BYTES = 32;
const KEY_INFO = 'purser tunnel 1';

/** The key of an agent's tunnels, from the SHA-256 of its token in hex: the server knows no more of a token. */
export function tunnelKeyOf(tokenHash: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', Buffer.from(tokenHash, 'hex'), '', KEY_INFO, KEY_BYTES));
}

/** Where a served wallet listens. */
export type ServedAt = { readonly host: string; readonly port: number } | { readonly path: string };

/** What a tunnel is opened with. */
export interface TunnelOptions {
  readonly at: ServedAt;
  /** The server's name, as its `Host` header is to have it. */
  readonly host: string;
  readonly agent: string;
  readonly key: Uint8Array;
  readonly signal?: AbortSignal | null;
}

/**
 * Why there is no tunnel. `unreachable`: nothing listens. `forbidden`: our user may not use the socket. `busy`: the
 * server takes nobody now. `unproven`: what listens does not know the token. Nothing of a request was sent for any.
 */
export type TunnelFault = 'unreachable' | 'forbidden' | 'busy' | 'unproven';

/** The error of a tunnel that could not be opened. */
export class TunnelError extends Error {
  readonly fault: TunnelFault;

  constructor(fault: TunnelFault, cause?: unknown) {
    super(`No tunnel: ${fault}.`, { cause });
    this.fault = fault;
  }
}

/** A server on the same machine, or behind an SSH tunnel, answers within milliseconds. */
const OPEN_MS_MAX = 10_000;
const HEAD_BYTES_MAX = 4_096;

/** Opens a connection to a served wallet over which both ends have proved themselves. Throws {@link TunnelError}. */
export async function openTunnel(options: TunnelOptions): Promise<TLSSocket> {
  const { at, host, agent, key } = options;
  const signals = [AbortSignal.timeout(OPEN_MS_MAX), ...(options.signal ? [options.signal] : [])];
  const signal = AbortSignal.any(signals);
  const socket = await dial(at, signal);
  try {
    socket.write(`CONNECT ${TUNNEL_TARGET} HTTP/1.1\r\nHost: ${host}\r\n${AGENT_HEADER}: ${agent}\r\n\r\n`);
    const status = await readStatus(socket, signal);
    if (status !== 200) throw new TunnelError(status === 503 ? 'busy' : 'unproven');
    const tunnel = connectTls({
      ...TUNNEL_TLS,
      socket,
      pskCallback: () => ({ psk: key, identity: agent }),
      // There is no certificate whose name could be compared.
      checkServerIdentity: () => undefined,
    });
    tunnel.on('error', ignore);
    await once(tunnel, 'secureConnect', { signal });
    return tunnel;
  } catch (error) {
    socket.destroy();
    if (error instanceof TunnelError || options.signal?.aborted === true) throw error;
    throw new TunnelError('unproven', error);
  }
}

/** What went wrong is told where something is waited for. */
function ignore(): void {}

async function dial(at: ServedAt, signal: AbortSignal): Promise<Socket> {
  const socket = connectSocket(at);
  socket.on('error', ignore);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    const { code } = error as NodeJS.ErrnoException;
    throw new TunnelError(code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'unreachable', error);
  }
}

/** The status of the answer to CONNECT; its head is taken off the stream, and what follows it is left. */
async function readStatus(socket: Socket, signal: AbortSignal): Promise<number> {
  let head = Buffer.alloc(0);
  for (;;) {
    const piece = socket.read() as Buffer | null;
    if (piece === null) {
      if (socket.readableEnded || socket.destroyed) throw new TunnelError('unproven');
      await Promise.race([once(socket, 'readable', { signal }), once(socket, 'close', { signal })]);
      continue;
    }
    head = Buffer.concat([head, piece]);
    const end = head.indexOf('\r\n\r\n');
    if (end !== -1) {
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head.toString('latin1'))?.[1] ?? 0);
    }
    if (head.length > HEAD_BYTES_MAX) throw new TunnelError('unproven');
  }
}
