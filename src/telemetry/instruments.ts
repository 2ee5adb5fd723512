import type { Meter } from '@opentelemetry/api';
import type { Payment } from '../ledger/attempts/payment.js';
import type { AnyAttempt } from '../ledger/attempts/withdrawal.js';
import type { Outcome } from '../wallet/answer/outcome.js';
import type { SettlementVerdict } from '../wallet/settle/settlement.js';
import type { UsdMicros } from '../money/unit.js';

/** What the ledger holds open at one moment. */
export interface OpenHolds {
  readonly heldUsdMicros: UsdMicros;
  readonly backlog: number;
}

/** Bounds of the latency buckets in seconds, as `/metrics` has them. */
const BUCKETS_SEC = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * What is counted. As with `/metrics` no attribute is a stranger's text: agents, networks and codes are the owner's and ours, so
 * that their number is bounded. Amounts are in millionths of a dollar, for sums and pictures: what is exact is the ledger's.
 */
export class Instruments {
  readonly #payments;
  readonly #amounts;
  readonly #refusals;
  readonly #latency;
  readonly #settlements;

  constructor(meter: Meter, readOpen: () => Promise<OpenHolds | null>) {
    this.#payments = meter.createCounter('purser.payments', {
      description: 'Payments that calls held, by what became of them by the end of the call.',
      unit: '{payment}',
    });
    this.#amounts = meter.createCounter('purser.payments.amount', {
      description: 'Amounts of these payments.',
      unit: '{usd_micro}',
    });
    this.#refusals = meter.createCounter('purser.refusals', {
      description: 'Calls that were refused or that wait for their owner, by code.',
      unit: '{call}',
    });
    this.#latency = meter.createHistogram('purser.call.duration', {
      description: 'Duration of calls.',
      unit: 's',
      advice: { explicitBucketBoundaries: BUCKETS_SEC },
    });
    this.#settlements = meter.createCounter('purser.settlements', {
      description: 'Ends of payments that were proved behind the calls.',
      unit: '{payment}',
    });
    const open = meter.createObservableGauge('purser.holds.open', {
      description: 'Payments the chain has not settled yet.',
      unit: '{payment}',
    });
    const held = meter.createObservableGauge('purser.holds.amount', {
      description: 'Money that signatures can still move.',
      unit: '{usd_micro}',
    });
    meter.addBatchObservableCallback(
      async (result) => {
        const holds = await readOpen();
        // No number is better than an old one.
        if (holds === null) return;
        result.observe(open, holds.backlog);
        result.observe(held, Number(holds.heldUsdMicros));
      },
      [open, held],
    );
  }

  /** A call has ended. `held`: the payment that it held itself, if any. */
  ended(name: string, agent: string, outcome: Outcome, held: Payment | null, tookMs: number): void {
    const { status, code, money } = outcome;
    this.#latency.record(tookMs / 1000, { call: name, status });
    if (status === 'refused' || status === 'approval_required') this.#refusals.add(1, { agent, code });
    if (held === null) return;
    const of = { agent, network: held.network, outcome: money };
    this.#payments.add(1, of);
    this.#amounts.add(Number(held.heldUsdMicros), of);
  }

  settled({ agent, network }: AnyAttempt, verdict: SettlementVerdict['verdict']): void {
    this.#settlements.add(1, { agent, network, outcome: verdict });
  }
}
