import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ListenPlace, TlsFiles } from '../server/http/socket/listener.js';
import { listen } from '../server/http/socket/listener.js';
import { checkPlainAddress, namesUs, type Binding } from '../server/http/socket/binding.js';
import { CallsInFlight } from '../server/callsInFlight.js';
import { within } from '../server/within.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import type { UsdMicros } from '../money/unit.js';
import { nameInToken } from '../money/agent.js';
import { programLeft } from '../wallet/balance.js';
import type { Engine } from '../wallet/engine.js';
import { failureOutcome } from '../wallet/answer/refusal.js';
import type { CallTracer } from '../wallet/call/trace.js';
import type { Outcome } from '../wallet/answer/outcome.js';
import { LABELS_RULE, NO_LABELS, parseLabelList, readLabels, type Labels } from '../payment/labels.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { ProxyAccess, ProxyCaller } from './access.js';
import { AnswerStream } from './answerStream.js';
import { destinationOf, readTarget } from './destination.js';
import { dialectOf, type Dialect } from './dialect.js';
import { asksForModels, ModelList } from './modelList.js';
import { headersUp, keyOf, SAME_BY } from './forwardedHeaders.js';
import { refusedBy, sendRefusal } from './refusal.js';
import { holdsToken, isProxyToken } from './token.js';
import { takeUpload } from './upload.js';

/** A stream may last, and so may a model's thought: an hour is more than any SDK waits. */
const CALL_MS_MAX = 3_600_000;
/** The largest upload over a poor line. */
const UPLOAD_MS_MAX = 15 * 60_000;
/** Programs send their system's whole context in headers of kilobytes at most. */
const KEY_LENGTH_MAX = 200;
/** Calls that run when the proxy ends may write down what became of them within this. */
const CLOSE_MS = 10_000;

/** What a proxy is made of. */
export interface ProxyOptions {
  readonly binding: Binding;
  readonly at: Extract<ListenPlace, { kind: 'address' }>;
  readonly tls: TlsFiles | null;
  readonly access: ProxyAccess;
  /** Words what the owner can do. */
  readonly tellOwner: (step: OwnerStep | null) => string | null;
  /** Begins the traces of requests, where the owner has calls traced. */
  readonly tracer?: CallTracer | undefined;
}

/** A proxy that runs. */
export interface RunningProxy {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Cancels the calls that run, waits until what became of each is written down, and ends. */
  close(): Promise<void>;
}

/**
 * Listens for any program's HTTP requests and hands them on, paying where they are answered by 402: `/TOKEN/https://host/path`
 * or `/TOKEN/UPSTREAM/path`, or with the token as the API key. Throws what {@link listen} throws.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { at, binding, tls } = options;
  const calls = new CallsInFlight();
  const closing = new AbortController();
  const bounds = { idleMs: CALL_MS_MAX, requestTimeoutMs: UPLOAD_MS_MAX };
  const listener = await listen({ at, tls, bounds, refused: () => undefined }, (incoming, outgoing) => {
    void calls.run(() => new Forwarding(options, incoming, outgoing, closing.signal).run());
  });
  const { host, port } = listener.address ?? at;
  if (tls === null) checkPlainAddress(host, binding);
  const name = binding.host.includes(':') ? `[${binding.host}]` : binding.host;
  return {
    url: `http${tls === null ? '' : 's'}://${name}:${port}`,
    async close() {
      const drained = listener.drain();
      closing.abort();
      await within(CLOSE_MS, calls.idle());
      listener.cut();
      await drained;
    },
  };
}

/** One request on its way. */
class Forwarding {
  readonly #options: ProxyOptions;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #closing: AbortSignal;
  readonly #signal: AbortSignal;
  readonly #startedMs = performance.now();
  #dialect: Dialect = 'openai';

