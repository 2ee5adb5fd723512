import { expect, test } from 'vitest';
import { newLedger } from '../../src/ledger/sqlite/fixtures.js';
import { checkAgainstModel } from './modelRun.js';

test('whatever happens in whatever order, the ledger is the model', async () => {
  const { payments, approvedPast, recaptured } = await checkAgainstModel(async (run) => {
    using world = newLedger();
    await run(world);
  }, 60);
  expect(payments).toBeGreaterThan(100);
  expect(approvedPast).toBeGreaterThan(10);
  expect(recaptured).toBeGreaterThan(3);
});
