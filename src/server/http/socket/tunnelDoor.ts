import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { AGENT_NAME } from '../../../money/agent.js';
import { AGENT_HEADER, TUNNEL_TARGET, TUNNEL_TLS } from '../../tunnel.js';
import type { AdmissionRules } from '../admission.js';
import { namesUs } from './binding.js';

/** A client on the same machine proves itself within milliseconds; who takes seconds holds a socket open (T15). */
const HANDSHAKE_MS_MAX = 10_000;
const KEY_BYTES = 32;

/**
 * Lets agents in through tunnels, in which both ends have proved that they know the agent's token (T33); what comes out of
 * one is served as any other connection. An agent that is not there is answered as one whose key is another.
 */
export class TunnelDoor {
  readonly #rules: AdmissionRules;
  readonly #handshakeMs: number;
  /** Those that have not proved themselves yet: no part of Node's server any more. */
  readonly #opening = new Set<Duplex>();

  constructor(rules: AdmissionRules, handshakeMs = HANDSHAKE_MS_MAX) {
    this.#rules = rules;
    this.#handshakeMs = handshakeMs;
  }

  /** Takes a CONNECT request. */
  async open(server: Server, incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { refused, hostnames, access, stopping } = this.#rules;
    this.#opening.add(socket);
    socket.once('close', () => this.#opening.delete(socket));
    socket.on('error', () => socket.destroy());
    const { host, origin, [AGENT_HEADER]: agent } = incoming.headers;
    const refuse = (reason: Parameters<typeof refused>[0], status: string): void => {
      refused(reason);
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    // RFC 9112, 3.2, as for any other request.
    if ((incoming.headersDistinct['host']?.length ?? 0) > 1) return refuse('malformed', '400 Bad Request');
    if (!namesUs(host, hostnames)) return refuse('host', '403 Forbidden');
    if (origin !== undefined) return refuse('origin', '403 Forbidden');
    if (incoming.url !== TUNNEL_TARGET || typeof agent !== 'string' || !AGENT_NAME.test(agent))
      return refuse('malformed', '404 Not Found');
    if (stopping()) return refuse('stopping', '503 Service Unavailable');
    let key: Uint8Array;
    try {
      key = (await access.tunnelKey(agent)) ?? randomBytes(KEY_BYTES);
    } catch {
      return refuse('locked', '503 Service Unavailable');
    }
    if (socket.destroyed) return;
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    this.#prove(server, socket, key);
  }

  /** Ends what has not proved itself yet. */
  close(): void {
    for (const socket of this.#opening) socket.destroy();
  }

  #prove(server: Server, socket: Duplex, key: Uint8Array): void {
    const door = createTlsServer({
      ...TUNNEL_TLS,
      handshakeTimeout: this.#handshakeMs,
      pskCallback: () => key,
    });
    door.once('secureConnection', (tunnel) => {
      this.#opening.delete(socket);
      server.emit('connection', tunnel);
    });
    door.once('tlsClientError', () => {
      this.#rules.refused('tunnel');
      socket.destroy();
    });
    door.emit('connection', socket);
  }
}
