import { expect, test } from 'vitest';
import { describeReport } from './report.js';
import { runTorture } from './torture.js';

const SEED = 4_711;
/** What it takes at least; half a minute with what comes before and after. */
const SECONDS = 15;
const AT_LEAST = { calls: 150, arrivalsOnEach: 5 };
/** Its calls and its settling take as long as the machine lets them: four minutes were seen beside fifteen busy processes. */
const HANG_MS = 15 * 60_000;

test(
  `${SECONDS} seconds of torture break no promise (seed ${SEED})`,
  async () => {
    const report = await runTorture({ seed: SEED, seconds: SECONDS, atLeast: AT_LEAST });
    expect(report.broken, describeReport(report)).toEqual([]);
    // It was one: calls were made, of every kind, through faults of every kind, and the cap was near.
    expect(report.calls).toBeGreaterThanOrEqual(AT_LEAST.calls);
    expect(report.captured).toBeGreaterThan(5);
    expect(report.reachedSellers).toBeGreaterThanOrEqual(4 * AT_LEAST.arrivalsOnEach);
    for (const [chain, settled] of report.settledOn) expect(settled, chain).toBeGreaterThan(0);
    expect(report.unknown).toBe(0);
    const faults = [...report.faults.keys()];
    for (const kind of ['seller ', 'front ', 'process killed', 'rpc ']) {
      expect(
        faults.some((name) => name.startsWith(kind)),
        kind,
      ).toBe(true);
    }
    const { usdMicros, capUsdMicros } = report.peakByLedger;
    expect(usdMicros).toBeLessThanOrEqual(capUsdMicros);
    expect(2n * usdMicros).toBeGreaterThan(capUsdMicros);
    expect(report.peakByWitness.usdMicros).toBeLessThanOrEqual(report.peakByWitness.capUsdMicros);
  },
  HANG_MS,
);
