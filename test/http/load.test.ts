import { expect, test } from 'vitest';
import { describeLoad, runLoad } from './load.js';

const SECONDS = 6;

test('agents beside each other: no cross-talk, caps exact, ledger is chain', async () => {
  // It is asked for more than the cap, over and over.
  const atLeast = { code: 'wallet_pay above_ceiling', calls: 6 };
  const report = await runLoad({ agents: 5, clients: 6, seconds: SECONDS, atLeast });
  const says = describeLoad(report, SECONDS);
  expect(report.broken, says).toEqual([]);
  expect([...report.lost], says).toEqual([]);
  expect(report.paid, says).toEqual([5, 5, 5, 5, 5]);
});

test('killed under load and started again: caps hold, and the ledger is what the chain shows', async () => {
  const atLeast = { code: 'wallet_pay paid', calls: 1 };
  const report = await runLoad({ agents: 4, clients: 6, seconds: SECONDS + 6, atLeast, killAfterSec: 2 });
  const says = describeLoad(report, SECONDS + 6);
  expect(report.broken, says).toEqual([]);
  // It was killed while calls ran, and served again.
  expect(report.lost.size, says).toBeGreaterThan(0);
  expect(Math.max(...report.paid), says).toBeGreaterThan(0);
});