  constructor(
    options: ProxyOptions,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    closing: AbortSignal,
  ) {
    this.#options = options;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#closing = closing;
    const gone = new AbortController();
    // A program that hangs up before it has its answer wants no more of it.
    outgoing.once('close', () => outgoing.writableFinished || gone.abort());
    this.#signal = AbortSignal.any([closing, gone.signal]);
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#refuse(failureOutcome(error));
    }
  }

  async #run(): Promise<void> {
    const { url: target = '/' } = this.#incoming;
    const { token, rest } = readTarget(target);
    this.#dialect = dialectOf(rest.split('?')[0] ?? '');
    const stranger = this.#strangerStop();
    if (stranger !== null) return this.#turnAway(403, 'not_for_pages', stranger);
    const caller = await this.#callerOf(token ?? keyOf(this.#incoming));
    if (caller === null)
      return this.#turnAway(
        401,
        'token_wrong',
        'This token opens nothing: it may be of a run that has ended.',
      );
    if (holdsToken(rest)) {
      const says =
        'The token stands in the address that goes to the seller: put it first in the path, or into a key.';
      return this.#turnAway(400, 'token_misplaced', says);
    }
    const engine = await caller.wallet.engine();
    const destination = destinationOf(rest, await engine.config());
    if (destination === null) {
      const says =
        'There is no such upstream: the path is /https://host/path, or begins with the name of one that is set in proxy.upstreams.';
      return this.#turnAway(404, 'upstream_unknown', says);
    }
    this.#dialect = destination.dialect;
    const labels = labelsOf(this.#incoming, caller.labels);
    if (labels === null)
      return this.#turnAway(400, 'bad_input', `X-Purser-Labels is not understood: ${LABELS_RULE}.`);
    await this.#forward({ ...caller, labels }, engine, destination.url);
  }

  /**
   * Why a request is not a program's of this machine. T20: a page that a browser shows must not spend, whatever it was told:
   * it says its origin, or came by a name that is not ours (DNS rebinding).
   */
  #strangerStop(): string | null {
    const { host, origin, 'sec-fetch-site': site } = this.#incoming.headers;
    if (!namesUs(host, this.#options.binding.hostnames))
      return 'The proxy does not answer to that host name.';
    return origin !== undefined || (site !== undefined && site !== 'none')
      ? 'The proxy is for programs, not for pages in a browser.'
      : null;
  }

  async #callerOf(token: string | null): Promise<ProxyCaller | null> {
    return token === null || !isToken(token) ? null : this.#options.access.callerOf(token);
  }

  async #forward(caller: ProxyCaller, engine: Engine, url: string): Promise<void> {
    const incoming = this.#incoming;
    const { wallet, budgetId, labels } = caller;
    const content = await takeUpload(engine, incoming);
    const stream = new AnswerStream(this.#outgoing, (payment, isReplayed) =>
      costHeaders(engine, budgetId, payment, isReplayed),
    );
    const prices = asksForModels(incoming.method, url, this.#dialect)
      ? await engine.ledger.modelPrices(engine.agent, new URL(url).origin, engine.now())
      : [];
    const { 'x-purser-max-usd': maxUsd, 'x-purser-repeat': repeat } = incoming.headers;
    const key = idempotencyKeyOf(incoming, budgetId);
    const input = {
      ...{ url, method: incoming.method, headers: headersUp(incoming) },
      ...(typeof maxUsd === 'string' ? { max_usd: maxUsd } : {}),
      ...(repeat === 'true' ? { repeat: true } : {}),
      ...(key === null ? {} : { idempotency_key: key }),
      ...(labels === NO_LABELS ? {} : { labels }),
    };
    const trace = this.#options.tracer?.begin({
      ...{ name: 'proxy', agent: engine.agent, startedMs: this.#startedMs, budgetId },
      traceparent: incoming.headers['traceparent'],
    });
    const outcome = await wallet.pay(input, {
      signal: this.#signal,
      ending: this.#endOf(stream),
      client: 'The proxy',
      ...(content === undefined ? {} : { content }),
      ...(trace === undefined ? {} : { trace }),
      answer: prices.length === 0 ? stream : new ModelList(stream, prices),
      forwarded: { budgetId, sameBy: SAME_BY, asksModel: this.#dialect !== 'plain', timeoutMs: CALL_MS_MAX },
    });
    trace?.end(outcome);
    if (stream.isWhole) return;
    if (stream.isBegun) stream.breakOff(this.#dialect, this.#refusedBy(outcome));
    else this.#refuse(outcome);
  }

  /**
   * When what was paid for is read no further. A program that gave up waiting gets the whole of it from the store when it
   * asks again; one that hangs up amid a stream of events has stopped the seller's work, which may be metered.
   */
  #endOf(stream: AnswerStream): AbortSignal {
    const stopped = new AbortController();
    this.#outgoing.once('close', () => {
      if (stream.isCutMidway) stopped.abort();
    });
    return AbortSignal.any([this.#closing, stopped.signal]);
  }

  #refuse(outcome: Outcome): void {
    sendRefusal(this.#outgoing, this.#dialect, this.#refusedBy(outcome));
  }

  #refusedBy(outcome: Outcome) {
    return refusedBy({ ...outcome, tell_owner: this.#options.tellOwner(outcome.tell_owner) });
  }

  #turnAway(status: number, code: string, message: string): void {
    const nothing = { paymentId: null, approvalId: null, retryAfterSec: null };
    const refused = { status, code, message, ...nothing };
    sendRefusal(this.#outgoing, this.#dialect, refused);
  }
}

function isToken(text: string): boolean {
  return isProxyToken(text) || nameInToken(text) !== null;
}

/** The program's labels with those of its run, which stand; null where they cannot be understood. */
function labelsOf({ headers }: IncomingMessage, ofRun: Labels): Labels | null {
  const { 'x-purser-labels': given } = headers;
  if (typeof given !== 'string' || given.trim() === '') return ofRun;
  const own = parseLabelList(given);
  return own === null ? null : readLabels({ ...own, ...ofRun });
}

/** The program's own key; a run's are kept apart from those of the agent's other calls. */
function idempotencyKeyOf({ headers }: IncomingMessage, budgetId: string | null): string | null {
  const given = headers['idempotency-key'];
  if (typeof given !== 'string' || given === '') return null;
  const key = budgetId === null ? given : `${budgetId} ${given}`;
  return key.length <= KEY_LENGTH_MAX ? key : `sha256 ${hash('sha256', key)}`;
}

/** What a call cost and what is left, in cents, and which payment it was. */
async function costHeaders(
  engine: Engine,
  budgetId: string | null,
  payment: Payment | null,
  isReplayed: boolean,
): Promise<[string, string][]> {
  const cost = payment === null || isReplayed ? 0n : (payment.capturedUsdMicros ?? payment.heldUsdMicros);
  const left = await programLeft(engine, budgetId);
  return [
    ['x-cost-usd-cents', formatCents(cost)],
    ...(left === null ? [] : [['x-balance-remaining-cents', formatCents(left)] satisfies [string, string]]),
    ...(payment === null ? [] : [['x-purser-payment-id', payment.id] satisfies [string, string]]),
  ];
}

const MICROS_PER_CENT = 10_000n;

/** Cents as decimal text, such as `0.25`. */
export function formatCents(usdMicros: UsdMicros): string {
  const parts = (usdMicros % MICROS_PER_CENT).toString().padStart(4, '0').replace(/0+$/, '');
  return `${usdMicros / MICROS_PER_CENT}${parts === '' ? '' : `.${parts}`}`;
}
