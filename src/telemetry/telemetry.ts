import { randomUUID } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { openedWallMs } from '../ledger/attempts/attempt.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { UsdMicros } from '../money/unit.js';
import type { Outcome } from '../wallet/answer/outcome.js';
import type { CallStep, CallTracer, OpenTrace, TracedCall } from '../wallet/call/trace.js';
import type { SettlementVerdict } from '../wallet/settle/settlement.js';
import { ofAttempt, ofOutcome, VALUE_LENGTH_MAX } from './attributes.js';
import { Instruments, type OpenHolds } from './instruments.js';
import { readTraceParent } from './traceParent.js';

/** Spans that wait to be sent: some minutes of a busy server, in a few megabytes. What comes on top is dropped. */
const QUEUE_MAX = 4096;
/** A batch that a collector has not taken by then is given up. */
const EXPORT_MS_MAX = 5_000;
const METRICS_EVERY_MS = 60_000;
const TRACES_EVERY_MS = 2_000;
/** Requests to the collector at once. */
const EXPORTS_AT_ONCE = 2;
const ATTRIBUTES_MAX = 32;
/** Payments whose end is yet to be proved, and whose trace is remembered for it; more are told in a trace of their own. */
const JOINED_MAX = 10_000;

/** What a wallet's traces and metrics are made from. */
export interface TelemetryOptions {
  /** The collector's base URL; signals have their usual paths below it. */
  readonly url: string;
  readonly version: string;
  /** What is held open now; null where it cannot be read. */
  readonly readOpen: () => Promise<OpenHolds | null>;
  /** What is left of the budgets that an agent's payments, or a run's, count in; null where there is none, or it cannot be read. */
  readonly budgetLeft: (agent: string, budgetId: string | null) => Promise<UsdMicros | null>;
  /** How often traces and metrics are sent, ms; a test sends them sooner. */
  readonly everyMs?: { readonly traces: number; readonly metrics: number };
}

/** Sends the owner's collector what calls do. Nothing of it delays a call or fails one: what cannot be sent is dropped. */
export interface Telemetry extends CallTracer {
  /** A look at an attempt's end, behind the calls. */
  settled(verdict: SettlementVerdict): void;
  /** Sends what is left; ends when that has been sent or given up. Never throws. */
  close(): Promise<void>;
}

