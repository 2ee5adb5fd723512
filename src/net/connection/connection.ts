import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Client } from 'undici';
import type { Call } from '../call.js';
import type { NetFailure } from '../failure.js';
import { openTunnel, type Route } from './proxy.js';
import { judgeReached, resolveChecked, type CheckedAddress, type Lookup } from '../destination/resolve.js';
import type { CallUrl } from '../destination/url.js';

/**
 * A kept connection lives this long unused, in milliseconds: less than the 5 s after which common servers
 * hang up.
 */
export const IDLE_MS_MAX = 4_000;

/**
 * How connections are made: fixed for the life of a pool, so that a kept one was judged by the rules in
 * force.
 */
export interface ConnectionRules {
  readonly lookup: Lookup;
  readonly route: Route;
  /** Certificates to trust; absent means Node's own choice. */
  readonly secureContext: SecureContext | undefined;
}

/**
 * One connection to one checked address. It is never remade: when it is gone a request fails instead of going
 * out again elsewhere, so no request is sent twice.
 */
export interface Connection {
  /** The origin it may serve. */
  readonly origin: string;
  readonly socket: Socket;
  readonly client: Client;
}

/** Error codes of invalid certificates. Asking again would change nothing. */
const CERTIFICATE_FAULT =
  /CERT|SELF_SIGNED|ISSUER|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID/;

function connectFailure(call: Call, cause: unknown): NetFailure {
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && CERTIFICATE_FAULT.test(code)) {
    return call.failureOf('unreachable', 'The certificate of the host is not valid.', {
      cause,
      retry: 'never',
    });
  }
  const message =
    code === 'ECONNREFUSED'
      ? 'The host refused the connection.'
      : 'No connection to the host could be opened.';
  return call.failureOf('unreachable', message, { cause });
}

/** Waits until a socket is ready; it is destroyed where the call ends first. */
async function untilReady(call: Call, socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  // An error on a socket that nobody listens to yet must not end the process.
  socket.on('error', () => undefined);
  const ready = new Promise<void>((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  try {
    await call.orFailure(ready);
  } catch (cause) {
    socket.destroy();
    throw call.failure ?? connectFailure(call, cause);
  }
}

/** A connection to one of the target's checked addresses. Throws as {@link openConnection} does. */
export async function connectDirectly(call: Call, target: CallUrl, lookup: Lookup): Promise<Socket> {
  const addresses = await resolveChecked(call, target, lookup);
  call.leg = 'connect';
  const socket = connectTcp({
    host: target.host,
    port: target.port,
    noDelay: true,
    autoSelectFamily: true,
    // T10: the addresses just checked, and no second question to a resolver that may now say otherwise.
    lookup: (_host, options, callback) => giveChecked(addresses, options.all === true, callback),
  });
  await untilReady(call, socket, 'connect');
  try {
    // Checked again on the address really reached. A connection already gone has no address.
    if (socket.remoteAddress === undefined) throw connectFailure(call, new Error('closed'));
    judgeReached(call, target, socket.remoteAddress);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function giveChecked(
  addresses: readonly CheckedAddress[],
  all: boolean,
  callback: (error: null, address: string | CheckedAddress[], family?: number) => void,
): void {
  const [first] = addresses;
  if (all || first === undefined) callback(null, [...addresses]);
  else callback(null, first.address, first.family);
}

/** Puts TLS over a connection, with the certificate of the target's host; `protocols` is what is spoken over it. */
export async function secure(
  call: Call,
  target: CallUrl,
  plain: Socket,
  {
    secureContext,
    protocols = ['http/1.1'],
  }: Pick<ConnectionRules, 'secureContext'> & {
    readonly protocols?: readonly string[];
  },
): Promise<Socket> {
  const socket = connectTls({
    socket: plain,
    host: target.host,
    // An IP address is not a server name; it is checked against the addresses in the certificate.
    ...(isIP(target.host) === 0 && { servername: target.host }),
    ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
    // Set here, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in an agent's environment has no effect.
    rejectUnauthorized: true,
    ...(secureContext && { secureContext }),
  });
  await untilReady(call, socket, 'secureConnect');
  return socket;
}

/**
 * Opens a connection to a target: resolved, every address judged, connected to one of those, or through the
 * proxy.
 *
 * @throws NetFailure `address_refused`, `unreachable`, or whatever ended the call; no request byte has left
 */
export async function openConnection(
  call: Call,
  target: CallUrl,
  rules: ConnectionRules,
  connectMs: number,
): Promise<Connection> {
  call.leg = 'resolve';
  const lift = call.bound(connectMs, `No connection to the host within ${connectMs} ms.`);
  try {
    // Loaded by the first call, in about 20 ms: most starts of the wallet make none.
    const loading = import('./client.js');
    const proxy = rules.route(target);
    if (proxy) call.leg = 'connect';
    const plain = proxy
      ? await openTunnel(call, proxy, target)
      : await connectDirectly(call, target, rules.lookup);
    const socket = target.url.protocol === 'https:' ? await secure(call, target, plain, rules) : plain;
    const { clientOver } = await loading;
    return { origin: target.origin, socket, client: clientOver(socket, target.origin, IDLE_MS_MAX) };
  } finally {
    lift();
  }
}
