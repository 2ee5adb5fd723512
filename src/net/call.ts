import type { Retry } from '../errors/codes.js';
import { NetFailure, type Leg, type NetCode } from './failure.js';

/** How long each leg of a call may take, in milliseconds. */
export interface Deadline {
  /** Resolving, connecting and TLS; anew for each hop of a redirect. */
  readonly connectMs: number;
  /** From the request to the last byte of the answer's headers; anew for each hop. */
  readonly firstByteMs: number;
  /** The whole call: every hop and the last byte of the body. */
  readonly wholeMs: number;
}

/** No timer of ours is longer, whatever a caller asks: a day. */
const TIMER_MS_MAX = 86_400_000;

/** What a {@link Call} may carry into a failure beside what it knows itself. */
interface FailureExtras {
  readonly cause?: unknown;
  readonly retry?: Retry;
  readonly location?: string;
}

/**
 * One call in flight: how far it has come, whether request bytes can have left, and the one way it ends
 * early. Deadlines, the caller's cancellation and every fault pass through {@link Call.fail}; the first wins,
 * and {@link Call.signal} then aborts with that failure as its reason, whatever leg is under way.
 */
export class Call {
  leg: Leg = 'resolve';
  /** Set before the first byte is handed over, never unset: a later hop does not take an earlier one back. */
  bytesLeft = false;
  /** Called whenever the call ends, early or not; may be called more than once. */
  onEnd: (() => void) | undefined;
  readonly #controller = new AbortController();
  readonly #callerSignal: AbortSignal | undefined;
  readonly #wholeTimer: NodeJS.Timeout;
  readonly #cancel = (): void => {
    this.fail('cancelled', 'The caller cancelled.');
  };

  constructor(deadline: Deadline, callerSignal: AbortSignal | undefined) {
    this.#callerSignal = callerSignal;
    const { wholeMs } = deadline;
    this.#wholeTimer = setTimeout(
      () => this.fail('timed_out', `The call did not end within ${wholeMs} ms.`),
      Math.min(wholeMs, TIMER_MS_MAX),
    );
    if (callerSignal?.aborted === true) this.#cancel();
    else callerSignal?.addEventListener('abort', this.#cancel, { once: true });
  }

  /** Aborts with the failure that ended this call early; never aborts after {@link Call.end}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The failure that ended this call early, if one did. */
  get failure(): NetFailure | undefined {
    return this.signal.aborted ? (this.signal.reason as NetFailure) : undefined;
  }

  /** A failure with what is known now; it ends nothing. */
  failureOf(code: NetCode, message: string, extras: FailureExtras = {}): NetFailure {
    return new NetFailure(code, message, { ...extras, leg: this.leg, bytesLeft: this.bytesLeft });
  }

  /** Ends the call early, unless it has already ended so; returns the failure that counts. */
  fail(code: NetCode, message: string, extras: FailureExtras = {}): NetFailure {
    const failure = this.failure ?? this.failureOf(code, message, extras);
    if (!this.signal.aborted) {
      this.end();
      this.#controller.abort(failure);
    }
    return failure;
  }

  /** Bounds a leg: after `ms` the call fails with `timed_out`. Returns how to lift the bound. */
  bound(ms: number, message: string): () => void {
    const timer = setTimeout(() => this.fail('timed_out', message), Math.min(ms, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  }

  /** Waits for something that knows no cancellation, no longer than the call lives. */
  async orFailure<T>(promise: Promise<T>): Promise<T> {
    let abandon = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      abandon = (): void => reject(this.signal.reason as NetFailure);
    });
    if (this.signal.aborted) abandon();
    else this.signal.addEventListener('abort', abandon, { once: true });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      this.signal.removeEventListener('abort', abandon);
    }
  }

  /** Throws the failure that ended the call early, if one did. */
  throwIfFailed(): void {
    if (this.failure) throw this.failure;
  }

  /** Lets go of the timer and of the caller's signal: the call is over. */
  end(): void {
    clearTimeout(this.#wholeTimer);
    this.#callerSignal?.removeEventListener('abort', this.#cancel);
    this.onEnd?.();
  }
}
