import type { ServerResponse } from 'node:http';
import { headerValue } from '../net/headers.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { AnswerHead, AnswerListener } from '../wallet/answer/answerListener.js';
import { errorEvent, type Dialect, type ProxyError } from './dialect.js';
import { headersDown } from './forwardedHeaders.js';

/** The end of an event, by which a stream is between two of them. */
const EVENT_END = /\r?\n\r?\n$/;
const TAIL_BYTES = 4;

/** What the head of an answer says of its cost. */
export type CostHeaders = (payment: Payment | null, isReplayed: boolean) => Promise<[string, string][]>;

/**
 * Hands an answer down while the wallet reads it: the head at once, each piece as it comes, no faster than the program
 * takes them.
 */
export class AnswerStream implements AnswerListener {
  readonly #outgoing: ServerResponse;
  readonly #costHeaders: CostHeaders;
  #isEvents = false;
  #tail = Buffer.alloc(0);
  #state: 'waiting' | 'begun' | 'whole' | 'broken' = 'waiting';

  constructor(outgoing: ServerResponse, costHeaders: CostHeaders) {
    this.#outgoing = outgoing;
    this.#costHeaders = costHeaders;
  }

  /** Whether the program has the head of an answer, so that it cannot be given another one. */
  get isBegun(): boolean {
    return this.#state !== 'waiting';
  }

  /** Whether all of an answer was handed down. */
  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Whether the program has a part of a stream of events. */
  get isCutMidway(): boolean {
    return this.#isEvents && this.#state === 'begun';
  }

  async head({ status, headers, contentEncoding, payment, isReplayed }: AnswerHead): Promise<boolean> {
    // What a seller still wants to be paid is the wallet's to say, in the program's own words.
    if (status === 402 || this.isBegun || this.#outgoing.destroyed) return false;
    const encoding = headerValue(headers, 'content-encoding');
    const isAsSent = encoding === contentEncoding || encoding === 'identity';
    const own = await this.#costHeaders(payment, isReplayed);
    const isLost = status >= 500 && payment !== null && isReplayed;
    // A stored failure stays one for a minute: to ask again at once is in vain.
    const retry: [string, string][] = isLost ? [['x-should-retry', 'false']] : [];
    const replaced = isLost ? ['x-should-retry'] : [];
    const kept = headersDown({ status, headers }, isAsSent).filter(([name]) => !replaced.includes(name));
    this.#isEvents = /^text\/event-stream\b/i.test(headerValue(headers, 'content-type') ?? '');
    this.#state = 'begun';
    this.#outgoing.writeHead(status, [...kept, ...own, ...retry].flat());
    this.#outgoing.flushHeaders();
    return true;
  }

  async piece(bytes: Uint8Array): Promise<void> {
    const outgoing = this.#outgoing;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    if (outgoing.destroyed || outgoing.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        outgoing.off('drain', done).off('close', done);
        resolve();
      };
      outgoing.once('drain', done).once('close', done);
    });
  }

  end(failure: unknown): void {
    if (this.#state !== 'begun') return;
    this.#state = failure === null ? 'whole' : 'broken';
    if (failure === null) this.#outgoing.end();
  }

  /**
   * Ends an answer that broke off: a stream of events by one that says so, and what became of the money; all else by
   * hanging up, for a part must not look whole.
   */
  breakOff(dialect: Dialect, error: ProxyError): void {
    const isBetween = this.#tail.length === 0 || EVENT_END.test(this.#tail.toString('latin1'));
    if (this.#isEvents && isBetween && !this.#outgoing.destroyed)
      this.#outgoing.end(errorEvent(dialect, error));
    else this.#outgoing.destroy();
  }
}
