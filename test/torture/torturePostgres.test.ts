import { expect, test } from 'vitest';
import { NO_POSTGRES } from '../support/postgres.js';
import { describeReport } from './report.js';
import { runTorture } from './torture.js';

const SEED = 4_712;
/** What it takes at least: what a database is dealt beside a file is here, the rest is there. */
const SECONDS = 8;
const AT_LEAST = { calls: 40, arrivalsOnEach: 1 };
/** Its calls and its settling take as long as the machine lets them. */
const HANG_MS = 15 * 60_000;

test.skipIf(NO_POSTGRES !== null)(
  `${SECONDS} seconds of torture break no promise of two servers on PostgreSQL (seed ${SEED})`,
  async () => {
    const report = await runTorture({ seed: SEED, seconds: SECONDS, atLeast: AT_LEAST, store: 'postgres' });
    expect(report.broken, describeReport(report)).toEqual([]);
    expect(report.calls).toBeGreaterThanOrEqual(AT_LEAST.calls);
    expect(report.captured).toBeGreaterThan(4);
    expect(report.unknown).toBe(0);
    const faults = [...report.faults.keys()];
    for (const kind of ['process killed', 'rpc ']) {
      expect(
        faults.some((name) => name.startsWith(kind)),
        kind,
      ).toBe(true);
    }
    expect(report.peakByLedger.usdMicros).toBeLessThanOrEqual(report.peakByLedger.capUsdMicros);
    expect(report.peakByWitness.usdMicros).toBeLessThanOrEqual(report.peakByWitness.capUsdMicros);
  },
  HANG_MS,
);
