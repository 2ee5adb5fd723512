import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call } from '../call.js';
import { openConnection, type Connection, type ConnectionRules } from './connection.js';
import type { CallUrl } from '../destination/url.js';

/** Kept connections per origin: enough for a burst of parallel calls. */
const IDLE_PER_ORIGIN_MAX = 8;

/** Kept connections in all. */
const IDLE_MAX = 64;

/** How to choose between a kept connection and a new one. */
interface TakeRules {
  readonly connectMs: number;
  /** A kept connection is taken only if it served this recently, in milliseconds; 0 takes none. */
  readonly idleMsMax: number;
}

/** A connection, and whether an earlier request opened it. */
interface TakenConnection {
  readonly connection: Connection;
  readonly kept: boolean;
}

/**
 * The connections opened under one set of rules. A connection serves one request at a time and only its own
 * origin; it is kept while its server keeps it, for a few seconds at most.
 */
export class ConnectionPool {
  readonly #rules: ConnectionRules;
  /** Every open connection, busy or kept. */
  readonly #open = new Set<Connection>();
  /** The most recently used last. */
  readonly #idle: { readonly connection: Connection; readonly sinceMs: number }[] = [];
  #closed = false;

  constructor(rules: ConnectionRules) {
    this.#rules = rules;
  }

  /** How many connections are open, and how many of those are kept. */
  get count(): { readonly open: number; readonly idle: number } {
    return { open: this.#open.size, idle: this.#idle.length };
  }

  /** A connection to the target for one request. @throws NetFailure; nothing has been sent */
  async take(call: Call, target: CallUrl, { connectMs, idleMsMax }: TakeRules): Promise<TakenConnection> {
    for (;;) {
      const kept = this.#takeIdle(target.origin, idleMsMax);
      if (!kept) break;
      // Two turns of the event loop are enough to notice a hang-up that already reached this machine.
      await nextTurn();
      await nextTurn();
      if (!kept.socket.destroyed) return { connection: kept, kept: true };
    }
    const connection = await openConnection(call, target, this.#rules, connectMs);
    this.#open.add(connection);
    connection.socket.once('close', () => this.#forget(connection));
    if (connection.socket.destroyed || this.#closed) this.drop(connection);
    return { connection, kept: false };
  }

  /** Keeps a connection whose answer has arrived completely. */
  giveBack(connection: Connection): void {
    if (this.#closed || connection.socket.destroyed || !this.#open.has(connection))
      return this.drop(connection);
    const sameOrigin = this.#idle.filter((idle) => idle.connection.origin === connection.origin);
    const surplus =
      sameOrigin.length >= IDLE_PER_ORIGIN_MAX
        ? sameOrigin[0]
        : this.#idle.length >= IDLE_MAX
          ? this.#idle[0]
          : undefined;
    if (surplus) this.drop(surplus.connection);
    this.#idle.push({ connection, sinceMs: performance.now() });
  }

  /** Closes a connection, whatever it is doing. */
  drop(connection: Connection): void {
    this.#forget(connection);
    connection.socket.destroy();
  }

  /** Closes every connection, and any opened later; settles when the sockets are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const connections = [...this.#open];
    const gone = connections.map(
      ({ socket }) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    for (const connection of connections) this.drop(connection);
    await Promise.all(gone);
  }

  #takeIdle(origin: string, idleMsMax: number): Connection | undefined {
    const index = this.#idle.findLastIndex(({ connection }) => connection.origin === origin);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    if (!found) return undefined;
    if (performance.now() - found.sinceMs < idleMsMax) return found.connection;
    // The most recent one is too old for this call. It goes back, for a call that accepts older ones.
    this.#idle.splice(index, 0, found);
    return undefined;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#idle.findIndex((idle) => idle.connection === connection);
    if (index >= 0) this.#idle.splice(index, 1);
    // Later, so that undici first notices the end of the socket and fails the request.
    queueMicrotask(() => {
      if (!connection.client.destroyed) connection.client.destroy().catch(() => undefined);
    });
  }
}
