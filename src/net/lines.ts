import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call } from './call.js';
import { openLine, type Line, type LineRules } from './line.js';
import type { CallUrl } from './url.js';

/** Kept connections to one origin: as many as a burst of parallel calls makes good use of. */
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
interface TakenLine {
  readonly line: Line;
  readonly kept: boolean;
}

/**
 * The connections opened under one set of rules. A connection serves one request at a time and only its own
 * origin; it is kept while its server keeps it, for a few seconds at most.
 */
export class Lines {
  readonly #rules: LineRules;
  /** Every connection there is, busy or kept. */
  readonly #open = new Set<Line>();
  /** The most recently used last. */
  readonly #idle: { readonly line: Line; readonly sinceMs: number }[] = [];
  #closed = false;

  constructor(rules: LineRules) {
    this.#rules = rules;
  }

  /** Connections there are, and how many of them are kept. */
  get count(): { readonly open: number; readonly idle: number } {
    return { open: this.#open.size, idle: this.#idle.length };
  }

  /** A connection to the target for one request. @throws NetFailure; nothing has been sent */
  async take(call: Call, target: CallUrl, { connectMs, idleMsMax }: TakeRules): Promise<TakenLine> {
    for (;;) {
      const kept = this.#takeIdle(target.origin, idleMsMax);
      if (!kept) break;
      // Two turns of the event loop hear a hang-up that has already reached this machine.
      await nextTurn();
      await nextTurn();
      if (!kept.socket.destroyed) return { line: kept, kept: true };
    }
    const line = await openLine(call, target, this.#rules, connectMs);
    this.#open.add(line);
    line.socket.once('close', () => this.#forget(line));
    if (line.socket.destroyed || this.#closed) this.drop(line);
    return { line, kept: false };
  }

  /** Keeps a connection whose answer has come whole. */
  giveBack(line: Line): void {
    if (this.#closed || line.socket.destroyed || !this.#open.has(line)) return this.drop(line);
    const sameOrigin = this.#idle.filter((idle) => idle.line.origin === line.origin);
    const surplus =
      sameOrigin.length >= IDLE_PER_ORIGIN_MAX
        ? sameOrigin[0]
        : this.#idle.length >= IDLE_MAX
          ? this.#idle[0]
          : undefined;
    if (surplus) this.drop(surplus.line);
    this.#idle.push({ line, sinceMs: performance.now() });
  }

  /** Closes a connection, whatever it is doing. */
  drop(line: Line): void {
    this.#forget(line);
    line.socket.destroy();
  }

  /** Closes every connection, and any opened later; settles when the sockets are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const lines = [...this.#open];
    const gone = lines.map(
      ({ socket }) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    for (const line of lines) this.drop(line);
    await Promise.all(gone);
  }

  #takeIdle(origin: string, idleMsMax: number): Line | undefined {
    const index = this.#idle.findLastIndex(({ line }) => line.origin === origin);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    if (!found) return undefined;
    if (performance.now() - found.sinceMs < idleMsMax) return found.line;
    // The most recent one is too old: it goes back, for a call that minds less.
    this.#idle.splice(index, 0, found);
    return undefined;
  }

  #forget(line: Line): void {
    this.#open.delete(line);
    const index = this.#idle.findIndex((idle) => idle.line === line);
    if (index >= 0) this.#idle.splice(index, 1);
    // After undici has heard of the socket's end itself, and told the request.
    queueMicrotask(() => {
      if (!line.client.destroyed) line.client.destroy().catch(() => undefined);
    });
  }
}
