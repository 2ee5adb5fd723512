import { capLine, holdRequest, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';

/** Times of many calls, in microseconds. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What a payment waits for, in a ledger of some size. */
export interface HoldCost {
  /** The check of all lines alone. */
  readonly check: Spread;
  /** The whole hold, committed to the disk the ledger lies on. */
  readonly hold: Spread;
}

/** The lines of an owner who set every kind there is. */
const LINES = (['cap', 'ceiling'] as const)
  .flatMap((kind) => [
    capLine({ kind, windowSec: 86_400 }),
    capLine({ kind, windowSec: 30 * 86_400 }),
    capLine({ kind, scope: { kind: 'agent', agent: 'default' } }),
    capLine({ kind, scope: { kind: 'agent', agent: 'default' }, windowSec: 30 * 86_400 }),
    capLine({ kind, scope: { kind: 'session', agent: 'default', sessionId: 'ses_1' }, windowSec: null }),
    capLine({ kind, scope: { kind: 'host', host: 'api-1.example.com' } }),
  ])
  .map((line) => ({ ...line, usdMicrosMax: 10n ** 15n }));

const RATES = [
  { name: 'limits.calls_per_minute', scope: { kind: 'wallet' }, windowSec: 60, callsMax: 1_000_000 },
] as const;

/** Measures holds in a ledger that {@link seedLedger} made. It is longer afterwards by `calls` payments. */
export async function measureHolds(path: string, calls: number): Promise<HoldCost> {
  const ledger = SqliteLedger.open(path, { mac: testMac() });
  const [checks, holds]: [number[], number[]] = [[], []];
  for (let i = 0; i < calls; i++) {
    const nowMs = T0 + i * 2000;
    const request = holdRequest({ capLines: LINES, rateLines: RATES, nowMs });
    const start = performance.now();
    await ledger.usage(LINES, nowMs);
    const checked = performance.now();
    const { kind } = await ledger.openHold(request);
    holds.push(performance.now() - checked);
    checks.push(checked - start);
    if (kind !== 'held') throw new Error(`A hold ended as ${kind}`);
  }
  await ledger.close();
  return { check: spreadOf(checks), hold: spreadOf(holds) };
}

/** The spread of times given in milliseconds. */
export function spreadOf(timesMs: readonly number[]): Spread {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const at = (part: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 1000);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
