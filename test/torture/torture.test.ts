import { expect, test } from 'vitest';
import { describeReport } from './report.js';
import { runTorture } from './torture.js';

const SEED = 4_711;
const SECONDS = 15;
const CALLS_MIN = 150;

// Where its blows fall hangs on the machine's speed, and so would a run of the suite: one in a few finds a new fault (the last
// one told a hold that had run out as a fault of ours). `npm run torture` runs it; what it finds is mended before it is back.
test.skip(`${SECONDS} seconds of torture break no promise (seed ${SEED})`, async () => {
  const report = await runTorture({ seed: SEED, seconds: SECONDS, callsMin: CALLS_MIN });
  expect(report.broken, describeReport(report)).toEqual([]);
  // It was one: calls were made, of every kind, through faults of every kind, and the cap was near.
  expect(report.calls).toBeGreaterThanOrEqual(CALLS_MIN);
  expect(report.captured).toBeGreaterThan(5);
  expect(report.reachedSellers).toBeGreaterThan(10);
  for (const [chain, settled] of report.settledOn) expect(settled, chain).toBeGreaterThan(0);
  expect(report.unknown).toBe(0);
  const faults = [...report.faults.keys()];
  for (const kind of ['seller ', 'process killed', 'rpc ']) {
    expect(
      faults.some((name) => name.startsWith(kind)),
      kind,
    ).toBe(true);
  }
  const { usdMicros, capUsdMicros } = report.peakByLedger;
  expect(usdMicros).toBeLessThanOrEqual(capUsdMicros);
  expect(2n * usdMicros).toBeGreaterThan(capUsdMicros);
  expect(report.peakByWitness.usdMicros).toBeLessThanOrEqual(report.peakByWitness.capUsdMicros);
});
