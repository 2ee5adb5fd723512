import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { HttpAnswer } from '../../net/send.js';
import type { EndpointAnswer } from '../../payment/challenge.js';
import type { AnswerListener } from '../answer/answerListener.js';
import type { CallContent, ForwardedCall } from './request.js';
import type { CallTrace } from './trace.js';

/** What a client can put before the person at it. */
export interface ClientPrompt {
  readonly approvalId: string;
  /** The question, as lines of plain text. */
  readonly message: string;
  /** The answers to choose from, the harmless one first: some clients preselect it. */
  readonly choices: readonly [no: string, yes: string];
  /** Handed back with the answer: an id and a code over it and over the call's own arguments. */
  readonly state: string;
  /** Where it is answered instead, if the client only opens a URL. */
  readonly url: string | null;
  /** How long this call can wait for the answer and still go on with it. */
  readonly waitMs: number;
}

/** The caller's own way to ask a person. The wallet knows no protocol: it hands over a prompt and is called again. */
export interface ClientAsks {
  readonly form: boolean;
  readonly url: boolean;
  /** Names the client, in a line of our own: its no binds no other. */
  readonly client: string;
  /** What came back; this very call then goes on with it. */
  readonly answered?: { readonly state: string; readonly response: unknown };
  /** Takes a prompt, to be put once this call has returned. */
  put(prompt: ClientPrompt): void;
}

/**
 * A call that goes another way than by HTTP, such as one of a tool in an MCP session that is open: it was made without a
 * payment, and is made once more with one.
 */
export interface Carrier {
  /** The demand for payment that the call was answered with, as a 402; without it the price is asked for first. */
  readonly asked?: EndpointAnswer;
  /**
   * Makes the call with what was signed, once, and answers as HTTP would; `maySend` is asked just before. Throws
   * `NetFailure`s.
   */
  send(
    payload: SignedPayload,
    options: { readonly signal: AbortSignal; readonly maySend: () => boolean },
  ): Promise<HttpAnswer>;
}

/** Who calls: their cancellation, where they want to hear of progress, and whether they can ask a person. */
export interface CallContext {
  readonly signal: AbortSignal;
  /**
   * Aborts when the process is about to end. Where it is given, a payment that was sent is read to the call's own deadline
   * though the caller gave up, so that what was paid for is there to fetch.
   */
  readonly ending?: AbortSignal;
  /** The body of the call, where the caller's program read it, as from a spool, in place of one among its arguments. */
  readonly content?: CallContent;
  /** Hears the answer while it is read. */
  readonly answer?: AnswerListener;
  /** Set where the call is a program's own request that is handed on. */
  readonly forwarded?: ForwardedCall;
  /** How it goes, where that is not by HTTP: what it may cost is then bounded by the owner's limits alone. */
  readonly carrier?: Carrier;
  readonly progress?: (message: string) => void;
  readonly asks?: ClientAsks;
  /** What the caller's program calls itself, in one short line: its own word, shown to the owner and never believed. */
  readonly client?: string;
  /** Whether the caller asks the owner itself, so that the call does not wait for an answer from elsewhere. */
  readonly asksOwner?: boolean;
  /** The id that a server's log knows the call by; the journal names it beside what the call held. */
  readonly callId?: string;
  /** Hears of the call's steps, where its owner has calls traced. */
  readonly trace?: CallTrace;
  /** When the call began, by `performance.now()`, where it is gone through again with an answer; else now. */
  readonly startedMs?: number;
}

/** A connection opens within this or not at all. */
export const CONNECT_MAX_MS = 10_000;

/**
 * Kept back from the time a seller gets, so that after its deadline the chain can still be asked and the caller
 * answered in time. Small ones are halved instead.
 */
const RESERVE_MS = 2_000;

/** What a payment needs to be sent, settled and answered. Small ones are halved instead. */
const PAY_MS_MIN = 10_000;

/** With less than this for the seller nothing is signed: it could only be heard too late. Small ones have an eighth. */
const SEND_MS_MIN = 1_000;

/** One deadline for a whole call: every leg gets what is left, none gets the whole anew. */
export class CallDeadline {
  readonly signal: AbortSignal;
  readonly #totalMs: number;
  readonly #endsAt: number;

  constructor(timeoutMs: number, context: CallContext) {
    // A monotonic clock: one that a person or NTP sets does not lengthen a call.
    this.#endsAt = (context.startedMs ?? performance.now()) + timeoutMs;
    this.#totalMs = timeoutMs;
    this.signal = AbortSignal.any([context.signal, AbortSignal.timeout(this.remainingMs())]);
  }

  /** The same deadline for what follows a payment: where the process lives on, it ends with that and not with its caller. */
  pastSending({ ending }: Pick<CallContext, 'ending'>): CallDeadline {
    // Cancelled before a byte left: then nothing leaves.
    if (ending === undefined || this.signal.aborted) return this;
    return new CallDeadline(this.#totalMs, { signal: ending, startedMs: this.#endsAt - this.#totalMs });
  }

  /** What is left of the whole call, at least 1. */
  remainingMs(): number {
    return Math.max(1, Math.floor(this.#endsAt - performance.now()));
  }

  /** What a seller may use of it, at least 1. */
  sellerMs(): number {
    return Math.max(1, Math.floor(this.remainingMs() - Math.min(RESERVE_MS, this.#totalMs / 2)));
  }

  /** Whether what is left for the seller does not do to send a payment and hear of it. */
  isTooLateToSend(): boolean {
    return this.sellerMs() < Math.min(SEND_MS_MIN, this.#totalMs / 8);
  }

  /** How long it can wait for a person and still answer its caller in time; 0 for not at all. */
  personMs(): number {
    const leftMs = this.remainingMs();
    return Math.floor(leftMs - Math.min(RESERVE_MS, leftMs / 2));
  }

  /** Whether so little is left of it that a payment begun now might not hear what became of it. */
  isLate(): boolean {
    return this.remainingMs() < Math.min(PAY_MS_MIN, this.#totalMs / 2);
  }
}
