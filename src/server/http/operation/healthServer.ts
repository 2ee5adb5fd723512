import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { namesUs, type Binding } from '../socket/binding.js';
import { listen, type TlsFiles } from '../socket/listener.js';
import type { Meters } from './meters.js';

/** Who looks after a server needs few. */
const CONNECTIONS_MAX = 32;

/** What the health port serves. */
export interface HealthOptions {
  readonly binding: Binding;
  readonly port: number;
  readonly tls: TlsFiles | null;
  readonly meters: Meters;
  /** What a scrape has to bring; without one there are no metrics, since they tell what agents spend. */
  readonly metricsToken: string | null;
}

/** A health port that listens. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/health`, to anybody, and `/metrics`, to the bearer of its token, on a port of their own: agents need reach
 * neither. Throws what {@link listen} throws.
 */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const { binding, port, tls, meters } = options;
  const bounds = { connectionsMax: CONNECTIONS_MAX };
  const refused = meters.refused.bind(meters);
  const at = { kind: 'address', host: binding.host, port } as const;
  const listener = await listen({ at, tls, refused, bounds }, (incoming, outgoing) => {
    answer(options, incoming, outgoing).catch(() => outgoing.destroy());
  });
  return {
    port: listener.address?.port ?? port,
    async close() {
      const drained = listener.drain();
      listener.cut();
      await drained;
    },
  };
}

async function answer(
  { binding, meters, metricsToken }: HealthOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const say = (status: number, text: string, headers: Record<string, string> = {}): void => {
    outgoing.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }).end(text);
  };
  const path = (incoming.url ?? '').split('?', 1)[0];
  if (incoming.method !== 'GET')
    return say(405, 'This method is not supported here.\n', { Connection: 'close' });
  if (path === '/health') return say(200, '{"status":"ok"}', { 'Content-Type': 'application/json' });
  if (!namesUs(incoming.headers.host, binding.hostnames)) {
    meters.refused('host');
    return say(
      403,
      'This server does not answer to that host name. Its owner can allow the name: serve --allow-host NAME.\n',
    );
  }
  if (path !== '/metrics' || metricsToken === null) return say(404, 'There is nothing here.\n');
  const token = /^Bearer +(\S+) *$/i.exec(incoming.headers.authorization ?? '')?.[1];
  if (token === undefined || !isSame(token, metricsToken)) {
    meters.refused(token === undefined ? 'token_missing' : 'token_wrong');
    return say(401, 'The token of the metrics is needed.\n', {
      'WWW-Authenticate': 'Bearer realm="purser metrics"',
    });
  }
  say(200, await meters.text(), { 'Content-Type': meters.contentType });
}

/** Compares in constant time, whatever the lengths. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
