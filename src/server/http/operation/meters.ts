import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EndedCall } from '../../../mcp/server.js';
import type { Books } from './books.js';
import { REFUSAL_REASONS, type RefusalReason } from '../refusal.js';

/** What a scrape reads at its moment. */
export interface MeterReadings {
  /** Null while the ledger cannot be read. */
  readonly books: () => Promise<Books | null>;
  readonly connections: () => Promise<number>;
  readonly sessions: () => number;
  /** Calls that run. */
  readonly running: () => number;
  /** Requests that wait for their turn. */
  readonly waiting: () => number;
}

/** Bounds of the latency buckets in seconds: a stored answer takes milliseconds, a call ends within 290 s. */
const BUCKETS_SEC = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * What a server counts, for Prometheus. No label is a stranger's text: agents, tools, codes and reasons are the
 * owner's and ours, so that their number is bounded.
 */
export class Meters {
  readonly #registry = new Registry();
  readonly #calls: Counter<'agent' | 'tool' | 'status' | 'code'>;
  readonly #verdicts: Counter<'verdict'>;
  readonly #latency: Histogram<'tool'>;
  readonly #refused: Counter<'reason'>;

  constructor(readings: MeterReadings) {
    const registers = [this.#registry];
    this.#calls = new Counter({
      name: 'purser_calls_total',
      help: 'Tool calls, by outcome.',
      labelNames: ['agent', 'tool', 'status', 'code'],
      registers,
    });
    this.#verdicts = new Counter({
      name: 'purser_verdicts_total',
      help: 'Verdicts of the limits on calls that would pay: allow, ask or refuse.',
      labelNames: ['verdict'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'purser_call_seconds',
      help: 'Duration of tool calls.',
      labelNames: ['tool'],
      buckets: BUCKETS_SEC,
      registers,
    });
    this.#refused = new Counter({
      name: 'purser_refused_requests_total',
      help: 'Requests turned away before any tool, by reason.',
      labelNames: ['reason'],
      registers,
    });
    // From the start, so that the first refusal shows as a rise.
    for (const reason of REFUSAL_REASONS) this.#refused.inc({ reason }, 0);
    for (const verdict of ['allow', 'ask', 'refuse']) this.#verdicts.inc({ verdict }, 0);
    addBooks(this.#registry, readings.books);
    addOpen(this.#registry, readings);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The content type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  refused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }

  ended(agent: string, { tool, outcome: { status, code }, tookMs }: EndedCall): void {
    this.#calls.inc({ agent, tool, status, code });
    this.#latency.observe({ tool }, tookMs / 1000);
    const verdict = verdictOf(status, code);
    if (tool === 'wallet_pay' && verdict !== null) this.#verdicts.inc({ verdict });
  }

  /** Everything in the words of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/** What an outcome says of the limits' verdict; null where none was reached. */
function verdictOf(status: string, code: string): string | null {
  if (status === 'refused') return 'refuse';
  if (status === 'approval_required') return 'ask';
  return code === 'paid' ? 'allow' : null;
}

function addBooks(registry: Registry, read: () => Promise<Books | null>): void {
  const gauges: readonly (readonly [string, string, (books: Books) => number])[] = [
    [
      'purser_held_usd_micros',
      'Money that signatures can still move.',
      ({ heldUsdMicros }) => Number(heldUsdMicros),
    ],
    [
      'purser_captured_24h_usd_micros',
      'Money of payments begun in the last 24 hours that has moved.',
      ({ capturedDayUsdMicros }) => Number(capturedDayUsdMicros),
    ],
    ['purser_reconcile_backlog', 'Payments the chain has not settled yet.', ({ backlog }) => backlog],
    [
      'purser_reconcile_oldest_seconds',
      'Seconds since the oldest open payment last changed.',
      ({ oldestSec }) => oldestSec,
    ],
  ];
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const books = await read();
        // No number is better than an old one.
        if (books === null) this.reset();
        else this.set(value(books));
      },
    });
  }
}

function addOpen(registry: Registry, readings: MeterReadings): void {
  const gauges = [
    ['purser_connections', 'Connections that are open.', readings.connections],
    ['purser_sessions', 'Protocol sessions that are open.', readings.sessions],
    ['purser_calls_running', 'Calls of tools that run.', readings.running],
    ['purser_requests_waiting', 'Requests that wait for their turn.', readings.waiting],
  ] as const;
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  }
}