/** Starts sending. Nothing is registered for the process as a whole: no library of it is traced. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { url, version, everyMs } = options;
  const base = url.replace(/\/+$/, '');
  const sending = { timeoutMillis: EXPORT_MS_MAX, concurrencyLimit: EXPORTS_AT_ONCE };
  const resource = resourceFromAttributes({ 'service.name': 'purser' })
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.version': version, 'service.instance.id': randomUUID() }));
  const traces = new TracerProvider({
    resource,
    // The owner's word alone: neither a caller's flags nor a variable of the environment leaves a payment out.
    sampler: new AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: VALUE_LENGTH_MAX, attributeCountLimit: ATTRIBUTES_MAX },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ ...sending, url: `${base}/v1/traces` }),
        maxQueueSize: QUEUE_MAX,
        scheduledDelayMillis: everyMs?.traces ?? TRACES_EVERY_MS,
        exportTimeoutMillis: EXPORT_MS_MAX,
      }),
    ],
  });
  const metricsMs = everyMs?.metrics ?? METRICS_EVERY_MS;
  const metrics = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ ...sending, url: `${base}/v1/metrics` }),
        exportIntervalMillis: metricsMs,
        exportTimeoutMillis: Math.min(EXPORT_MS_MAX, metricsMs),
      }),
    ],
  });
  const instruments = new Instruments(metrics.getMeter('purser', version), options.readOpen);
  const sent = new SentTelemetry(traces.getTracer('purser', version), instruments, options.budgetLeft);
  return {
    begin: (call) => quietly(() => sent.begin(call)) ?? SILENT,
    settled: (verdict) => void quietly(() => sent.settled(verdict)),
    async close() {
      await sent.idle();
      await Promise.allSettled([traces.shutdown(), metrics.shutdown()]);
    },
  };
}

class SentTelemetry {
  readonly #tracer: Tracer;
  readonly #instruments: Instruments;
  readonly #budgetLeft: TelemetryOptions['budgetLeft'];
  /** The spans of calls whose payments are not final yet, oldest first. */
  readonly #joined = new Map<string, SpanContext>();
  readonly #ending = new Set<Promise<void>>();

  constructor(tracer: Tracer, instruments: Instruments, budgetLeft: TelemetryOptions['budgetLeft']) {
    this.#tracer = tracer;
    this.#instruments = instruments;
    this.#budgetLeft = budgetLeft;
  }

  begin({ name, agent, traceparent, startedMs, budgetId = null }: TracedCall): OpenTrace {
    const caller = readTraceParent(traceparent);
    const parent = caller === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller);
    const attributes = { 'purser.agent': agent, 'purser.call': name };
    const span = this.#tracer.startSpan(
      name,
      { kind: SpanKind.SERVER, startTime: startedMs, attributes },
      parent,
    );
    const within = trace.setSpan(ROOT_CONTEXT, span);
    let held: Payment | null = null;
    const know = (payment: Payment, isNew: boolean): void => {
      span.setAttributes(ofAttempt(payment));
      if (!isNew) return;
      held = payment;
      this.#join(payment.id, span.spanContext());
    };
    const end = (outcome: Outcome): void => {
      const endMs = performance.now();
      this.#instruments.ended(name, agent, outcome, held, endMs - startedMs);
      span.setAttributes(ofOutcome(outcome));
      markFault(span, outcome);
      const ending = this.#end(span, { agent, budgetId, endMs, outcome, isPaid: held !== null });
      this.#ending.add(ending);
      void ending.finally(() => this.#ending.delete(ending));
    };
    return {
      step: (step) => quietly(() => this.#step(step, within)) ?? (() => undefined),
      payment: (payment, isNew) => void quietly(() => know(payment, isNew)),
      end: (outcome) => void quietly(() => end(outcome)),
    };
  }

  settled({ attempt, verdict }: SettlementVerdict): void {
    if (verdict === 'waits' || verdict === 'final') return;
    const call = this.#joined.get(attempt.id);
    // What is captured is yet to be confirmed; all else is the end, until a chain is found to have lied.
    if (verdict !== 'captured') this.#joined.delete(attempt.id);
    this.#instruments.settled(attempt, verdict);
    const parent = call === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, call);
    // From the hold to the proof: how long the money stood open.
    const startTime = new Date(openedWallMs(attempt));
    const attributes: Attributes = { ...ofAttempt(attempt), 'purser.settlement': verdict };
    this.#tracer.startSpan('settlement', { kind: SpanKind.INTERNAL, startTime, attributes }, parent).end();
  }

  /** Ends when the spans of all calls that have ended are on their way to the collector. */
  async idle(): Promise<void> {
    await Promise.all(this.#ending);
  }

  #step(name: CallStep, within: Context): (isFailed: boolean) => void {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL }, within);
    return (isFailed) => {
      if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
  }

  /** What is left of budgets is read behind the answer, which waits for none of this. */
  async #end(
    span: Span,
    call: {
      readonly agent: string;
      readonly budgetId: string | null;
      readonly endMs: number;
      readonly outcome: Outcome;
      readonly isPaid: boolean;
    },
  ): Promise<void> {
    const { session_left_usd: sessionLeft } = call.outcome;
    const left = call.isPaid ? await this.#budgetLeft(call.agent, call.budgetId).catch(() => null) : null;
    if (sessionLeft !== null) span.setAttribute('purser.session_left_usd', sessionLeft);
    if (left !== null) span.setAttribute('purser.budget_left_usd_micros', left.toString());
    span.end(call.endMs);
  }

  #join(paymentId: string, call: SpanContext): void {
    if (this.#joined.size >= JOINED_MAX) {
      const [oldest] = this.#joined.keys();
      if (oldest !== undefined) this.#joined.delete(oldest);
    }
    this.#joined.set(paymentId, call);
  }
}

/** What a call is traced by that cannot be traced. */
const SILENT: OpenTrace = {
  step: () => () => undefined,
  payment: () => undefined,
  end: () => undefined,
};

/** A payment does not fail by what is told of it. */
function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** A call that did not go well, by its code: its message may quote a seller. */
function markFault(span: Span, { status, code }: Outcome): void {
  if (status !== 'failed' && status !== 'unknown') return;
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', code);
}
